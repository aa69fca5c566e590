"""Swaps, overrides and temporary schedules: each rule as a sentence."""

from __future__ import annotations

from datetime import datetime, time

import pytest

from apps.rotations import timeline
from apps.rotations.timeline import (
    Definition,
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
from tests.rotations.moments import june

OFFICE = (Window(timeline.DAYS, time(9), time(17)),)
RAVI = LayerSpec("base", user="ravi")
BEA_AT_THE_OFFICE = LayerSpec("office", priority=1, user="bea", windows=OFFICE)
TWO_LAYERS = (RAVI, BEA_AT_THE_OFFICE)


def replace(who: str, by: str, start: int = 0, end: int = 24, priority: int = 0) -> Override:
    """On 1 June, between two full hours."""
    return Override("replace", by, _hour(start), _hour(end), replaces=who, priority=priority)


def change(kind: timeline.OverrideKind, user: str, start: int = 0, end: int = 24) -> Override:
    return Override(kind, user, _hour(start), _hour(end))


def _hour(hour: int) -> datetime:
    return june(1 + hour // 24, hour % 24)


def first_of_june(
    layers: tuple[LayerSpec, ...],
    *overrides: Override,
    swaps: tuple[Swap, ...] = (),
    temporary: tuple[TemporarySchedule, ...] = (),
) -> list[str]:
    """`ravi 0-9` for a shift of 1 June; the answer for each instant is checked on the way."""
    definition = Definition("UTC", layers, "priority", swaps, overrides, temporary)
    shifts = timeline.compute(definition, june(1), june(2)).shifts
    for at, present in timeline.presences(shifts, june(1), june(2)):
        assert timeline.on_call_at(definition, at) == present
    return [f"{s.user} {s.start.hour}-{s.end.hour or 24}" for s in shifts]


def test_an_exclusive_override_hides_everything() -> None:
    found = first_of_june(
        TWO_LAYERS,
        change("exclusive", "sam", 8, 12),
        change("add", "olu", 7, 10),
        replace("sam", "maya"),
    )
    assert found == ["ravi 0-8", "olu 7-8", "sam 8-12", "bea 12-17", "ravi 17-24"]


def test_of_two_exclusive_overrides_the_higher_priority_wins_then_the_later() -> None:
    important = Override("exclusive", "sam", june(1, 2), june(1, 4), priority=1)
    early, late = change("exclusive", "olu", 1, 6), change("exclusive", "maya", 5, 8)
    found = first_of_june((RAVI,), important, early, late)
    assert found == [
        "ravi 0-1",
        "olu 1-2",
        "sam 2-4",
        "olu 4-5",
        "maya 5-8",
        "ravi 8-24",
    ]


def test_a_replacement_keeps_boundaries_and_gaps() -> None:
    assert first_of_june(
        (LayerSpec(user="bea", windows=OFFICE),), replace("bea", "sam", 0, 12)
    ) == ["sam 9-12", "bea 12-17"]


def test_a_replacement_of_somebody_who_is_not_on_does_nothing() -> None:
    assert first_of_june((RAVI,), replace("bea", "sam")) == ["ravi 0-24"]


def test_a_removal_leaves_a_gap_and_shows_no_hidden_layer() -> None:
    assert first_of_june(TWO_LAYERS, change("remove", "bea", 8, 12)) == [
        "ravi 0-9",
        "bea 12-17",
        "ravi 17-24",
    ]


def test_replace_comes_before_remove_and_remove_before_add() -> None:
    assert first_of_june((RAVI,), replace("ravi", "bea"), change("remove", "ravi")) == ["bea 0-24"]
    assert first_of_june((RAVI,), replace("ravi", "bea"), change("remove", "bea")) == []
    assert first_of_june((RAVI,), change("add", "ravi"), change("remove", "ravi")) == ["ravi 0-24"]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        # the later of two for one person
        ((replace("ravi", "bea"), replace("ravi", "sam")), "sam 0-24"),
        # the higher priority, though earlier
        ((replace("ravi", "bea", priority=1), replace("ravi", "sam")), "bea 0-24"),
        # a stand-in finds a stand-in in turn
        ((replace("ravi", "bea"), replace("bea", "sam", 6, 12)), "bea 0-6, sam 6-12, bea 12-24"),
        # who takes over later is not sent away by what was arranged before
        ((replace("bea", "sam"), replace("ravi", "bea")), "bea 0-24"),
        # round in a circle: the later arrangement holds
        ((replace("ravi", "bea"), replace("bea", "ravi")), "ravi 0-24"),
    ],
)
def test_stand_ins_follow_each_other(overrides: tuple[Override, ...], expected: str) -> None:
    assert ", ".join(first_of_june((RAVI,), *overrides)) == expected


def test_a_swap_without_a_taker_changes_nothing() -> None:
    swap = Swap("ravi", None, june(1), june(2))
    assert first_of_june((RAVI,), swaps=(swap,)) == ["ravi 0-24"]


def test_swaps_come_before_overrides() -> None:
    swap = Swap("ravi", "bea", june(1, 6), june(1, 12))
    found = first_of_june((RAVI,), replace("bea", "sam", 10, 14), swaps=(swap,))
    assert found == ["ravi 0-6", "bea 6-10", "sam 10-12", "ravi 12-24"]


def test_a_person_who_takes_over_from_a_colleague_on_the_same_shift_is_on_once() -> None:
    together = Recurring("day", 1, datetime(2026, 6, 1), 24 * 60, (("ravi", "bea"),))
    found = first_of_june((LayerSpec(recurring=together),), replace("ravi", "bea", 6, 12))
    assert found == ["bea 0-24", "ravi 0-6", "ravi 12-24"]


def test_the_cause_and_the_planned_person_are_recorded() -> None:
    definition = Definition(
        "UTC",
        (LayerSpec("main", rotation=Rotation("day", 1, datetime(2026, 6, 1), ("ravi", "bea"))),),
        swaps=(Swap("ravi", "bea", june(1, 12), june(2)),),
        overrides=(
            Override("replace", "sam", june(2, 12), june(2, 18), replaces="bea"),
            Override("add", "olu", june(1), june(1, 1), layer="main"),
            Override("exclusive", "maya", june(2, 20), june(3)),
        ),
    )
    shifts = timeline.compute(definition, june(1), june(3)).shifts
    assert shifts == (
        Shift("olu", "primary", "main", june(1), june(1, 1), "override", None),
        Shift("ravi", "primary", "main", june(1), june(1, 12), "rotation", "ravi"),
        Shift("bea", "primary", "main", june(1, 12), june(2), "swap", "ravi"),
        Shift("bea", "primary", "main", june(2), june(2, 12), "rotation", "bea"),
        Shift("sam", "primary", "main", june(2, 12), june(2, 18), "override", "bea"),
        Shift("bea", "primary", "main", june(2, 18), june(2, 20), "rotation", "bea"),
        Shift("maya", "primary", None, june(2, 20), june(3), "override", None),
    )
    bea = [shift for shift in timeline.joined(shifts) if shift.user == "bea"]
    assert [(shift.start, shift.end) for shift in bea] == [
        (june(1, 12), june(2, 12)),
        (june(2, 18), june(2, 20)),
    ]


# --- overrides of one layer ---------------------------------------------------------------------

SECOND = LayerSpec("second", role="secondary", user="ravi")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (Override("replace", "sam", june(1), june(2), "ravi", layer="second"),
         {("ravi", "primary"), ("sam", "secondary")}),
        (Override("remove", "ravi", june(1), june(2), layer="second"), {("ravi", "primary")}),
        (Override("add", "olu", june(1), june(2), layer="second"),
         {("ravi", "primary"), ("ravi", "secondary"), ("olu", "secondary")}),
        (Override("exclusive", "olu", june(1), june(2), layer="second"),
         {("ravi", "primary"), ("olu", "secondary")}),
        # without a layer they reach every role; who comes on takes the override's
        (Override("replace", "sam", june(1), june(2), "ravi"),
         {("sam", "primary"), ("sam", "secondary")}),
        (Override("exclusive", "sam", june(1), june(2)), {("sam", "primary")}),
        (Override("add", "sam", june(1), june(2), role="secondary"),
         {("ravi", "primary"), ("ravi", "secondary"), ("sam", "secondary")}),
    ],
)  # fmt: skip
def test_an_override_reaches_one_layer_or_all(
    override: Override, expected: set[tuple[str, str]]
) -> None:
    definition = Definition("UTC", (RAVI, SECOND), overrides=(override,))
    assert timeline.on_call_at(definition, june(1, 6)) == expected


def test_a_layers_own_replacement_competes_with_one_for_all_layers() -> None:
    own = Override("replace", "sam", june(1), june(2), "ravi", layer="second")
    general = Override("replace", "olu", june(1), june(2), "ravi")
    later_wins = Definition("UTC", (RAVI, SECOND), overrides=(own, general))
    assert timeline.on_call_at(later_wins, june(1)) == {("olu", "primary"), ("olu", "secondary")}
    reordered = Definition("UTC", (RAVI, SECOND), overrides=(general, own))
    assert timeline.on_call_at(reordered, june(1)) == {("olu", "primary"), ("sam", "secondary")}


def test_an_exclusive_override_of_a_layer_hides_who_is_added_to_it() -> None:
    alone = Override("exclusive", "olu", june(1), june(2), layer="second")
    added = Override("add", "sam", june(1), june(2), layer="second")
    elsewhere = Override("add", "maya", june(1), june(2))
    definition = Definition("UTC", (RAVI, SECOND), overrides=(alone, added, elsewhere))
    expected = {("ravi", "primary"), ("maya", "primary"), ("olu", "secondary")}
    assert timeline.on_call_at(definition, june(1)) == expected


# --- temporary schedules ------------------------------------------------------------------------


def test_a_temporary_schedule_replaces_everything_in_its_window() -> None:
    shift = TemporaryShift("olu", june(1, 9), june(1, 20))
    found = first_of_june(
        TWO_LAYERS,
        change("exclusive", "sam", 6, 11),
        change("add", "maya", 0, 24),
        swaps=(Swap("ravi", "kim", june(1), june(2)),),
        temporary=(TemporarySchedule(june(1, 8), june(1, 12), (shift,)),),
    )
    assert found == [
        "maya 0-6",
        "kim 0-6",
        "sam 6-8",
        "olu 9-12",
        "maya 12-24",
        "bea 12-17",
        "kim 17-24",
    ]


def test_an_empty_temporary_schedule_is_a_gap() -> None:
    found = first_of_june((RAVI,), temporary=(TemporarySchedule(june(1, 8), june(1, 12)),))
    assert found == ["ravi 0-8", "ravi 12-24"]
