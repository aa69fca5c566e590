"""From promised to done to verified, and back when it did not hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from apps.core import audit
from apps.core.errors import Conflict, IllegalTransition, Invalid, NotAllowed
from apps.followups import services as followups
from apps.followups.models import FollowUp
from tests.conftest import Cast
from tests.followups.kit import NOTE, NOW, URL, done, promise, story, told, verified

LATER = NOW + timedelta(days=1)
Status = FollowUp.Status
Act = Callable[[FollowUp, Cast], FollowUp]

ACTS: dict[str, Act] = {
    "in_progress": lambda row, cast: followups.start(
        follow_up=row, person=cast.ravi, actor=audit.person(cast.ravi), now=LATER
    ),
    "done": lambda row, cast: followups.mark_done(
        follow_up=row, person=cast.ravi, actor=audit.person(cast.ravi), now=LATER
    ),
    "verified": lambda row, cast: followups.verify(
        follow_up=row, person=cast.maya, actor=audit.person(cast.maya), now=LATER
    ),
    "wont_do": lambda row, cast: followups.wont_do(
        follow_up=row, reason="Replaced by another plan.", person=cast.maya,
        actor=audit.person(cast.maya), now=LATER,
    ),
    "open": lambda row, cast: followups.reopen(
        follow_up=row, reason="There is more to it.", actor=audit.person(cast.maya), now=LATER
    ),
}  # fmt: skip


def at(status: str, cast: Cast) -> FollowUp:
    """A follow-up in this state."""
    if status in {"done", "verified"}:
        return done(cast.ravi) if status == "done" else verified(cast.ravi, cast.maya)
    row = promise(cast.ravi)
    if status != "open":
        row = ACTS[status](row, cast)
    return row


@pytest.mark.parametrize("was", Status.values)
def test_every_step_is_taken_or_refused_as_the_table_says(was: str, cast: Cast) -> None:
    for to in Status.values:
        row = at(was, cast)
        if to in FollowUp.TRANSITIONS[Status(was)]:
            moved = ACTS[to](row, cast)
            moved.refresh_from_db()
            assert moved.status == to, (was, to)
            assert moved.version > row.version
        else:
            with pytest.raises(IllegalTransition, match=f"is {was}; it cannot become {to}"):
                ACTS[to](row, cast)


def test_done_is_not_verified_and_the_lead_hears_that_somebody_has_to_look(cast: Cast) -> None:
    row = done(cast.ravi)
    assert (row.status, row.done_by, row.verified_at) == (Status.DONE, cast.ravi, None)
    subject = f"[{row.ref}] is done and waits to be verified: Sample wide text with a budget"
    assert told(cast.maya) == [subject]
    assert told(cast.ravi, "follow_up_done") == []


def test_without_evidence_nothing_is_verified(cast: Cast) -> None:
    row = promise(cast.ravi)
    ACTS["done"](row, cast)
    with pytest.raises(Conflict, match=r"There is no evidence yet\. Bring a test") as no:
        ACTS["verified"](row, cast)
    assert no.value.code == "no_evidence"
    row.refresh_from_db()
    assert row.status == Status.DONE


def test_evidence_that_does_not_fit_the_aim_is_not_enough(cast: Cast, provided: object) -> None:
    row = promise(cast.ravi)
    by = {"actor": audit.person(cast.ravi), "now": NOW}
    followups.add_evidence(follow_up=row, type="execution", ref="RUN-7", **by)
    ACTS["done"](row, cast)
    with pytest.raises(Conflict, match="None of the evidence fits the aim"):
        ACTS["verified"](row, cast)


@pytest.mark.parametrize("priority", ["P0", "P1"])
def test_what_matters_most_is_verified_by_somebody_else(priority: str, cast: Cast) -> None:
    row = promise(cast.ravi, priority=priority)
    by = {"actor": audit.person(cast.bea), "now": NOW}
    followups.add_evidence(follow_up=row, type="regression", url=URL, note=NOTE, **by)
    followups.mark_done(follow_up=row, person=cast.bea, **by)
    for person, why in ((cast.ravi, "you own it"), (cast.bea, "you did it")):
        with pytest.raises(NotAllowed, match=f"verified by somebody else: {why}"):
            followups.verify(follow_up=row, person=person, actor=audit.person(person), now=NOW)
    with pytest.raises(NotAllowed, match="by a person, not by a tool"):
        followups.verify(follow_up=row, person=None, actor=audit.system("CI"), now=NOW)
    found = followups.verify(
        follow_up=row, person=cast.maya, actor=audit.person(cast.maya), now=NOW
    )
    assert found.verified_by == cast.maya


def test_a_small_one_may_be_verified_by_whoever_did_it(cast: Cast) -> None:
    row = done(cast.ravi, priority="P2")
    found = followups.verify(
        follow_up=row, person=cast.ravi, actor=audit.person(cast.ravi), now=NOW + timedelta(hours=2)
    )
    assert found.status == Status.VERIFIED


def test_what_turns_out_not_to_work_loses_its_evidence_and_is_open_again(cast: Cast) -> None:
    row = done(cast.ravi)
    found = followups.not_held(
        follow_up=row, reason="It fails on XL.", actor=audit.person(cast.maya), now=LATER
    )
    assert (found.status, found.did_not_hold, found.reopened_count) == (Status.OPEN, False, 1)
    assert (found.done_at, found.done_by) == (None, None)
    assert not found.evidence.standing().exists()
    assert told(cast.ravi)[-1].startswith(f"[{row.ref}] was not verified")
    ACTS["done"](found, cast)
    with pytest.raises(Conflict, match="There is no evidence yet"):
        ACTS["verified"](found, cast)


def test_a_verified_fix_that_failed_is_the_figure_that_counts(cast: Cast) -> None:
    row = verified(cast.ravi, cast.maya)
    found = followups.not_held(
        follow_up=row, reason="The time-outs are back.", actor=audit.person(cast.bea), now=LATER
    )
    found.refresh_from_db()
    assert (found.status, found.did_not_hold) == (Status.OPEN, True)
    assert (found.verified_at, found.verified_by) == (None, None)
    clause = f"[{row.ref}] is open again: the fix did not hold"
    assert told(cast.ravi)[-1].startswith(clause)
    assert told(cast.maya)[-1].startswith(clause)  # who answers for the owner's work


@pytest.mark.parametrize("status", ["open", "in_progress", "wont_do"])
def test_what_is_not_done_cannot_turn_out_not_to_hold(status: str, cast: Cast) -> None:
    row = at(status, cast)
    with pytest.raises(Conflict, match="Only what is done can turn out not to hold"):
        followups.not_held(follow_up=row, reason="It fails.", actor=audit.SYSTEM, now=LATER)


def test_only_a_manager_decides_that_it_stays_undone_and_says_why(cast: Cast) -> None:
    row = promise(cast.ravi)
    given = {"follow_up": row, "actor": audit.person(cast.ravi), "now": LATER}
    with pytest.raises(NotAllowed, match="Only a manager decides"):
        followups.wont_do(reason="No time for it.", person=cast.ravi, **given)
    with pytest.raises(Invalid, match="Say why it won't be done") as no:
        followups.wont_do(reason=" ", person=cast.maya, **given)
    assert list(no.value.fields) == ["reason"]
    found = followups.wont_do(reason="The product goes away.", person=cast.maya, **given)
    assert (found.status, found.ended_reason) == (Status.WONT_DO, "The product goes away.")


def test_whoever_comes_second_hears_so_and_nothing_is_lost(cast: Cast) -> None:
    row = done(cast.ravi)
    theirs = FollowUp.objects.get(pk=row.pk)
    ACTS["verified"](row, cast)
    with pytest.raises(Conflict, match="is verified; it cannot become verified"):
        followups.verify(follow_up=theirs, person=cast.bea, actor=audit.person(cast.bea), now=LATER)
    row.refresh_from_db()
    assert row.verified_by == cast.maya
    assert story(row).count("verified") == 1


def test_a_decision_on_an_older_page_is_stale(cast: Cast) -> None:
    row = done(cast.ravi)
    seen = row.version
    followups.add_evidence(
        follow_up=row, type="url", url=URL, note="Another thing to look at.",
        actor=audit.person(cast.bea), now=LATER,
    )  # fmt: skip
    with pytest.raises(Conflict, match=re.escape(f"Somebody changed {row.ref} meanwhile")) as no:
        followups.verify(
            follow_up=row, person=cast.maya, actor=audit.person(cast.maya), now=LATER,
            seen_version=seen,
        )  # fmt: skip
    assert no.value.code == "stale"


def test_more_to_do_after_all_takes_done_back(cast: Cast) -> None:
    found = ACTS["in_progress"](done(cast.ravi), cast)
    assert (found.status, found.done_at, found.done_by) == (Status.IN_PROGRESS, None, None)
    assert found.started_at == LATER


def test_work_on_it_keeps_its_first_start(cast: Cast) -> None:
    row = ACTS["in_progress"](promise(cast.ravi), cast)
    back = followups.reopen(
        follow_up=row, reason="Other work first.", actor=audit.SYSTEM, now=LATER
    )
    assert (back.status, back.started_at, back.reopened_count) == (Status.OPEN, LATER, 0)


def test_one_that_is_reopened_goes_to_somebody_who_is_here(cast: Cast) -> None:
    row = verified(cast.ravi, cast.maya)
    type(cast.ravi).objects.filter(pk=cast.ravi.pk).update(is_active=False)
    found = followups.reopen(
        follow_up=row, reason="It came up again.", actor=audit.person(cast.bea), now=LATER
    )
    assert found.owner == cast.maya
    assert story(found)[-1] == "reopened"


def test_each_step_stands_in_the_log_in_order(cast: Cast) -> None:
    row = verified(cast.ravi, cast.maya)
    assert story(row) == ["opened", "evidence", "done", "verified"]
    assert row.due_on == date(2026, 3, 9)
