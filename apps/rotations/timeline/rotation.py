"""Rotations: turns of equal length that go round a list of people without a break.

Turn 0 begins at the anchor. Every boundary is computed from the anchor and never stepped to, so
nothing drifts: boundary k is the instant of the wall time `anchor + k turns`. A turn that daylight
saving squeezes to nothing keeps its number; its person simply has no time in it.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from apps.rotations.timeline.wallclock import (
    TimelineError,
    local,
    resolve_wall,
    utc,
    wall,
)
from apps.rotations.timeline.windows import Window, mask_of, weekday

Unit = Literal["hour", "day", "week", "month"]
Advance = Literal["elapsed", "active_days"]

# A turn or a recurrence longer than ten years is a slip of the pen, and would overflow dates.
MOST_EVERY: dict[str, int] = {"hour": 87_600, "day": 3_650, "week": 520, "month": 120}
MAX_PLACES = 5_000
_LENGTHS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}


def check_every(unit: str, every: int) -> None:
    """TimelineError unless the unit is known and the number of them is sensible."""
    if unit not in MOST_EVERY:
        raise TimelineError(f"“{unit[:20]}” is not a unit; use hour, day, week or month.", "unit")
    if every < 1:
        raise TimelineError(f"It must last at least one {unit}: use 1 or more.", "every")
    if every > MOST_EVERY[unit]:
        raise TimelineError(
            f"It may last at most ten years: use {MOST_EVERY[unit]} {unit}s or less.", "every"
        )


def check_names(names: Sequence[str | None], field: str) -> None:
    """TimelineError for an empty name or a list that is too long."""
    if len(names) > MAX_PLACES:
        raise TimelineError(f"A list takes at most {MAX_PLACES:,} places.", field)
    if any(name == "" for name in names):
        raise TimelineError("A person's name is empty; leave the place out or use null.", field)


@dataclass(frozen=True)
class Rotation:
    """`participants` take turns of `every` units, counted from the wall time `anchor_local`.

    None among the participants is a buffer: nobody is on in that turn, on purpose.
    `reference` (instant, index) pins who is on at that instant. With
    `advance="active_days"` only the days (unit hour: the hours) in which the layer's windows open
    are counted, so that a turn lasts `every` of *those* and nobody's turn falls on closed days.
    """

    unit: Unit
    every: int
    anchor_local: datetime
    participants: tuple[str | None, ...]
    advance: Advance = "elapsed"
    reference: tuple[datetime, int] | None = None

    def __post_init__(self) -> None:
        check_every(self.unit, self.every)
        wall(self.anchor_local, "anchor_local")
        object.__setattr__(self, "participants", tuple(self.participants))
        if not self.participants:
            raise TimelineError("A rotation needs at least one participant.", "participants")
        check_names(self.participants, "participants")
        if self.advance not in ("elapsed", "active_days"):
            raise TimelineError("advance is either elapsed or active_days.", "advance")
        if self.reference is not None:
            at, index = self.reference
            if not 0 <= index < len(self.participants):
                raise TimelineError("The reference names no participant of the list.", "reference")
            object.__setattr__(self, "reference", (utc(at, "reference"), index))


class Turn(NamedTuple):
    """A turn by its number, from `start` to `end` (instants, half-open), served by `user`."""

    number: int
    start: datetime
    end: datetime
    user: str | None


class _Cadence(Protocol):
    """Where turns begin on the wall clock."""

    def begins(self, index: int) -> datetime: ...

    def index_at(self, shown: datetime) -> int:
        """The last turn that has begun when the clock shows this time for the first time."""
        ...


@dataclass(frozen=True)
class _Steps:
    """Turns of a fixed length on the wall clock."""

    anchor: datetime
    step: timedelta

    def begins(self, index: int) -> datetime:
        return self.anchor + index * self.step

    def index_at(self, shown: datetime) -> int:
        return (shown - self.anchor) // self.step


@dataclass(frozen=True)
class _Months:
    """Turns of whole months; a day that a month lacks is its last one."""

    anchor: datetime
    every: int

    def begins(self, index: int) -> datetime:
        years, month = divmod(self.anchor.month - 1 + index * self.every, 12)
        year = self.anchor.year + years
        day = min(self.anchor.day, monthrange(year, month + 1)[1])
        return self.anchor.replace(year=year, month=month + 1, day=day)

    def index_at(self, shown: datetime) -> int:
        months = (shown.year - self.anchor.year) * 12 + shown.month - self.anchor.month
        index = months // self.every
        return index if self.begins(index) <= shown else index - 1


@dataclass(frozen=True)
class _ActiveUnits:
    """Turns of `every` active units, of which `active` lists the places in each week.

    Places count units from the anchor; the pattern repeats after `period` units (one week), so
    both directions are a division and a look-up. A closed unit belongs to the turn before it.
    """

    anchor: datetime
    every: int
    unit: timedelta
    period: int
    active: tuple[int, ...]

    def begins(self, index: int) -> datetime:
        weeks, place = divmod(index * self.every, len(self.active))
        return self.anchor + (weeks * self.period + self.active[place]) * self.unit

    def index_at(self, shown: datetime) -> int:
        weeks, rest = divmod((shown - self.anchor) // self.unit + 1, self.period)
        begun = weeks * len(self.active) + bisect_left(self.active, rest)
        return (begun - 1) // self.every


def _cadence(rotation: Rotation, windows: Sequence[Window]) -> _Cadence:
    if rotation.unit == "month":
        return _Months(rotation.anchor_local, rotation.every)
    length = _LENGTHS[rotation.unit]
    # Weekly windows open in every week, so counting active weeks is counting weeks.
    if rotation.advance == "active_days" and rotation.unit != "week" and mask_of(windows):
        active = _active_days if rotation.unit == "day" else _active_hours
        period = timedelta(weeks=1) // length
        places = active(rotation.anchor_local, windows)
        return _ActiveUnits(rotation.anchor_local, rotation.every, length, period, places)
    return _Steps(rotation.anchor_local, rotation.every * length)


def _active_days(anchor: datetime, windows: Sequence[Window]) -> tuple[int, ...]:
    """Days after the anchor's on which a window begins. Turns go by the day that they begin on."""
    wanted = {weekday(name) for window in windows for name in window.days}
    return tuple(day for day in range(7) if (anchor.weekday() + day) % 7 in wanted)


def _active_hours(anchor: datetime, windows: Sequence[Window]) -> tuple[int, ...]:
    """Hours after the anchor's during some part of which a window is open."""
    mask = mask_of(windows)
    spans = mask.spans if mask else ()
    week, hour = timedelta(weeks=1), timedelta(hours=1)
    since_monday = anchor - datetime.fromordinal(anchor.toordinal() - anchor.weekday())
    found = []
    for place in range(168):
        begin = (since_monday + place * hour) % week
        laps = (begin - week, begin, begin + week)
        if any(s < lap + hour and lap < e for s, e in spans for lap in laps):
            found.append(place)
    return tuple(found)


class Turns:
    """A rotation in a zone, ready for questions: each is answered in constant time."""

    def __init__(self, rotation: Rotation, tz: ZoneInfo, windows: Sequence[Window] = ()) -> None:
        self._cadence = _cadence(rotation, windows)
        self._tz = tz
        self._participants = rotation.participants
        self._offset = 0
        if rotation.reference is not None:
            at, index = rotation.reference
            self._offset = index - self.index(at)

    def boundary(self, index: int) -> datetime:
        """The instant at which that turn begins."""
        return resolve_wall(self._cadence.begins(index), self._tz)

    def index(self, instant: datetime, shown: datetime | None = None) -> int:
        """The turn that runs at the instant; `shown` is its wall time, where already known.

        The wall clock gives the number at once. Only in the second pass of an hour that happens
        twice may later boundaries have gone by already, in the first pass.
        """
        shown = local(instant, self._tz) if shown is None else shown
        index = self._cadence.index_at(shown)
        if shown.fold:
            while self.boundary(index + 1) <= instant:
                index += 1
        return index

    def user(self, index: int) -> str | None:
        """Who serves that turn; None in a buffer."""
        return self._participants[(index + self._offset) % len(self._participants)]

    def turn(self, instant: datetime) -> Turn:
        """The turn that holds the instant."""
        index = self.index(instant)
        return Turn(index, self.boundary(index), self.boundary(index + 1), self.user(index))

    def between(self, start: datetime, end: datetime) -> Iterator[Turn]:
        """The turns in [start, end), whole, in order; also those of zero length."""
        index = self.index(start)
        begin = self.boundary(index)
        while begin < end:
            finish = self.boundary(index + 1)
            yield Turn(index, begin, finish, self.user(index))
            index, begin = index + 1, finish

    def handoffs(self, start: datetime, end: datetime) -> list[datetime]:
        """The boundaries in [start, end), each once."""
        index = self.index(start)
        found = [self.boundary(index)]
        while found[-1] < end:
            index += 1
            found.append(self.boundary(index))
        return [at for at in dict.fromkeys(found) if start <= at < end]


def boundary(
    rotation: Rotation, tz: ZoneInfo, index: int, windows: Sequence[Window] = ()
) -> datetime:
    """The instant at which turn `index` begins; `windows` matter to `active_days` only."""
    return Turns(rotation, tz, windows).boundary(index)


def slot_at(
    rotation: Rotation, tz: ZoneInfo, instant: datetime, windows: Sequence[Window] = ()
) -> int:
    """The number of the turn that holds the instant; negative before the anchor."""
    return Turns(rotation, tz, windows).index(utc(instant))


def shift_at(
    rotation: Rotation, tz: ZoneInfo, instant: datetime, windows: Sequence[Window] = ()
) -> Turn:
    """The turn that holds the instant: its number, boundaries and person. Windows do not cut it."""
    return Turns(rotation, tz, windows).turn(utc(instant))


def handoffs(
    rotation: Rotation,
    tz: ZoneInfo,
    start: datetime,
    end: datetime,
    windows: Sequence[Window] = (),
) -> list[datetime]:
    """Every boundary in [start, end), whether or not the person changes."""
    return Turns(rotation, tz, windows).handoffs(utc(start), utc(end))
