"""The one row of support's numbers, and timers that count working days."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.calendars import businesstime
from apps.calendars.models import BusinessCalendar
from apps.calendars.selectors import current_version, rules
from apps.support.models import SupportSettings

DAY = 9 * 3600  # working seconds of a day, as in the promises


def current() -> SupportSettings:
    """The settings; the defaults before anybody saved them."""
    return SupportSettings.objects.filter(pk=1).first() or SupportSettings(pk=1)


def working_days(days: int, *, after: datetime) -> datetime:
    """So many working days later by the default calendar; plain days where there is none."""
    calendar = BusinessCalendar.objects.current().filter(is_default=True).first()
    version = current_version(calendar) if calendar else None
    if version is None:
        return after + timedelta(days=days)
    due = businesstime.deadline(rules(version), after, days * DAY)
    return due or after + timedelta(days=days)
