"""How values look on the wire: ids are text, instants RFC 3339 with an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from typing import Any

from rest_framework import serializers

FIRST_YEAR, LAST_YEAR = 1970, 2199
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_WALL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
# In an address "+" means a space, so an offset that was not escaped arrives as " 02:00".
_LOST_PLUS = re.compile(r"(?<=[0-9.]) (?=[0-9]{2}:[0-9]{2}$)")
_ID = re.compile(r"[0-9]{1,18}")


def as_id(text: str) -> int | None:
    """The number behind an id, None for text that can be none."""
    return int(text) if _ID.fullmatch(text) else None


def instant(text: str) -> datetime:
    """An RFC 3339 time as an instant in UTC; ValueError, in words, for anything else."""
    written = _LOST_PLUS.sub("+", text.strip()) if len(text) <= 64 else ""
    if not _RFC3339.fullmatch(written):
        raise ValueError("Use an RFC 3339 time with an offset, such as 2026-10-01T09:00:00Z.")
    try:
        found = datetime.fromisoformat(written.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("There is no such time.") from error
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"Use a time between the years {FIRST_YEAR} and {LAST_YEAR}.")
    return found


def written(moment: datetime) -> str:
    """An instant as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class InstantField(serializers.DateTimeField):
    """RFC 3339, and an offset is a must: a time without one means something else to everybody."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            raise serializers.ValidationError("Use an RFC 3339 time, as text.")
        try:
            return instant(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def to_representation(self, value: datetime) -> str:
        return written(value)


class WallTimeField(serializers.CharField):
    """A wall-clock time without an offset: `YYYY-MM-DDTHH:MM`."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        if not _WALL.fullmatch(text):
            raise serializers.ValidationError("Use YYYY-MM-DDTHH:MM, without an offset.")
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise serializers.ValidationError("There is no such time.") from error


class ClockField(serializers.CharField):
    """A time of day: `HH:MM`."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        if not _CLOCK.fullmatch(text):
            raise serializers.ValidationError("Use HH:MM.")
        try:
            return time.fromisoformat(text)
        except ValueError as error:
            raise serializers.ValidationError("There is no such time of day.") from error


class IdField(serializers.CharField):
    """An id on its way out: text, so that nobody computes with it."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("source", "pk")
        super().__init__(read_only=True, **options)


class TextOrNull(serializers.CharField):
    """Text on its way out; what is empty is null, as "the source gave none"."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **options)

    def to_representation(self, value: Any) -> Any:
        return str(value) or None


class SurfaceKeyField(serializers.CharField):
    """A surface's key on its way out, null for what is unrouted."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("source", "surface.key")
        super().__init__(read_only=True, allow_null=True, default=None, **options)
