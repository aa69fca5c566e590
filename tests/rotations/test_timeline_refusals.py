"""What the calculator refuses, in words for the person who wrote it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta, timezone

import pytest

from apps.rotations import timeline
from apps.rotations.timeline import (
    Definition,
    LayerSpec,
    Override,
    Recurring,
    Rotation,
    Swap,
    TemporarySchedule,
    TemporaryShift,
    TimelineError,
    Window,
)
from tests.rotations.moments import june

MONDAY = datetime(2026, 6, 1)
PLAIN = Definition("UTC", (LayerSpec(user="ravi"),))


def rotation(**changed: object) -> Rotation:
    fields: dict[str, object] = {
        "unit": "day",
        "every": 1,
        "anchor_local": MONDAY,
        "participants": ("ravi",),
    }
    return Rotation(**(fields | changed))  # type: ignore[arg-type]  # wrong on purpose


def recurring(**changed: object) -> Recurring:
    fields: dict[str, object] = {
        "unit": "day",
        "every": 1,
        "first_local": MONDAY,
        "duration_minutes": 60,
        "groups": (("ravi",),),
    }
    return Recurring(**(fields | changed))  # type: ignore[arg-type]  # wrong on purpose


def override(**changed: object) -> Override:
    fields: dict[str, object] = {
        "kind": "add",
        "user": "ravi",
        "start": june(1),
        "end": june(2),
    }
    return Override(**(fields | changed))  # type: ignore[arg-type]  # wrong on purpose


def crowd(size: int) -> tuple[str, ...]:
    return tuple(f"person-{n}" for n in range(size))


NAIVE = datetime(2026, 6, 1, 12)
REFUSALS: list[tuple[Callable[[], object], str, str]] = [
    (lambda: timeline.zone("Europe/Atlantis"), "no time zone named “Europe/Atlantis”", "time_zone"),
    (lambda: timeline.zone("../../etc/passwd"), "no time zone", "time_zone"),
    (lambda: Definition("Moon", ()), "no time zone", "time_zone"),
    (lambda: LayerSpec(user="ravi", time_zone="Moon"), "no time zone", "time_zone"),
    # rotations
    (lambda: rotation(unit="year"), "not a unit", "unit"),
    (lambda: rotation(every=0), "at least one day", "every"),
    (lambda: rotation(every=-3), "at least one day", "every"),
    (lambda: rotation(every=10**12), "at most ten years", "every"),
    (lambda: rotation(unit="month", every=121), "use 120 months or less", "every"),
    (lambda: rotation(participants=()), "at least one participant", "participants"),
    (lambda: rotation(participants=("ravi", "")), "name is empty", "participants"),
    (lambda: rotation(participants=("ravi",) * 5001), "at most 5,000", "participants"),
    (lambda: rotation(anchor_local=june(1)), "leave the offset out", "anchor_local"),
    (lambda: rotation(anchor_local=datetime(1, 1, 1)), "between the years", "anchor_local"),
    (lambda: rotation(advance="sideways"), "elapsed or active_days", "advance"),
    (lambda: rotation(reference=(june(1), 1)), "names no participant", "reference"),
    (lambda: rotation(reference=(june(1), -1)), "names no participant", "reference"),
    (lambda: rotation(reference=(NAIVE, 0)), "needs a UTC offset", "reference"),
    # recurring shifts
    (lambda: recurring(every=0), "at least one day", "every"),
    (lambda: recurring(duration_minutes=0), "at least a minute", "duration_minutes"),
    (lambda: recurring(duration_minutes=10**9), "at most 400 days", "duration_minutes"),
    (lambda: recurring(groups=()), "at least one group", "groups"),
    (lambda: recurring(groups=(("",),)), "name is empty", "groups"),
    (lambda: recurring(by_day=("MO",)), "“MO” is not a day", "by_day"),
    (lambda: recurring(week_start="monday"), "is not a day", "week_start"),
    (lambda: recurring(by_monthday=(1,)), "go with the unit month", "by_monthday"),
    (lambda: recurring(unit="month", by_monthday=(0,)), "1 to 31", "by_monthday"),
    (lambda: recurring(unit="month", by_monthday=(32,)), "1 to 31", "by_monthday"),
    (lambda: recurring(first_local=june(1)), "leave the offset out", "first_local"),
    (lambda: recurring(until=NAIVE), "needs a UTC offset", "until"),
    (lambda: recurring(rotation_start_mode="shrug"), "drop or clip", "rotation_start_mode"),
    # windows
    (lambda: Window((), time(9), time(17)), "at least one day", "days"),
    (lambda: Window(("MO",), time(9), time(17)), "use mon, tue", "days"),
    (lambda: Window(("mon",), time(9, tzinfo=UTC), time(17)), "without an offset", ""),
    (lambda: LayerSpec(user="ravi", windows=(Window(("mon",), time(9), time(17)),) * 101),
     "at most 100 windows", "windows"),
    (lambda: timeline.next_weekly_time((), time(9), timeline.zone("UTC"), june(1)),
     "at least one day", "days"),
    # layers
    (lambda: LayerSpec(), "one of user, rotation and recurring", "rotation"),
    (lambda: LayerSpec(user="ravi", rotation=rotation()), "one of user", "rotation"),
    (lambda: LayerSpec(user=""), "Name a person", "user"),
    (lambda: LayerSpec(user="ravi", role="boss"), "not a role", "role"),  # type: ignore[arg-type]  # wrong on purpose
    (lambda: LayerSpec(user="ravi", effective_from=NAIVE), "offset", "effective_from"),
    (lambda: LayerSpec(user="ravi", effective_from=june(2), effective_to=june(2)),
     "must come after the effective from", "effective_to"),
    # changes
    (lambda: override(kind="swap"), "not a kind of override", "kind"),
    (lambda: override(user=""), "Name a person", "user"),
    (lambda: override(kind="replace"), "Name a person", "replaces"),
    (lambda: override(role="boss"), "not a role", "role"),
    (lambda: override(end=june(1)), "must come after the start", "end"),
    (lambda: override(end=datetime(9999, 12, 31, tzinfo=UTC)), "between the years", "end"),
    (lambda: Definition("UTC", (), overrides=(override(layer="attic"),)), "“attic”", "layer"),
    (lambda: Swap("", "bea", june(1), june(2)), "Name a person", "from"),
    (lambda: Swap("ravi", "", june(1), june(2)), "or nobody", "to"),
    (lambda: Swap("ravi", "bea", NAIVE, june(2)), "needs a UTC offset", "start"),
    (lambda: TemporarySchedule(june(2), june(1)), "must come after", "end"),
    (lambda: TemporaryShift("ravi", june(2), june(2)), "must come after", "end"),
    # sizes
    (lambda: Definition("UTC", (LayerSpec(user="ravi"),) * 51), "51 layers; at most 50", "layers"),
    (lambda: Definition("UTC", (LayerSpec(rotation=rotation(participants=crowd(501))),)),
     "501 people; at most 500", "layers"),
    (lambda: Definition("UTC", (), overrides=(override(),) * 2001), "these are 2,001", "overrides"),
    (lambda: Definition("UTC", (), "upside down"), "priority or cumulative", "layer_mode"),  # type: ignore[arg-type]  # wrong on purpose
    # windows of time
    (lambda: timeline.compute(PLAIN, june(2), june(1)), "must come after the start", "end"),
    (lambda: timeline.compute(PLAIN, june(1), june(1)), "must come after the start", "end"),
    (lambda: timeline.compute(PLAIN, NAIVE, june(2)), "needs a UTC offset", "start"),
    (lambda: timeline.compute(PLAIN, june(1), june(1) + timedelta(days=401)), "401.0 days", "end"),
    (lambda: timeline.compute(PLAIN, june(1), datetime(9999, 1, 1, tzinfo=UTC)), "years", "end"),
    (lambda: timeline.on_call_at(PLAIN, NAIVE), "The time needs a UTC offset", ""),
    (lambda: timeline.on_call_at(PLAIN, datetime.min.replace(tzinfo=timezone(timedelta(hours=9)))),
     "between the years", "time"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "words", "field"), REFUSALS)
def test_it_is_refused_in_words_and_at_the_field(
    build: Callable[[], object], words: str, field: str
) -> None:
    with pytest.raises(TimelineError, match=words) as refusal:
        build()
    assert refusal.value.field == field
    assert str(refusal.value).endswith((".", "Berlin."))
    assert isinstance(refusal.value, ValueError)


def test_what_reaches_the_limits_is_computed() -> None:
    layers = tuple(
        LayerSpec(rotation=rotation(participants=crowd(500)[n * 10 : n * 10 + 10]))
        for n in range(50)
    )
    found = timeline.compute(Definition("UTC", layers), june(1), june(1) + timedelta(days=400))
    assert len(found.shifts) == 50 * 400
    assert len(found.on_call_seconds) == 500


def test_a_flood_of_shifts_is_refused_before_it_is_computed() -> None:
    groups = (crowd(500)[:250], crowd(500)[250:])
    flood = Definition("UTC", (LayerSpec(recurring=recurring(unit="hour", groups=groups)),))
    with pytest.raises(TimelineError, match="ask for a shorter one"):
        timeline.compute(flood, june(1), june(1) + timedelta(days=400))
    assert len(timeline.compute(flood, june(1), june(2)).shifts) == 24 * 250
