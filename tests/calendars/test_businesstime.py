"""The conventions of business time, one by one."""

from __future__ import annotations

import timeit
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from apps.calendars.businesstime import (
    ALWAYS,
    DAYS,
    LONGEST_TARGET,
    BusinessTimeError,
    Calendar,
    deadline,
    is_open,
    next_opening,
    open_spans,
    worked,
)

HOUR = 3600
FAR = datetime(2034, 12, 31, tzinfo=UTC)


def office(zone: str = "UTC", **exceptions: list[list[int]]) -> Calendar:
    """Monday to Friday 09:00-18:00; `d2026_12_24=[[540, 720]]` are exceptions."""
    named = {name[1:].replace("_", "-"): spans for name, spans in exceptions.items()}
    return Calendar.of(zone, {day: [[540, 1080]] for day in DAYS[:5]}, named)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_second_of_opening_counts_and_that_of_closing_does_not() -> None:
    calendar = office()
    assert [
        is_open(calendar, at(text))
        for text in ("2026-11-20 08:59:59", "2026-11-20 09:00", "2026-11-20 17:59:59")
    ] == [False, True, True]
    assert not is_open(calendar, at("2026-11-20 18:00"))
    assert worked(calendar, at("2026-11-20 08:00"), at("2026-11-20 18:00:01")) == 9 * HOUR


def test_a_target_used_up_exactly_at_closing_is_due_at_the_next_opening() -> None:
    friday = at("2026-11-20 09:00")
    assert deadline(office(), friday, 9 * HOUR) == at("2026-11-23 09:00")
    assert deadline(office(), friday, 9 * HOUR - 1) == at("2026-11-20 17:59:59")


def test_nothing_at_all_is_due_at_once_while_open_and_else_at_the_next_opening() -> None:
    assert deadline(office(), at("2026-11-20 12:00"), 0) == at("2026-11-20 12:00")
    assert next_opening(office(), at("2026-11-20 18:00")) == at("2026-11-23 09:00")


def test_midnight_as_closing_time_goes_on_into_the_next_day() -> None:
    always = Calendar("Asia/Kolkata", ALWAYS)
    start = at("2026-11-20 17:00")
    assert deadline(always, start, 40 * HOUR) == start + timedelta(hours=40)
    late = Calendar.of("UTC", {"fri": [[1320, 1440]], "sat": [[0, 60]]})
    assert worked(late, at("2026-11-20 00:00"), at("2026-11-22 00:00")) == 3 * HOUR
    assert open_spans(late, at("2026-11-20 00:00"), at("2026-11-22 00:00")) == [
        (at("2026-11-20 22:00"), at("2026-11-21 01:00"))
    ]


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-20", 24)]
)
def test_a_day_that_is_open_all_day_counts_the_hours_that_pass(day: str, hours: int) -> None:
    calendar = Calendar.of("Europe/Berlin", {name: [[0, 1440]] for name in DAYS})
    single = Calendar.of("Europe/Berlin", {}, {day: [[0, 1440]]})
    start = at(day) - timedelta(days=1)
    assert worked(single, start, start + timedelta(days=3)) == hours * HOUR
    assert worked(calendar, start, start + timedelta(days=3)) == 72 * HOUR


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([[90, 240]], [("00:30", "02:00")]),  # the jump from 02:00 to 03:00 lies inside
        ([[150, 240]], [("01:30", "02:00")]),  # opens 02:30, which is 03:30
        ([[150, 195]], []),  # opens at 03:30 and would close at 03:15
        ([[90, 150]], [("00:30", "01:30")]),  # closes 02:30, which is 03:30
        ([[135, 165], [180, 210]], [("01:00", "01:45")]),  # both fall on each other
    ],
)
def test_edges_in_a_gap_move_forward_by_it(spans: Any, expected: list[tuple[str, str]]) -> None:
    calendar = Calendar.of("Europe/Berlin", {}, {"2026-03-29": spans})
    found = open_spans(calendar, at("2026-03-28 00:00"), at("2026-03-31 00:00"))
    assert found == [(at(f"2026-03-29 {a}"), at(f"2026-03-29 {b}")) for a, b in expected]


def test_an_edge_that_happens_twice_is_its_first_pass() -> None:
    calendar = Calendar.of("Europe/Berlin", {}, {"2026-10-25": [[150, 240]]})
    assert open_spans(calendar, at("2026-10-24 00:00"), at("2026-10-26 00:00")) == [
        (at("2026-10-25 00:30"), at("2026-10-25 03:00"))
    ]


def test_a_date_that_a_zone_left_out_falls_on_the_day_after() -> None:
    """Samoa went from 29 to 31 December 2011; Friday the 30th never was."""
    calendar = Calendar.of("Pacific/Apia", {"fri": [[540, 1020]], "sat": [[600, 1080]]})
    assert open_spans(calendar, at("2011-12-29 12:00"), at("2012-01-02 00:00")) == [
        (at("2011-12-30 19:00"), at("2011-12-31 04:00"))
    ]


def test_an_exception_replaces_its_weekday_and_an_empty_one_closes_it() -> None:
    calendar = office(d2026_12_24=[[540, 720]], d2026_12_25=[], d2026_12_26=[[600, 660]])
    week = at("2026-12-21 00:00"), at("2026-12-28 00:00")
    assert worked(calendar, *week) == (3 * 9 + 3 + 1) * HOUR
    assert calendar.spans_on(date(2026, 12, 25)) == ()
    assert calendar.spans_on(date(2026, 12, 23)) == ((540, 1080),)


def test_overlapping_and_touching_spans_are_one() -> None:
    calendar = Calendar.of("UTC", {"fri": [[720, 1080], [540, 720], [600, 800]]})
    assert calendar.weekly[4] == ((540, 1080),)
    assert calendar == Calendar.of("UTC", {"fri": [[540, 1080]]})
    assert hash(calendar) == hash(Calendar.of("UTC", {"fri": [[540, 1080]]}))


# -- pauses

NOON = at("2026-11-20 12:00")


def test_pauses_that_overlap_are_taken_off_once_and_only_in_open_time() -> None:
    pauses = [
        (at("2026-11-20 12:00"), at("2026-11-20 13:00")),
        (at("2026-11-20 12:30"), at("2026-11-20 14:00")),
        (at("2026-11-20 17:00"), at("2026-11-20 23:00")),
        (at("2026-11-20 15:00"), at("2026-11-20 15:00")),
    ]
    assert worked(office(), at("2026-11-20 09:00"), at("2026-11-21 09:00"), pauses) == 6 * HOUR
    assert deadline(office(), at("2026-11-20 11:00"), 2 * HOUR, pauses) == at("2026-11-20 15:00")
    # 17:00 is the second at which the pause begins: nothing runs until Monday.
    assert deadline(office(), at("2026-11-20 11:00"), 4 * HOUR, pauses) == at("2026-11-23 09:00")


def test_a_pause_without_an_end_leaves_no_deadline_unless_it_comes_before() -> None:
    waiting = [(at("2026-11-20 14:00"), None), (at("2026-11-20 15:00"), at("2026-11-20 16:00"))]
    assert deadline(office(), NOON, 2 * HOUR - 1, waiting) == at("2026-11-20 13:59:59")
    assert deadline(office(), NOON, 2 * HOUR, waiting) is None
    assert deadline(office(), at("2026-11-20 15:30"), 0, waiting) is None
    assert worked(office(), NOON, FAR, waiting) == 2 * HOUR


def test_a_pause_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(BusinessTimeError) as refused:
        worked(office(), NOON, FAR, [(NOON, None), (NOON, NOON - timedelta(seconds=1))])
    assert refused.value.field == "pauses[1]"


# -- fractions of a second


def test_a_fraction_of_the_start_is_carried_into_the_deadline() -> None:
    start = at("2026-11-20 17:59:59.750")
    assert deadline(office(), start, 1) == at("2026-11-23 09:00:00.750")
    assert worked(office(), start, at("2026-11-23 09:00:00.750")) == 1
    assert deadline(office(), at("2026-11-20 08:59:59.750"), 60) == at("2026-11-20 09:01")
    paused = [(at("2026-11-20 12:00"), at("2026-11-20 12:10:00.9"))]
    assert deadline(office(), at("2026-11-20 12:05:00.5"), 60, paused) == at("2026-11-20 12:11")


# -- what cannot be computed


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("time_zone", lambda: Calendar.of("Europe/Nowhere", {})),
        ("time_zone", lambda: Calendar.of("../../etc/passwd", {})),
        ("weekly", lambda: Calendar("UTC", ())),
        ("weekly", lambda: Calendar.of("UTC", {"monday": [[0, 60]]})),
        ("weekly.mon", lambda: Calendar.of("UTC", {"mon": [[600, 540]]})),
        ("weekly.mon", lambda: Calendar.of("UTC", {"mon": [[600, 600]]})),
        ("weekly.sun", lambda: Calendar.of("UTC", {"sun": [[600, 1441]]})),
        ("weekly.sun", lambda: Calendar.of("UTC", {"sun": [[-1, 60]]})),
        ("weekly.sun", lambda: Calendar.of("UTC", {"sun": [[1, 2, 3]]})),
        ("weekly.sun", lambda: Calendar.of("UTC", {"sun": [["a", "b"]]})),  # type: ignore[list-item] # as from JSON
        ("weekly.sun", lambda: Calendar.of("UTC", {"sun": [[False, True]]})),
        ("exceptions", lambda: Calendar.of("UTC", {}, {"2026-02-30": []})),
        ("exceptions", lambda: Calendar.of("UTC", {}, {"20260203": []})),
        ("exceptions.2026-02-03", lambda: Calendar.of("UTC", {}, {"2026-02-03": [[5, 2]]})),
    ],
)
def test_what_is_no_calendar_is_refused_with_its_field(field: str, make: Any) -> None:
    with pytest.raises(BusinessTimeError) as refused:
        make()
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("field", "ask"),
    [
        ("target_seconds", lambda: deadline(office(), NOON, -1)),
        ("target_seconds", lambda: deadline(office(), NOON, LONGEST_TARGET + 1)),
        ("start", lambda: deadline(office(), datetime(2026, 11, 20), 1)),
        ("start", lambda: worked(office(), datetime(1969, 1, 1, tzinfo=UTC), NOON)),
        ("end", lambda: worked(office(), NOON, datetime(9999, 12, 31, tzinfo=UTC))),
        ("weekly", lambda: deadline(Calendar.of("UTC", {}), NOON, 0)),
        ("weekly", lambda: next_opening(office_of_last_year(), NOON)),
        ("target_seconds", lambda: deadline(seldom(), NOON, LONGEST_TARGET)),
    ],
)
def test_what_cannot_be_answered_is_refused_with_its_field(field: str, ask: Any) -> None:
    with pytest.raises(BusinessTimeError) as refused:
        ask()
    assert refused.value.field == field


def office_of_last_year() -> Calendar:
    return Calendar.of("UTC", {}, {"2025-11-20": [[540, 1080]]})


def seldom() -> Calendar:
    return Calendar.of("UTC", {"mon": [[0, 1]]})


def test_a_calendar_may_be_closed_for_more_than_a_year_but_not_for_400_days() -> None:
    reopening = Calendar.of("UTC", {}, {"2027-12-10": [[0, 60]]})
    assert next_opening(reopening, NOON) == at("2027-12-10 00:00")
    too_late = Calendar.of("UTC", {}, {"2028-03-10": [[0, 60]]})
    with pytest.raises(BusinessTimeError, match="400 days"):
        next_opening(too_late, NOON)


def test_the_longest_target_of_an_office_is_answered() -> None:
    due = deadline(office(), NOON, LONGEST_TARGET)
    assert due is not None
    assert worked(office(), NOON, due) == LONGEST_TARGET


def test_a_calendar_keeps_a_bounded_table() -> None:
    calendar = office("Europe/Berlin")
    worked(calendar, at("2020-01-02 00:00"), FAR)
    assert len(calendar._blocks) <= 64


def test_a_deadline_over_twenty_working_days_is_cheap_also_the_first_time() -> None:
    def cold() -> None:
        deadline(office("Europe/Berlin"), NOON, 20 * 9 * HOUR)

    cold()
    assert min(timeit.repeat(cold, number=10, repeat=5)) / 10 < 0.0003
