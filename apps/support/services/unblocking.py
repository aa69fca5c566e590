"""What a ticket waited for is done, or no longer waited for: it comes back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from apps.changes.models import Change
from apps.core import jobs
from apps.core.audit import Actor
from apps.support.models import TicketLink
from apps.support.services import lifecycle, links
from apps.support.services import tickets as rows

Kind = TicketLink.Kind


@transaction.atomic
def unlink(*, link: TicketLink, actor: Actor, now: datetime) -> None:
    """Take a link away; a ticket that waited for nothing else returns to open."""
    from_ticket = rows.lock(link.ticket_id)
    if TicketLink.objects.filter(pk=link.pk).delete()[0] == 0:
        return
    rows.touch(from_ticket, now)
    text = f"No longer linked to {link.get_kind_display().lower()} {link.ref}."
    rows.note_event(ticket=from_ticket, what="unlinked", text=text, actor=actor, now=now)
    if link.kind == Kind.INCIDENT:
        jobs.enqueue(
            "apps.support.tasks.untie_incident", ticket=from_ticket.pk, ref=link.ref,
            person=actor.person_id,
        )  # fmt: skip
    why = f"{link.ref} was detached"
    lifecycle.unblocked(ticket=from_ticket, why=why, now=now, tell_requester=False)


@transaction.atomic
def incident_resolved(*, incident_id: int, at: datetime, now: datetime) -> int:
    """Links to the incident are done, and what waited for it returns; answers how many did."""
    ref = f"INC-{incident_id}"
    return _done({Kind.INCIDENT}, ref, f"{ref} is resolved", at, now)


@transaction.atomic
def change_recorded(*, change_id: int, now: datetime) -> int:
    """A change stands in the ledger: what waited for it by (kind, ref) returns."""
    change = Change.objects.get(pk=change_id)
    kinds = {change.kind, Kind.CHANGE} & set(links.CHANGES)
    return _done(kinds, change.ref, f"{change.ref} is out", change.occurred_at, now)


def _done(kinds: Collection[str], ref: str, why: str, at: datetime, now: datetime) -> int:
    """Tickets are locked lowest first, whatever the kind of their links, here as everywhere."""
    waiting = TicketLink.objects.filter(kind__in=kinds, ref=ref, done_at=None)
    pks = sorted(set(waiting.values_list("ticket_id", flat=True)))
    for pk in pks:
        ticket = rows.lock(pk)
        waiting.filter(ticket=ticket).update(done_at=at)
        lifecycle.unblocked(ticket=ticket, why=why, now=now)
    return len(pks)
