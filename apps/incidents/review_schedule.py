"""When a review is due, and when somebody is reminded of it. Pure.

Days are business days of the office calendar: the day on which the incident was resolved counts
as none, and the n-th later day that opens at all is the n-th. What is due on a day is due when it
closes; a reminder goes out when it opens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from apps.calendars.businesstime import DAYS, NEVER_DAYS, BusinessTimeError, Calendar

# For a site that has no calendar yet.
OFFICE = Calendar.of("UTC", {day: [[540, 1080]] for day in DAYS[:5]})
NAG_EVERY = 3  # business days between two reminders of what is overdue
LEAD_AFTER = 5  # business days after which the lead is told too
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Slot:
    """One reminder: its name (used once), when it is due, and how many business days late it is."""

    name: str
    at: datetime
    late: int = 0


@dataclass(frozen=True)
class Due:
    """What to send of a track now, and which earlier ones it makes pointless."""

    send: Slot
    passed: tuple[Slot, ...] = ()


def due_at(calendar: Calendar, start: datetime, days: int) -> datetime:
    """The closing of the `days`-th business day after the day of `start`, in UTC.

    Raises BusinessTimeError where the calendar stays closed for 400 days.
    """
    on = _days_after(calendar, _local_date(calendar, start))
    found = next(on)
    for _ in range(days - 1):
        found = next(on)
    return _instant(calendar, found, calendar.spans_on(found)[-1][1])


def people_slots(
    calendar: Calendar,
    *,
    draft_due_at: datetime | None,
    publish_due_at: datetime,
    is_draft: bool,
    now: datetime,
) -> list[Slot]:
    """What author and commander are due by `now`, oldest first: on the day that the draft is due
    (while it is one), on the day of publishing, then every third business day, without an end."""
    found = []
    if is_draft and draft_due_at is not None:
        on = _due_date(calendar, draft_due_at)
        found.append(Slot(f"review:{on}:draft", _opening(calendar, on)))
    on = _due_date(calendar, publish_due_at)
    found.append(Slot(f"review:{on}:publish", _opening(calendar, on)))
    found += _late(calendar, on, "late", NAG_EVERY, now)
    return sorted((slot for slot in found if slot.at <= now), key=lambda slot: slot.at)


def lead_slots(calendar: Calendar, *, publish_due_at: datetime, now: datetime) -> list[Slot]:
    """The same for the lead: from the fifth business day after it should have been published."""
    return _late(calendar, _due_date(calendar, publish_due_at), "lead", LEAD_AFTER, now)


def pick(slots: list[Slot], used: frozenset[str]) -> Due | None:
    """The latest of them unless it was used; earlier ones that nobody used are passed over."""
    if not slots or slots[-1].name in used:
        return None
    return Due(slots[-1], tuple(slot for slot in slots[:-1] if slot.name not in used))


def _late(calendar: Calendar, on: date, name: str, first: int, now: datetime) -> list[Slot]:
    found: list[Slot] = []
    for late, day in enumerate(_days_after(calendar, on), start=1):
        opens = _opening(calendar, day)
        if opens > now:
            return found
        if late >= first and (late - first) % NAG_EVERY == 0:
            found.append(Slot(f"review:{on}:{name}{late}", opens, late))
    return found


def _days_after(calendar: Calendar, on: date) -> Iterator[date]:
    """The dates after `on` on which the calendar opens."""
    closed = 0
    while closed < NEVER_DAYS:
        on += timedelta(days=1)
        closed += 1
        if calendar.spans_on(on):
            closed = 0
            yield on
    raise BusinessTimeError(f"This calendar is closed for {NEVER_DAYS} days on end.", "weekly")


def _local_date(calendar: Calendar, at: datetime) -> date:
    return at.astimezone(ZoneInfo(calendar.zone)).date()


def _due_date(calendar: Calendar, due: datetime) -> date:
    """The day that closes at `due`; a day that is open until midnight closes on the next one."""
    return _local_date(calendar, due - _SECOND)


def _opening(calendar: Calendar, on: date) -> datetime:
    spans = calendar.spans_on(on)
    return _instant(calendar, on, spans[0][0] if spans else 540)


def _instant(calendar: Calendar, on: date, minutes: int) -> datetime:
    midnight = datetime(on.year, on.month, on.day, tzinfo=ZoneInfo(calendar.zone))
    return (midnight + timedelta(minutes=minutes)).astimezone(UTC)  # by the wall's clock
