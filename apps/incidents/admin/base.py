"""What the pages of incidents share: spans that people can write, saves through a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest

from apps.core import audit, clock
from apps.core.admin_base import ModelAdmin, act, become
from apps.incidents import spans
from apps.incidents.services import framework


def actor_of(request: HttpRequest) -> audit.Actor:
    return audit.person(request.user)


_OF_NUMBERS = frozenset({"min_value", "max_value"})  # what the column's own field would take


class SpanField(forms.CharField):
    """Seconds, typed and shown as `15 min`; empty where nothing is asked for."""

    def __init__(self, **options: Any) -> None:
        options = {name: value for name, value in options.items() if name not in _OF_NUMBERS}
        options["widget"] = forms.TextInput  # the admin would take a number's, which holds no "min"
        super().__init__(max_length=40, **options)

    def prepare_value(self, value: Any) -> Any:
        return spans.show(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return spans.read(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class SetupAdmin(ModelAdmin[Any]):
    """Saves through `save`, the service of its table, whose first argument is called `noun`."""

    noun: ClassVar[str] = ""
    save: ClassVar[Callable[..., Any]]
    has_key = False  # tools name its rows by their key, so that stays

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = ["key"] if obj is not None and self.has_key else []
        return [*fixed, *self.readonly_fields]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {"key": ["name"]} if obj is None and self.has_key else {}

    def who(self, request: HttpRequest) -> dict[str, Any]:
        """What the service is told of who saves."""
        return {"actor": actor_of(request)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = self.model._default_manager.get(pk=obj.pk) if change else None
        columns = set(form._meta.fields or ())
        given = {name: value for name, value in form.cleaned_data.items() if name in columns}
        saved = type(self).save(**{self.noun: before}, fields=given, **self.who(request))
        become(obj, saved)

    @act(
        "Archive",
        about="Takes it out of the lists and choices; what refers to it stays readable.",
        danger=True,
        offered=lambda row: getattr(row, "archived_at", True) is None,
    )
    def archive(self, request: HttpRequest, obj: Any, values: dict[str, Any]) -> str:
        framework.archive(row=obj, actor=actor_of(request), now=clock.now())
        return f"{obj} is archived."

    @act("Bring back", offered=lambda row: getattr(row, "archived_at", None) is not None)
    def restore(self, request: HttpRequest, obj: Any, values: dict[str, Any]) -> str:
        framework.bring_back(row=obj, actor=actor_of(request))
        return f"{obj} is back."
