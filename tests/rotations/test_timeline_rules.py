"""Wall clocks, turns and their numbers: each rule as a sentence."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta

import pytest

from apps.rotations import timeline
from apps.rotations.timeline import Definition, LayerSpec, Rotation, Window
from tests.rotations.moments import at, june

CHICAGO, BERLIN = timeline.zone("America/Chicago"), timeline.zone("Europe/Berlin")
UTC_ZONE = timeline.zone("UTC")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
OFFICE = (Window(WEEKDAYS, time(9), time(17)),)
MONDAY = datetime(2026, 6, 1)


def daily(
    *people: str | None,
    advance: timeline.Advance = "elapsed",
    reference: tuple[datetime, int] | None = None,
) -> Rotation:
    return Rotation("day", 1, MONDAY, people, advance, reference)


def rows(definition: Definition, start: datetime, end: datetime) -> list[str]:
    """`ravi 01 00-02 09` for a shift from the 1st at 00:00 to the 2nd at 09:00."""
    shifts = timeline.compute(definition, start, end).shifts
    return [f"{one.user} {one.start:%d %H}-{one.end:%d %H}" for one in shifts]


# --- wall clocks --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "shown", "last", "expected"),
    [
        ("Europe/Berlin", "2026-06-01 09:00", False, "2026-06-01 07:00"),
        ("Europe/Berlin", "2026-10-25 02:30", False, "2026-10-25 00:30"),
        ("Europe/Berlin", "2026-10-25 02:30", True, "2026-10-25 01:30"),
        ("Europe/Berlin", "2026-10-25 03:00", False, "2026-10-25 02:00"),
        ("Europe/Berlin", "2026-03-29 02:00", False, "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29 02:59:59.5", False, "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29 02:30", True, "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-29 01:59:59", False, "2026-03-29 00:59:59"),
        ("Australia/Lord_Howe", "2026-10-04 02:15", False, "2026-10-03 15:30"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", False, "2026-04-04 14:45"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", True, "2026-04-04 15:15"),
        ("Africa/Cairo", "2026-04-24 00:00", False, "2026-04-23 22:00"),
        ("Africa/Cairo", "2026-10-29 23:30", True, "2026-10-29 21:30"),
        ("Pacific/Apia", "2011-12-30 12:00", False, "2011-12-30 10:00"),
    ],
)
def test_a_wall_time_resolves(zone: str, shown: str, last: bool, expected: str) -> None:
    found = timeline.resolve_wall(datetime.fromisoformat(shown), timeline.zone(zone), last)
    assert found == at(expected)
    assert found.tzinfo is UTC


# --- rotations ----------------------------------------------------------------------------------


def test_a_boundary_far_away_has_not_drifted() -> None:
    weekly = Rotation("week", 1, datetime(2016, 3, 7, 9), ("ravi", "bea"))
    found = timeline.boundary(weekly, CHICAGO, 1000)
    assert found.astimezone(CHICAGO) == datetime(2035, 5, 7, 9, tzinfo=CHICAGO)
    assert timeline.slot_at(weekly, CHICAGO, found) == 1000
    assert timeline.slot_at(weekly, CHICAGO, found - timedelta(microseconds=1)) == 999


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (-2, "2023-11-30"),
        (0, "2024-01-31"),
        (1, "2024-02-29"),
        (2, "2024-03-31"),
        (13, "2025-02-28"),
    ],
)
def test_months_end_on_their_last_day_and_recover(number: int, expected: str) -> None:
    monthly = Rotation("month", 1, datetime(2024, 1, 31, 9), ("ravi",))
    assert timeline.boundary(monthly, UTC_ZONE, number) == at(f"{expected} 09:00")
    assert timeline.slot_at(monthly, UTC_ZONE, at(f"{expected} 09:00")) == number


def test_a_turn_of_zero_length_keeps_its_number() -> None:
    """Two o'clock does not exist on that day: Bea's hour vanishes, Sam's is not taken earlier."""
    hourly = Rotation("hour", 1, datetime(2026, 3, 29), ("maya", "ravi", "bea", "sam"))
    definition = Definition("Europe/Berlin", (LayerSpec(rotation=hourly),))
    found = timeline.compute(definition, at("2026-03-28 23:00"), at("2026-03-29 03:00"))
    assert [shift.user for shift in found.shifts] == ["maya", "ravi", "sam", "maya"]
    assert timeline.boundary(hourly, BERLIN, 2) == timeline.boundary(hourly, BERLIN, 3)
    assert timeline.slot_at(hourly, BERLIN, at("2026-03-29 01:00")) == 3
    start, end = at("2026-03-28 23:00"), at("2026-03-29 03:00")
    assert timeline.handoffs(hourly, BERLIN, start, end) == list(found.handoffs)
    assert len(found.handoffs) == 4


def test_an_hourly_turn_over_the_repeated_hour_lasts_two() -> None:
    hourly = Rotation("hour", 1, datetime(2026, 10, 25, 0, 30), ("maya", "ravi", "bea"))
    for instant in ("2026-10-25 00:30", "2026-10-25 01:15", "2026-10-25 02:29"):
        turn = timeline.shift_at(hourly, BERLIN, at(instant))
        assert (turn.number, turn.user) == (2, "bea")
        assert (turn.start, turn.end) == (at("2026-10-25 00:30"), at("2026-10-25 02:30"))


def test_the_rotation_goes_back_before_its_anchor() -> None:
    turn = timeline.shift_at(daily("ravi", "bea", "sam"), UTC_ZONE, june(1) - timedelta(hours=1))
    assert (turn.number, turn.user) == (-1, "sam")


def test_a_buffer_is_an_intended_gap_that_a_lower_layer_may_fill() -> None:
    upper = LayerSpec(priority=1, rotation=daily("ravi", None))
    found = timeline.compute(Definition("UTC", (upper,)), june(1), june(3))
    assert [tuple(gap) for gap in found.gaps] == [(june(2), june(3))]
    filled = Definition("UTC", (upper, LayerSpec(user="bea")))
    assert rows(filled, june(1), june(3)) == ["ravi 01 00-02 00", "bea 02 00-03 00"]


def test_a_reference_pins_who_is_on_at_an_instant() -> None:
    pinned = daily("ravi", "bea", "sam", reference=(june(10, 15), 1))
    assert timeline.shift_at(pinned, UTC_ZONE, june(10)).user == "bea"
    assert timeline.shift_at(pinned, UTC_ZONE, june(12)).user == "ravi"
    assert timeline.shift_at(pinned, UTC_ZONE, june(9)).user == "ravi"


def test_handoffs_are_half_open_and_count_where_the_person_stays() -> None:
    found = timeline.handoffs(daily("ravi"), UTC_ZONE, june(2), june(4))
    assert found == [june(2), june(3)]


# --- counting active days only ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("advance", "never_on", "turns_each"), [("elapsed", 4, {16}), ("active_days", 0, {11, 12})]
)
def test_counting_active_days_starves_nobody(
    advance: timeline.Advance, never_on: int, turns_each: set[int]
) -> None:
    """Fourteen people, a day each, weekends closed: counting all days, four are never on."""
    people = [f"person-{n}" for n in range(14)]
    definition = Definition(
        "UTC", (LayerSpec(windows=OFFICE, rotation=daily(*people, advance=advance)),)
    )
    shifts = timeline.compute(definition, june(1), june(1) + timedelta(weeks=32)).shifts
    counts = Counter(shift.user for shift in shifts)
    assert len(people) - len(counts) == never_on
    assert set(counts.values()) == turns_each


def test_closed_days_belong_to_the_turn_before_them() -> None:
    rotation = daily("ravi", "bea", "sam", "olu", "maya", "kim", advance="active_days")
    friday = timeline.shift_at(rotation, UTC_ZONE, june(7, 12), OFFICE)
    assert friday == (4, june(5), june(8), "maya")
    assert timeline.shift_at(rotation, UTC_ZONE, june(8), OFFICE).user == "kim"
    assert timeline.handoffs(rotation, UTC_ZONE, june(4), june(10), OFFICE) == [
        june(day) for day in (4, 5, 8, 9)
    ]


def test_a_turn_of_two_active_days_spans_the_weekend() -> None:
    rotation = Rotation("day", 2, datetime(2026, 6, 5), ("ravi", "bea"), "active_days")
    assert timeline.shift_at(rotation, UTC_ZONE, june(6), OFFICE) == (0, june(5), june(9), "ravi")
    assert timeline.shift_at(rotation, UTC_ZONE, june(4), OFFICE) == (-1, june(3), june(5), "bea")


def test_active_days_from_an_anchor_on_a_closed_day_begin_with_the_next_open_one() -> None:
    rotation = Rotation("day", 1, datetime(2026, 6, 6), ("ravi", "bea"), "active_days")
    assert timeline.boundary(rotation, UTC_ZONE, 0, OFFICE) == june(8)
    assert timeline.shift_at(rotation, UTC_ZONE, june(8, 9), OFFICE).user == "ravi"


def test_an_overnight_window_counts_for_the_day_on_which_it_begins() -> None:
    nights = (Window(WEEKDAYS, time(22), time(6)),)
    rotation = daily("ravi", "bea", "sam", "olu", "maya", "kim", advance="active_days")
    assert timeline.shift_at(rotation, UTC_ZONE, june(6, 3), nights).user == "maya"
    assert timeline.shift_at(rotation, UTC_ZONE, june(8, 23), nights).user == "kim"


def test_active_hours_count_hours_with_an_open_window() -> None:
    """Eight hours are open on a weekday: four active hours are half a working day."""
    rotation = Rotation("hour", 4, datetime(2026, 6, 1, 9), ("ravi", "bea", "sam"), "active_days")
    definition = Definition("UTC", (LayerSpec(windows=OFFICE, rotation=rotation),))
    assert rows(definition, june(4), june(9)) == [
        "ravi 04 09-04 13",
        "bea 04 13-04 17",
        "sam 05 09-05 13",
        "ravi 05 13-05 17",
        "bea 08 09-08 13",
        "sam 08 13-08 17",
    ]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window(("mon",), time(0), time(0, 20)), [june(7, 23, 30)]),
        (Window(("sun",), time(23), time(1)), [june(7, 22, 30), june(7, 23, 30), june(8, 0, 30)]),
    ],
)
def test_active_hours_reach_over_the_end_of_the_week(
    window: Window, expected: list[datetime]
) -> None:
    """Hours begin at half past; an hour counts if the window is open during any part of it."""
    rotation = Rotation("hour", 1, datetime(2026, 6, 1, 12, 30), ("ravi", "bea"), "active_days")
    assert timeline.handoffs(rotation, UTC_ZONE, june(1, 12), june(8, 12), (window,)) == expected


@pytest.mark.parametrize("unit", ["week", "month"])
def test_weeks_and_months_are_all_active(unit: timeline.Unit) -> None:
    instant = june(20, 12)
    plain = Rotation(unit, 1, MONDAY, ("ravi", "bea"))
    counted = Rotation(unit, 1, MONDAY, ("ravi", "bea"), "active_days")
    assert timeline.shift_at(counted, BERLIN, instant, OFFICE) == timeline.shift_at(
        plain, BERLIN, instant
    )
