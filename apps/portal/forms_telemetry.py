"""Forms of telemetry. They check shapes; the services say what may be done."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.accounts.models import Person
from apps.customers import cadence
from apps.customers.models import Connection
from apps.ownership.models import Surface
from apps.portal.forms import SurfaceKey
from apps.telemetry.models import ProfiledSource


class LengthField(forms.CharField):
    """A length of time as people write it: "daily", "6 h", "900"; seconds or None."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocomplete": "off", "spellcheck": "false"}
        super().__init__(
            max_length=40, required=False, widget=forms.TextInput(attrs=attrs), **kwargs
        )

    def clean(self, value: Any) -> int | None:
        text = str(super().clean(value))
        try:
            return cadence.parse(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class SourceForm(forms.Form):
    """How often a source should be profiled, how old its profile may be, where it belongs."""

    cadence_seconds = LengthField(
        label="Runs", help_text="Such as daily, every 6 h. Empty: its connection's, or unknown."
    )
    max_age_seconds = LengthField(
        label="Oldest profile", help_text="Where no rhythm is known. Empty: a day."
    )
    connection = forms.ModelChoiceField(
        Connection.objects.none(),
        label="Connection",
        required=False,
        empty_label="None",
        help_text="The customer's connection that is profiled.",
    )
    surface = SurfaceKey(label="Surface", required=False, help_text="Whose alerts these are.")
    paused = forms.BooleanField(
        label="Paused", required=False, help_text="Neither late nor missing while it is."
    )

    def __init__(self, *args: Any, person: Person, source: ProfiledSource, **kwargs: Any) -> None:
        self.person, self.source = person, source
        kwargs.setdefault("initial", _initial(source))
        super().__init__(*args, **kwargs)
        seen = Connection.objects.visible_to(person).current().order_by("name")
        self.fields["connection"].queryset = seen  # type: ignore[attr-defined] # a ModelChoiceField

    def clean_surface(self) -> Surface | None:
        key = str(self.cleaned_data["surface"]).strip().lower()
        if not key:
            return None
        rows = Surface.objects.visible_to(self.person).current()
        found: Surface | None = rows.filter(key=key).first()
        if found is None:
            raise forms.ValidationError(f"There is no surface {key}. Choose one from the list.")
        return found


def _initial(source: ProfiledSource) -> dict[str, Any]:
    return {
        "cadence_seconds": cadence.words(source.cadence_seconds),
        "max_age_seconds": cadence.words(source.max_age_seconds),
        "connection": source.connection_id,
        "surface": source.surface.key if source.surface else "",
        "paused": source.paused_at is not None,
    }
