"""Layers on top of each other, recurring shifts, and what a timeline says of them."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from apps.rotations import timeline
from apps.rotations.timeline import (
    Definition,
    Interval,
    LayerSpec,
    Recurring,
    Rotation,
    Shift,
    Window,
)
from tests.rotations.moments import at, june

MONDAY = datetime(2026, 6, 1)
MORNING = (Window(timeline.DAYS, time(8), time(12)),)


def rows(definition: Definition, start: datetime, end: datetime) -> list[str]:
    """`ravi 01 00-02 09` for a shift from the 1st at 00:00 to the 2nd at 09:00."""
    shifts = timeline.compute(definition, start, end).shifts
    return [f"{one.user} {one.start:%d %H}-{one.end:%d %H}" for one in shifts]


def recurring(unit: timeline.Unit, every: int, *groups: str, **more: object) -> Definition:
    """Ten-hour shifts from 1 June at midnight for groups such as "ravi bea"."""
    fields: dict[str, object] = {"first_local": MONDAY, "duration_minutes": 600} | more
    rule = Recurring(unit, every, groups=tuple(tuple(one.split()) for one in groups), **fields)  # type: ignore[arg-type]  # the tests vary one field each
    return Definition("UTC", (LayerSpec(recurring=rule),))


# --- layers -------------------------------------------------------------------------------------


def test_a_higher_layer_hides_a_lower_one_while_somebody_is_on_in_it() -> None:
    definition = Definition(
        "UTC", (LayerSpec(user="ravi"), LayerSpec(user="bea", priority=1, windows=MORNING))
    )
    assert rows(definition, june(1), june(2)) == [
        "ravi 01 00-01 08",
        "bea 01 08-01 12",
        "ravi 01 12-02 00",
    ]


def test_layers_of_one_priority_are_on_together() -> None:
    definition = Definition("UTC", (LayerSpec(user="ravi"), LayerSpec(user="bea")))
    assert rows(definition, june(1), june(2)) == ["ravi 01 00-02 00", "bea 01 00-02 00"]


def test_cumulative_layers_do_not_hide_each_other() -> None:
    layers = (LayerSpec(user="ravi"), LayerSpec(user="bea", priority=1))
    definition = Definition("UTC", layers, "cumulative")
    assert rows(definition, june(1), june(2)) == ["ravi 01 00-02 00", "bea 01 00-02 00"]


def test_a_primary_layer_never_hides_a_secondary_one() -> None:
    definition = Definition(
        "UTC",
        (
            LayerSpec(user="ravi", priority=9),
            LayerSpec(user="bea", role="secondary", priority=1),
            LayerSpec(user="sam", role="secondary"),
        ),
    )
    expected = {("ravi", "primary"), ("bea", "secondary")}
    assert timeline.on_call_at(definition, june(1)) == expected
    shifts = timeline.compute(definition, june(1), june(2)).shifts
    assert {(shift.user, shift.role) for shift in shifts} == expected


def test_layers_in_their_own_zones_follow_the_sun() -> None:
    office = (Window(timeline.DAYS, time(9), time(17)),)
    definition = Definition(
        "UTC",
        (
            LayerSpec(user="ravi", time_zone="Asia/Kolkata", windows=office),
            LayerSpec(user="bea", time_zone="Europe/Berlin", windows=office),
            LayerSpec(user="sam", time_zone="America/Chicago", windows=office),
        ),
    )
    found = timeline.compute(definition, june(1), june(2))
    assert [(shift.user, shift.start, shift.end) for shift in found.shifts] == [
        ("ravi", june(1, 3, 30), june(1, 11, 30)),
        ("bea", june(1, 7), june(1, 15)),
        ("sam", june(1, 14), june(1, 22)),
    ]


def test_versions_of_a_layer_meet_without_gap_and_one_person_keeps_one_shift() -> None:
    definition = Definition(
        "UTC",
        (
            LayerSpec("main", user="ravi", effective_to=june(2, 9)),
            LayerSpec("main", user="ravi", effective_from=june(2, 9), effective_to=june(3)),
            LayerSpec("main", user="bea", effective_from=june(3)),
        ),
    )
    assert rows(definition, june(1), june(4)) == ["ravi 01 00-03 00", "bea 03 00-04 00"]
    assert not timeline.compute(definition, june(1), june(4)).gaps


def test_a_timeline_may_begin_inside_a_window_of_last_week() -> None:
    night = (Window(("sun",), time(20), time(6)),)
    definition = Definition("UTC", (LayerSpec(user="ravi", windows=night),))
    assert rows(definition, june(1, 1), june(2)) == ["ravi 01 01-01 06"]


# --- what a timeline says -----------------------------------------------------------------------


def test_shifts_are_cut_to_the_window_and_turns_of_one_person_joined() -> None:
    rotation = Rotation("day", 1, MONDAY, ("ravi", "ravi", "bea"))
    definition = Definition("UTC", (LayerSpec("main", rotation=rotation),))
    found = timeline.compute(definition, june(1, 6), june(3, 6))
    assert found.shifts == (
        Shift("ravi", "primary", "main", june(1, 6), june(3), "rotation", "ravi"),
        Shift("bea", "primary", "main", june(3), june(3, 6), "rotation", "bea"),
    )
    assert found.handoffs == (june(2), june(3))


def test_handoffs_are_boundaries_of_rotations_and_not_edges_of_windows() -> None:
    rotation = Rotation("day", 1, datetime(2026, 6, 1, 10), ("ravi", "bea"))
    definition = Definition(
        "UTC", (LayerSpec(rotation=rotation, windows=MORNING, effective_to=june(3)),)
    )
    found = timeline.compute(definition, june(1), june(4))
    assert found.handoffs == (june(1, 10), june(2, 10))


def test_double_duty_counts_once_in_the_seconds() -> None:
    layers = (LayerSpec(user="ravi"), LayerSpec(user="ravi", role="secondary"))
    found = timeline.compute(Definition("UTC", layers), june(1), june(2))
    assert found.on_call_seconds == {"ravi": 86_400}


def test_the_long_day_has_25_hours() -> None:
    definition = Definition(
        "Europe/Berlin",
        (LayerSpec(rotation=Rotation("day", 1, datetime(2026, 10, 24), ("bea", "ravi"))),),
    )
    found = timeline.compute(definition, at("2026-10-24 22:00"), at("2026-10-25 23:00"))
    assert found.on_call_seconds == {"ravi": 25 * 3600}
    assert found.shifts[0].end - found.shifts[0].start == timedelta(hours=25)


def test_a_shadow_alone_leaves_a_gap() -> None:
    layers = (LayerSpec(user="sam", role="shadow"), LayerSpec(user="ravi", windows=MORNING))
    found = timeline.compute(Definition("UTC", layers), june(1), june(2))
    assert found.gaps == ((june(1), june(1, 8)), (june(1, 12), june(2)))


def test_gaps_can_be_asked_for_one_role() -> None:
    layers = (LayerSpec(user="ravi"), LayerSpec(user="bea", role="secondary", windows=MORNING))
    found = timeline.compute(Definition("UTC", layers), june(1), june(2))
    assert found.gaps == ()
    secondary = timeline.find_gaps(found.shifts, june(1), june(2), "secondary")
    assert secondary == ((june(1), june(1, 8)), (june(1, 12), june(2)))


def test_a_schedule_without_layers_is_one_gap() -> None:
    found = timeline.compute(Definition("UTC", ()), june(1), june(2))
    assert found == timeline.Timeline((), (Interval(june(1), june(2)),), (), {})


def test_instants_in_other_zones_are_the_same_instants() -> None:
    berlin = timeline.zone("Europe/Berlin")
    definition = Definition("UTC", (LayerSpec(user="ravi", effective_to=june(2)),))
    start, end = june(1).astimezone(berlin), june(3).astimezone(berlin)
    assert timeline.compute(definition, start, end) == timeline.compute(
        definition, june(1), june(3)
    )


@pytest.mark.parametrize(
    ("instant", "expected"),
    [(june(1), june(1, 8)), (june(1, 8), june(1, 12)), (june(1, 12), june(2, 8))],
)
def test_the_next_change_is_strictly_later(instant: datetime, expected: datetime) -> None:
    definition = Definition("UTC", (LayerSpec(user="ravi", windows=MORNING),))
    assert timeline.next_change(definition, instant) == expected


def test_the_next_change_may_be_far_away_or_never_come() -> None:
    definition = Definition("UTC", (LayerSpec(user="ravi", effective_to=june(9)),))
    assert timeline.next_change(definition, june(1)) == june(9)
    assert timeline.next_change(definition, june(1) - timedelta(days=300)) == june(9)
    assert timeline.next_change(definition, june(9)) is None


def test_a_handoff_between_turns_of_one_person_is_no_change() -> None:
    rotation = Rotation("day", 1, MONDAY, ("ravi", "ravi", "bea"))
    definition = Definition("UTC", (LayerSpec(rotation=rotation),))
    assert timeline.next_change(definition, june(1)) == june(3)


# --- recurring shifts ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (recurring("day", 2, "ravi", "bea"), "ravi 1, bea 3, ravi 5, bea 7, ravi 9"),
        (recurring("day", 2, "ravi", "bea", by_day=("mon", "wed", "fri")),
         "ravi 1, ravi 3, bea 5, bea 8, ravi 10"),
        (recurring("hour", 48, "ravi", "bea", by_day=("mon", "fri")), "ravi 1, ravi 5"),
        (recurring("week", 1, "ravi", "bea", by_day=("mon", "sun")), "ravi 1, ravi 7, bea 8"),
        (recurring("week", 1, "ravi", "bea", by_day=("mon", "sun"), week_start="sun"),
         "ravi 1, bea 7, bea 8"),
        (recurring("week", 2, "ravi", "bea", by_day=("mon",)), "ravi 1"),
        (recurring("day", 2, "ravi", "", "bea"), "ravi 1, bea 5, ravi 7"),
        (recurring("day", 4, "bea ravi"), "bea 1, ravi 1, bea 5, ravi 5, bea 9, ravi 9"),
        (recurring("month", 1, "ravi", by_monthday=(2, -24)), "ravi 2, ravi 7"),
        (recurring("month", 1, "ravi", by_monthday=(1, 2, 3), by_day=("tue",)), "ravi 2"),
        (recurring("day", 1, "ravi", "bea", rotation_start=june(2, 1), until=june(4, 1)),
         "ravi 3, bea 4"),
        (recurring("day", 1, "ravi", "bea", rotation_start=june(2, 1), until=june(4, 1),
                   rotation_start_mode="clip"), "bea 2, ravi 3, bea 4"),
    ],
)  # fmt: skip
def test_recurring_shifts_by_the_day_they_begin(definition: Definition, expected: str) -> None:
    shifts = timeline.compute(definition, june(1) - timedelta(days=9), june(10, 12)).shifts
    assert ", ".join(f"{one.user} {one.start.day}" for one in shifts) == expected


def test_a_month_without_the_day_is_left_out_and_the_turn_passes() -> None:
    definition = recurring("month", 1, "ravi", "bea", first_local=datetime(2026, 5, 31))
    found = timeline.compute(definition, at("2026-05-01 00:00"), at("2026-09-01 00:00")).shifts
    assert [(one.user, one.start.month) for one in found] == [("ravi", 5), ("ravi", 7), ("bea", 8)]


def test_the_last_day_of_the_month_can_be_named() -> None:
    definition = recurring("month", 1, "ravi", by_monthday=(-1,))
    found = timeline.compute(definition, at("2026-06-01 00:00"), at("2027-03-01 00:00")).shifts
    assert [one.start.day for one in found] == [30, 31, 31, 30, 31, 30, 31, 31, 28]


def test_shifts_longer_than_their_period_overlap() -> None:
    definition = recurring("day", 1, "ravi", "bea", "sam", duration_minutes=36 * 60)
    assert rows(definition, june(1), june(4)) == [
        "ravi 01 00-02 12",
        "bea 02 00-03 12",
        "sam 03 00-04 00",
    ]
    assert timeline.on_call_at(definition, june(2, 6)) == {("ravi", "primary"), ("bea", "primary")}


def test_a_shift_that_meets_itself_is_one() -> None:
    assert rows(recurring("day", 1, "ravi", duration_minutes=1500), june(2), june(5)) == [
        "ravi 02 00-05 00"
    ]


def test_a_recurring_shift_runs_to_a_time_on_the_wall_clock() -> None:
    """From 22:00 to 06:00 in Berlin, in the night in which the clocks go back: nine hours."""
    definition = Definition(
        "Europe/Berlin",
        (LayerSpec(recurring=Recurring("day", 1, datetime(2026, 10, 1, 22), 480, (("ravi",),))),),
    )
    found = timeline.compute(definition, at("2026-10-24 12:00"), at("2026-10-25 12:00")).shifts
    assert [(one.start, one.end) for one in found] == [
        (at("2026-10-24 20:00"), at("2026-10-25 05:00"))
    ]
