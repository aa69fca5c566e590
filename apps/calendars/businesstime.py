"""Business time: how many working seconds lie between two instants, and when a number of them is
used up. Pure calculation over plain values.

The open time of a calendar is the union of its local spans, each read on the wall clock of its
zone. The conventions (docs/adr/0013-business-time.md):

- Spans, pauses and questions are half-open: the second of opening counts, that of closing does not.
- What is counted are seconds that pass, so a day of 25 hours that is open all day counts 25.
- An edge that happens twice is its first pass; one that a jump of the clock skips moves forward by
  the jump, and a span that this leaves empty is none. 24:00 is the next midnight.
- A target that is used up exactly at closing is due at the next opening. With it, "stopped by the
  deadline" and "worked no more than the target" are one statement.
- Edges and pauses stand on whole seconds; a fraction in a start is carried into the deadline.

Days are turned into UTC in blocks of 32 days with running totals, kept with the calendar, so that
a question costs two binary searches however far it reaches.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import accumulate
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_TARGET = 2 * 365 * 86_400  # seconds of business time: two years
NEVER_DAYS = 400  # closed for this long is a mistake, not a calendar
HORIZON_DAYS = 20 * 366  # a deadline further away than this is refused
FIRST_YEAR, LAST_YEAR = 1970, 2199

Spans = tuple[tuple[int, int], ...]  # minutes of the local day, [open, close), 1440 is midnight
Pause = tuple[datetime, datetime | None]  # [from, to), None: not over yet

_DAY = 86_400
_BLOCK_DAYS = 32
_BLOCK = _BLOCK_DAYS * _DAY
_MOST_BLOCKS = 64  # five and a half years of one calendar
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


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


# -- the questions


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
    fraction = (start - _EPOCH).microseconds
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
    for number in range(start // _BLOCK, -(-end // _BLOCK)):
        block = calendar.block(number)
        for opens, closes in zip(block.starts, block.ends, strict=True):
            low, high = max(opens, start), min(closes, end)
            if low < high:
                found.append((low, high))
    return [Interval(_instant(low), _instant(high)) for low, high in _union(found)]


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
    first, last = start // _BLOCK, end // _BLOCK
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
    number = at // _BLOCK
    block = calendar.block(number)
    wanted = block.worked(at) + seconds
    limit, closed_from = at + HORIZON_DAYS * _DAY, at
    while wanted >= block.before[-1]:
        wanted -= block.before[-1]
        number += 1
        closed_from = max(closed_from, block.ends[-1]) if block.ends else closed_from
        if number * _BLOCK - closed_from > NEVER_DAYS * _DAY:
            raise BusinessTimeError(
                f"This calendar is closed for more than {NEVER_DAYS} days on end.", "weekly"
            )
        if number * _BLOCK > limit:
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
        return list(_union(found))
    before = [(low, min(high, forever)) for low, high in _union(found) if low < forever]
    return [*before, (forever, None)]


def _seconds(at: datetime, name: str) -> int:
    """Whole seconds since 1970; BusinessTimeError without an offset or out of all bounds."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise BusinessTimeError(f"Use a time between the years {FIRST_YEAR} and {LAST_YEAR}.", name)
    if at.tzinfo is None:
        raise BusinessTimeError("A time needs a UTC offset, such as 2026-10-01T00:00Z.", name)
    since = at - _EPOCH
    return since.days * _DAY + since.seconds


def _instant(second: int) -> datetime:
    return _EPOCH + timedelta(seconds=second)


# -- from local days to UTC


def _block(calendar: Calendar, number: int) -> _Block:
    """All local days that may reach into the block (offsets and jumps are below two days)."""
    low, high = number * _BLOCK, (number + 1) * _BLOCK
    first = _EPOCH_ORDINAL + number * _BLOCK_DAYS
    zone = ZoneInfo(calendar.zone)
    found: list[tuple[int, int]] = []
    for ordinal in range(first - 2, first + _BLOCK_DAYS + 1):
        spans = calendar._days.get(ordinal)
        if spans is None:
            spans = calendar.weekly[(ordinal - 1) % 7]  # 1 January of the year 1 was a Monday
        if spans:
            found += _in_utc(ordinal, spans, zone)
    clipped = ((max(start, low), min(end, high)) for start, end in found)
    apart = _union([(start, end) for start, end in clipped if start < end])
    starts, ends = [one for one, _ in apart], [one for _, one in apart]
    lengths = (end - start for start, end in apart)
    return _Block(starts, ends, list(accumulate(lengths, initial=0)))


def _in_utc(ordinal: int, spans: Spans, zone: ZoneInfo) -> list[tuple[int, int]]:
    """The spans of one local day in epoch seconds; what a jump of the clock leaves empty is out."""
    offset = _calm_offset(zone, ordinal)
    if offset is not None:
        midnight = (ordinal - _EPOCH_ORDINAL) * _DAY - offset
        return [(midnight + opens * 60, midnight + closes * 60) for opens, closes in spans]
    edges = ((_wall(ordinal, opens, zone), _wall(ordinal, closes, zone)) for opens, closes in spans)
    return [(start, end) for start, end in edges if start < end]


def _wall(ordinal: int, minutes: int, zone: ZoneInfo) -> int:
    """When the zone's clock shows that minute: the first time if twice, moved on if never."""
    shown = datetime.fromordinal(ordinal) + timedelta(minutes=minutes)
    return (ordinal - _EPOCH_ORDINAL) * _DAY + minutes * 60 - _offset(shown, zone, 0)


@lru_cache(maxsize=8192)
def _calm_offset(zone: ZoneInfo, ordinal: int) -> int | None:
    """The day's offset in seconds; None on a day that has more than one.

    No zone changes its offset and changes it back within one day, so both midnights tell.
    """
    midnight, next_one = datetime.fromordinal(ordinal), datetime.fromordinal(ordinal + 1)
    found = _offset(midnight, zone, 0)
    others = (_offset(midnight, zone, 1), _offset(next_one, zone, 0), _offset(next_one, zone, 1))
    return found if all(one == found for one in others) else None


def _offset(shown: datetime, zone: ZoneInfo, fold: int) -> int:
    offset = shown.replace(tzinfo=zone, fold=fold).utcoffset()
    assert offset is not None  # a ZoneInfo has one for every time
    return offset.days * _DAY + offset.seconds


def _union(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
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
    return tuple(_union(spans))


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
        return date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise BusinessTimeError(
            f"“{str(text)[:20]}” is no date such as 2026-12-24.", "exceptions"
        ) from error


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())
