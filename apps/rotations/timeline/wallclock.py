"""Wall-clock times and instants: the one place where daylight saving is decided.

A *wall* time is a naive datetime read on a clock in some zone; an *instant* is an aware datetime
in UTC. The rules: a wall time that happens twice means the first (or, for the end of a window, the
last) of the two; a wall time that a jump skips means the instant of the jump.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

FIRST_YEAR = 1970
LAST_YEAR = 2199
_SECOND = timedelta(seconds=1)
_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TimelineError(ValueError):
    """A definition or a question that cannot be computed, in words for the person who wrote it.

    `field` is the attribute that is at fault, empty where it is the whole.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Interval(NamedTuple):
    """A half-open stretch of time: `start` belongs to it, `end` does not."""

    start: datetime
    end: datetime


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name; TimelineError if there is none."""
    if name not in _zone_names():
        raise TimelineError(
            f"There is no time zone named “{name[:60]}”. Use a name such as Europe/Berlin.",
            "time_zone",
        )
    return ZoneInfo(name)


def utc(instant: datetime, field: str = "") -> datetime:
    """The same instant in UTC; TimelineError without an offset or out of all bounds."""
    check_year(instant, field or "time")
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        label = field.replace("_", " ") or "time"
        raise TimelineError(f"The {label} needs a UTC offset, such as 2026-10-01T00:00Z.", field)
    return instant.astimezone(UTC)


def wall(naive: datetime, field: str) -> datetime:
    """The wall time itself, checked: without an offset and in a year that can be computed."""
    label = field.replace("_", " ")
    if naive.tzinfo is not None:
        raise TimelineError(f"The {label} is read on a wall clock: leave the offset out.", field)
    check_year(naive, field)
    return naive


def check_year(moment: datetime, field: str) -> None:
    """TimelineError unless the moment lies in the years that can be computed."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        label = field.replace("_", " ")
        raise TimelineError(
            f"The {label} must lie between the years {FIRST_YEAR} and {LAST_YEAR}.", field
        )


def local(instant: datetime, tz: ZoneInfo) -> datetime:
    """The wall time shown in the zone at that instant; `fold` is 1 in the second pass of an hour
    that happens twice."""
    return instant.astimezone(tz).replace(tzinfo=None)


def resolve_wall(naive: datetime, tz: ZoneInfo, last: bool = False) -> datetime:
    """The instant (UTC) at which clocks in the zone show the wall time.

    Twice: the first of the two, or the last if asked. Never: the instant of the jump.
    The result never decreases while the wall time grows, on which the callers rely.
    """
    origin = _calm(tz, naive.toordinal())
    if origin is not None:
        return _EPOCH + (naive - origin)
    before = _offset(naive, tz, fold=0)
    after = _offset(naive, tz, fold=1)
    if before < after:
        return _jump((naive - after).replace(tzinfo=UTC), (naive - before).replace(tzinfo=UTC), tz)
    return (naive - (after if last else before)).replace(tzinfo=UTC)


@lru_cache(maxsize=16_384)
def _calm(tz: ZoneInfo, ordinal: int) -> datetime | None:
    """What clocks in the zone showed at the epoch by that day's offset; None on a day that has
    more than one, or begins or ends with a change.

    Saves most of the cost of a boundary. Six hours apart, since no zone ever changed its offset
    and changed it back within six hours.
    """
    midnight = datetime.fromordinal(ordinal)
    moments = [midnight + hours * _HOUR for hours in (0, 6, 12, 18, 24)]
    offsets = {_offset(moment, tz, fold) for moment in moments for fold in (0, 1)}
    return _EPOCH.replace(tzinfo=None) + offsets.pop() if len(offsets) == 1 else None


def _offset(naive: datetime, tz: ZoneInfo, fold: int) -> timedelta:
    offset = naive.replace(tzinfo=tz, fold=fold).utcoffset()
    if offset is None:
        raise TimelineError("The time zone has no offset for this time.", "time_zone")
    return offset


def _jump(low: datetime, high: datetime, tz: ZoneInfo) -> datetime:
    """The instant in (low, high] at which the zone takes the offset that it has at `high`.

    Offsets change on whole seconds, so both ends may be cut to the second.
    """
    low, high = low.replace(microsecond=0), high.replace(microsecond=0)
    target = high.astimezone(tz).utcoffset()
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if middle.astimezone(tz).utcoffset() == target:
            high = middle
        else:
            low = middle
    return high


def merge(intervals: list[Interval]) -> list[Interval]:
    """Intervals in order of start, with those that touch or overlap joined."""
    merged: list[Interval] = []
    for interval in intervals:
        if merged and interval.start <= merged[-1].end:
            if interval.end > merged[-1].end:
                merged[-1] = Interval(merged[-1].start, interval.end)
        else:
            merged.append(interval)
    return merged
