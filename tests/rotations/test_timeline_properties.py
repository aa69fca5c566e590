"""What holds for any schedule at all."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.rotations import timeline
from apps.rotations.timeline import (
    Definition,
    Interval,
    LayerSpec,
    Override,
    Recurring,
    Rotation,
    Shift,
    Swap,
    TemporarySchedule,
    TemporaryShift,
    Window,
)

PEOPLE = ("ravi", "bea", "sam", "olu", "maya")
ZONES = (
    "UTC",
    "America/Chicago",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
)
# Around the changes of clocks in the north and the south.
WINDOW_STARTS = (datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 10, 20, tzinfo=UTC))

users = st.sampled_from(PEOPLE)
zones = st.sampled_from(ZONES)
minutes_of_day = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
walls = st.integers(0, 96 * 400).map(
    lambda quarters: datetime(2025, 8, 1) + quarters * timedelta(minutes=15)
)
windows = st.lists(
    st.builds(
        Window,
        st.lists(st.sampled_from(timeline.DAYS), min_size=1, max_size=7).map(tuple),
        minutes_of_day,
        minutes_of_day,
    ),
    max_size=3,
).map(tuple)
rotations = st.builds(
    Rotation,
    st.sampled_from(["hour", "day", "week", "month"]),
    st.integers(1, 9),
    walls,
    st.lists(st.one_of(users, users, st.none()), min_size=1, max_size=4).map(tuple),
    st.sampled_from(["elapsed", "active_days"]),
)
recurrings = st.builds(
    Recurring,
    st.sampled_from(["hour", "day", "week", "month"]),
    st.integers(1, 4),
    walls,
    st.integers(1, 4000),
    st.lists(st.lists(users, max_size=2).map(tuple), min_size=1, max_size=3).map(tuple),
    by_day=st.lists(st.sampled_from(timeline.DAYS), max_size=3).map(tuple),
)


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    start = draw(st.sampled_from(WINDOW_STARTS))
    return start + timedelta(minutes=draw(st.integers(0, 30 * 24 * 60)))


@st.composite
def periods(draw: st.DrawFn) -> tuple[datetime, datetime]:
    start = draw(instants())
    return start, start + timedelta(minutes=draw(st.integers(1, 12 * 24 * 60)))


@st.composite
def layers(draw: st.DrawFn, name: str, *, overlapping: bool) -> LayerSpec:
    kind = draw(st.sampled_from(["user", "rotation", "recurring"] if overlapping else ["rotation"]))
    low, high = draw(periods())
    return LayerSpec(
        name=name,
        priority=draw(st.integers(0, 2)),
        role=draw(st.sampled_from(timeline.ROLES)),
        time_zone=draw(st.one_of(st.none(), zones)),
        effective_from=draw(st.one_of(st.none(), st.just(low))),
        effective_to=draw(st.one_of(st.none(), st.just(high))),
        windows=draw(windows),
        user=draw(users) if kind == "user" else None,
        rotation=draw(rotations) if kind == "rotation" else None,
        recurring=draw(recurrings) if kind == "recurring" else None,
    )


@st.composite
def swaps(draw: st.DrawFn) -> Swap:
    return Swap(draw(users), draw(st.one_of(users, st.none())), *draw(periods()))


@st.composite
def overrides(draw: st.DrawFn) -> Override:
    start, end = draw(periods())
    return Override(
        draw(st.sampled_from(timeline.KINDS)),
        draw(users),
        start,
        end,
        draw(users),
        draw(st.integers(0, 1)),
        draw(st.sampled_from([None, "layer 0"])),
    )


@st.composite
def temporary(draw: st.DrawFn) -> TemporarySchedule:
    start, end = draw(periods())
    shifts = tuple(TemporaryShift(draw(users), *draw(periods())) for _ in range(2))
    return TemporarySchedule(start, end, shifts)


@st.composite
def definitions(draw: st.DrawFn, *, overlapping: bool = True) -> Definition:
    count = draw(st.integers(1, 4))
    return Definition(
        draw(zones),
        tuple(draw(layers(f"layer {n}", overlapping=overlapping)) for n in range(count)),
        draw(st.sampled_from(["priority", "cumulative"])),
        tuple(draw(st.lists(swaps(), max_size=3))),
        tuple(draw(st.lists(overrides(), max_size=4))),
        tuple(draw(st.lists(temporary(), max_size=1))),
    )


thorough = settings(max_examples=75, deadline=None, database=None)


@thorough
@given(definitions(), periods())
def test_no_time_is_lost_and_none_counted_twice(
    definition: Definition, period: tuple[datetime, datetime]
) -> None:
    start, end = period
    found = timeline.compute(definition, start, end)
    on = [Interval(one.start, one.end) for one in found.shifts if one.role != "shadow"]
    edges = sorted({start, end, *(edge for span in on for edge in span)})
    for low, high in pairwise(edges):
        covered = any(span.start <= low and high <= span.end for span in on)
        missing = any(gap.start <= low and high <= gap.end for gap in found.gaps)
        assert covered is not missing
    assert all(start <= span.start < span.end <= end for span in (*on, *found.gaps))


@thorough
@given(definitions(), periods())
def test_one_person_is_never_on_twice_in_one_layer(
    definition: Definition, period: tuple[datetime, datetime]
) -> None:
    shifts = timeline.joined(timeline.compute(definition, *period).shifts)
    by_person: dict[tuple[str, str, str | None], list[Shift]] = {}
    for shift in shifts:
        by_person.setdefault((shift.user, shift.role, shift.layer), []).append(shift)
    for row in by_person.values():
        assert all(one.end < two.start for one, two in pairwise(row))


@thorough
@given(definitions(overlapping=False), periods())
def test_turns_of_one_layer_never_overlap(
    definition: Definition, period: tuple[datetime, datetime]
) -> None:
    shifts = timeline.compute(definition, *period).shifts
    for layer in definition.layers:
        row = [one for one in shifts if one.layer == layer.name and one.planned_user]
        assert all(one.end <= two.start for one, two in pairwise(row))


@thorough
@given(definitions(), periods())
def test_one_instant_and_the_sweep_agree_at_every_edge(
    definition: Definition, period: tuple[datetime, datetime]
) -> None:
    start, end = period
    shifts = timeline.compute(definition, start, end).shifts
    states = [*timeline.presences(shifts, start, end), (end, frozenset())]
    for (at, present), (following, _) in pairwise(states):
        assert timeline.on_call_at(definition, at) == present
        last = following - timedelta(microseconds=1)
        assert timeline.on_call_at(definition, last) == present


@thorough
@given(definitions(), periods(), st.floats(0.01, 0.99))
def test_two_halves_of_a_window_make_the_whole(
    definition: Definition, period: tuple[datetime, datetime], share: float
) -> None:
    start, end = period
    middle = start + (end - start) * share
    whole = timeline.compute(definition, start, end)
    left = timeline.compute(definition, start, middle)
    right = timeline.compute(definition, middle, end)
    assert _by_duty(whole.shifts) == _by_duty(left.shifts + right.shifts)
    assert whole.handoffs == left.handoffs + right.handoffs
    seconds = dict.fromkeys(PEOPLE, 0.0)
    for half in (left, right):
        for user, spent in half.on_call_seconds.items():
            seconds[user] += spent
    assert all(abs(whole.on_call_seconds.get(user, 0) - seconds[user]) <= 2 for user in PEOPLE)


def _by_duty(shifts: tuple[Shift, ...]) -> dict[tuple[object, ...], list[tuple[object, object]]]:
    """Intervals per person, layer and cause, touching ones joined."""
    found: dict[tuple[object, ...], list[tuple[object, object]]] = {}
    for one in sorted(shifts, key=lambda shift: shift.start):
        row = found.setdefault((one.user, one.role, one.layer, one.cause, one.planned_user), [])
        if row and row[-1][1] == one.start:
            row[-1] = row[-1][0], one.end
        else:
            row.append((one.start, one.end))
    return found


@thorough
@given(rotations, zones, windows, instants(), st.integers(-50, 50))
def test_turns_follow_each_other_without_gap(
    rotation: Rotation,
    zone: str,
    mask: tuple[Window, ...],
    instant: datetime,
    number: int,
) -> None:
    tz = timeline.zone(zone)
    turn = timeline.shift_at(rotation, tz, instant, mask)
    assert turn.start <= instant < turn.end
    assert timeline.boundary(rotation, tz, turn.number + 1, mask) == turn.end
    begin = timeline.boundary(rotation, tz, number, mask)
    assert begin <= timeline.boundary(rotation, tz, number + 1, mask)
    assert timeline.slot_at(rotation, tz, begin, mask) >= number


@thorough
@given(definitions(), instants())
def test_nobody_comes_or_goes_before_the_next_change(
    definition: Definition, instant: datetime
) -> None:
    current = timeline.on_call_at(definition, instant)
    following = timeline.next_change(definition, instant)
    if following is not None:
        assert following > instant
        assert timeline.on_call_at(definition, following) != current
        before = following - timedelta(microseconds=1)
        assert timeline.on_call_at(definition, before) == current
