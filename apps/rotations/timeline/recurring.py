"""Recurring shifts: shifts of a fixed length that come again, with groups of people in turn.

The form that iCalendar schedules have. Unlike a rotation it begins with its first shift, may leave
time between shifts uncovered, and may overlap itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from apps.rotations.timeline.rotation import Unit, check_every, check_names
from apps.rotations.timeline.wallclock import TimelineError, local, resolve_wall, utc, wall
from apps.rotations.timeline.windows import weekday

# A year and a bit: longer shifts are a slip of the pen, and every question has to look back this
# far for shifts that may still run.
MAX_DURATION_MINUTES = 400 * 24 * 60
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
# In the second pass of a repeated hour, shifts with a later wall time have begun already. No
# clock was ever put back by more than a day.
_SLACK = timedelta(days=1, hours=2)


@dataclass(frozen=True)
class Recurring:
    """A shift of `duration_minutes` by the wall clock, first at `first_local`, then again:

    - hour, day: every `every` of them; the groups take turns shift by shift;
    - day with `by_day`: on those days; a group keeps `every` such days, then the next one;
    - week: on `by_day` (else the first shift's weekday) of every `every`-th calendar week from
      `week_start`; a group keeps the week, other weeks are empty;
    - month: on `by_day` and `by_monthday` (else the first shift's day; -1 is the month's last) of
      every `every`-th calendar month; a group keeps the month; a day that a month
      lacks is left out.

    Shifts that begin before `rotation_start` are dropped, or clipped to it with
    `rotation_start_mode="clip"`, and keep their place in the order; `until` cuts off the rest.
    An empty group leaves its shift open on purpose.
    """

    unit: Unit
    every: int
    first_local: datetime
    duration_minutes: int
    groups: tuple[tuple[str, ...], ...]
    by_day: tuple[str, ...] = ()
    by_monthday: tuple[int, ...] = ()
    week_start: str = "mon"
    until: datetime | None = None
    rotation_start: datetime | None = None
    rotation_start_mode: Literal["drop", "clip"] = "drop"

    def __post_init__(self) -> None:
        check_every(self.unit, self.every)
        wall(self.first_local, "first_local")
        self._check_length_and_people()
        self._check_days()
        for field in ("until", "rotation_start"):
            instant = getattr(self, field)
            if instant is not None:
                object.__setattr__(self, field, utc(instant, field))
        if self.rotation_start_mode not in ("drop", "clip"):
            raise TimelineError("Use drop or clip.", "rotation_start_mode")

    def _check_length_and_people(self) -> None:
        if self.duration_minutes < 1:
            raise TimelineError("A shift lasts at least a minute.", "duration_minutes")
        if self.duration_minutes > MAX_DURATION_MINUTES:
            raise TimelineError("A shift lasts at most 400 days.", "duration_minutes")
        object.__setattr__(self, "groups", tuple(tuple(group) for group in self.groups))
        if not self.groups:
            raise TimelineError("Recurring shifts need at least one group of people.", "groups")
        check_names([name for group in self.groups for name in group or (None,)], "groups")

    def _check_days(self) -> None:
        for field in ("by_day", "by_monthday"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        weekday(self.week_start, "week_start")
        for name in self.by_day:
            weekday(name, "by_day")
        if self.by_monthday and self.unit != "month":
            raise TimelineError("Days of the month go with the unit month.", "by_monthday")
        if any(day == 0 or not -31 <= day <= 31 for day in self.by_monthday):
            raise TimelineError("Use 1 to 31, or -1 for the last day.", "by_monthday")


class Stretch(NamedTuple):
    """People of one group, on from `start` to `end` (instants, half-open)."""

    start: datetime
    end: datetime
    users: tuple[str, ...]


class Occurrences:
    """A recurring shift in a zone, ready for questions."""

    def __init__(self, recurring: Recurring, tz: ZoneInfo) -> None:
        self._rule = recurring
        self._tz = tz
        self._duration = timedelta(minutes=recurring.duration_minutes)
        self._days = frozenset(weekday(name) for name in recurring.by_day)

    def at(self, instant: datetime, shown: datetime) -> tuple[str, ...]:
        """Everyone on at the instant, each once; `shown` is its wall time in the zone."""
        found: dict[str, None] = {}
        for begin, place in self._begins(shown, shown):
            stretch = self._stretch(begin, place)
            if stretch.start <= instant < stretch.end:
                found.update(dict.fromkeys(stretch.users))
        return tuple(found)

    def between(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        """The shifts with time in [start, end), by their start; they may overlap."""
        for begin, place in self._begins(local(start, self._tz), local(end, self._tz)):
            stretch = self._stretch(begin, place)
            if max(stretch.start, start) < min(stretch.end, end) and stretch.users:
                yield stretch

    def _stretch(self, begin: datetime, place: int) -> Stretch:
        """The shift that begins at that wall time; empty (end before start) where dropped."""
        rule = self._rule
        start = resolve_wall(begin, self._tz)
        end = resolve_wall(begin + self._duration, self._tz)
        if rule.rotation_start is not None and start < rule.rotation_start:
            start = rule.rotation_start if rule.rotation_start_mode == "clip" else end
        if rule.until is not None:
            end = min(end, rule.until)
        return Stretch(start, end, rule.groups[place % len(rule.groups)])

    def _begins(self, low: datetime, high: datetime) -> Iterator[tuple[datetime, int]]:
        """(wall time, place in the order) of shifts that may have time in low … high."""
        first = self._rule.first_local
        low, high = max(low - self._duration, first), high + _SLACK
        if self._rule.unit == "hour" or (self._rule.unit == "day" and not self._days):
            return self._by_steps(low, high)
        return self._by_days(low, high)

    def _by_steps(self, low: datetime, high: datetime) -> Iterator[tuple[datetime, int]]:
        rule = self._rule
        step = rule.every * (_HOUR if rule.unit == "hour" else _DAY)
        place = (low - rule.first_local) // step
        begin = rule.first_local + place * step
        while begin <= high:
            if not self._days or begin.weekday() in self._days:
                yield begin, place
            place, begin = place + 1, begin + step

    def _by_days(self, low: datetime, high: datetime) -> Iterator[tuple[datetime, int]]:
        clock, day = self._rule.first_local.time(), low.date()
        for _ in range((high.date() - day).days + 1):
            if self._matches(day):
                place = self._place(day)
                if place is not None:
                    yield datetime.combine(day, clock), place
            day += _DAY

    def _matches(self, day: date) -> bool:
        rule = self._rule
        if self._days and day.weekday() not in self._days:
            return False
        if rule.by_monthday:
            return day.day in rule.by_monthday or _from_end(day) in rule.by_monthday
        if self._days:
            return True
        first = rule.first_local
        return day.day == first.day if rule.unit == "month" else day.weekday() == first.weekday()

    @cached_property
    def _place(self) -> Callable[[date], int | None]:
        """For a day on which a shift begins: its group's place; None in a period left out."""
        return {"day": self._day_place, "week": self._week_place}.get(
            self._rule.unit, self._month_place
        )

    def _day_place(self, day: date) -> int:
        first = self._rule.first_local.date()
        weeks, rest = divmod((day - first).days, 7)
        partial = sum((first.weekday() + n) % 7 in self._days for n in range(rest))
        return (weeks * len(self._days) + partial) // self._rule.every

    def _week_place(self, day: date) -> int | None:
        first = self._rule.first_local.date()
        into_week = (first.weekday() - weekday(self._rule.week_start)) % 7
        return self._period((day - first + into_week * _DAY).days // 7)

    def _month_place(self, day: date) -> int | None:
        first = self._rule.first_local
        return self._period((day.year - first.year) * 12 + day.month - first.month)

    def _period(self, number: int) -> int | None:
        place, left_out = divmod(number, self._rule.every)
        return None if left_out else place


def _from_end(day: date) -> int:
    """-1 for the last day of the month, -2 for the one before."""
    following = (day.replace(day=1) + 32 * _DAY).replace(day=1)
    return (day - following).days
