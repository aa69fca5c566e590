"""The questions of business time, over whole seconds since 1970."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta

from apps.calendars.businesstime.calendar import (
    BLOCK,
    DAY,
    EPOCH,
    FIRST_YEAR,
    LAST_YEAR,
    NEVER_DAYS,
    BusinessTimeError,
    Calendar,
    Interval,
    union,
)

LONGEST_TARGET = 2 * 365 * 86_400  # seconds of business time: two years
HORIZON_DAYS = 20 * 366  # a deadline further away than this is refused

Pause = tuple[datetime, datetime | None]  # [from, to), None: not over yet


def worked(calendar: Calendar, a: datetime, b: datetime, pauses: Iterable[Pause] = ()) -> int:
    """Seconds of [a, b) in which the calendar is open and no pause runs; 0 if b is not after a.

    Instants are cut to the second, so parts add up: worked(a, b) + worked(b, c) = worked(a, c).
    """
    return _net(calendar, _seconds(a, "start"), _seconds(b, "end"), _apart(pauses))


def deadline(
    calendar: Calendar, start: datetime, seconds: int, pauses: Iterable[Pause] = ()
) -> datetime | None:
    """The first instant (UTC) after which more than `seconds` would be worked.

    None where a pause without an end comes first. Raises BusinessTimeError for a target below 0
    or above two years, where the calendar stays closed for 400 days, and for a deadline more than
    20 years away.
    """
    if not 0 <= seconds <= LONGEST_TARGET:
        raise BusinessTimeError("A target is from 0 seconds to two years.", "target_seconds")
    begins, breaks = _seconds(start, "start"), _apart(pauses)
    due = _due_past(calendar, begins, seconds, breaks)
    if due is None:
        return None
    # All edges stand on whole seconds, so the first second runs as a whole or not at all.
    fraction = (start - EPOCH).microseconds
    if fraction and _net(calendar, begins, begins + 1, breaks):
        return _instant(due) + timedelta(microseconds=fraction)
    return _instant(due)


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether the calendar is open at an instant."""
    second = _seconds(at, "at")
    return _open(calendar, second, second + 1) == 1


def next_opening(calendar: Calendar, at: datetime) -> datetime:
    """The instant itself while the calendar is open, else the next opening (UTC).

    Raises BusinessTimeError if it stays closed for 400 days.
    """
    found = deadline(calendar, at, 0)
    assert found is not None  # nothing is paused
    return found


def open_spans(calendar: Calendar, a: datetime, b: datetime) -> list[Interval]:
    """The stretches of [a, b) in which the calendar is open, in order; none touches the next."""
    start, end = _seconds(a, "start"), _seconds(b, "end")
    found: list[tuple[int, int]] = []
    for number in range(start // BLOCK, -(-end // BLOCK)):
        block = calendar.block(number)
        for opens, closes in zip(block.starts, block.ends, strict=True):
            low, high = max(opens, start), min(closes, end)
            if low < high:
                found.append((low, high))
    return [Interval(_instant(low), _instant(high)) for low, high in union(found)]


# -- whole seconds since 1970


def _net(calendar: Calendar, start: int, end: int, breaks: list[tuple[int, int | None]]) -> int:
    """Open seconds of [start, end) outside the breaks, which lie apart."""
    found = _open(calendar, start, end)
    for low, high in breaks:
        found -= _open(calendar, max(start, low), end if high is None else min(end, high))
    return found


def _open(calendar: Calendar, start: int, end: int) -> int:
    if end <= start:
        return 0
    first, last = start // BLOCK, end // BLOCK
    found = calendar.block(last).worked(end) - calendar.block(first).worked(start)
    for number in range(first, last):
        found += calendar.block(number).before[-1]
    return found


def _due_past(
    calendar: Calendar, at: int, seconds: int, breaks: list[tuple[int, int | None]]
) -> int | None:
    """The deadline with breaks: what is used up to each of them is taken off."""
    for low, high in breaks:
        if high is not None and high <= at:
            continue
        if low > at:
            used = _open(calendar, at, low)
            if used > seconds:
                break
            seconds -= used
        if high is None:
            return None
        at = high
    return _due(calendar, at, seconds)


def _due(calendar: Calendar, at: int, seconds: int) -> int:
    """The deadline without breaks: the second number `seconds` of the open time from `at` on."""
    number = at // BLOCK
    block = calendar.block(number)
    wanted = block.worked(at) + seconds
    limit, closed_from = at + HORIZON_DAYS * DAY, at
    while wanted >= block.before[-1]:
        wanted -= block.before[-1]
        number += 1
        closed_from = max(closed_from, block.ends[-1]) if block.ends else closed_from
        if number * BLOCK - closed_from > NEVER_DAYS * DAY:
            raise BusinessTimeError(
                f"This calendar is closed for more than {NEVER_DAYS} days on end.", "weekly"
            )
        if number * BLOCK > limit:
            raise BusinessTimeError(
                "This calendar is open too seldom: the deadline would be more than 20 years away.",
                "target_seconds",
            )
        block = calendar.block(number)
    index = bisect_right(block.before, wanted) - 1
    return block.starts[index] + wanted - block.before[index]


def _apart(pauses: Iterable[Pause]) -> list[tuple[int, int | None]]:
    """Pauses in order, joined where they touch, on whole seconds; None is one without an end."""
    found: list[tuple[int, int]] = []
    forever: int | None = None
    for index, (low, high) in enumerate(pauses):
        start = _seconds(low, f"pauses[{index}]")
        if high is None:
            forever = start if forever is None else min(start, forever)
            continue
        end = _seconds(high, f"pauses[{index}]")
        if end < start:
            raise BusinessTimeError("A pause ends before it starts.", f"pauses[{index}]")
        if start < end:
            found.append((start, end))
    if forever is None:
        return list(union(found))
    before = [(low, min(high, forever)) for low, high in union(found) if low < forever]
    return [*before, (forever, None)]


def _seconds(at: datetime, name: str) -> int:
    """Whole seconds since 1970; BusinessTimeError without an offset or out of all bounds."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise BusinessTimeError(f"Use a time between the years {FIRST_YEAR} and {LAST_YEAR}.", name)
    if at.tzinfo is None:
        raise BusinessTimeError("A time needs a UTC offset, such as 2026-10-01T00:00Z.", name)
    since = at - EPOCH
    return since.days * DAY + since.seconds


def _instant(second: int) -> datetime:
    return EPOCH + timedelta(seconds=second)
