"""Form parts of the admin: fields that people can fill in, and refusals said at their field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Q
from django.utils import timezone

from apps.core import safe_json
from apps.core.admin_base.rows import RowsWidget, SiteWidget
from apps.core.errors import DomainError

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Any]
else:
    _ModelForm = forms.ModelForm

WALL = "%Y-%m-%dT%H:%M"
FIRST_YEAR, LAST_YEAR = 1970, 2199


def add_refusal(form: forms.BaseForm, error: Exception) -> None:
    """Say a refusal at the fields that it names, or else on top of the form."""
    if isinstance(error, ValidationError):
        named: Mapping[str, Any] = getattr(error, "error_dict", {NON_FIELD_ERRORS: error})
        fallback: Any = [text for texts in named.values() for text in ValidationError(texts)]
    else:
        named = error.fields if isinstance(error, DomainError) else {}
        fallback = getattr(error, "message", str(error))
    placed = {name: texts for name, texts in named.items() if name in form.fields}
    for name, texts in placed.items():
        form.add_error(name, texts)
    if not placed:
        form.add_error(None, fallback)


class Form(_ModelForm):
    """The base of every model form: says what a service refused, offers nothing archived."""

    refused: Exception | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self.fields)
        if self.prefix:  # a row of a table, whose column heads no screen reader joins to it
            _name_by_label(self.fields)
        for name, field in self.fields.items():
            if isinstance(field, forms.ModelChoiceField):
                _leave_out_archived(field, getattr(self.instance, f"{name}_id", None))

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc] # a hook of ModelForm that the stubs leave out
        if self.refused is not None:
            add_refusal(self, self.refused)


def _leave_out_archived(field: forms.ModelChoiceField[Any], current: object) -> None:
    """What is archived cannot be chosen anew, but may stay where it is."""
    queryset = field.queryset
    if queryset is not None and hasattr(queryset.model, "archived_at"):
        field.queryset = queryset.filter(Q(archived_at=None) | Q(pk=current))


def _name_by_label(fields: Mapping[str, forms.Field]) -> None:
    for name, field in fields.items():
        widget: Any = getattr(field.widget, "widget", field.widget)
        if not widget.is_hidden:
            widget.attrs.setdefault("aria-label", field.label or name.replace("_", " "))


def dress(fields: Mapping[str, forms.Field]) -> None:
    """The admin's look for widgets that no model field brought along."""
    for field in fields.values():
        widget = field.widget
        if isinstance(widget, forms.Textarea):
            widget.attrs["rows"] = 3
        if not hasattr(widget, "attrs") or "class" in widget.attrs:
            continue
        if isinstance(widget, forms.CheckboxInput | forms.RadioSelect):
            widget.attrs["class"] = "ops-check"
        elif not widget.is_hidden and not isinstance(widget, RowsWidget):
            widget.attrs["class"] = "ops-input"


class ZoneWidget(SiteWidget, forms.TextInput):
    """A text box that offers every time zone as it is typed."""

    template_name = "admin/ops/zone.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["attrs"]["list"] = "ops-zones"
        context["zones"] = sorted(available_timezones())
        return context


class MomentWidget(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"class": "ops-input ops-moment", **(attrs or {})}, format=WALL)


class MomentField(forms.DateTimeField):
    """An instant, typed and shown as a wall time: in `zone` if a form sets it, else the viewer's.

    A wall time that happens twice is the first of the two; one that a jump skips is moved on.
    """

    widget = MomentWidget
    zone: tzinfo | None = None

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(self.zone or timezone.get_current_timezone())
        return value

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        if isinstance(value, str) and not value.strip().isprintable():
            raise ValidationError("Enter a date and a time.", code="invalid")
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(value.strip())
        except (ValueError, TypeError, AttributeError) as error:
            raise ValidationError("Enter a date and a time.", code="invalid") from error
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise ValidationError(f"Enter a year from {FIRST_YEAR} to {LAST_YEAR}.", code="year")
        if found.tzinfo is None:
            found = found.replace(tzinfo=self.zone or timezone.get_current_timezone())
        return found.astimezone(UTC)


class SafeJSONField(forms.JSONField):
    """JSON as text, refused with a sentence when PostgreSQL could not keep it."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            _check_json(value)
        try:
            return super().to_python(value)
        except (RecursionError, ValueError, OverflowError) as error:
            raise ValidationError("This JSON cannot be kept.", code="unsafe") from error


def _check_json(text: str) -> None:
    try:
        safe_json.check(json.loads(text))
    except safe_json.UnsafeJson as error:
        raise ValidationError(error.message, code=error.code) from error
    except RecursionError as error:
        raise ValidationError("This JSON is nested too deeply.", code="too_deep") from error
    except ValueError:
        return  # not JSON at all: the field has its own words for that


class Choices(forms.MultipleChoiceField):
    """Some of a closed list, as checkboxes, each with its own line of help."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, *, choices: Any, helps: Mapping[Any, str] | None = None, **more: Any):
        offered: Iterable[tuple[str, str]] = [
            (value, f"{label}: {helps[value]}" if helps and value in helps else label)
            for value, label in choices
        ]
        super().__init__(choices=list(offered), **more)
