"""Forms of incidents. They check shapes; the services say what may be done."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.accounts.models import Person
from apps.incidents.models import Incident, Severity
from apps.ownership.models import Surface
from apps.portal.forms import SurfaceKey, _surface, _text

SEVERITY_HELP = {
    Severity.SEV1: "SEV1: customers cannot work, or data is at risk",
    Severity.SEV2: "SEV2: an important part is broken for many",
    Severity.SEV3: "SEV3: something is broken for some, or slow for many",
    Severity.SEV4: "SEV4: cosmetic or internal",
}


class MoveForm(forms.Form):
    """Moving an incident on; reopening takes the note, which the service insists on."""

    to = forms.ChoiceField(choices=Incident.Status, widget=forms.HiddenInput)
    note = _text("Note for the timeline", required=False)


class SeverityForm(forms.Form):
    severity = forms.ChoiceField(label="Severity", choices=list(SEVERITY_HELP.items()))
    reason = _text("Why", required=False, help="Lowering the severity takes a reason.")


class IncidentForm(forms.Form):
    """An incident that no alert opened."""

    title = forms.CharField(
        label="What is wrong",
        max_length=200,
        help_text="As customers notice it: “Snowflake profiling times out”.",
    )
    severity = forms.ChoiceField(
        label="Severity",
        choices=list(SEVERITY_HELP.items()),
        initial=Severity.SEV3,
        widget=forms.RadioSelect,
    )
    surface = SurfaceKey(
        label="Surface",
        required=False,
        help_text="Its owner and who is on call for it are shown on the incident.",
    )
    summary = _text("What you know so far", required=False, rows=3)
    detection_source = forms.ChoiceField(
        label="Who noticed",
        choices=[("internal", "Somebody here"), ("customer", "A customer"), ("alert", "An alert")],
    )
    command = forms.BooleanField(label="I take command", required=False, initial=True)
    restricted = forms.BooleanField(
        label="Restricted",
        required=False,
        help_text="Only managers and the people on it can see it.",
    )

    def __init__(self, *args: Any, viewer: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer

    def clean_surface(self) -> Surface | None:
        return _surface(self.viewer, self.cleaned_data["surface"])
