"""A year in steps of 15 minutes, in zones with daylight saving, against a slow second opinion.

The second opinion never resolves a wall time. It reads the clock of the zone every 15 minutes and
keeps two figures per step: the latest time that the clock has shown *up to* then, and the earliest
that it will show *from* then *on*. A boundary at a wall time has gone by as soon as the clock has
shown that time or a later one; a window has ended for good when the clock will never show a time
before its end again. That is the whole meaning of "first occurrence", "last occurrence" and "the
instant of the jump", and shares no line of thought with offsets and folds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import accumulate

import pytest

from apps.rotations import timeline
from apps.rotations.timeline import LayerSpec, Override, Recurring, Rotation, Swap, Window

STEP = timedelta(minutes=15)
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
STEPS = (END - START) // STEP
MARGIN = 3 * 96
ZERO = datetime(2026, 1, 1)
ZONES = (
    "America/Chicago",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")

People = frozenset[tuple[str, str]]


def minutes(shown: datetime) -> int:
    return (shown - ZERO) // timedelta(minutes=1)


@dataclass(frozen=True)
class Clock:
    """Per step of the year: the latest time shown so far, the earliest shown from then on."""

    latest: Sequence[int]
    earliest: Sequence[int]
    changes: Sequence[int]


@cache
def clock_of(name: str) -> Clock:
    tz = timeline.zone(name)
    steps = range(-MARGIN, STEPS + MARGIN)
    instants = [(START + n * STEP).astimezone(tz) for n in steps]
    shown = [minutes(at.replace(tzinfo=None)) for at in instants]
    latest = list(accumulate(shown, max))
    earliest = list(accumulate(reversed(shown), min))[::-1]
    inside = slice(MARGIN, MARGIN + STEPS)
    jumps = [
        n for n in range(STEPS) if shown[n + MARGIN + 1] - shown[n + MARGIN] != STEP.seconds // 60
    ]
    return Clock(latest[inside], earliest[inside], jumps)


def test_the_sample_year_changes_the_clock_twice_in_every_zone() -> None:
    assert {name: len(clock_of(name).changes) for name in ZONES} == dict.fromkeys(ZONES, 2)


# --- the second opinion, layer by layer ---------------------------------------------------------

Opinion = Callable[[Clock], list[str | None]]


def turns(begins: Sequence[int], users: Sequence[str | None], clock: Clock) -> list[str | None]:
    """The user whose turn, in order of `begins`, was the last to begin."""
    return [users[bisect_right(begins, shown) - 1] for shown in clock.latest]


def regular(anchor: datetime, step_minutes: int, users: Sequence[str | None]) -> Opinion:
    def opinion(clock: Clock) -> list[str | None]:
        first = minutes(anchor)
        return [users[(shown - first) // step_minutes % len(users)] for shown in clock.latest]

    return opinion


def monthly(anchor: datetime, users: Sequence[str]) -> Opinion:
    """Steps from month to month, to the anchor's day or the last that the month has."""

    def opinion(clock: Clock) -> list[str | None]:
        begins, year, month = [], anchor.year, anchor.month
        while year < 2028:
            following = datetime(year + month // 12, month % 12 + 1, 1)
            last = (following - timedelta(days=1)).day
            day = min(anchor.day, last)
            begins.append(minutes(anchor.replace(year=year, month=month, day=day)))
            year, month = following.year, following.month
        return turns(begins, [users[n % len(users)] for n in range(len(begins))], clock)

    return opinion


def active_days(anchor: datetime, every: int, users: Sequence[str]) -> Opinion:
    """Counts weekdays one by one; a turn begins when `every` of them have begun."""

    def opinion(clock: Clock) -> list[str | None]:
        begins, order, counted, day = [], [], 0, anchor
        while day.year < 2028:
            if day.weekday() < 5:
                if counted % every == 0:
                    begins.append(minutes(day))
                    order.append(users[counted // every % len(users)])
                counted += 1
            day += timedelta(days=1)
        return turns(begins, order, clock)

    return opinion


def masked(opinion: Opinion, windows: Sequence[Window]) -> Opinion:
    """Only where a window's start has been shown and its end is still to be shown."""

    def cut(clock: Clock) -> list[str | None]:
        is_open = bytearray(STEPS)
        for start, end in occurrences(windows):
            low, high = bisect_left(clock.latest, start), bisect_left(clock.earliest, end)
            is_open[low:high] = b"\1" * (high - low)
        return [user if on else None for user, on in zip(opinion(clock), is_open, strict=True)]

    return cut


def occurrences(windows: Sequence[Window]) -> list[tuple[int, int]]:
    found = []
    for number in range(-9, 375):
        day = ZERO + timedelta(days=number)
        for window in windows:
            if timeline.DAYS[day.weekday()] in window.days:
                start, end = (datetime.combine(day, at) for at in (window.start, window.end))
                if end <= start:
                    end += timedelta(days=1)
                found.append((minutes(start), minutes(end)))
    return found


def daily_shift(first: datetime, length: int, users: Sequence[str]) -> Opinion:
    """A shift of fixed length each day, user by user; both its ends are first occurrences."""

    def opinion(clock: Clock) -> list[str | None]:
        found: list[str | None] = [None] * STEPS
        for number in range(800):
            begin = minutes(first + timedelta(days=number))
            low, high = (bisect_left(clock.latest, at) for at in (begin, begin + length))
            found[low:high] = [users[number % len(users)]] * (high - low)
        return found

    return opinion


# --- schedules, each with the slow way to its answer --------------------------------------------


@dataclass(frozen=True)
class Sample:
    definition: timeline.Definition
    slow: Callable[[Clock], list[People]]


def both(*layers: list[str | None], roles: Sequence[str]) -> list[People]:
    return [
        frozenset((user, role) for user, role in zip(users, roles, strict=True) if user)
        for users in zip(*layers, strict=True)
    ]


def turns_of_days_and_hours(zone: str) -> Sample:
    daily, hourly = datetime(2025, 11, 3, 2, 30), datetime(2025, 2, 1, 0, 15)
    ravi_first = ("ravi", "bea", "sam")
    with_buffer = ("maya", None, "olu", "bea")
    definition = timeline.Definition(
        zone,
        (
            LayerSpec(rotation=Rotation("day", 1, daily, ravi_first)),
            LayerSpec(role="secondary", rotation=Rotation("hour", 5, hourly, with_buffer)),
        ),
    )

    def slow(clock: Clock) -> list[People]:
        days = regular(daily, 24 * 60, ravi_first)(clock)
        hours = regular(hourly, 5 * 60, with_buffer)(clock)
        return both(days, hours, roles=("primary", "secondary"))

    return Sample(definition, slow)


def stacked_layers_in_windows(zone: str) -> Sample:
    """Windows that touch the hours in which clocks change; months from the 31st; active days."""
    weekly, monthly_from, counted = (
        datetime(2025, 9, 1, 9),
        datetime(2025, 8, 31, 0, 30),
        datetime(2025, 12, 1, 8),
    )
    office = (Window(WEEKDAYS, time(8), time(18)),)
    nights = (
        Window(timeline.DAYS, time(23, 30), time(0, 30)),
        Window(("sat", "sun", "fri"), time(1, 30), time(2, 15)),
        Window(("sat", "sun", "fri"), time(2, 45), time(3, 45)),
    )
    definition = timeline.Definition(
        zone,
        (
            LayerSpec(
                priority=2,
                windows=office,
                rotation=Rotation("day", 2, counted, ("ravi", "bea", "sam"), "active_days"),
            ),
            LayerSpec(
                priority=1, windows=nights, rotation=Rotation("week", 1, weekly, ("maya", "olu"))
            ),
            LayerSpec(rotation=Rotation("month", 1, monthly_from, ("bea", "sam", "ravi"))),
        ),
    )

    def slow(clock: Clock) -> list[People]:
        top = masked(active_days(counted, 2, ("ravi", "bea", "sam")), office)(clock)
        middle = masked(regular(weekly, 7 * 24 * 60, ("maya", "olu")), nights)(clock)
        bottom = monthly(monthly_from, ("bea", "sam", "ravi"))(clock)
        best = [a or b or c for a, b, c in zip(top, middle, bottom, strict=True)]
        return both(best, roles=("primary",))

    return Sample(definition, slow)


def changes_by_hand(zone: str) -> Sample:
    """Swaps and overrides over the days on which clocks change, beside recurring shifts."""
    first, daily = datetime(2025, 6, 1, 1, 30), datetime(2025, 12, 31, 3)

    def at(step: int) -> datetime:
        return START + step * STEP

    one, two = clock_of(zone).changes
    swaps = (Swap("ravi", "maya", at(one - 400), at(one + 60)),)
    overrides = (
        Override("replace", "olu", at(one - 300), at(one + 900), replaces="bea"),
        Override("remove", "sam", at(one - 2), at(one + 1500)),
        Override("add", "sam", at(two - 7), at(two + 3)),
        Override("exclusive", "maya", at(two - 500), at(two - 333)),
        Override("exclusive", "olu", at(two - 400), at(two - 350), priority=1),
    )
    definition = timeline.Definition(
        zone,
        (
            LayerSpec(recurring=Recurring("day", 1, first, 120, (("ravi",), ("bea",)))),
            LayerSpec(rotation=Rotation("day", 1, daily, ("sam", "bea", "ravi"))),
        ),
        "cumulative",
        swaps,
        overrides,
    )

    def by_hand(step: int, users: tuple[str | None, ...]) -> People:
        if two - 400 <= step < two - 350:
            return frozenset({("olu", "primary")})
        if two - 500 <= step < two - 333:
            return frozenset({("maya", "primary")})
        on = {user for user in users if user}
        if one - 400 <= step < one + 60 and "ravi" in on:
            on = on - {"ravi"} | {"maya"}
        if one - 300 <= step < one + 900 and "bea" in on:
            on = on - {"bea"} | {"olu"}
        if one - 2 <= step < one + 1500:
            on -= {"sam"}
        if two - 7 <= step < two + 3:
            on |= {"sam"}
        return frozenset((user, "primary") for user in on)

    def slow(clock: Clock) -> list[People]:
        layers = (
            daily_shift(first, 120, ("ravi", "bea"))(clock),
            regular(daily, 24 * 60, ("sam", "bea", "ravi"))(clock),
        )
        return [by_hand(step, users) for step, users in enumerate(zip(*layers, strict=True))]

    return Sample(definition, slow)


SAMPLES = (turns_of_days_and_hours, stacked_layers_in_windows, changes_by_hand)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_quarter_of_an_hour_of_a_year_agrees_with_the_slow_way(
    sample: Callable[[str], Sample], zone: str
) -> None:
    case, clock = sample(zone), clock_of(zone)
    expected = case.slow(clock)
    swept = _sampled(timeline.compute(case.definition, START, END).shifts)
    wrong = [step for step in range(STEPS) if swept[step] != expected[step]]
    assert not wrong, _told(zone, wrong[0], swept[wrong[0]], expected[wrong[0]])
    near = {step + n for step in clock.changes for n in range(-200, 200)}
    for step in sorted(near | set(range(0, STEPS, 5))):
        found = timeline.on_call_at(case.definition, START + step * STEP)
        assert found == expected[step], _told(zone, step, found, expected[step])


@pytest.mark.parametrize("zone", ZONES)
def test_next_change_is_the_next_step_that_differs_from_the_slow_way(zone: str) -> None:
    case, clock = stacked_layers_in_windows(zone), clock_of(zone)
    expected = case.slow(clock)
    for step in (n for change in clock.changes for n in range(change - 8, change + 8)):
        following = next(n for n in range(step, STEPS) if expected[n] != expected[step])
        found = timeline.next_change(case.definition, START + step * STEP)
        assert found == START + following * STEP, f"{zone}, step {step}"


def _sampled(shifts: Sequence[timeline.Shift]) -> list[People]:
    """Who is on at each step, from the shifts; each state holds until the next one."""
    found: list[People] = []
    current: People = frozenset()
    for at, present in timeline.presences(shifts, START, END):
        # The first step at or after the instant: states hold from their instant on.
        reached = -((START - at) // STEP)
        found += [current] * (reached - len(found))
        current = present
    return found + [current] * (STEPS - len(found))


def _told(zone: str, step: int, found: People, expected: People) -> str:
    at = (START + step * STEP).astimezone(timeline.zone(zone))
    return f"{at.isoformat()}: found {sorted(found)}, expected {sorted(expected)}"
