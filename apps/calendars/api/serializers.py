"""Calendars as the API shows them, in the form that the preview takes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.calendars.hours import clock
from apps.calendars.models import BusinessCalendar, CalendarVersion
from apps.core.api.fields import IdField


class SpanField(serializers.ListField):
    """Opening and closing time on the wall, `["09:00", "18:00"]`; 24:00 is midnight."""

    child = serializers.CharField()


class CalendarExceptionSerializer(serializers.Serializer[Any]):
    """What one date has instead of its weekday; no span at all means closed."""

    spans = serializers.ListField(child=SpanField())
    name = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        source = serializers.ChoiceField([("manual", "By hand"), ("holidays", "Of a region")])
        return {**super().get_fields(), "source": source}  # a name that every field has itself


class WeekOut(serializers.DictField):
    child = serializers.ListField(child=SpanField())


class ExceptionsOut(serializers.DictField):
    child = CalendarExceptionSerializer()


class CalendarSerializer(serializers.ModelSerializer[BusinessCalendar]):
    """`version` grows with every change. Exceptions by date replace the weekday's hours."""

    id = IdField()
    time_zone = serializers.SerializerMethodField()
    version = serializers.SerializerMethodField()
    weekly = serializers.SerializerMethodField()
    exceptions = serializers.SerializerMethodField()
    regions = serializers.SerializerMethodField()

    class Meta:
        model = BusinessCalendar
        fields = [
            "id", "key", "name", "is_default", "time_zone", "version", "weekly", "exceptions",
            "regions",
        ]  # fmt: skip

    def get_time_zone(self, row: BusinessCalendar) -> str:
        return _newest(row).time_zone

    def get_version(self, row: BusinessCalendar) -> int:
        return _newest(row).number

    @extend_schema_field(WeekOut)
    def get_weekly(self, row: BusinessCalendar) -> dict[str, Any]:
        return {day: _spans(spans) for day, spans in _newest(row).weekly.items()}

    @extend_schema_field(ExceptionsOut)
    def get_exceptions(self, row: BusinessCalendar) -> dict[str, Any]:
        found = sorted(_newest(row).exceptions.items())
        return {on: {**one, "spans": _spans(one["spans"])} for on, one in found}

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_regions(self, row: BusinessCalendar) -> list[str]:
        return list(_newest(row).regions)


def _newest(row: BusinessCalendar) -> CalendarVersion:
    """The one version that the view has prefetched."""
    return row.versions.all()[0]


def _spans(spans: list[list[int]]) -> list[list[str]]:
    return [[clock(opens), clock(closes)] for opens, closes in spans]
