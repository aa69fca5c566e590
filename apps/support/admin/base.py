"""What the pages of support share: who acts, archiving, saves through a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpRequest

from apps.core import audit, clock
from apps.core.admin_base import ModelAdmin, act, become
from apps.support.services import setup


def actor_of(request: HttpRequest) -> audit.Actor:
    return audit.person(request.user)


class SetupAdmin(ModelAdmin[Any]):
    """Saves through `save`, the service of its table, whose first argument is called `noun`."""

    noun: ClassVar[str] = ""
    save: ClassVar[Callable[..., Any]]
    has_key = False  # tools name its rows by their key, so that stays

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = ["key"] if obj is not None and self.has_key else []
        return [*fixed, *self.readonly_fields]

    def more(self, form: Any) -> dict[str, Any]:
        """What else the service takes beside the columns."""
        return {}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = self.model._default_manager.get(pk=obj.pk) if change else None
        columns = set(form._meta.fields or ())
        given = {name: value for name, value in form.cleaned_data.items() if name in columns}
        saved = type(self).save(
            **{self.noun: before}, fields=given, actor=actor_of(request), **self.more(form)
        )
        become(obj, saved)

    def put_away(self, request: HttpRequest, obj: Any) -> None:
        """Archive it; a table with a rule of its own names its service here."""
        setup.archive(row=obj, actor=actor_of(request), now=clock.now())

    @act(
        "Archive",
        about="Takes it out of the lists and choices; what refers to it stays readable.",
        danger=True,
        offered=lambda row: row.archived_at is None,
    )
    def archive(self, request: HttpRequest, obj: Any, values: dict[str, Any]) -> str:
        self.put_away(request, obj)
        return f"{obj} is archived."

    @act("Bring back", offered=lambda row: row.archived_at is not None)
    def restore(self, request: HttpRequest, obj: Any, values: dict[str, Any]) -> str:
        setup.bring_back(row=obj, actor=actor_of(request))
        return f"{obj} is back."
