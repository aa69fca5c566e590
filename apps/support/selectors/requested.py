"""A ticket as somebody outside may read it.

Never an internal name: no note, no surface, no queue, no defect, no surname of ours, and no word
of another customer, also not where two customers' tickets became one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from apps.core.audit import ActorKind
from apps.customers.models import Contact
from apps.support import lifecycle
from apps.support.models import (
    Attachment,
    Csat,
    Metric,
    Ticket,
    TicketClock,
    TicketContact,
    TicketMessage,
)

SHOWN = 60  # messages on the page, the newest
OURS = (TicketMessage.Author.AGENT, TicketMessage.Author.AUTO, TicketMessage.Author.UPDATE)
PROMISED = (Metric.FIRST_REPLY, Metric.NEXT_REPLY, Metric.PERIODIC_UPDATE)


@dataclass(frozen=True)
class Word:
    """One thing that was said, and by whom as the reader knows them."""

    message: TicketMessage
    who: str
    is_ours: bool
    is_mine: bool


@dataclass(frozen=True)
class Requested:
    """The page's facts. `standing` is the ticket itself, or the one that it went into."""

    ticket: Ticket
    standing: Ticket
    reader: Contact
    words: Sequence[Word]
    is_cut: bool
    due_at: datetime | None  # when we write next at the latest
    rated: Csat | None

    @property
    def went_on(self) -> bool:
        return self.standing.pk != self.ticket.pk

    @property
    def may_rate(self) -> bool:
        return (
            self.reader.pk == self.ticket.requester_id
            and not self.went_on
            and self.ticket.status in {Ticket.Status.RESOLVED, Ticket.Status.CLOSED}
        )

    @property
    def is_over(self) -> bool:
        return self.standing.status in {Ticket.Status.RESOLVED, Ticket.Status.CLOSED}


def requested(ticket: Ticket, reader: Contact) -> Requested:
    """What `reader` may see of the ticket and of how it went on."""
    standing = standing_of(ticket)
    seen = _seen(ticket, reader)
    if standing.pk != ticket.pk:
        seen |= _heard(standing, reader, _merged_at(ticket))
    rows = TicketMessage.objects.public().filter(seen).select_related("actor", "contact")
    found = list(rows.prefetch_related("attachments").order_by("-at", "-pk")[: SHOWN + 1])
    cycle = Csat.objects.filter(ticket=ticket, cycle=ticket.reopened_count).first()
    return Requested(
        ticket=ticket,
        standing=standing,
        reader=reader,
        words=[_word(row, reader) for row in reversed(found[:SHOWN])],
        is_cut=len(found) > SHOWN,
        due_at=_due(standing),
        rated=cycle,
    )


def file_of(ticket: Ticket, reader: Contact, pk: int) -> Attachment | None:
    """A file that came with something that the reader may see."""
    standing = standing_of(ticket)
    seen = _seen(ticket, reader)
    if standing.pk != ticket.pk:
        seen |= _heard(standing, reader, _merged_at(ticket))
    words = TicketMessage.objects.public().filter(seen)
    rows = Attachment.objects.select_related("stored").filter(message__in=words.values("pk"))
    return rows.filter(pk=pk).first()


def standing_of(ticket: Ticket) -> Ticket:
    """The ticket that this one went into, however often."""
    seen = {ticket.pk}
    while ticket.status == lifecycle.MERGED and ticket.merged_into_id not in {None, *seen}:
        seen.add(ticket.merged_into_id or 0)
        ticket = Ticket.objects.select_related("requester").get(pk=ticket.merged_into_id or 0)
    return ticket


def _seen(ticket: Ticket, reader: Contact) -> Q:
    """What of this ticket's words the reader may see: all of a person's own conversation."""
    if reader.pk == ticket.requester_id:
        return Q(ticket=ticket) & ~Q(author="requester", contact__in=_strangers(ticket))
    row = TicketContact.objects.filter(ticket=ticket, contact=reader).first()
    if row is None:
        return _heard(ticket, reader, None)
    if ticket.account_id is not None and reader.account_id == ticket.account_id:
        return Q(ticket=ticket)
    if row.role == TicketContact.Role.CC and reader.pk not in _strangers(ticket):
        return Q(ticket=ticket)
    return _heard(ticket, reader, row.created_at)


def _strangers(ticket: Ticket) -> set[int]:
    """Who takes part only because they have the same problem, or asked it in another ticket."""
    rows = TicketContact.objects.filter(ticket=ticket).exclude(contact=ticket.requester_id)
    others = rows.filter(role=TicketContact.Role.ME_TOO) | rows.filter(
        contact__in=Ticket.objects.filter(merged_into=ticket).values("requester")
    )
    if ticket.account_id is not None:
        others = others.exclude(contact__account=ticket.account_id)
    return set(others.values_list("contact_id", flat=True))


def _heard(ticket: Ticket, reader: Contact, since: datetime | None) -> Q:
    """What was said to somebody beside the requester: our words from then on, and their own."""
    ours = Q(ticket=ticket, author__in=OURS)
    if since is not None:
        ours &= Q(at__gte=since)
    return ours | Q(ticket=ticket, author="requester", contact=reader)


def _merged_at(ticket: Ticket) -> datetime | None:
    rows = ticket.events.filter(what="merged").order_by("-at", "-pk")
    return rows.values_list("at", flat=True).first()


def _word(message: TicketMessage, reader: Contact) -> Word:
    ours = message.author != TicketMessage.Author.REQUESTER
    if not ours:
        mine = message.contact_id == reader.pk
        said = message.contact
        name = (said.name or "Somebody of yours") if said else "You"
        return Word(message, "You" if mine else name, is_ours=False, is_mine=mine)
    return Word(message, agent_name(message), is_ours=True, is_mine=False)


def agent_name(message: TicketMessage) -> str:
    """An agent's first name; nothing of a tool's or a machine's."""
    written = message.author in {TicketMessage.Author.AGENT, TicketMessage.Author.UPDATE}
    if not written or message.actor_kind != ActorKind.PERSON:
        return "Support"
    return (message.actor.first_name if message.actor else message.actor_label).split(" ")[0]


def _due(ticket: Ticket) -> datetime | None:
    """When somebody writes next, by the promise that ends first."""
    if not ticket.is_active:
        return None
    rows = TicketClock.objects.unfinished().filter(ticket=ticket, metric__in=PROMISED)
    dues = rows.filter(is_paused=False, due_at__isnull=False).values_list("due_at", flat=True)
    return min((due for due in dues if due is not None), default=None)
