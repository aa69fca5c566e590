"""Somebody is switched off: their tickets go back to where somebody sees them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.support.models import Ticket, TicketEvent
from apps.support.services import announcing, telling


@transaction.atomic
def free_tickets(*, person_id: int, actor: Actor, now: datetime) -> int:
    """Take what is still to be done off somebody who is not here any more; answers how many.

    Nobody gets them unasked: they are unassigned, and whoever gives out the work of their queues
    hears of all at once. No promise moves. What is resolved keeps the name of who did it.
    """
    person = Person.objects.get(pk=person_id)
    found = Ticket.objects.active().filter(owner=person).order_by("pk")
    tickets = list(
        found.select_related("queue__team__lead", "request_type", "surface", "account")
        .select_for_update(of=("self",), no_key=True)
    )  # fmt: skip
    pks = [ticket.pk for ticket in tickets]
    Ticket.objects.filter(pk__in=pks).update(owner=None, version=F("version") + 1, updated_at=now)
    text = f"Owner: {person.name} → nobody, as {person.first_name} is no longer active."
    stamp = {"what": "assigned", "text": text, "at": now, **actor.columns()}
    TicketEvent.objects.bulk_create([TicketEvent(ticket=one, **stamp) for one in tickets])
    for ticket in tickets:
        ticket.owner, ticket.version, ticket.updated_at = None, ticket.version + 1, now
        announcing.updated(ticket=ticket, changed=["owner"], by=actor, now=now)
    telling.freed(tickets=tickets, person=person, now=now)
    return len(tickets)
