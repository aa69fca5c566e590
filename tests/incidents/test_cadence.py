"""When the next update is owed, how that stands, and which reminders have come due."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.incidents import cadence
from apps.incidents.cadence import Stretch, Track

T0 = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)
FACTS = Path(__file__).parents[1] / "vectors" / "slo.json"
CASES = json.loads(FACTS.read_text())["update_cadence"]


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def span(minutes: float | None) -> timedelta | None:
    return None if minutes is None else timedelta(minutes=minutes)


def track(**more: Any) -> Track:
    """SEV1: first update in 10 minutes, then each 30, after two hours each 60."""
    given: dict[str, Any] = {
        "started_at": T0,
        "first_due_at": at(10),
        "cadence": (span(30), span(60)),
        **more,
    }
    return Track(**given)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['in']['severity']}-{case['out']}")
def test_the_facts_about_cadence_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    first, after = (span(one) for one in given["cadence_min"])
    last = at(given["last_update_min"])
    found = cadence.standing(
        Track(
            started_at=last - timedelta(minutes=given["elapsed_at_last_min"]),
            last_at=last,
            promised_at=at(given["promised_min"]) if given["promised_min"] else None,
            cadence=(first, after),
        ),
        at(given["now_min"]),
    )
    due = at(expected["due_min"]) if expected["due_min"] is not None else None
    assert (found.due.at if found.due else None) == due
    assert found.state == expected["state"]


def test_the_facts_are_there() -> None:
    assert len(CASES) >= 4


@pytest.mark.parametrize(
    ("minutes", "state"),
    [(0, "ok"), (7, "ok"), (8, "soon"), (9.9, "soon"), (10, "due"), (14.9, "due"), (15, "overdue")],
)
def test_the_first_update_is_owed_from_the_declaration(minutes: float, state: str) -> None:
    assert cadence.standing(track(), at(minutes)).state == state


@pytest.mark.parametrize(
    ("last", "due"),
    [(0, 30), (90, 120), (119, 149), (120, 180), (200, 260)],
)
def test_after_two_hours_the_longer_cadence_counts(last: float, due: float) -> None:
    found = cadence.due(track(last_at=at(last)))
    assert found is not None and found.at == at(due)


def test_a_promise_binds_where_it_is_earlier_and_stretches_nothing() -> None:
    sooner = cadence.due(track(last_at=at(0), promised_at=at(20)))
    later = cadence.due(track(last_at=at(0), promised_at=at(240)))
    assert sooner is not None and sooner.at == at(20)
    assert later is not None and later.at == at(30)


def test_a_promise_counts_where_the_level_asks_for_nothing() -> None:
    none = Track(started_at=T0, last_at=T0)
    promised = Track(started_at=T0, last_at=T0, promised_at=at(3))
    assert cadence.due(none) is None
    found = cadence.due(promised)
    assert found is not None and found.at == at(3)
    assert found.interval == timedelta(minutes=10)  # nobody's lead is called after three minutes


def test_a_rise_in_severity_makes_nobody_late_for_what_was_not_asked_before() -> None:
    """Five hours into a SEV3 with daily updates it becomes a SEV1: ten minutes, not minus four
    and a half hours."""
    risen = track(last_at=at(0), severity_since=at(300), renewed_due_at=at(310))
    found = cadence.due(risen)
    assert found is not None and (found.since, found.at) == (at(300), at(310))


def test_a_lower_severity_gives_the_time_of_its_own_cadence() -> None:
    fallen = track(last_at=at(0), severity_since=at(5), renewed_due_at=at(25))
    found = cadence.due(fallen)
    assert found is not None and found.at == at(30)


def test_a_promise_of_before_it_was_opened_again_is_forgotten() -> None:
    again = track(
        last_at=at(0), promised_at=at(30), severity_since=at(3000), renewed_due_at=at(3010)
    )
    found = cadence.due(again)
    assert found is not None and found.at == at(3010)


def test_putting_it_off_moves_what_is_due_and_keeps_what_was_owed() -> None:
    found = cadence.due(track(last_at=at(0), snoozed_until=at(50)))
    assert found is not None and (found.at, found.owed_at) == (at(50), at(30))
    assert cadence.standing(track(last_at=at(0), snoozed_until=at(50)), at(40)).state == "ok"
    earlier = cadence.due(track(last_at=at(0), snoozed_until=at(10)))
    assert earlier is not None and earlier.at == at(30)


@pytest.mark.parametrize(("now", "furthest"), [(20, 60), (30, 60), (45, 75)])
def test_it_is_put_off_by_one_interval_at_most(now: float, furthest: float) -> None:
    owed = cadence.due(track(last_at=at(0)))
    assert owed is not None
    assert cadence.furthest_snooze(owed, at(now)) == at(furthest)


@pytest.mark.parametrize(
    ("minutes", "names", "reach"),
    [
        (23, [], None),
        (24, ["soon"], 0),
        (30, ["soon", "due"], 0),
        (45, ["soon", "due", "late1"], 1),
        (60, ["soon", "due", "late1", "late2"], 2),
        (75, ["soon", "due", "late1", "late2", "late3"], 2),
    ],
)
def test_reminders_reach_further_with_each_half_interval(
    minutes: float, names: list[str], reach: int | None
) -> None:
    owed = cadence.due(track(last_at=at(0)))
    assert owed is not None
    found = cadence.slots(owed, at(minutes))
    assert [slot.name for slot in found] == names
    assert (found[-1].reach if found else None) == reach


def test_a_first_update_that_was_owed_within_minutes_does_not_ring_each_five() -> None:
    owed = cadence.due(track())
    assert owed is not None
    found = [int((slot.at - T0).total_seconds() / 60) for slot in cadence.slots(owed, at(60))]
    assert found == [8, 10, 15, 20, 35, 50]


def test_who_has_put_it_off_is_not_told_that_it_is_due_soon() -> None:
    owed = cadence.due(track(last_at=at(0), snoozed_until=at(50)))
    assert owed is not None
    assert cadence.slots(owed, at(49)) == []
    assert [slot.name for slot in cadence.slots(owed, at(50))] == ["due"]


def test_an_update_that_nobody_posts_for_a_year_has_an_end_of_slots() -> None:
    owed = cadence.due(track(last_at=at(0)))
    assert owed is not None
    assert len(cadence.slots(owed, at(60 * 24 * 365))) == cadence.MOST_SLOTS + 1


# -- how well it was kept


def test_compliance_counts_what_was_owed_and_what_came_in_time() -> None:
    published: list[tuple[datetime, datetime | None]] = [
        (at(8), None),  # owed by 10
        (at(40), at(60)),  # owed by 38
        (at(59), None),  # promised by 60
    ]
    found = cadence.compliance([Stretch(track=track())], published, until=at(100))
    assert [(row.due_at, row.in_time) for row in found.rows] == [
        (at(10), True),
        (at(38), False),
        (at(60), True),
        (at(89), False),  # and nothing came before the end
    ]
    assert (found.owed, found.kept, found.share) == (4, 2, 0.5)


def test_what_falls_due_after_the_end_was_not_owed() -> None:
    found = cadence.compliance([Stretch(track=track())], [(at(8), None)], until=at(20))
    assert (found.owed, found.kept) == (1, 1)


def test_where_nothing_is_owed_there_is_no_share() -> None:
    found = cadence.compliance([Stretch(track=Track(started_at=T0))], [], until=at(1000))
    assert (found.owed, found.share) == (0, None)


def test_putting_it_off_makes_nobody_punctual() -> None:
    off = [Stretch(track=track(snoozed_until=at(500)))]
    assert cadence.compliance(off, [(at(20), None)], until=at(25)).kept == 0


def calmer(since: float) -> Track:
    """SEV3 from then on: an update in 60 minutes, then each 120."""
    return track(
        first_due_at=at(60),
        cadence=(span(120), span(120)),
        severity_since=at(since),
        renewed_due_at=at(since + 60),
    )


@pytest.mark.parametrize(
    ("changed", "came", "due", "in_time"),
    [
        (50, 55, 38, False),  # it was late already when it was judged to matter less
        (50, 45, 38, False),  # late before anybody changed anything
        (30, 90, 128, True),  # lowered before it was due: the calmer rules count
    ],
)
def test_an_update_is_judged_by_the_severity_that_held_when_it_was_due(
    changed: float, came: float, due: float, in_time: bool
) -> None:
    stretches = [Stretch(track=track(), to_at=at(changed)), Stretch(track=calmer(changed))]
    found = cadence.compliance(stretches, [(at(8), None), (at(came), None)], until=at(came + 1))
    assert [(row.due_at, row.in_time) for row in found.rows[1:]] == [(at(due), in_time)]


def test_raising_the_severity_makes_nobody_late_for_what_it_asks_of_the_time_before() -> None:
    sharper = track(severity_since=at(100), renewed_due_at=at(110))
    stretches = [Stretch(track=calmer(0), to_at=at(100)), Stretch(track=sharper)]
    found = cadence.compliance(stretches, [(at(20), None)], until=at(130))
    assert [(row.due_at, row.in_time) for row in found.rows] == [(at(60), True), (at(110), False)]


def test_nothing_falls_due_while_an_incident_is_over_until_it_is_opened_again() -> None:
    again = track(severity_since=at(200), renewed_due_at=at(210))
    stretches = [Stretch(track=track(), to_at=at(30)), Stretch(track=again)]
    found = cadence.compliance(stretches, [(at(8), None)], until=at(205))
    assert [(row.due_at, row.in_time) for row in found.rows] == [(at(10), True)]
