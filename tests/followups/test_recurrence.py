"""It came back: what was verified did not hold. And what becomes of the promises of who left."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from apps.accounts import services as accounts
from apps.core import audit
from apps.core.errors import Invalid
from apps.followups import services as followups
from apps.followups.models import Factor, FollowUp
from apps.ownership.models import Surface
from tests import builders as build
from tests.conftest import Cast
from tests.followups.kit import NOW, done, promise, story, told, verified

WEEKS = timedelta(weeks=6)
WHY = "INC-57 has the same misread national ids."


@pytest.fixture
def factor(db: None) -> Factor:
    followups.ensure_factors()
    return Factor.objects.get(key="test-data-unlike-production")


@pytest.fixture
def surface(db: None) -> Surface:
    return build.surface("inspect.semantic-types")


def again(surface: Surface, factor: Factor, after: timedelta = WEEKS) -> list[FollowUp]:
    return followups.recurred(
        surface=surface, factor=factor, why=WHY, url="/incidents/INC-57/",
        actor=audit.SYSTEM, now=NOW + after,
    )  # fmt: skip


def test_a_fix_that_did_not_hold_is_open_again_with_a_new_day(
    cast: Cast, surface: Surface, factor: Factor
) -> None:
    row = verified(cast.ravi, cast.maya, surface=surface, factor=factor, priority="P0")
    assert again(surface, factor) == [row]
    row.refresh_from_db()
    assert (row.status, row.did_not_hold, row.reopened_count) == ("open", True, 1)
    assert row.due_on == date(2026, 4, 20)  # a week from the day on which it came back
    assert not row.evidence.standing().exists()
    text = f"The fix did not hold: {WHY} (/incidents/INC-57/)"
    assert row.notes.get(what="not_held").text == text
    subject = f"[{row.ref}] is open again: the fix did not hold: Sample wide text with a budget"
    assert told(cast.ravi)[-1] == subject == told(cast.maya)[-1]
    assert again(surface, factor) == []  # it is open: there is nothing to reopen


def test_what_holds_on_the_whole_holds_on_its_facet(
    cast: Cast, surface: Surface, factor: Factor
) -> None:
    row = verified(cast.ravi, cast.maya, surface=surface, factor=factor)
    facet = build.surface("inspect.semantic-types.ids", parent=surface)
    assert again(facet, factor) == [row]


SPARED: dict[str, dict[str, Any]] = {
    "another surface": {"surface": None},
    "another factor": {"factor": None},
    "a process": {"aim": "process"},
    "docs": {"aim": "docs"},
    "a play": {"kind": "drill"},
}


@pytest.mark.parametrize("name", SPARED)
def test_what_has_nothing_to_do_with_it_stays_verified(
    name: str, cast: Cast, surface: Surface, factor: Factor
) -> None:
    given = {"surface": surface, "factor": factor, **SPARED[name]}
    row = verified(cast.ravi, cast.maya, **given)
    assert again(surface, factor) == []
    row.refresh_from_db()
    assert row.status == "verified"


@pytest.mark.parametrize(("days", "count"), [(90, 1), (91, 0)])
def test_ninety_days_after_it_was_verified_is_the_end(
    days: int, count: int, cast: Cast, surface: Surface, factor: Factor
) -> None:
    verified(cast.ravi, cast.maya, surface=surface, factor=factor)
    assert len(again(surface, factor, timedelta(days=days))) == count


def test_what_was_verified_after_it_came_back_has_not_failed_in_it(
    cast: Cast, surface: Surface, factor: Factor
) -> None:
    given = {"surface": surface, "factor": factor}
    before = verified(cast.ravi, cast.maya, **given)
    verified(cast.ravi, cast.maya, now=NOW + timedelta(days=3), **given)
    found = followups.recurred(
        **given, why=WHY, url="", actor=audit.SYSTEM, now=NOW + timedelta(days=95),
        happened_at=NOW + timedelta(days=2),
    )  # fmt: skip
    assert found == [before]


def test_what_is_not_verified_yet_is_left_alone(
    cast: Cast, surface: Surface, factor: Factor
) -> None:
    done(cast.ravi, surface=surface, factor=factor)
    assert again(surface, factor) == []


def test_a_day_that_is_later_than_the_new_one_stays(
    cast: Cast, surface: Surface, factor: Factor
) -> None:
    far = date(2026, 12, 1)
    row = verified(cast.ravi, cast.maya, surface=surface, factor=factor, due_on=far)
    assert again(surface, factor)[0].due_on == far
    assert story(row)[-1] == "not_held"


def test_what_came_back_is_said(surface: Surface, factor: Factor) -> None:
    given = {"surface": surface, "factor": factor, "actor": audit.SYSTEM, "now": NOW}
    with pytest.raises(Invalid, match="Say what came back"):
        followups.recurred(why="", url="", **given)
    with pytest.raises(Invalid) as refused:
        followups.recurred(why=WHY, url="javascript:1", **given)
    assert list(refused.value.fields) == ["url"]


# -- somebody leaves


def leaves(cast: Cast) -> None:
    accounts.deactivate(
        person=cast.ravi, actor=audit.person(cast.maya), now=NOW + timedelta(hours=3)
    )
    # The wiring calls this within the same transaction; a second call finds nothing left.
    followups.hand_over(
        person_id=cast.ravi.pk, actor=audit.person(cast.maya), now=NOW + timedelta(hours=3)
    )


def test_promises_go_to_the_lead_of_the_team_in_one_message(cast: Cast) -> None:
    build.team("inspect", lead=cast.bea, members=[cast.ravi])
    rows = [promise(cast.ravi), promise(cast.ravi)]
    ended = verified(cast.ravi, cast.maya)
    followups.start(follow_up=rows[1], person=cast.ravi, actor=audit.person(cast.ravi), now=NOW)
    leaves(cast)
    for row in (*rows, ended):
        row.refresh_from_db()
    assert [row.owner for row in rows] == [cast.bea, cast.bea]
    assert [row.due_on for row in rows] == [date(2026, 3, 9)] * 2
    assert ended.owner == cast.ravi
    subject = "[Follow-ups] 2 follow-ups are yours now: Ravi Rao is no longer active"
    assert told(cast.bea, "follow_up_inherited") == [subject]
    text = "Owner: Ravi Rao → Bea Bell, as Ravi is no longer active."
    assert rows[0].notes.get(what="edited").text == text


def test_without_a_lead_a_manager_gets_them(cast: Cast) -> None:
    row = promise(cast.ravi)
    leaves(cast)
    row.refresh_from_db()
    assert row.owner == cast.maya
    assert told(cast.maya) == [f"[Follow-ups] {row.ref} is yours now: Ravi Rao is no longer active"]


def test_a_lead_who_leaves_hands_theirs_to_a_manager(cast: Cast) -> None:
    build.team("inspect", lead=cast.ravi, members=[cast.ravi])
    row = promise(cast.ravi)
    leaves(cast)
    row.refresh_from_db()
    assert row.owner == cast.maya
