"""What calendars say, now and in an earlier version."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from apps.calendars.businesstime import Calendar
from apps.calendars.models import BusinessCalendar, CalendarVersion


@lru_cache(maxsize=128)
def rules(version: CalendarVersion) -> Calendar:
    """A version as the calculator takes it. One instance a version and process, since a version
    never changes; ask `apps.calendars.businesstime` with it."""
    return Calendar.of(
        version.time_zone,
        version.weekly,
        {on: row["spans"] for on, row in version.exceptions.items()},
    )


def current_version(calendar: BusinessCalendar) -> CalendarVersion:
    """What a calendar says now."""
    return CalendarVersion.objects.filter(calendar=calendar).latest("number")


def current_versions(ids: Iterable[int]) -> dict[int, CalendarVersion]:
    """The same for many calendars, by their ids, each with its calendar: one query."""
    rows = CalendarVersion.objects.filter(calendar_id__in=set(ids)).select_related("calendar")
    newest = rows.order_by("calendar_id", "-number").distinct("calendar_id")
    return {row.calendar_id: row for row in newest}


def default_calendar() -> BusinessCalendar | None:
    """The calendar of what names none; None on a site that has not been set up."""
    return BusinessCalendar.objects.current().filter(is_default=True).first()
