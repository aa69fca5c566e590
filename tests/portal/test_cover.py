"""Handoffs, gaps and lanes, from shifts alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apps.portal import cover

MONDAY = datetime(2026, 9, 7, tzinfo=UTC)
RAVI, BEA, SAM = 1, 2, 3


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


@dataclass(frozen=True)
class Shift:
    person_id: int
    start_at: datetime
    end_at: datetime
    role: str = "primary"


def shift(person: int, start: float, end: float, role: str = "primary") -> Shift:
    return Shift(person, at(start), at(end), role)


def test_a_stretch_that_nobody_covers_is_a_gap() -> None:
    rows = [shift(RAVI, 0, 9), shift(BEA, 12, 24)]
    assert cover.gaps(rows, at(0), at(30)) == [cover.Gap(at(9), at(12)), cover.Gap(at(24), at(30))]


def test_without_shifts_all_is_a_gap() -> None:
    assert cover.gaps([], at(0), at(1)) == [cover.Gap(at(0), at(1))]


def test_a_shadow_covers_nothing_and_a_secondary_covers() -> None:
    rows = [shift(RAVI, 0, 5), shift(SAM, 5, 10, "shadow"), shift(BEA, 7, 10, "secondary")]
    assert cover.gaps(rows, at(0), at(10)) == [cover.Gap(at(5), at(7))]


def test_an_overlap_and_a_contained_shift_leave_no_gap() -> None:
    rows = [shift(RAVI, -5, 8), shift(BEA, 1, 2), shift(SAM, 7, 40)]
    assert cover.gaps(rows, at(0), at(30)) == []


def test_a_shift_after_the_window_does_not_close_it() -> None:
    rows = [shift(RAVI, 0, 2), shift(BEA, 50, 60)]
    assert cover.gaps(rows, at(0), at(10)) == [cover.Gap(at(2), at(10))]


def test_a_handoff_names_who_goes_and_who_comes() -> None:
    rows = [shift(RAVI, -24, 9), shift(BEA, 9, 33)]
    assert cover.handoffs(rows, at(0), at(20)) == [cover.Change(at(9), "primary", (RAVI,), (BEA,))]


def test_the_same_person_going_on_is_no_handoff() -> None:
    assert cover.handoffs([shift(RAVI, 0, 9), shift(RAVI, 9, 20)], at(0), at(15)) == []


def test_going_off_into_a_gap_is_a_handoff_to_nobody() -> None:
    assert cover.handoffs([shift(RAVI, 0, 9)], at(0), at(15)) == [
        cover.Change(at(9), "primary", (RAVI,), ())
    ]


def test_a_second_seat_of_the_same_person_ending_is_no_handoff() -> None:
    rows = [shift(RAVI, 0, 9), shift(RAVI, 0, 20), shift(BEA, 0, 20)]
    assert cover.handoffs(rows, at(0), at(15)) == []


def test_roles_hand_over_each_for_itself_and_shadows_do_not() -> None:
    rows = [
        shift(RAVI, 0, 9),
        shift(BEA, 9, 20),
        shift(BEA, 0, 9, "secondary"),
        shift(RAVI, 9, 20, "secondary"),
        shift(SAM, 0, 4, "shadow"),
    ]
    assert [(c.role, c.going, c.coming) for c in cover.handoffs(rows, at(0), at(10))] == [
        ("primary", (RAVI,), (BEA,)),
        ("secondary", (BEA,), (RAVI,)),
    ]


def test_people_on_call_together_get_lanes_of_their_own() -> None:
    rows = [shift(RAVI, 0, 9), shift(BEA, 5, 12), shift(SAM, 9, 20)]
    assert [[s.person_id for s in lane] for lane in cover.lanes(rows)] == [[RAVI, SAM], [BEA]]
