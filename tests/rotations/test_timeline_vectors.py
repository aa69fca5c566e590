"""Cases taken from other products' tests and bug reports, as plain facts.

Two read differently from their note, on purpose:

- go-oc-07 and go-oc-08 bring a `history` of stored shifts up to `now`. Their windows begin at or
  after `now`, so after clipping nothing of the history is left in the answer and the plan alone
  gives it. That is what is checked here; that stored rows before `now` win over the plan is a
  promise of the rows and is tested where the rows are.
- gr-cs-21 has a note on what its source recorded by mistake; `expect` holds the consistent answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, time
from typing import Any

import pytest

from apps.rotations import timeline
from tests.vectors import adapt
from tests.vectors.adapt import Json, instant

CASES = adapt.load("rotations")
# Cases that a later piece of work will meet: id and what is missing. A case in this table must
# still fail, so that it leaves the table as soon as it passes.
LEFT_FOR_LATER: dict[str, str] = {}

Spans = dict[str, list[tuple[datetime, datetime]]]


def check_handoffs(case: Json) -> None:
    rotation, tz = adapt.rotation(case["rotation"]), timeline.zone(case["tz"])
    start, end = instant(case["query"]["start"]), instant(case["query"]["end"])
    # The vector lists the edges of every shift that holds an instant of the query, hence also
    # one boundary before it and one after.
    before = timeline.shift_at(rotation, tz, start).start
    after = timeline.shift_at(rotation, tz, end).end
    found = [*timeline.handoffs(rotation, tz, before, after), after]
    assert found == [instant(text) for text in case["expect"]["handoffs"]]
    shown = [at.astimezone(tz).strftime("%Y-%m-%d %H:%M:%S %z") for at in found]
    assert shown == case["expect"]["handoffs_local"]


def check_shift_at(case: Json) -> None:
    rotation, tz = adapt.rotation(case["rotation"]), timeline.zone(case["tz"])
    at = timeline.resolve_wall(datetime.fromisoformat(case["at_local"]), tz)
    turn = timeline.shift_at(rotation, tz, at)
    assert turn.start == instant(case["expect"]["start"])
    assert turn.end == instant(case["expect"]["end"])
    assert (turn.end - turn.start).total_seconds() == case["expect"]["hours"] * 3600
    assert timeline.boundary(rotation, tz, timeline.slot_at(rotation, tz, at)) == turn.start


def check_wall_clock(case: Json) -> None:
    tz = timeline.zone(case["tz"])
    shown = datetime.fromisoformat(case["local"])
    found = timeline.resolve_wall(shown, tz, case["pick"] == "last")
    assert found == instant(case["expect"]["instant"])
    assert found.astimezone(tz).strftime("%Y-%m-%d %H:%M:%S %z") == case["expect"]["local"]


def check_restriction(case: Json) -> None:
    tz = timeline.zone(case["tz"])
    windows = adapt.windows(adapt.windows_body(case["windows"]))
    for row in case["expect"]["active"]:
        assert timeline.is_active(windows, tz, instant(row["t"])) is row["active"], row
    for row in case["expect"].get("next_window", []):
        found = timeline.next_window(windows, tz, instant(row["t"]))
        assert found is not None
        assert found.start == instant(row["start"])
        assert "end" not in row or found.end == instant(row["end"])


def check_next_notification(case: Json) -> None:
    days = [adapt.DAY_NAMES[day] for day in case["days"]]
    at, tz = time.fromisoformat(case["time"]), timeline.zone(case["tz"])
    found = timeline.next_weekly_time(days, at, tz, instant(case["now"]))
    assert found == instant(case["expect"]["next"])


def check_interval_merge(case: Json) -> None:
    merged = timeline.merge_temporary_schedules(_temporary(one) for one in case["input"])
    assert merged == tuple(_temporary(one) for one in case["expect"]["merged"])


def _temporary(row: Json) -> timeline.TemporarySchedule:
    shifts = tuple(
        timeline.TemporaryShift(user, _hour(start), _hour(end))
        for user, start, end in row["shifts"]
    )
    return timeline.TemporarySchedule(instant(row["start"]), instant(row["end"]), shifts)


def _hour(text: str) -> datetime:
    return instant(f"2000-01-01T{text}:00:00Z")


def check_oncall(case: Json) -> None:
    body, expect = adapt.preview_body(case), case["expect"]
    definition = adapt.definition(body)
    start, end = instant(body["start"]), instant(body["end"])
    found = timeline.compute(definition, start, end)
    if "shifts" in expect:
        rows = [
            (row["user"], max(instant(row["start"]), start), min(instant(row["end"]), end))
            for row in expect["shifts"]
        ]
        assert _spans([(one.user, one.start, one.end) for one in found.shifts]) == _spans(rows)
    for row in expect.get("at", []):
        at = instant(row["t"])
        users = sorted({user for user, _ in timeline.on_call_at(definition, at)})
        assert users == row["users"], row
        if start <= at < end:
            swept = {one.user for one in found.shifts if one.start <= at < one.end}
            assert sorted(swept) == users, row
    if "has_gaps" in expect:
        assert bool(found.gaps) is expect["has_gaps"]
    if "gaps" in expect:
        gaps = [(instant(gap["start"]), instant(gap["end"])) for gap in expect["gaps"]]
        assert [tuple(gap) for gap in found.gaps] == gaps
    if "max_concurrent" in expect:
        states = timeline.presences(found.shifts, start, end)
        most = max(len({user for user, _ in present}) for _, present in states)
        assert most == expect["max_concurrent"]


def _spans(rows: list[tuple[str, datetime, datetime]]) -> Spans:
    """Intervals by person, with those that touch joined, as the vectors are to be compared."""
    spans: Spans = defaultdict(list)
    for user, start, end in sorted(rows, key=lambda row: row[1]):
        if spans[user] and start <= spans[user][-1][1]:
            spans[user][-1] = spans[user][-1][0], max(end, spans[user][-1][1])
        else:
            spans[user].append((start, end))
    return spans


CHECKS: dict[str, Callable[[Json], None]] = {
    "handoffs": check_handoffs,
    "shift_at": check_shift_at,
    "wall_clock": check_wall_clock,
    "restriction": check_restriction,
    "next_notification": check_next_notification,
    "interval_merge": check_interval_merge,
    "oncall": check_oncall,
}
EXPECT_KEYS = {"shifts", "at", "has_gaps", "gaps", "max_concurrent"}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_vector_holds(case: Json) -> None:
    check = CHECKS[case["kind"]]
    if case["id"] in LEFT_FOR_LATER:
        with pytest.raises(AssertionError):
            check(case)
        return
    check(case)


def test_every_vector_is_accounted_for() -> None:
    ids = [case["id"] for case in CASES]
    assert len(ids) == len(set(ids)) == 78
    assert {case["kind"] for case in CASES} == CHECKS.keys()
    assert LEFT_FOR_LATER.keys() <= set(ids)


def test_every_expectation_of_an_oncall_vector_is_looked_at() -> None:
    keys: set[Any] = set()
    for case in CASES:
        if case["kind"] == "oncall":
            keys |= case["expect"].keys()
    assert keys <= EXPECT_KEYS


def test_the_cases_with_stored_history_ask_for_nothing_before_now() -> None:
    """What makes it right to check them against the plan alone."""
    with_history = [case for case in CASES if "history" in case]
    assert {case["id"] for case in with_history} == {"go-oc-07", "go-oc-08"}
    for case in with_history:
        assert instant(case["query"]["start"]) >= instant(case["now"])
