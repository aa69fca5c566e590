"""The form of a calendar: a line of hours a weekday, regions, and dates a line each."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify

from apps.accounts.models import check_zone
from apps.calendars import hours, regions
from apps.calendars.businesstime import DAYS
from apps.calendars.definitions import Says
from apps.calendars.models import BusinessCalendar, CalendarVersion
from apps.core.admin_base.forms import ZoneWidget, add_refusal, dress
from apps.core.admin_base.rows import Row, RowsField, RowsWidget
from apps.core.errors import DomainError, Invalid

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NEW_WEEK = dict.fromkeys(DAYS[:5], "09:00-18:00")


class HoursField(forms.CharField):
    """One weekday's hours as a person types them, cleaned to minutes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, max_length=200, **options)
        self.widget.attrs.update({"placeholder": "closed", "autocomplete": "off"})

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return hours.read_hours(text)
        except ValueError as error:
            raise ValidationError(str(error), code="hours") from error


class DatesField(forms.CharField):
    """Dates that differ from their weekday, a line each, cleaned to exceptions."""

    widget = forms.Textarea

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)  # an error counts lines as they are typed

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return hours.read_dates(text)
        except ValueError as error:
            raise ValidationError(str(error), code="dates") from error


class RegionsWidget(RowsWidget):
    """A text box a region, which offers all of them as it is typed."""

    template_name = "admin/calendars/regions.html"
    parts = ("region",)
    blanks = 2
    max_rows = regions.MOST_REGIONS + 2

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["offered"] = regions.offered()
        return context


class RegionsField(RowsField):
    """Codes such as DE-BY; the name that is offered beside a code is taken as well."""

    widget = RegionsWidget
    noun = "Region"

    def clean_row(self, row: Row) -> str:
        typed = str(row["region"]).strip().casefold()
        for code, name in regions.offered().items():
            if typed in {code.casefold(), name.casefold()}:
                return code
        raise ValidationError("choose one from the list, such as DE-BY.")

    def clean(self, value: Any) -> list[str]:
        return list(dict.fromkeys(super().clean(value)))


class CalendarForm(forms.Form):
    """Everything that the page edits. `version` is None for a calendar that does not exist yet."""

    name = forms.CharField(max_length=80)
    key = forms.SlugField(
        max_length=40, required=False, help_text="Short and stable: office. Empty: by the name."
    )
    time_zone = forms.CharField(
        max_length=64, validators=[check_zone], widget=ZoneWidget,
        help_text="Hours are read on the wall clock of this zone, also across summer time.",
    )  # fmt: skip
    is_default = forms.BooleanField(
        required=False, label="Use it for every promise that names no other calendar"
    )
    regions = RegionsField(
        label="Closed on the public holidays of",
        help_text="A country (DE) or a part of one (DE-BY). This year's and the next two years' "
        "are filled in by themselves.",
    )
    dates = DatesField(
        required=False, label="Other dates, a line each",
        help_text="2026-12-24 09:00-12:00 Christmas Eve, or 2026-12-31 closed. They replace the "
        "hours of the weekday, and win over a public holiday.",
    )  # fmt: skip
    note = forms.CharField(
        max_length=200, required=False, label="Why", help_text="Kept with the new version."
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, calendar: BusinessCalendar | None,
        version: CalendarVersion | None, zone: str,
    ) -> None:  # fmt: skip
        initial = _shown(calendar, version) if calendar and version else _new(zone)
        super().__init__(data, initial=initial, use_required_attribute=False)
        for day, name in zip(DAYS, DAY_NAMES, strict=True):
            self.fields[day] = HoursField(label=name)
        if calendar is not None:
            del self.fields["key"]
        dress(self.fields)
        self.fields["dates"].widget.attrs["rows"] = 6
        self.fields["dates"].widget.attrs["class"] += " ops-mono"

    @property
    def week(self) -> list[Any]:
        return [self[day] for day in DAYS]

    def clean_seen(self) -> int:
        """The number of the version that was edited; 0, which is none, for what is no number."""
        text = str(self.cleaned_data["seen"])
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        if "key" in self.fields and not found.get("key") and "key" not in self.errors:
            found["key"] = slugify(str(found.get("name", "")))[:40] or "calendar"
        return found

    @property
    def says(self) -> Says:
        """What the valid form wants the calendar to say."""
        found = self.cleaned_data
        weekly = {day: found[day] for day in DAYS if found[day]}
        return Says(found["time_zone"], weekly, found["dates"], found["regions"])

    def refuse(self, error: Exception) -> None:
        """Say a refusal at the field that it is about."""
        if isinstance(error, DomainError):
            named = {_field(name): texts for name, texts in error.fields.items()}
            error = Invalid(error.message, fields=named)
        add_refusal(self, error)


def _field(name: str) -> str:
    """The form's name for a part of a calendar."""
    part, _, rest = name.partition(".")
    match part:
        case "weekly":
            return rest or "mon"
        case "exceptions":
            return "dates"
    return part


def _new(zone: str) -> dict[str, Any]:
    return {"time_zone": zone, **NEW_WEEK}


def _shown(calendar: BusinessCalendar, version: CalendarVersion) -> dict[str, Any]:
    return {
        "name": calendar.name,
        "is_default": calendar.is_default,
        "time_zone": version.time_zone,
        "regions": [{"region": code} for code in version.regions],
        "dates": hours.write_dates(version.exceptions),
        "seen": version.number,
        **{day: hours.write_hours(version.weekly.get(day, ())) for day in DAYS},
    }
