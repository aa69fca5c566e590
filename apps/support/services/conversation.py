"""What is said on a ticket: replies, notes, the requester's words, and taking a reply back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q

from apps.accounts.models import Person
from apps.core import audit
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.text import clip, one_line
from apps.core.transitions import settle
from apps.customers.models import Contact
from apps.support import lifecycle as states
from apps.support.models import Queue, Ticket, TicketContact, TicketMessage
from apps.support.services import (
    announcing,
    clocks,
    escalate,
    files,
    incident_updates,
    lifecycle,
    search,
    settings,
    telling,
)
from apps.support.services import tickets as rows
from apps.support.services.files import Accepted

Author = TicketMessage.Author
Status = Ticket.Status
MAX_HOLD = 120  # seconds
AGAIN = timedelta(minutes=1)
log = structlog.get_logger("opsportal.support")
_MENTION = re.compile(r"(?<![\w.@])@([A-Za-z0-9][A-Za-z0-9._-]{0,60}(?:@[A-Za-z0-9.-]+)?)")


class Stale(Conflict):
    """Somebody said something since the page was loaded: read it first."""

    code = "stale"


# -- agents


@transaction.atomic
def reply(
    *,
    ticket: Ticket,
    body: str,
    actor: Actor,
    now: datetime,
    then: str = "",
    resolution_code: str = "",
    remind_at: datetime | None = None,
    override_blocking: bool = False,
    hold_seconds: int = 0,
    files_: Sequence[Accepted] = (),
    seen_message: int | None = None,
) -> TicketMessage:
    """A public reply. `then` is "", "wait" (for the customer) or "resolve" (with a code).

    With `hold_seconds` it is held so long and can be taken back; clocks are judged by `now` all
    the same. The same words from the same page once more (a second click, the back button) are
    said once. Raises Stale when somebody spoke after message `seen_message`, Invalid for an
    empty reply, and what the transition of `then` raises: nothing is kept in any of these cases.
    """
    page = escalate.lock_page_of(ticket)
    ticket = rows.lock(ticket.pk)
    _check_words(body, files_)
    if said := _said_already(ticket, body, seen_message, actor):
        return said
    _check_open(ticket)
    _check_fresh(ticket, seen_message, actor)
    after = _after(then, resolution_code, remind_at, override_blocking)
    lifecycle.check_after(ticket=ticket, after=after)
    hold = min(max(hold_seconds, 0), MAX_HOLD)
    message = TicketMessage.objects.create(
        ticket=ticket,
        author=Author.AGENT,
        status=TicketMessage.Status.HELD if hold else TicketMessage.Status.POSTED,
        channel=Ticket.Channel.PORTAL if actor.person_id else Ticket.Channel.API,
        body=body.strip(),
        at=now,
        recorded_at=now,
        send_at=now + timedelta(seconds=hold) if hold else None,
        after=after,
        message_id=telling.message_id_for(ticket, now),
        **actor.columns(),
    )
    files.attach(message=message, given=files_)
    if hold:
        rows.touch(ticket, now)
        return message
    _take_effect(ticket, message, actor, now)
    if page is not None:
        escalate.answered(page=page, ticket=ticket, actor=actor, now=now)
    return message


def _after(
    then: str, code: str, remind_at: datetime | None, override_blocking: bool
) -> dict[str, Any]:
    if then not in {"", "wait", "resolve"}:
        raise Invalid("After a reply a ticket can wait or be resolved.", fields={"then": ["…"]})
    found: dict[str, Any] = {"then": then} if then else {}
    if then == "resolve":
        found |= {"resolution_code": code, "override_blocking": override_blocking}
    if then == "wait" and remind_at:
        found["remind_at"] = remind_at.isoformat()
    return found


def _take_effect(ticket: Ticket, message: TicketMessage, actor: Actor, now: datetime) -> None:
    """The mail, the clocks and the state of a public reply, by the time at which it was written."""
    values: dict[str, Any] = {}
    if not _answered_before(ticket, message):  # the customer had the last word while it was held
        values = {
            "awaits_us": False,
            "last_message_at": message.at,
            "last_public_text": clip(one_line(message.body), 200),
        }
    if ticket.first_replied_at is None:
        values["first_replied_at"] = message.at
    rows.touch(ticket, now, **values)
    lifecycle.before_reply(ticket=ticket, message=message, actor=actor, now=now)
    clocks.agent_replied(
        ticket=ticket,
        at=message.at,
        actor=actor,
        now=now,
        goes_on=not lifecycle.will_resolve(ticket=ticket, after=message.after),
    )
    lifecycle.after_reply(ticket=ticket, message=message, actor=actor, now=now)
    search.index(ticket=ticket)
    telling.reply(message=message, ticket=ticket, now=now)
    announcing.said(ticket=ticket, message=message, now=now)


def _answered_before(ticket: Ticket, message: TicketMessage) -> bool:
    """Whether the requester spoke after a reply was written and before it went out."""
    said = TicketMessage.objects.filter(ticket=ticket, author=Author.REQUESTER)
    return said.filter(at__gt=message.at).exists()


@transaction.atomic
def note(
    *,
    ticket: Ticket,
    body: str,
    actor: Actor,
    now: datetime,
    files_: Sequence[Accepted] = (),
) -> TicketMessage:
    """An internal note. Whoever is named with @ hears of it and watches from now on."""
    ticket = rows.lock(ticket.pk)
    _check_words(body, files_)
    message = TicketMessage.objects.create(
        ticket=ticket,
        author=Author.NOTE,
        channel=Ticket.Channel.PORTAL if actor.person_id else Ticket.Channel.API,
        body=body.strip(),
        at=now,
        recorded_at=now,
        **actor.columns(),
    )
    files.attach(message=message, given=files_)
    rows.touch(ticket, now, last_message_at=now)
    search.index(ticket=ticket)
    seen = Ticket.objects.filter(pk=ticket.pk)  # a name does not open a private queue
    named = [one for one in mentioned(body) if seen.visible_to(one).exists()]
    for person in named:
        rows.watch(ticket=ticket, person=person, actor=actor, now=now)
    telling.noted(message=message, ticket=ticket, named=named, actor=actor, now=now)
    announcing.said(ticket=ticket, message=message, now=now)
    return message


def mentioned(body: str) -> list[Person]:
    """The active people whom a text names: @ravi@example.com, @ravi, or @ravi.rao."""
    names = {name.lower().rstrip(".") for name in _MENTION.findall(body)[:50]}
    if not names:
        return []
    found = []
    for person in Person.objects.active():
        parts = person.name.lower().split()
        forms = {person.email.lower(), person.email.lower().split("@")[0], ".".join(parts)}
        if parts:
            forms.add(parts[0])
        if forms & names:
            found.append(person)
    return found


@transaction.atomic
def withdraw(*, message: TicketMessage, actor: Actor, now: datetime) -> TicketMessage:
    """Take a held reply back. Raises Conflict once it has gone out."""
    ticket = rows.lock(message.ticket_id)
    message = TicketMessage.objects.get(pk=message.pk)
    if message.status == TicketMessage.Status.POSTED:
        raise Conflict("This reply has gone out already.", code="already_sent")
    if message.status == TicketMessage.Status.HELD:
        settle(message, to=TicketMessage.Status.WITHDRAWN)
        rows.touch(ticket, now)
    return message


def release_held(*, now: datetime, limit: int = 50) -> int:
    """Let go the held replies whose time has come; the engine calls it. Answers how many.

    One that cannot go, whatever the reason, is tried again later and holds up no other.
    """
    done = 0
    due = TicketMessage.objects.due(now).order_by("send_at").values_list("pk", flat=True)
    for pk in list(due[:limit]):
        try:
            done += _release(pk, now)
        except Exception:
            log.exception("held reply not posted", message=pk)
            TicketMessage.objects.filter(pk=pk).update(send_at=now + AGAIN)
    return done


@transaction.atomic
def _release(pk: int, now: datetime) -> int:
    seen = TicketMessage.objects.select_related("ticket").get(pk=pk)
    page = escalate.lock_page_of(seen.ticket)
    ticket = rows.lock(seen.ticket_id)
    message = TicketMessage.objects.get(pk=pk)
    if message.status != TicketMessage.Status.HELD:
        return 0
    if ticket.status == Status.SPAM:
        settle(message, to=TicketMessage.Status.WITHDRAWN)
        text = "A reply that was still held did not go out: the ticket is spam."
        rows.note_event(ticket=ticket, what="kept", text=text, actor=audit.SYSTEM, now=now)
        return 1
    settle(message, to=TicketMessage.Status.POSTED)
    actor = actor_of(message)
    _take_effect(ticket, message, actor, now)
    if page is not None:
        escalate.answered(page=page, ticket=ticket, actor=actor, now=now)
    return 1


def actor_of(message: TicketMessage) -> Actor:
    """Who wrote a message, as an actor again."""
    return Actor(message.actor_kind, message.actor_ref, message.actor_label, message.actor_id)  # type: ignore[arg-type] # the column holds a value of ActorKind


# -- the requester


@transaction.atomic
def requester_wrote(
    *,
    ticket: Ticket,
    body: str,
    contact: Contact,
    actor: Actor,
    now: datetime,
    at: datetime | None = None,
    channel: str = Ticket.Channel.MAIL,
    files_: Sequence[Accepted] = (),
    message_id: str = "",
    in_reply_to: str = "",
    references: Sequence[str] = (),
    quoted: str = "",
    html: str = "",
    copy_in: bool = True,
) -> TicketMessage:
    """A word from outside. It wakes a waiting ticket and reopens one that was resolved lately.

    `copy_in` false keeps somebody new from getting our replies: their sender may be forged.
    To a merged ticket it lands in the one that it went into; after closing, or long after
    resolving, it opens a follow-up with promises of its own, and the answer is the message there.
    """
    ticket = _standing(ticket)
    said = min(at or now, now)
    rows.check_length(body)
    if not body.strip() and not files_:
        raise Invalid("Write something, or attach a file.", fields={"body": ["Write something."]})
    if _is_over(ticket, now):
        return _follow_up(
            ticket, body, contact, actor, now, said, channel, files_, message_id, references,
            quoted, html,
        )  # fmt: skip
    message = TicketMessage.objects.create(
        ticket=ticket,
        author=Author.REQUESTER,
        contact=contact,
        channel=channel,
        body=body.strip(),
        quoted=quoted[: rows.MAX_BODY],
        html=html,
        at=said,
        recorded_at=now,
        message_id=message_id,
        in_reply_to=in_reply_to,
        references=list(references)[-20:],
        **actor.columns(),
    )
    files.attach(message=message, given=files_)
    if copy_in and contact.pk != ticket.requester_id:
        TicketContact.objects.get_or_create(
            ticket=ticket, contact=contact, defaults={"created_at": now}
        )
    rows.touch(
        ticket,
        now,
        awaits_us=True,
        last_message_at=said,
        last_public_text=clip(one_line(body), 200),
        snoozed_until=None,
    )
    rows.set_wake(ticket)
    lifecycle.after_requester(ticket=ticket, at=said, actor=actor, now=now)
    clocks.requester_wrote(ticket=ticket, at=said, actor=actor, now=now)
    search.index(ticket=ticket)
    telling.requester_wrote(message=message, ticket=ticket, now=now)
    incident_updates.requester_wrote(message=message, ticket=ticket)
    announcing.said(ticket=ticket, message=message, now=now)
    return message


def _standing(ticket: Ticket) -> Ticket:
    """The ticket itself, or the one that a merged one went into, however often; locked.

    Of a chain the lowest is locked first, as merging and its undoing do.
    """
    held = {pk: rows.lock(pk) for pk in sorted(_chain(ticket))}
    ticket = held[ticket.pk]
    seen = {ticket.pk}
    while ticket.status == Status.MERGED and ticket.merged_into_id not in {None, *seen}:
        pk = ticket.merged_into_id or 0
        seen.add(pk)
        ticket = held.get(pk) or rows.lock(pk)  # merged once more in this very moment
    return ticket


def _chain(ticket: Ticket) -> set[int]:
    """The ticket and all that it went into, as far as can be seen without a lock."""
    found, following = {ticket.pk}, ticket.merged_into_id
    while following is not None and following not in found:
        found.add(following)
        rows_ = Ticket.objects.filter(pk=following)
        following = rows_.values_list("merged_into_id", flat=True).first()
    return found


def _is_over(ticket: Ticket, now: datetime) -> bool:
    if ticket.status == Status.CLOSED:
        return True
    window = timedelta(days=settings.current().reopen_days)
    return (
        ticket.status == Status.RESOLVED
        and ticket.resolved_at is not None
        and now - ticket.resolved_at > window
    )


def _follow_up(
    ticket: Ticket,
    body: str,
    contact: Contact,
    actor: Actor,
    now: datetime,
    at: datetime,
    channel: str,
    given: Sequence[Accepted],
    message_id: str,
    references: Sequence[str],
    quoted: str,
    html: str,
) -> TicketMessage:
    subject = ticket.subject if ticket.subject.startswith("Re: ") else f"Re: {ticket.subject}"
    fresh = rows.open_ticket(
        subject=subject,
        request_type=ticket.request_type,
        requester=contact,
        actor=actor,
        now=now,
        body=body or "(files only)",
        channel=channel,
        surface=ticket.surface if ticket.surface and not ticket.surface.archived_at else None,
        queue=_queue_after(ticket),
        owner=ticket.owner if ticket.owner and ticket.owner.is_active else None,
        fields=ticket.fields,
        tags=ticket.tags,
        kind=rows.kind_after(ticket),
        created_at=at,
        files_=given,
        message_id=message_id,
        references=references,
        quoted=quoted,
        html=html,
        follows=ticket,
    )
    where = ("ticket", fresh.ref, f"/tickets/{fresh.ref}/")
    text = f"The requester wrote again after it was over: {fresh.ref} follows."
    rows.note_event(ticket=ticket, what="followed", text=text, actor=actor, now=now, subject=where)
    return fresh.messages.earliest("pk")


def _queue_after(ticket: Ticket) -> Queue:
    """Its own queue while somebody reads it, else its type's, else the default one.

    A private one is kept even so: its words are not for everybody.
    """
    own, usual = ticket.queue, ticket.request_type.queue
    if own.is_private or own.archived_at is None:
        return own
    if usual.archived_at is None:
        return usual
    return Queue.objects.filter(is_default=True).first() or own


# -- checks


def _check_words(body: str, given: Sequence[Accepted]) -> None:
    rows.check_length(body)
    if not body.strip() and not given:
        raise Invalid("Write something first.", fields={"body": ["Write something first."]})


def _check_open(ticket: Ticket) -> None:
    if ticket.status in {Status.MERGED, Status.SPAM}:
        where = f" Write on {ticket.merged_into.ref}." if ticket.merged_into else ""
        raise Conflict(f"This ticket is {ticket.get_status_display().lower()}.{where}")
    if ticket.status == states.CLOSED:
        raise Conflict("This ticket is closed. Open a follow-up instead.", code="closed")


def _said_already(
    ticket: Ticket, body: str, seen_message: int | None, actor: Actor
) -> TicketMessage | None:
    """The reply of the same words that its writer sent from the page that shows `seen_message`,
    or that still waits to go out: going back shows a fresh page with the old words in it."""
    if seen_message is None or not body.strip():
        return None
    mine = TicketMessage.objects.said().filter(ticket=ticket, author=Author.AGENT)
    mine = mine.filter(actor_kind=actor.kind, actor_ref=actor.ref, body=body.strip())
    again = Q(pk__gt=seen_message) | Q(status=TicketMessage.Status.HELD)
    return mine.filter(again).order_by("pk").first()


def _check_fresh(ticket: Ticket, seen_message: int | None, actor: Actor) -> None:
    """A reply that was written without having seen the last words is not sent unasked."""
    if seen_message is None:
        return
    newer = (
        TicketMessage.objects.said()
        .filter(ticket=ticket, pk__gt=seen_message)
        .exclude(actor_kind=actor.kind, actor_ref=actor.ref)
    )
    if newer.exists():
        raise Stale("Somebody wrote here meanwhile. Read it, then send again; your text is kept.")
