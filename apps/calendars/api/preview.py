"""`POST /api/v1/sla/preview`: a posted calendar in, a deadline and working seconds out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rest_framework import serializers

from apps.calendars import businesstime
from apps.calendars.hours import minutes_of
from apps.core.api.fields import InstantField
from apps.core.errors import Invalid

MOST_SPANS = 12  # of one day
MOST_DATES = 1000
MOST_PAUSES = 200
LONGEST = timedelta(days=10 * 366)  # between start and end

_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}")


class EdgeField(serializers.CharField):
    """A time of day `HH:MM`, up to 24:00, as minutes."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        try:
            return minutes_of(text if _CLOCK.fullmatch(text) else "")
        except ValueError as error:
            raise serializers.ValidationError("Use HH:MM, from 00:00 to 24:00.") from error


class SpansIn(serializers.ListField):
    """Stretches of one day: `[["08:00", "12:00"], ["13:00", "18:00"]]`."""

    def __init__(self, **options: Any) -> None:
        span = serializers.ListField(child=EdgeField(), min_length=2, max_length=2)
        super().__init__(child=span, max_length=MOST_SPANS, **options)


class WeekIn(serializers.DictField):
    """`mon` … `sun`; a day that is left out is closed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=SpansIn(), **options)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and not set(data) <= set(businesstime.DAYS):
            raise serializers.ValidationError("Days are mon, tue, wed, thu, fri, sat and sun.")
        return super().to_internal_value(data)


class OverridesIn(serializers.DictField):
    """Local dates whose hours replace those of the weekday; an empty list closes the day."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=SpansIn(), **options)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and len(data) > MOST_DATES:
            raise serializers.ValidationError(f"At most {MOST_DATES} dates.")
        return super().to_internal_value(data)


class CalendarIn(serializers.Serializer[Any]):
    """An override of a date wins over a holiday on it."""

    time_zone = serializers.CharField(max_length=64, help_text="An IANA name: Europe/Berlin.")
    weekly = WeekIn()
    holidays = serializers.ListField(
        child=serializers.DateField(), max_length=MOST_DATES, required=False,
        help_text="Closed local dates.",
    )  # fmt: skip
    overrides = OverridesIn(required=False)


class PauseIn(serializers.ListField):
    """`[from, to]`, half-open; null as the end: it is not over."""

    def __init__(self, **options: Any) -> None:
        edge = InstantField(allow_null=True)
        super().__init__(child=edge, min_length=2, max_length=2, **options)

    def to_internal_value(self, data: Any) -> Any:
        found = super().to_internal_value(data)
        if found and found[0] is None:
            raise serializers.ValidationError("A pause has a beginning.")
        return found


class SlaPreviewIn(serializers.Serializer[Any]):
    """`target_seconds` asks for the deadline, `end` for the working seconds; ask one or both."""

    calendar = CalendarIn()
    start = InstantField()
    target_seconds = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=businesstime.LONGEST_TARGET,
        help_text="Business time; at most two years.",
    )  # fmt: skip
    end = InstantField(required=False, allow_null=True, help_text="At most ten years later.")
    pauses = serializers.ListField(child=PauseIn(), max_length=MOST_PAUSES, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, end = attrs["start"], attrs.get("end")
        if end is None and attrs.get("target_seconds") is None:
            raise serializers.ValidationError(
                {"target_seconds": ["Give a target, an end, or both."]}
            )
        if end is not None and end - start > LONGEST:
            raise serializers.ValidationError({"end": ["At most ten years after the start."]})
        return attrs


class SlaPreviewSerializer(serializers.Serializer[Any]):
    due_at = InstantField(
        allow_null=True, help_text="Null without a target, and while a pause has no end."
    )
    worked_seconds = serializers.IntegerField(allow_null=True, help_text="Null without an end.")


def preview(data: Mapping[str, Any]) -> dict[str, Any]:
    """Compute what `SlaPreviewIn` has passed; Invalid, with the path to the field, if it cannot."""
    try:
        return _computed(data)
    except businesstime.BusinessTimeError as error:
        where = _path(error.field)
        raise Invalid(str(error), fields={where: [str(error)]}) from error


def _computed(data: Mapping[str, Any]) -> dict[str, Any]:
    posted, start = data["calendar"], data["start"]
    closed: dict[str, Any] = {on.isoformat(): [] for on in posted.get("holidays", ())}
    calendar = businesstime.Calendar.of(
        posted["time_zone"], posted["weekly"], {**closed, **posted.get("overrides", {})}
    )
    pauses = [(low, high) for low, high in data.get("pauses", ())]
    target, end = data.get("target_seconds"), data.get("end")
    return {
        "due_at": None
        if target is None
        else businesstime.deadline(calendar, start, target, pauses),
        "worked_seconds": None
        if end is None
        else businesstime.worked(calendar, start, end, pauses),
    }


def _path(field: str) -> str:
    """The calculator's field as a path in the body."""
    name, _, rest = field.partition(".")
    inside = {"time_zone": "time_zone", "weekly": "weekly", "exceptions": "overrides"}
    if name not in inside:
        return field
    return ".".join(part for part in ("calendar", inside[name], rest) if part)
