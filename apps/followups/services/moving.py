"""A follow-up's steps: taken up, done, verified, not done after all, open again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core.audit import Actor
from apps.core.errors import Conflict, NotAllowed
from apps.core.transitions import move
from apps.followups import evidence
from apps.followups.models import FollowUp
from apps.followups.schedule import local_day
from apps.followups.services import log, proof, reminding, telling
from apps.followups.services.checking import MAX_TEXT, Wrong, locked
from apps.followups.services.checking import reason as say_why
from apps.followups.services.people import heir
from apps.notifications import services as notifications

Status = FollowUp.Status
AGAIN = {"P0": 7, "P1": 14, "P2": 30}  # days until one that came back is due
UNDONE: dict[str, Any] = {
    "done_at": None, "done_by": None, "verified_at": None, "verified_by": None, "ended_reason": "",
}  # fmt: skip


@transaction.atomic
def start(
    *,
    follow_up: FollowUp,
    actor: Actor,
    person: Person | None,
    now: datetime,
    note: str = "",
    seen_version: int | None = None,
) -> FollowUp:
    """Somebody works on it; also from done, when there is more to do after all."""
    row, said = locked(follow_up, seen_version), _note(note)
    fields: dict[str, Any] = {"started_at": row.started_at or now}
    if row.status == Status.DONE:
        fields.update(UNDONE)
        _hush(row, now, "follow_up_done")
    _move(row, Status.IN_PROGRESS, actor, now, said, **fields)
    log.write(
        follow_up=row, what="started", text=said or "Work on it has begun.", actor=actor, now=now
    )
    return row


@transaction.atomic
def mark_done(
    *,
    follow_up: FollowUp,
    actor: Actor,
    person: Person | None,
    now: datetime,
    note: str = "",
    seen_version: int | None = None,
) -> FollowUp:
    """It is done, `person` says (None for a tool). It counts only once somebody has verified it."""
    row, said = locked(follow_up, seen_version), _note(note)
    _move(row, Status.DONE, actor, now, said, done_at=now, done_by=person)
    text = f"Done. {said}" if said else "Done; it waits to be verified."
    log.write(follow_up=row, what="done", text=text, actor=actor, now=now)
    _hush(row, now, "follow_up_reminder")
    reminding.pass_over(follow_up=row, now=now)
    telling.done(follow_up=row, actor=actor, now=now)
    return row


def why_not_verify(follow_up: FollowUp, person: Person | None) -> str:
    """Why `person` (None for a tool) cannot be the one who verifies it; empty if they can."""
    if not evidence.needs_another(follow_up.priority):
        return ""
    if person is None:
        return f"A {follow_up.priority} is verified by a person, not by a tool."
    other = f"A {follow_up.priority} is verified by somebody else"
    if person.pk == follow_up.owner_id:
        return f"{other}: you own it."
    if person.pk == follow_up.done_by_id:
        return f"{other}: you did it."
    return ""


@transaction.atomic
def verify(
    *,
    follow_up: FollowUp,
    person: Person | None,
    actor: Actor,
    now: datetime,
    note: str = "",
    seen_version: int | None = None,
) -> FollowUp:
    """`person` looked at the evidence: it holds.

    Needs evidence that fits the aim (`evidence.FITTING`), whose source is asked once more, and for
    P0 and P1 somebody other than its owner and whoever did it. Raises Conflict `no_evidence`,
    NotAllowed, and Conflict when somebody was faster.
    """
    row, said = locked(follow_up, seen_version), _note(note)
    if row.status == Status.DONE:
        if why := why_not_verify(row, person):
            raise NotAllowed(why)
        if why := evidence.missing(row.aim, proof.pieces(row)):
            raise Conflict(why, code="no_evidence")
    at = max(now, row.done_at or now)  # two hosts' clocks may differ
    _move(row, Status.VERIFIED, actor, now, said, verified_at=at, verified_by=person)
    text = f"Verified. {said}" if said else "Verified."
    log.write(follow_up=row, what="verified", text=text, actor=actor, now=now)
    _hush(row, now)
    telling.verified(follow_up=row, actor=actor, now=now)
    return row


@transaction.atomic
def not_held(
    *,
    follow_up: FollowUp,
    reason: str,
    actor: Actor,
    now: datetime,
    seen_version: int | None = None,
) -> FollowUp:
    """Somebody looked and it does not work: open again, its evidence is taken back.

    For one that was verified this is the honest figure: the fix did not hold.
    """
    why = say_why(reason, empty="Say what does not work.")
    row = locked(follow_up, seen_version)
    if row.status not in {Status.DONE, Status.VERIFIED}:
        is_ = row.get_status_display().lower()
        raise Conflict(f"{row.ref} is {is_}. Only what is done can turn out not to hold.")
    return back(row=row, why=why, actor=actor, now=now)


def back(*, row: FollowUp, why: str, actor: Actor, now: datetime) -> FollowUp:
    """A locked row that was done or verified is open again; what it rested on is withdrawn.

    One that was verified gets a new day: nobody was late with what seemed to hold.
    """
    was_verified = row.status == Status.VERIFIED
    text = f"The fix did not hold: {why}" if was_verified else f"Not verified: {why}"
    fields: dict[str, Any] = {}
    if was_verified:
        today = local_day(now, ZoneInfo(row.owner.time_zone))
        again = today + timedelta(days=AGAIN[row.priority])
        fields = {"did_not_hold": True, "due_on": max(row.due_on, again)}
    proof.withdraw_all(follow_up=row, now=now)
    _reopen(row, text, actor, now, "not_held" if was_verified else "not_verified", **fields)
    clause = "is open again: the fix did not hold" if was_verified else "was not verified"
    telling.back(follow_up=row, clause=clause, words=text, actor=actor, now=now)
    return row


@transaction.atomic
def wont_do(
    *,
    follow_up: FollowUp,
    reason: str,
    person: Person | None,
    actor: Actor,
    now: datetime,
    seen_version: int | None = None,
) -> FollowUp:
    """A manager decides that it stays undone, and says why. `person` is the one who approves;
    None when the door has checked that a key may."""
    if person is not None and not person.may(Grant.EDIT_OWNERSHIP):
        raise NotAllowed("Only a manager decides that a follow-up won't be done. Ask one.")
    why = say_why(reason, empty="Say why it won't be done.")
    row = locked(follow_up, seen_version)
    _move(row, Status.WONT_DO, actor, now, why, ended_reason=why)
    log.write(follow_up=row, what="wont_do", text=f"Won't be done: {why}", actor=actor, now=now)
    _hush(row, now)
    telling.wont_do(follow_up=row, actor=actor, now=now)
    return row


@transaction.atomic
def reopen(
    *,
    follow_up: FollowUp,
    reason: str,
    actor: Actor,
    now: datetime,
    seen_version: int | None = None,
) -> FollowUp:
    """There is something to do after all. What was verified loses its evidence with it; nothing is
    said about whether it held: that is `not_held`."""
    why = say_why(reason, empty="Say why it is open again.")
    row = locked(follow_up, seen_version)
    if row.status == Status.VERIFIED:
        proof.withdraw_all(follow_up=row, now=now)
    _reopen(row, f"Open again: {why}", actor, now, "reopened")
    telling.back(follow_up=row, clause="is open again", words=why, actor=actor, now=now)
    return row


# -- shared


def _note(text: str) -> str:
    wrong = Wrong()
    said = wrong.text("note", text, empty="A note is text.", most=MAX_TEXT, least=0)
    wrong.raise_any(wrong.fields.get("note", [""])[0])
    return said


def _move(
    row: FollowUp, to: str, actor: Actor, now: datetime, note: str, **fields: Any
) -> FollowUp:
    """One step; the version grows with it."""
    return move(row, to=to, actor=actor, now=now, note=note, version=row.version + 1, **fields)


def _reopen(
    row: FollowUp, text: str, actor: Actor, now: datetime, what: str, **fields: Any
) -> None:
    """Open again, by somebody who is here; an owner who left hands it on."""
    if row.status != Status.IN_PROGRESS:
        fields["reopened_count"] = row.reopened_count + 1
    if not row.owner.is_active and (found := heir(row.owner, row.surface)):
        text = f"{text} Owner: {row.owner.name} → {found[0].name}."
        fields["owner"] = found[0]
    _move(row, Status.OPEN, actor, now, text, **{**UNDONE, **fields})
    log.write(follow_up=row, what=what, text=text, actor=actor, now=now)
    _hush(row, now)
    reminding.pass_over(follow_up=row, now=now)


def _hush(row: FollowUp, now: datetime, what: str = "") -> None:
    """What was not sent yet is pointless now."""
    notifications.cancel(subject=("follow_up", str(row.pk)), now=now, what=what)
