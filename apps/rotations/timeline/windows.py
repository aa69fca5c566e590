"""Weekly windows: the part of the week in which a layer pages anybody.

A window's start is the first, its end the last occurrence of a wall time that happens twice; an
end not after its start lies on the next day (equal: 24 hours); windows that touch are one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from apps.rotations.timeline.wallclock import (
    Interval,
    TimelineError,
    local,
    merge,
    resolve_wall,
    utc,
)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_WINDOWS = 100
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


def weekday(name: str, field: str = "days") -> int:
    """0 for `mon` to 6 for `sun`; TimelineError for any other word."""
    try:
        return DAYS.index(name)
    except ValueError:
        words = ", ".join(DAYS)
        raise TimelineError(f"“{name[:20]}” is not a day; use {words}.", field) from None


@dataclass(frozen=True)
class Window:
    """Open on each of `days` (`mon` … `sun`) from `start` to `end` by the wall clock."""

    days: tuple[str, ...]
    start: time
    end: time

    def __post_init__(self) -> None:
        object.__setattr__(self, "days", tuple(self.days))
        if not self.days:
            raise TimelineError("A window needs at least one day.", "days")
        for name in self.days:
            weekday(name)
        if self.start.tzinfo or self.end.tzinfo:
            raise TimelineError("A window's times are read on a wall clock, without an offset.")


@dataclass(frozen=True, eq=False)
class Mask:
    """Windows put together: (start, end) as distances from Monday 00:00, in order.

    An end may lie beyond the week, where it may meet the next week's first start. Compared by
    identity, so that it is a cheap cache key.
    """

    spans: tuple[tuple[timedelta, timedelta], ...]

    def is_open(self, tz: ZoneInfo, instant: datetime, shown: datetime) -> bool:
        """Whether a window is open; `shown` is the wall time of the instant in the zone."""
        starts, ends = _around(self, tz, _week_of(shown))
        place = bisect_right(starts, instant) - 1
        return place >= 0 and instant < ends[place]

    def next_open(self, tz: ZoneInfo, instant: datetime) -> Interval | None:
        """The stretch that holds the instant, or else the next one."""
        starts, ends = _around(self, tz, _week_of(local(instant, tz)))
        place = bisect_right(ends, instant)
        return Interval(starts[place], ends[place]) if place < len(starts) else None

    def open_between(self, tz: ZoneInfo, start: datetime, end: datetime) -> list[Interval]:
        """Every open stretch inside [start, end), clipped to it."""
        first = _week_of(local(start, tz)) - 1
        last = _week_of(local(end, tz)) + 1
        found = [span for week in range(first, last + 1) for span in _week(self, tz, week)]
        return [
            Interval(max(span.start, start), min(span.end, end))
            for span in merge(found)
            if span.end > start and span.start < end
        ]


def mask_of(windows: Sequence[Window]) -> Mask | None:
    """The windows as one mask; None where nothing is ever closed (also without any window)."""
    if len(windows) > MAX_WINDOWS:
        raise TimelineError(f"A layer takes at most {MAX_WINDOWS} windows.", "windows")
    return _mask_of(tuple(windows))


@lru_cache(maxsize=1024)
def _mask_of(windows: tuple[Window, ...]) -> Mask | None:
    spans = sorted(_spans(windows))
    joined: list[tuple[timedelta, timedelta]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    if not joined or joined[0][1] - joined[0][0] >= _WEEK:
        return None
    return Mask(tuple(joined))


def _spans(windows: Iterable[Window]) -> Iterable[tuple[timedelta, timedelta]]:
    for window in windows:
        opens, closes = _since_midnight(window.start), _since_midnight(window.end)
        if closes <= opens:
            closes += _DAY
        for name in window.days:
            midnight = DAYS.index(name) * _DAY
            yield midnight + opens, midnight + closes


def _since_midnight(clock: time) -> timedelta:
    return timedelta(
        hours=clock.hour,
        minutes=clock.minute,
        seconds=clock.second,
        microseconds=clock.microsecond,
    )


def _week_of(shown: datetime) -> int:
    """The number of the week, from Monday; day 1 of the calendar was a Monday."""
    return (shown.toordinal() - 1) // 7


@lru_cache(maxsize=8192)
def _week(mask: Mask, tz: ZoneInfo, week: int) -> tuple[Interval, ...]:
    monday = datetime.fromordinal(week * 7 + 1)
    spans = (
        Interval(resolve_wall(monday + start, tz), resolve_wall(monday + end, tz, last=True))
        for start, end in mask.spans
    )
    return tuple(span for span in spans if span.start < span.end)


@lru_cache(maxsize=2048)
def _around(
    mask: Mask, tz: ZoneInfo, week: int
) -> tuple[tuple[datetime, ...], tuple[datetime, ...]]:
    """Starts and ends from the week before to the second after: what one instant can need."""
    spans = merge([span for n in range(week - 1, week + 3) for span in _week(mask, tz, n)])
    return tuple(span.start for span in spans), tuple(span.end for span in spans)


def is_active(windows: Sequence[Window], tz: ZoneInfo, instant: datetime) -> bool:
    """Whether a window is open at the instant; without windows, always."""
    mask, instant = mask_of(windows), utc(instant)
    return mask is None or mask.is_open(tz, instant, local(instant, tz))


def next_window(windows: Sequence[Window], tz: ZoneInfo, instant: datetime) -> Interval | None:
    """The whole open stretch that holds the instant, or else the next; None if never closed."""
    mask = mask_of(windows)
    return None if mask is None else mask.next_open(tz, utc(instant))


def next_weekly_time(days: Sequence[str], at: time, tz: ZoneInfo, instant: datetime) -> datetime:
    """The next instant strictly after the given one at which one of the days shows `at`."""
    wanted = {weekday(name) for name in days}
    if not wanted:
        raise TimelineError("Name at least one day.", "days")
    instant = utc(instant)
    today = local(instant, tz).date()
    candidates = (today + n * _DAY for n in range(-1, 9))
    return min(
        found
        for day in candidates
        if day.weekday() in wanted
        and (found := resolve_wall(datetime.combine(day, at), tz)) > instant
    )
