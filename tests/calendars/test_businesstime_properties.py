"""Business time against a walk second by second, on quiet days and in the nights of the clocks.

The walk knows nothing of offsets: it looks at what a clock on the wall shows in each minute.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import compress, count, islice
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.calendars.businesstime import (
    DAYS,
    BusinessTimeError,
    Calendar,
    Pause,
    deadline,
    is_open,
    open_spans,
    worked,
)

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
# Where and when to look: nights of changed clocks, by an hour, by half of one, at midnight, just
# after midnight and by a whole day, and two zones without any.
NIGHTS = (
    ("UTC", date(2026, 3, 29)),
    ("Asia/Kolkata", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/St_Johns", date(2010, 11, 7)),
    ("Pacific/Apia", date(2011, 12, 30)),
)
WALKED = 4  # days, of which the night is the third


def instant_of(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


@cache
def clocks(zone: str, night: date) -> list[tuple[datetime, datetime]]:
    """Each minute of ten days around the night: the instant, and what the wall shows."""
    start = datetime(night.year, night.month, night.day, tzinfo=UTC) - 5 * DAY
    tz = ZoneInfo(zone)
    instants = [start + n * MINUTE for n in range(10 * 1440)]
    return [(one, one.astimezone(tz).replace(tzinfo=None)) for one in instants]


@cache
def shown_at(zone: str, night: date, wall: datetime) -> datetime:
    """When the wall first shows it; if it never does, as long after the jump as it is into it."""
    minutes = clocks(zone, night)
    for instant, shown in minutes:
        if shown == wall:
            return instant
    last, shown = max((one for one in minutes if one[1] < wall), key=lambda one: one[1])
    return last + (wall - shown)


@st.composite
def weeks(draw: st.DrawFn) -> dict[str, list[list[int]]]:
    """Spans that lie apart; edges crowd in the small hours, where clocks change."""
    edge = st.one_of(st.integers(0, 16).map(lambda n: n * 15), st.integers(0, 1440))
    week = {}
    for day in DAYS:
        edges = sorted(draw(st.sets(edge, max_size=6)))
        week[day] = [[a, b] for a, b in zip(edges[::2], edges[1::2], strict=False)]
    return week


pauses_in = st.lists(st.tuples(st.integers(0, WALKED * 86_400), st.integers(0, 90_000)), max_size=3)


@settings(max_examples=120, deadline=None)
@given(
    where=st.sampled_from(NIGHTS),
    week=weeks(),
    closed=st.sets(st.integers(-3, 3), max_size=2),
    breaks=pauses_in,
    begins=st.integers(0, WALKED * 86_400 - 1),
    lasts=st.integers(0, WALKED * 86_400),
    share=st.floats(0, 1, exclude_max=True),
)
def test_it_counts_what_a_walk_second_by_second_counts(
    where: tuple[str, date],
    week: dict[str, list[list[int]]],
    closed: set[int],
    breaks: list[tuple[int, int]],
    begins: int,
    lasts: int,
    share: float,
) -> None:
    zone, night = where
    first = datetime(night.year, night.month, night.day, tzinfo=UTC) - 2 * DAY
    days_off = {(night + n * DAY).isoformat(): [] for n in closed}
    calendar = Calendar.of(zone, week, days_off)
    pauses: list[Pause] = [
        (first + timedelta(seconds=a), first + timedelta(seconds=a + b)) for a, b in breaks
    ]
    seconds = walk(zone, night, week, set(days_off), first)
    for low, length in breaks:
        seconds[low : low + length] = bytes(len(seconds[low : low + length]))
    ends = min(begins + lasts, len(seconds))

    start, end = first + timedelta(seconds=begins), first + timedelta(seconds=ends)
    assert worked(calendar, start, end, pauses) == sum(seconds[begins:ends])
    left = sum(seconds[begins:])
    if left:
        target = int(left * share)
        due = next(islice(compress(count(begins), seconds[begins:]), target, None))
        assert deadline(calendar, start, target, pauses) == first + timedelta(seconds=due)


def walk(
    zone: str, night: date, week: dict[str, list[list[int]]], days_off: set[str], first: datetime
) -> bytearray:
    """A byte a second of the walked days: 1 is open."""
    minutes = bytearray(WALKED * 1440)
    for n in range(-3, 4):
        on = night + n * DAY
        if on.isoformat() in days_off:
            continue
        midnight = datetime(on.year, on.month, on.day)
        for opens, closes in week[DAYS[on.weekday()]]:
            edges = [shown_at(zone, night, midnight + m * MINUTE) for m in (opens, closes)]
            low, high = (min(max((one - first) // MINUTE, 0), len(minutes)) for one in edges)
            if low < high:
                minutes[low:high] = b"\x01" * (high - low)
    return bytearray(b"".join(bytes([one]) * 60 for one in minutes))


# -- laws, over any distance

zones = st.sampled_from(sorted({zone for zone, _ in NIGHTS}))
calendars = st.builds(
    Calendar.of,
    zones,
    weeks(),
    st.dictionaries(
        st.integers(0, 1500).map(lambda n: (date(2025, 1, 1) + n * DAY).isoformat()),
        st.just([]),
        max_size=5,
    ),
)
instants = st.integers(1_740_000_000, 1_840_000_000).map(instant_of)  # 2025 to 2028
targets = st.integers(0, 2_000_000)


def some_pauses(start: datetime, breaks: list[tuple[int, int]]) -> list[Pause]:
    return [(start + timedelta(seconds=a), start + timedelta(seconds=a + b)) for a, b in breaks]


def due_or_none(
    calendar: Calendar, start: datetime, seconds: int, pauses: list[Pause]
) -> datetime | None:
    """None for a calendar that hardly ever opens."""
    try:
        return deadline(calendar, start, seconds, pauses)
    except BusinessTimeError:
        return None


@settings(max_examples=150, deadline=None)
@given(calendars, instants, targets, pauses_in)
def test_by_its_deadline_a_target_is_used_up_and_a_second_later_it_is_exceeded(
    calendar: Calendar, start: datetime, seconds: int, breaks: list[tuple[int, int]]
) -> None:
    pauses = some_pauses(start, breaks)
    due = due_or_none(calendar, start, seconds, pauses)
    if due is not None:
        assert worked(calendar, start, due, pauses) == seconds
        assert worked(calendar, start, due + timedelta(seconds=1), pauses) == seconds + 1
        assert is_open(calendar, due)


@settings(max_examples=100, deadline=None)
@given(calendars, instants, targets, targets, st.integers(0, 500_000), pauses_in)
def test_a_later_start_or_a_longer_target_is_never_due_earlier(
    calendar: Calendar,
    start: datetime,
    seconds: int,
    more: int,
    later: int,
    breaks: list[tuple[int, int]],
) -> None:
    pauses = some_pauses(start, breaks)
    due = due_or_none(calendar, start, seconds, pauses)
    longer = due_or_none(calendar, start, seconds + more, pauses)
    after = due_or_none(calendar, start + timedelta(seconds=later), seconds, pauses)
    assert due is None or longer is None or due <= longer
    assert due is None or after is None or due <= after


@settings(max_examples=100, deadline=None)
@given(calendars, st.tuples(instants, instants, instants).map(sorted), pauses_in)
def test_parts_add_up(
    calendar: Calendar, three: list[datetime], breaks: list[tuple[int, int]]
) -> None:
    a, b, c = three
    pauses = some_pauses(a, breaks)
    whole = worked(calendar, a, c, pauses)
    assert worked(calendar, a, b, pauses) + worked(calendar, b, c, pauses) == whole
    assert 0 <= whole <= (c - a).total_seconds()
    if not breaks:
        spans = open_spans(calendar, a, c)
        assert sum((one.end - one.start).total_seconds() for one in spans) == whole
