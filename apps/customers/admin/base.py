"""What the pages of customers share: one service saves, nothing is deleted, lists go both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest

from apps.core import audit, clock
from apps.core.admin_base import ModelAdmin, TabularInline, act, become, display
from apps.core.admin_base.lists import edit_link
from apps.customers import services


class Sought(AutocompleteSelect):
    """A choice among many, found by typing. What can be no id is shown as no choice."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        return super().optgroups(name, [one for one in value if _is_id(str(one))], attr)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


class CustomerAdmin(ModelAdmin[Any]):
    """Saves through `save`, the service of its table, whose first argument is called `noun`."""

    noun: ClassVar[str] = ""
    save: ClassVar[Callable[..., Any]]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {"key": ["name"]} if obj is None and "key" in self._names() else {}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Tools name a row by its key, so it stays."""
        fixed = ["key"] if obj is not None and "key" in self._names() else []
        return [*fixed, *self.readonly_fields]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: Any, **kwargs: Any
    ) -> Any:
        if db_field.name in self.autocomplete_fields:
            kwargs["widget"] = Sought(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _names(self) -> frozenset[str]:
        return services.EDITABLE[self.model]

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in self._names() & set(form.cleaned_data)}
        before = self.model._default_manager.get(pk=obj.pk) if change else None
        by = {"actor": audit.person(request.user), "now": clock.now()}
        saved = type(self).save(**{self.noun: before}, fields=given, **by)
        become(obj, saved)

    @act(
        "Archive",
        about="Takes it out of the lists and choices; what refers to it stays readable.",
        danger=True,
        offered=lambda row: row.archived_at is None,
    )
    def archive(self, request: Any, obj: Any, values: dict[str, Any]) -> str:
        services.archive(row=obj, actor=audit.person(request.user), now=clock.now())
        return f"{obj} is archived."

    @act("Bring back", offered=lambda row: row.archived_at is not None)
    def restore(self, request: Any, obj: Any, values: dict[str, Any]) -> str:
        services.bring_back(row=obj, actor=audit.person(request.user), now=clock.now())
        return f"{obj} is back."


class Shown(TabularInline[Any, Any]):
    """The rows below one, to look at and to open: each has a page of its own."""

    extra = 0
    can_delete = False
    fields: ClassVar[Any] = ["opened", "key"]
    readonly_fields: ClassVar[Any] = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).filter(archived_at=None)
        return rows.order_by("name", "pk")

    @display(description="name")
    def opened(self, obj: Model) -> object:
        return edit_link(obj)
