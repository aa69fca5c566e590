"""What a calendar's page shows of the coming four weeks: open hours a day, holidays, clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from apps.calendars.businesstime import BusinessTimeError, Calendar, worked
from apps.calendars.definitions import HOLIDAYS, Says
from apps.calendars.hours import write_hours

DAYS_AHEAD = 28
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Day:
    """One day: its hours span by span (none: closed), what it is called, what its clocks do."""

    on: date
    hours: list[str]
    name: str
    holiday: bool
    clocks: str


@dataclass(frozen=True)
class Week:
    """Seven days from Monday on, None outside the four weeks, and what is open in sum."""

    days: list[Day | None]
    total: str


def coming(says: Says, now: datetime) -> list[Week]:
    """Four weeks from today on, as the calendar's zone counts days; none for what an older
    version of the program kept and nobody can compute any more."""
    spans = {on: row["spans"] for on, row in says.exceptions.items()}
    try:
        calendar = Calendar.of(says.time_zone, says.weekly, spans)
    except BusinessTimeError:
        return []
    zone = ZoneInfo(says.time_zone)
    first = now.astimezone(zone).date()
    last = first + (DAYS_AHEAD - 1) * _DAY
    monday = first - first.weekday() * _DAY
    weeks = []
    while monday <= last:
        shown = [monday + n * _DAY for n in range(7)]
        within = [on for on in shown if first <= on <= last]
        start, end = _midnight(within[0], zone), _midnight(within[-1] + _DAY, zone)
        days = [_day(on, calendar, says, zone) if on in within else None for on in shown]
        weeks.append(Week(days, in_hours(worked(calendar, start, end))))
        monday += 7 * _DAY
    return weeks


def _day(on: date, calendar: Calendar, says: Says, zone: ZoneInfo) -> Day:
    row = says.exceptions.get(on.isoformat(), {})
    return Day(
        on=on,
        hours=[write_hours([span]) for span in calendar.spans_on(on)],
        name=str(row.get("name", "")) or ("Exception" if row else ""),
        holiday=row.get("source") == HOLIDAYS,
        clocks=_clocks(on, zone),
    )


def _clocks(on: date, zone: ZoneInfo) -> str:
    """What the clocks do on a day, in words; empty on most."""
    length = _midnight(on + _DAY, zone) - _midnight(on, zone)
    if length == _DAY:
        return ""
    moved = int(abs(length - _DAY).total_seconds())
    return f"clocks go {'forward' if length < _DAY else 'back'} {in_hours(moved)}"


def _midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=zone).astimezone(UTC)


def in_hours(seconds: int) -> str:
    """`45 h`, `7 h 30 min`, `30 min`; closed for none."""
    whole, minutes = divmod(seconds // 60, 60)
    parts = [f"{whole} h"] if whole else []
    parts += [f"{minutes} min"] if minutes else []
    return " ".join(parts) or "closed"
