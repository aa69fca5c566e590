"""The form of a heartbeat: what runs, how often, and who hears of its silence."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from apps.accounts.models import Person
from apps.alerts.models import Heartbeat, Severity
from apps.alerts.services.heartbeats import length
from apps.ownership.models import Surface
from apps.portal.forms import SurfaceKey, _surface
from apps.portal.forms_setup import zone_choices
from apps.runbooks.models import Runbook

_LENGTH = re.compile(r"(\d{1,7})\s*([a-z]*)", re.ASCII)
_UNITS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("", "m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
}


class LengthField(forms.Field):
    """A length of time as people write it ("90 s", "5 min", "1 day"), in seconds."""

    def __init__(self, **options: Any) -> None:
        plain = {"autocomplete": "off", "spellcheck": "false", "maxlength": "30"}
        super().__init__(widget=forms.TextInput(attrs=plain), **options)

    def prepare_value(self, value: Any) -> Any:
        return length(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip().lower()
        if not text:
            return None
        match = _LENGTH.fullmatch(text)
        if match is None or match[2] not in _UNITS:
            raise forms.ValidationError("Write a length such as 90 s, 5 min, 1 hour or 7 days.")
        return int(match[1]) * _UNITS[match[2]]


class AboutForm(forms.Form):
    """Whose the job is, and how loud its silence."""

    surface = SurfaceKey(
        label="Surface", required=False, help_text="Who is on call for it is paged."
    )
    severity = forms.ChoiceField(
        label="When it does not run",
        choices=[(value, label) for value, label in Severity.choices],
        help_text="Critical and Error wake somebody; a Warning is a quiet page.",
    )
    owner = forms.ModelChoiceField(
        Person.objects.none(), label="Owner", required=False, empty_label="Nobody",
        help_text="Who knows the job.",
    )  # fmt: skip
    runbook = forms.ModelChoiceField(
        Runbook.objects.none(), label="Runbook", required=False, empty_label="None",
        help_text="Linked from the alert.",
    )  # fmt: skip

    def __init__(self, *args: Any, viewer: Person, row: Heartbeat | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        people = Person.objects.active().order_by("name", "pk")
        books = Runbook.objects.visible_to(viewer).current().order_by("key")
        if row is not None and row.runbook_id:
            books = books | Runbook.objects.filter(pk=row.runbook_id)
        self.fields["owner"].queryset = people  # type: ignore[attr-defined] # a model choice
        self.fields["runbook"].queryset = books  # type: ignore[attr-defined] # a model choice

    def clean_surface(self) -> Surface | None:
        return _surface(self.viewer, self.cleaned_data["surface"])


class HeartbeatForm(AboutForm):
    """The whole of it: a name, and either a period or a cron line."""

    name = forms.CharField(
        label="What runs", max_length=120, help_text="As people call it: Nightly profiler."
    )
    period_seconds = LengthField(
        label="Every", required=False, help_text="5 min, 1 hour, 1 day. Or give a cron line."
    )
    cron = forms.CharField(
        label="Cron line", required=False, max_length=100, help_text="15 3 * * *",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    time_zone = forms.ChoiceField(label="Zone of the cron line", choices=zone_choices)
    grace_seconds = LengthField(
        label="May be late by",
        help_text="Also how long a run may take that says when it starts.",
    )

    field_order = ("name", "period_seconds", "cron", "time_zone", "grace_seconds")
