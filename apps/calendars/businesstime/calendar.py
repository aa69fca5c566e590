"""Opening hours, and the open time of each 32 days in UTC."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NEVER_DAYS = 400  # closed for this long is a mistake, not a calendar
FIRST_YEAR, LAST_YEAR = 1970, 2199

Spans = tuple[tuple[int, int], ...]  # minutes of the local day, [open, close), 1440 is midnight

DAY = 86_400
BLOCK_DAYS = 32
BLOCK = BLOCK_DAYS * DAY
_MOST_BLOCKS = 64  # five and a half years of one calendar
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_SECOND_PASS = time(0, fold=1)


class BusinessTimeError(ValueError):
    """A calendar or a question that cannot be computed, in words for the person who wrote it.

    `field` is the part that is at fault ("weekly.mon", "exceptions.2026-12-24", "start").
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Interval(NamedTuple):
    """A half-open stretch of time in UTC: `start` belongs to it, `end` does not."""

    start: datetime
    end: datetime


class _Block(NamedTuple):
    """The open time of 32 days in UTC: spans in order, apart from each other, in epoch seconds.
    `before[i]` is the open time in front of span `i`, with the total as its last entry."""

    starts: list[int]
    ends: list[int]
    before: list[int]

    def worked(self, at: int) -> int:
        """Open seconds of the block before an instant."""
        index = bisect_right(self.starts, at) - 1
        if index < 0:
            return 0
        return self.before[index] + min(at, self.ends[index]) - self.starts[index]


@dataclass(frozen=True)
class Calendar:
    """Opening hours: a zone, seven days of spans from Monday on, and dates that replace them.

    An exception without spans is a closed day. Overlapping spans are joined. Raises
    BusinessTimeError for what is no zone, no time of day or no span. Equal calendars compute
    alike; each keeps its own bounded table, so use one instance for many questions.
    """

    zone: str
    weekly: tuple[Spans, ...]
    exceptions: tuple[tuple[date, Spans], ...] = ()
    _days: dict[int, Spans] = field(init=False, repr=False, compare=False)
    _blocks: dict[int, _Block] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.zone not in _zone_names():
            raise BusinessTimeError(
                f"There is no time zone named “{self.zone[:60]}”. "
                "Use a name such as Europe/Berlin.",
                "time_zone",
            )
        if len(self.weekly) != len(DAYS):
            raise BusinessTimeError("A week has seven days.", "weekly")
        named = zip(DAYS, self.weekly, strict=True)
        weekly = tuple(_merged(spans, f"weekly.{day}") for day, spans in named)
        days = {on: _merged(spans, f"exceptions.{on}") for on, spans in self.exceptions}
        object.__setattr__(self, "weekly", weekly)
        object.__setattr__(self, "exceptions", tuple(sorted(days.items())))
        object.__setattr__(self, "_days", {on.toordinal(): one for on, one in days.items()})

    @classmethod
    def of(
        cls,
        zone: str,
        weekly: Mapping[str, Iterable[Sequence[int]]],
        exceptions: Mapping[str, Iterable[Sequence[int]]] | None = None,
    ) -> Calendar:
        """From plain data: `{"mon": [[540, 1080]]}` and `{"2026-12-24": []}`."""
        unknown = [day for day in weekly if day not in DAYS]
        if unknown:
            raise BusinessTimeError(
                f"“{str(unknown[0])[:20]}” is no day; use mon to sun.", "weekly"
            )
        return cls(
            zone,
            tuple(_pairs(weekly.get(day, ()), f"weekly.{day}") for day in DAYS),
            tuple(
                (_date(on), _pairs(spans, f"exceptions.{on}"))
                for on, spans in (exceptions or {}).items()
            ),
        )

    def block(self, number: int) -> _Block:
        """The open time of `[number, number + 1)` times 32 days since 1970, in UTC."""
        found = self._blocks.get(number)
        if found is None:
            if len(self._blocks) >= _MOST_BLOCKS:
                self._blocks.clear()
            found = self._blocks[number] = _block(self, number)
        return found

    def spans_on(self, on: date) -> Spans:
        """What one local date says, in minutes: its exception, or else its weekday."""
        found = self._days.get(on.toordinal())
        return self.weekly[on.weekday()] if found is None else found


ALWAYS: tuple[Spans, ...] = (((0, 1440),),) * 7  # the week of a calendar that never closes


# -- from local days to UTC


def _block(calendar: Calendar, number: int) -> _Block:
    """All local days that may reach into the block (offsets and jumps are below two days)."""
    low, high = number * BLOCK, (number + 1) * BLOCK
    first = EPOCH_ORDINAL + number * BLOCK_DAYS
    zone = ZoneInfo(calendar.zone)
    days = range(first - 2, first + BLOCK_DAYS + 1)
    offsets = [_midnight_offset(zone, ordinal) for ordinal in (*days, days.stop)]
    found: list[tuple[int, int]] = []
    for ordinal, (here, there) in zip(days, pairwise(offsets), strict=True):
        spans = calendar._days.get(ordinal)
        if spans is None:
            spans = calendar.weekly[(ordinal - 1) % 7]  # 1 January of the year 1 was a Monday
        if spans:
            found += _in_utc(ordinal, spans, zone, here if here == there else None)
    clipped = ((max(start, low), min(end, high)) for start, end in found)
    apart = union([(start, end) for start, end in clipped if start < end])
    starts, ends = [one for one, _ in apart], [one for _, one in apart]
    lengths = (end - start for start, end in apart)
    return _Block(starts, ends, list(accumulate(lengths, initial=0)))


def _in_utc(
    ordinal: int, spans: Spans, zone: ZoneInfo, offset: int | None
) -> list[tuple[int, int]]:
    """The spans of one local day in epoch seconds; what a jump of the clock leaves empty is out.

    `offset` is that of the whole day, None on a day that may have more than one.
    """
    if offset is not None:
        midnight = (ordinal - EPOCH_ORDINAL) * DAY - offset
        return [(midnight + opens * 60, midnight + closes * 60) for opens, closes in spans]
    edges = ((_wall(ordinal, opens, zone), _wall(ordinal, closes, zone)) for opens, closes in spans)
    return [(start, end) for start, end in edges if start < end]


def _wall(ordinal: int, minutes: int, zone: ZoneInfo) -> int:
    """When the zone's clock shows that minute: the first time if twice, moved on if never."""
    shown = datetime.fromordinal(ordinal) + timedelta(minutes=minutes)
    return (ordinal - EPOCH_ORDINAL) * DAY + minutes * 60 - _offset(zone, shown)


@lru_cache(maxsize=8192)
def _midnight_offset(zone: ZoneInfo, ordinal: int) -> int | None:
    """The offset in seconds at the start of a day; None if the clock changes there.

    No zone changes its offset and changes it back within one day, so a day between two midnights
    of one offset has no other.
    """
    midnight = datetime.fromordinal(ordinal)
    offset = _offset(zone, midnight)
    again = _offset(zone, datetime.combine(midnight, _SECOND_PASS))
    return offset if offset == again else None


def _offset(zone: ZoneInfo, shown: datetime) -> int:
    """Seconds ahead of UTC when the zone's clock shows that; its `fold` says which pass."""
    offset = zone.utcoffset(shown)
    assert offset is not None  # a ZoneInfo has one for every time
    return offset.days * DAY + offset.seconds


def union(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, with those that touch or overlap joined."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


# -- from plain data


def _merged(spans: Spans, name: str) -> Spans:
    for opens, closes in spans:
        if not 0 <= opens < closes <= 1440:
            raise BusinessTimeError(
                "Opening hours run from 00:00 to 24:00 of one day, and close after they open.", name
            )
    return tuple(union(spans))


def _pairs(spans: Iterable[Sequence[int]], name: str) -> Spans:
    try:
        found = tuple((opens, closes) for opens, closes in spans)
    except (TypeError, ValueError) as error:
        raise BusinessTimeError("Give opening hours as pairs of minutes.", name) from error
    if not all(type(edge) is int for pair in found for edge in pair):
        raise BusinessTimeError("Give opening hours as pairs of minutes.", name)
    return found


def _date(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except (TypeError, ValueError):
        found = None
    if found is None or found.isoformat() != text:  # other ways to write one would be other keys
        raise BusinessTimeError(f"“{str(text)[:20]}” is no date such as 2026-12-24.", "exceptions")
    return found


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())
