"""Two tickets about one thing become one, and apart again; one about two things becomes two.

Messages stay where they were said: a merge is a pointer, so undoing it loses nothing.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.transitions import move
from apps.support import lifecycle as states
from apps.support.models import (
    RequestType,
    Ticket,
    TicketContact,
    TicketEvent,
    TicketMessage,
    TicketWatcher,
)
from apps.support.services import announcing, clocks, escalate, lifecycle, search
from apps.support.services import tickets as rows

Status = Ticket.Status


def _lock_both(one: int, other: int) -> tuple[Ticket, Ticket]:
    """Both tickets locked, the lower first, so that two merges that cross wait in one order."""
    found = {pk: rows.lock(pk) for pk in sorted({one, other})}
    return found[one], found[other]


class TwoCustomers(Conflict):
    """The tickets are of two customers, and nobody said that both are to get the answers."""

    code = "two_customers"


@transaction.atomic
def merge(
    *, ticket: Ticket, into: Ticket, actor: Actor, now: datetime, both_customers: bool = False
) -> Ticket:
    """`ticket` goes into `into`: its clocks stop counting, its people come along.

    Mail to the old number lands in the target from now on. Raises Conflict when either is closed,
    merged or spam, or when the two are one; TwoCustomers when they belong to two customers and
    `both_customers` does not say that every answer is meant for both.
    """
    if ticket.pk == into.pk:
        raise Invalid("A ticket cannot go into itself.", fields={"into": ["Pick another ticket."]})
    page = escalate.lock_page_of(ticket)
    ticket, into = _lock_both(ticket.pk, into.pk)
    if into.status in {Status.MERGED, Status.SPAM, Status.CLOSED}:
        where = f" It went into {into.merged_into.ref}." if into.merged_into else ""
        raise Conflict(f"{into.ref} is {into.get_status_display().lower()}.{where}")
    if ticket.status not in states.VERBS["merge"].sources:
        raise Conflict(f"{ticket.ref} is {ticket.get_status_display().lower()}.")
    if not both_customers and ticket.account and into.account and ticket.account != into.account:
        raise TwoCustomers(
            f"{ticket.ref} is of {ticket.account}, {into.ref} of {into.account}: every answer "
            "would go to both. Say that this is meant."
        )
    was = ticket.status
    move(
        ticket,
        to=Status.MERGED,
        actor=actor,
        now=now,
        note=f"into {into.ref}",
        merged_into=into,
        status_before=was,
    )
    rows.touch(ticket, now, wake_at=None)  # its timers rest, and count again if this is undone
    clocks.cancel_all(ticket=ticket, cause="merged", actor=actor, now=now)
    _bring_people(ticket, into, now)
    if ticket.awaits_us and not into.awaits_us:  # what was not answered there is owed here
        rows.touch(into, now, awaits_us=True)
        clocks.requester_wrote(ticket=into, at=now, actor=actor, now=now)
    else:
        rows.touch(into, now)
    there = ("ticket", into.ref, f"/tickets/{into.ref}/")
    here = ("ticket", ticket.ref, f"/tickets/{ticket.ref}/")
    text = f"Merged into {rows.named(into)}."
    rows.note_event(ticket=ticket, what="merged", text=text, actor=actor, now=now, subject=there)
    text = f"{rows.named(ticket)} was merged into this ticket."
    rows.note_event(ticket=into, what="merged", text=text, actor=actor, now=now, subject=here)
    if page is not None:
        escalate.over(page=page, actor=actor, now=now)
    announcing.merged(ticket=ticket, into=into, now=now)
    return ticket


def _bring_people(ticket: Ticket, into: Ticket, now: datetime) -> None:
    """Requester, copied contacts and watchers of the one hear of the other."""
    contacts = {ticket.requester_id, *ticket.contacts.values_list("contact_id", flat=True)}
    TicketContact.objects.bulk_create(
        [
            TicketContact(ticket=into, contact_id=pk, created_at=now)
            for pk in contacts - {into.requester_id}
        ],
        ignore_conflicts=True,
    )
    people = {*ticket.watchers.values_list("person_id", flat=True)}
    if ticket.owner_id and ticket.owner_id != into.owner_id:
        people.add(ticket.owner_id)
    TicketWatcher.objects.bulk_create(
        [TicketWatcher(ticket=into, person_id=pk, created_at=now) for pk in people],
        ignore_conflicts=True,
    )


def _take_people_back(ticket: Ticket, into: Ticket) -> None:
    """Whom a merge brought leaves, unless another ticket of theirs is merged there still."""
    merges = TicketEvent.objects.filter(ticket=into, what="merged").values("at")
    came = {ticket.requester_id, *ticket.contacts.values_list("contact_id", flat=True)}
    merged = Ticket.objects.filter(merged_into=into)
    TicketContact.objects.filter(ticket=into, contact__in=came, created_at__in=merges).exclude(
        Q(contact__in=merged.values("requester"))
        | Q(contact__in=TicketContact.objects.filter(ticket__in=merged).values("contact"))
    ).delete()


@transaction.atomic
def unmerge(*, ticket: Ticket, actor: Actor, now: datetime) -> Ticket:
    """Undo a merge: the ticket is what it was, and its promises count as if nothing had been.

    Customers who came along leave the target, which may be another customer's; our own watchers
    stay. Raises Conflict when it is not merged.
    """
    seen = Ticket.objects.get(pk=ticket.pk)
    if seen.status != Status.MERGED or seen.merged_into_id is None:
        raise Conflict(f"{seen.ref} is not merged.")
    ticket, into = _lock_both(seen.pk, seen.merged_into_id)
    if ticket.status != Status.MERGED or ticket.merged_into_id != into.pk:
        raise Conflict(f"{ticket.ref} is not merged into {into.ref} any more.")
    move(
        ticket,
        to=ticket.status_before or Status.OPEN,
        actor=actor,
        now=now,
        note=f"merge into {into.ref} undone",
        merged_into=None,
        status_before="",
    )
    _take_people_back(ticket, into)
    rows.touch(ticket, now)
    rows.set_wake(ticket)
    clocks.restore_all(ticket=ticket, actor=actor, now=now)
    text = f"The merge into {into.ref} was undone."
    rows.note_event(ticket=ticket, what="unmerged", text=text, actor=actor, now=now)
    text = f"{ticket.ref} was taken out again."
    rows.note_event(ticket=into, what="unmerged", text=text, actor=actor, now=now)
    announcing.updated(ticket=ticket, changed=["status"], by=actor, now=now)
    why = "what it waited for was done meanwhile"
    lifecycle.unblocked(ticket=ticket, why=why, now=now, tell_requester=False)
    return ticket


@transaction.atomic
def split(
    *,
    message: TicketMessage,
    subject: str,
    request_type: RequestType,
    actor: Actor,
    now: datetime,
) -> Ticket:
    """A message that is about something else opens a ticket of its own, with its own promises.

    The message stays where it was said and is copied; the promises run from now, because until
    now nobody knew that there were two. What was said in a private queue stays there. Raises
    Invalid for what the requester did not say.
    """
    origin = rows.lock(message.ticket_id)
    if message.author != TicketMessage.Author.REQUESTER:
        raise Invalid("Only what the requester said can be split off.", code="not_the_requesters")
    fresh = rows.open_ticket(
        subject=subject,
        request_type=request_type,
        requester=message.contact or origin.requester,
        actor=actor,
        now=now,
        body=message.body,
        channel=Ticket.Channel.PORTAL,
        kind=rows.kind_after(origin),
        queue=origin.queue if origin.queue.is_private else None,
    )
    Ticket.objects.filter(pk=fresh.pk).update(split_from=origin, source_url="")
    for attachment in message.attachments.all():
        attachment.pk = None
        attachment.message = fresh.messages.earliest("pk")
        attachment.save(force_insert=True)
    there = ("ticket", fresh.ref, f"/tickets/{fresh.ref}/")
    text = f"Split off: {rows.named(fresh)}."
    rows.note_event(ticket=origin, what="split", text=text, actor=actor, now=now, subject=there)
    here = ("ticket", origin.ref, f"/tickets/{origin.ref}/")
    text = f"Split from {rows.named(origin)}."
    rows.note_event(ticket=fresh, what="split", text=text, actor=actor, now=now, subject=here)
    search.index(ticket=fresh)
    fresh.refresh_from_db()
    return fresh
