"""Moving tickets from state to state: one service for portal, admin, API, mail and the clock.

The table is `apps.support.lifecycle`; here stand what each step needs and what it brings about.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from apps.accounts.models import Person
from apps.core import audit
from apps.core.audit import Actor
from apps.core.errors import Conflict, IllegalTransition, Invalid
from apps.core.text import clip, one_line
from apps.core.transitions import move
from apps.support import lifecycle as states
from apps.support.models import RequestType, Ticket, TicketLink, TicketMessage
from apps.support.services import announcing, clocks, escalate, links, settings, telling
from apps.support.services import tickets as rows

log = structlog.get_logger("opsportal.support")
Status = Ticket.Status
AGAIN = timedelta(minutes=10)


class Blocked(Conflict):
    """What the ticket waits for is not done; `fields["blockers"]` says what."""

    code = "blocked"


@transaction.atomic
def transition(
    *,
    ticket: Ticket,
    actor: Actor,
    now: datetime,
    to: str = "",
    verb: str = "",
    resolution_code: str = "",
    no_reply_needed: bool = False,
    link: Mapping[str, str] | None = None,
    expected_by: datetime | None = None,
    remind_at: datetime | None = None,
    override_blocking: bool = False,
    note: str = "",
) -> Ticket:
    """Move a ticket by hand, by verb or by the state that it is to have.

    `link` is {"kind", "ref", "url"?, "label"?} of what a ticket waits for. Raises
    IllegalTransition when the table has no such step, Invalid when it needs something more,
    Blocked when open links stand in the way of resolving.
    """
    page = escalate.lock_page_of(ticket)
    ticket = rows.lock(ticket.pk)
    step = _verb(ticket, verb, to)
    if step.key == "triage":
        return triage(ticket=ticket, actor=actor, now=now)
    if step.key == "merge":
        raise Invalid("Say which ticket it goes into: merge it.", code="merge_needs_target")
    values: dict[str, Any] = {}
    if step.key == "wait":
        values = _to_wait(ticket, remind_at, now)
    elif step.key == "wait_third_party":
        values = _to_third_party(ticket, link, expected_by, actor, now)
    elif step.key == "resolve":
        values = check_resolve(ticket, resolution_code, override_blocking)
        _check_answered(ticket, no_reply_needed)
    accepts = ticket.status == Status.NEW and step.to in states.WAITING
    if accepts:  # who lets it wait has looked at it, and "accept" is not offered from there
        values["triaged_at"] = now
    apply(ticket=ticket, verb=step.key, at=now, actor=actor, now=now, note=note, **values)
    if accepts:
        clocks.triaged(ticket=ticket, at=now, actor=actor, now=now)
    if page is not None and ticket.status in states.ENDED:
        escalate.over(page=page, actor=actor, now=now)
    return ticket


def _verb(ticket: Ticket, verb: str, to: str) -> states.Verb:
    found = states.VERBS.get(verb) if verb else states.verb_to(ticket.status, to)
    known = found and found.by_hand and ticket.status in found.sources
    if found is None or not known:
        now_is = ticket.get_status_display().lower()
        wanted = (verb or to).replace("_", " ")
        raise IllegalTransition(f"This ticket is {now_is}; it cannot become {wanted}.")
    return found


def apply(
    *,
    ticket: Ticket,
    verb: str,
    at: datetime,
    actor: Actor,
    now: datetime,
    note: str = "",
    **values: Any,
) -> Ticket:
    """Take a step that was checked: the state, its timers, its clocks, its history.

    The caller holds the ticket's lock. `at` is when it happened, which a held reply's state has
    from the time at which it was written.
    """
    step, was = states.VERBS[verb], ticket.status
    values = {**_timers(step.key, ticket, at, now), **values}
    move(ticket, to=step.to, actor=actor, now=now, note=clip(one_line(note), 500), **values)
    rows.touch(ticket, now)
    rows.set_wake(ticket)
    text = f"{Status(was).label} → {Status(step.to).label}" + (f": {note}" if note else ".")
    rows.note_event(ticket=ticket, what="status", text=text, actor=actor, now=now)
    if step.to == Status.SPAM:
        clocks.cancel_all(ticket=ticket, cause="spam", actor=actor, now=now)
    elif was == Status.SPAM:
        clocks.restore_all(ticket=ticket, actor=actor, now=now)
    else:
        clocks.status_changed(ticket=ticket, was=was, at=at, actor=actor, now=now)
    announcing.moved(ticket=ticket, was=was, by=actor, now=now)
    return ticket


def _timers(verb: str, ticket: Ticket, at: datetime, now: datetime) -> dict[str, Any]:
    """Every state has its own timers; leaving it ends them."""
    values: dict[str, Any] = {"remind_at": None, "expected_by": None, "close_at": None}
    numbers = settings.current()
    if verb == "wait":
        values["remind_at"] = settings.working_days(numbers.remind_after_days, after=now)
        values["snoozed_until"] = None
    elif verb == "resolve":
        values |= {
            "resolved_at": at,
            "close_at": settings.working_days(numbers.close_after_days, after=now),
            "snoozed_until": None,
        }
    elif verb == "reopen" or (verb == "not_spam" and ticket.resolved_at is not None):
        values |= {
            "resolved_at": None,
            "resolution_code": "",
            "reopened_count": ticket.reopened_count + 1,
        }
    elif verb == "close":
        values["closed_at"] = now
    elif verb == "spam":
        values["snoozed_until"] = None
    return values


# -- what each step needs


def _to_wait(ticket: Ticket, remind_at: datetime | None, now: datetime) -> dict[str, Any]:
    if ticket.awaits_us:
        text = "Ask the customer something first: send a reply and wait."
        raise Invalid(text, code="message_missing")
    if remind_at is not None and remind_at <= now:
        text = "Pick a time that is still to come."
        raise Invalid(text, fields={"remind_at": [text]})
    return {"remind_at": remind_at} if remind_at else {}


def _to_third_party(
    ticket: Ticket,
    link: Mapping[str, str] | None,
    expected_by: datetime | None,
    actor: Actor,
    now: datetime,
) -> dict[str, Any]:
    missing = {}
    if link is None and not _blockers(ticket):
        missing["link"] = ["Name what it waits for: an incident, a change, a vendor."]
    if expected_by is None:
        missing["expected_by"] = ["Say until when; it comes back then by itself."]
    elif expected_by <= now:
        missing["expected_by"] = ["Pick a time that is still to come."]
    if missing:
        raise Invalid("A ticket waits for something, until a time.", fields=missing)
    if link is not None:
        links.link(
            ticket=ticket,
            kind=str(link.get("kind", "")),
            ref=str(link.get("ref", "")),
            url=str(link.get("url", "")),
            label=str(link.get("label", "")),
            relation=TicketLink.Relation.BLOCKS,
            actor=actor,
            now=now,
        )
        if not _blockers(ticket):
            text = f"{link.get('ref')} is over already: there is nothing to wait for."
            raise Invalid(text, code="already_done", fields={"link": [text]})
    return {"expected_by": expected_by}


def check_resolve(ticket: Ticket, code: str, override_blocking: bool) -> dict[str, Any]:
    """What resolving writes; raises Invalid without a code, Blocked by links that are not done."""
    if code not in Ticket.Resolution.values:
        text = "Say how it ended: " + ", ".join(Ticket.Resolution.values) + "."
        raise Invalid(text, code="resolution_code", fields={"resolution_code": [text]})
    blockers = _blockers(ticket)
    if blockers and not override_blocking:
        names = ", ".join(link.ref for link in blockers)
        raise Blocked(
            f"{names} is not done and blocks this ticket. Detach it, or resolve all the same.",
            fields={"blockers": [f"{link.get_kind_display()} {link.ref}" for link in blockers]},
        )
    return {"resolution_code": code}


def _blockers(ticket: Ticket) -> list[TicketLink]:
    return list(ticket.links.filter(relation=TicketLink.Relation.BLOCKS, done_at=None))


def _check_answered(ticket: Ticket, no_reply_needed: bool) -> None:
    if ticket.awaits_us and not no_reply_needed:
        text = "The customer has no answer yet. Reply and resolve, or say that none is needed."
        raise Invalid(text, code="reply_missing", fields={"no_reply_needed": [text]})


# -- triage


@transaction.atomic
def triage(
    *,
    ticket: Ticket,
    actor: Actor,
    now: datetime,
    owner: Person | None = None,
    request_type: RequestType | None = None,
    impact: str | None = None,
    urgency: str | None = None,
) -> Ticket:
    """A person confirms type, impact, urgency and owner: the ticket is open, its triage is met.

    Without an owner it goes to whoever accepts it; a key must name one.
    """
    ticket = rows.lock(ticket.pk)
    if ticket.status != Status.NEW:
        raise IllegalTransition(f"This ticket is {ticket.get_status_display().lower()} already.")
    rows.edit(
        ticket=ticket, actor=actor, now=now, request_type=request_type, impact=impact,
        urgency=urgency,
    )  # fmt: skip
    mine = Person.objects.active().filter(pk=actor.person_id).first() if actor.person_id else None
    chosen = owner or ticket.owner or mine
    if chosen is None:
        text = "Name the owner: somebody must answer for it."
        raise Invalid(text, code="owner_missing", fields={"owner": [text]})
    rows.assign(ticket=ticket, owner=chosen, actor=actor, now=now)
    ticket = rows.lock(ticket.pk)
    apply(ticket=ticket, verb="triage", at=now, actor=actor, now=now, triaged_at=now)
    clocks.triaged(ticket=ticket, at=now, actor=actor, now=now)
    return ticket


# -- what words bring about


def check_after(*, ticket: Ticket, after: Mapping[str, Any]) -> None:
    """Refuse a reply whose next step cannot be taken, before anything is kept."""
    then = after.get("then", "")
    if then == "wait" and ticket.status not in {Status.NEW, Status.OPEN, Status.WAITING_CUSTOMER}:
        raise IllegalTransition(f"This ticket is {ticket.get_status_display().lower()}.")
    if then == "resolve":
        if ticket.status not in states.ACTIVE:
            raise IllegalTransition(f"This ticket is {ticket.get_status_display().lower()}.")
        check_resolve(
            ticket, after.get("resolution_code", ""), bool(after.get("override_blocking"))
        )


def will_resolve(*, ticket: Ticket, after: Mapping[str, Any]) -> bool:
    """Whether a reply that goes out now ends the ticket, as its writer chose."""
    if after.get("then") != "resolve" or ticket.awaits_us:
        return False
    try:
        check_after(ticket=ticket, after=after)
    except Conflict:
        return False
    return True


def before_reply(*, ticket: Ticket, message: TicketMessage, actor: Actor, now: datetime) -> None:
    """The first reply opens a new ticket and counts as triage; nobody's becomes the writer's."""
    at = message.at
    mine = None
    if ticket.owner_id is None and actor.person_id:  # who left while it was held takes nothing on
        mine = Person.objects.active().filter(pk=actor.person_id).first()
    if mine is not None:
        rows.touch(ticket, now, owner=mine)
        text = f"{actor.label} answered and owns it now."
        rows.note_event(ticket=ticket, what="assigned", text=text, actor=actor, now=now)
    if ticket.status == Status.NEW:
        apply(ticket=ticket, verb="start", at=at, actor=actor, now=now, triaged_at=at)
        clocks.triaged(ticket=ticket, at=at, actor=actor, now=now)


def after_reply(*, ticket: Ticket, message: TicketMessage, actor: Actor, now: datetime) -> None:
    """What the writer chose: wait for the customer, or resolve."""
    at, then = message.at, message.after.get("then", "")
    try:
        if then and ticket.awaits_us:
            raise Conflict("the customer wrote meanwhile.")
        if then == "wait" and ticket.status == Status.OPEN:
            remind = message.after.get("remind_at")
            values: dict[str, Any] = {}
            if remind:
                values["remind_at"] = datetime.fromisoformat(remind)
            apply(ticket=ticket, verb="wait", at=at, actor=actor, now=now, **values)
        elif then == "resolve":
            values = check_resolve(
                ticket,
                message.after.get("resolution_code", ""),
                bool(message.after.get("override_blocking")),
            )
            if ticket.status not in states.ACTIVE:
                raise IllegalTransition("It is over already.")
            apply(ticket=ticket, verb="resolve", at=at, actor=actor, now=now, **values)
    except Conflict as error:
        # A held reply must go out although the ticket moved on meanwhile.
        text = f"The reply went out, but the ticket stays as it is: {error.message}"
        rows.note_event(ticket=ticket, what="kept", text=text, actor=actor, now=now)


def after_requester(*, ticket: Ticket, at: datetime, actor: Actor, now: datetime) -> None:
    """A word of the customer ends the wait for it, and a resolution that did not hold."""
    if ticket.status == Status.WAITING_CUSTOMER:
        apply(ticket=ticket, verb="resume", at=at, actor=actor, now=now, note="the customer wrote")
    elif ticket.status == Status.RESOLVED:
        apply(ticket=ticket, verb="reopen", at=at, actor=actor, now=now, note="the customer wrote")


DONE = "What your request was waiting for is done on our side. We check it for you and write again."


def unblocked(*, ticket: Ticket, why: str, now: datetime, tell_requester: bool = True) -> None:
    """What a ticket waited for is done: it returns to open when nothing else is missing.

    Its owner hears why; the requester hears that it goes on, without internal names.
    """
    if ticket.status != Status.WAITING_THIRD_PARTY or _blockers(ticket):
        return
    apply(ticket=ticket, verb="resume", at=now, actor=audit.SYSTEM, now=now, note=why)
    telling.returned(ticket=ticket, why=why, now=now)
    if tell_requester:
        telling.by_itself(ticket=ticket, body=DONE, now=now)


# -- the clock


def wake_due(*, now: datetime, limit: int = 200) -> int:
    """Take the tickets whose own timers have run out; answers how many.

    One that cannot be taken is tried again later and holds up no other.
    """
    done = 0
    for pk in _due(now, limit):
        try:
            done += _wake(pk, now)
        except Exception:
            log.exception("ticket not woken", ticket=pk)
            Ticket.objects.filter(pk=pk).update(wake_at=now + AGAIN)
    return done


def _due(now: datetime, limit: int) -> list[int]:
    due = Ticket.objects.filter(wake_at__lte=now).order_by("wake_at", "pk")
    return list(due.values_list("pk", flat=True)[:limit])


@transaction.atomic
def _wake(pk: int, now: datetime) -> bool:
    ticket = (
        Ticket.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .filter(pk=pk, wake_at__lte=now)
        .first()
    )
    if ticket is None:
        return False
    if ticket.snoozed_until and ticket.snoozed_until <= now:
        rows.touch(ticket, now, snoozed_until=None)
        telling.returned(ticket=ticket, why="its snooze is over", now=now)
    if ticket.status == Status.WAITING_CUSTOMER and _past(ticket.remind_at, now):
        _resume(ticket, "no answer from the customer", now)
    elif ticket.status == Status.WAITING_THIRD_PARTY and _past(ticket.expected_by, now):
        _resume(ticket, "the expected date has passed", now)
    elif ticket.status == Status.RESOLVED and _past(ticket.close_at, now):
        apply(ticket=ticket, verb="close", at=now, actor=audit.SYSTEM, now=now)
    _forget_passed(ticket, now)
    rows.set_wake(ticket)
    return True


def _resume(ticket: Ticket, why: str, now: datetime) -> None:
    apply(ticket=ticket, verb="resume", at=now, actor=audit.SYSTEM, now=now, note=why)
    telling.returned(ticket=ticket, why=why, now=now)


def _past(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now


def _forget_passed(ticket: Ticket, now: datetime) -> None:
    """A timer that no longer means anything in this state must not wake it for ever."""
    names = ("remind_at", "expected_by", "close_at", "snoozed_until")
    passed = {name: None for name in names if _past(getattr(ticket, name), now)}
    if passed and ticket.status != Status.WAITING_THIRD_PARTY:
        rows.touch(ticket, now, **passed)
