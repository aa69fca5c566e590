"""What a requester may do without an account, by a signed link to one ticket."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core import audit
from apps.core.errors import Conflict, NotFound
from apps.customers.models import Contact
from apps.notifications.services import absolute
from apps.support import tokens
from apps.support.models import Csat, Ticket, TicketMessage
from apps.support.services import conversation
from apps.support.services import tickets as rows


def status_link(ticket: Ticket) -> str:
    """The address of the requester's page."""
    return absolute(f"/requests/{tokens.make(ticket.pk, ticket.access_version)}/")


def seat_of(token: str) -> tuple[Ticket, Contact]:
    """The ticket behind a token and who holds it: the requester, or somebody who takes part.

    NotFound for a broken link, for one that was ended, and for who takes part no longer.
    """
    ticket = ticket_of(token)
    pk = tokens.read_for(token)[2]
    if pk is None or pk == ticket.requester_id:
        return ticket, ticket.requester
    row = ticket.contacts.select_related("contact").filter(contact=pk).first()
    if row is None:
        raise NotFound(
            "This link has ended. Write to us again and we send a new one.", code="link_expired"
        )
    return ticket, row.contact


def ticket_of(token: str) -> Ticket:
    """The ticket behind a token; NotFound for a broken link and for one that was ended."""
    return _current(*tokens.read(token))


def receipt_of(token: str) -> Ticket:
    """The ticket that a receipt is about; NotFound once it is old, or the links were ended."""
    return _current(*tokens.read_receipt(token))


def _current(pk: int, version: int) -> Ticket:
    ticket = Ticket.objects.select_related("requester", "merged_into").filter(pk=pk).first()
    if ticket is None or ticket.access_version != version or ticket.status == Ticket.Status.SPAM:
        raise NotFound(
            "This link has ended. Write to us again and we send a new one.", code="link_expired"
        )
    return ticket


@transaction.atomic
def end_links(*, ticket: Ticket, actor: audit.Actor, now: datetime) -> Ticket:
    """Old links to this ticket no longer open: a mail went astray."""
    ticket = rows.lock(ticket.pk)
    rows.touch(ticket, now, access_version=ticket.access_version + 1)
    text = "Links to the requester's page that were sent before no longer work."
    rows.note_event(ticket=ticket, what="links_ended", text=text, actor=actor, now=now)
    return ticket


def not_solved(*, ticket: Ticket, body: str, contact: Contact, now: datetime) -> TicketMessage:
    """The requester says that it is not solved: the ticket is open again, or a follow-up is."""
    return conversation.requester_wrote(
        ticket=ticket,
        body=body.strip() or "This is not solved.",
        contact=contact,
        actor=audit.contact(contact.pk, str(contact)),
        now=now,
        channel=Ticket.Channel.FORM,
    )


@transaction.atomic
def rate(*, ticket: Ticket, score: str, comment: str, now: datetime) -> Csat:
    """What the requester thought of it: one answer for each resolution, which may be changed.

    Raises Conflict while the ticket is not resolved.
    """
    ticket = rows.lock(ticket.pk)
    if ticket.status not in {Ticket.Status.RESOLVED, Ticket.Status.CLOSED}:
        raise Conflict("We ask this when it is resolved.", code="not_resolved")
    if score not in Csat.Score.values:
        raise Conflict("Choose one of the two.", code="score")
    row, fresh = Csat.objects.update_or_create(
        ticket=ticket,
        cycle=ticket.reopened_count,
        defaults={"score": score, "comment": comment.strip()[:2000], "at": now},
    )
    if fresh:
        who = audit.contact(ticket.requester_id, str(ticket.requester))
        text = f"The requester found it {row.get_score_display().lower()}."
        rows.note_event(ticket=ticket, what="csat", text=text, actor=who, now=now)
    return row
