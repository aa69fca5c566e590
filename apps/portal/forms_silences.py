"""Forms of silences. They check shapes; the services say what may be done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms

from apps.accounts.models import Person
from apps.alerts.models import AlertRule
from apps.intake.models import Integration
from apps.ownership.models import Surface
from apps.portal.forms import SurfaceKey, _surface
from apps.portal.forms_incident_pages import ZonedForm
from apps.portal.forms_ticket import local_time

LENGTHS = (
    ("30", "30 minutes"), ("60", "1 hour"), ("120", "2 hours"), ("240", "4 hours"),
    ("480", "8 hours"), ("1440", "1 day"), ("4320", "3 days"), ("10080", "7 days"),
)  # fmt: skip
OWN = "own"


def _reason() -> forms.CharField:
    return forms.CharField(
        label="Why",
        max_length=300,
        help_text="Whoever wonders why nobody was paged reads this.",
    )


def _pattern(label: str, most: int, help: str) -> forms.CharField:
    attrs = {"autocomplete": "off", "spellcheck": "false"}
    return forms.CharField(
        label=label, required=False, max_length=most, help_text=help,
        widget=forms.TextInput(attrs=attrs),
    )  # fmt: skip


class QuickSilenceForm(forms.Form):
    """From an alert's page: this alert alone, for a while."""

    reason = _reason()
    length = forms.ChoiceField(label="For", choices=LENGTHS, initial="60")

    def ends_at(self, now: datetime) -> datetime:
        return now + timedelta(minutes=int(self.cleaned_data["length"]))


class SilenceForm(ZonedForm):
    """What is muted, why, from when and until when."""

    times = ("starts_at", "until")
    reason = _reason()
    surface = SurfaceKey(label="Surface", required=False, help_text="With all surfaces below it.")
    rule = forms.ModelChoiceField(
        AlertRule.objects.none(), label="Rule", required=False, empty_label="Any",
        to_field_name="key",
    )  # fmt: skip
    integration = forms.ModelChoiceField(
        Integration.objects.none(), label="Integration", required=False, empty_label="Any"
    )
    dedup_key = _pattern("Dedup key", 300, "* stands for anything, ? for one character: disk:*")
    class_name = _pattern("Class", 120, "* and ? work here, too.")
    length = forms.ChoiceField(
        label="For", choices=(*LENGTHS, (OWN, "Until the time beside")), initial="60"
    )
    until = local_time("Until", required=False, help="At most 30 days.")
    starts_at = local_time("From", required=False, help="Empty: now.")

    def __init__(self, *args: Any, viewer: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        rules: Any = self.fields["rule"]
        rules.queryset = AlertRule.objects.visible_to(viewer).current()
        rules.label_from_instance = lambda rule: rule.name
        integrations: Any = self.fields["integration"]
        integrations.queryset = Integration.objects.filter(archived_at=None).order_by("name", "pk")

    def clean_surface(self) -> Surface | None:
        return _surface(self.viewer, self.cleaned_data["surface"])

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if values.get("length") == OWN and not values.get("until") and "until" not in self.errors:
            self.add_error("until", "Say until when.")
        return values

    def values(self, now: datetime) -> dict[str, Any]:
        """What the service takes."""
        given = dict(self.cleaned_data)
        length, until = given.pop("length"), given.pop("until")
        start = given["starts_at"] or now
        given["ends_at"] = until if length == OWN else start + timedelta(minutes=int(length))
        return given


class ChangeSilenceForm(ZonedForm):
    """Its reason and its end; what it mutes stays."""

    times = ("ends_at",)
    reason = _reason()
    ends_at = local_time("Until", required=True, help="At most 30 days from now.")
