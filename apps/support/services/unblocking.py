"""What a ticket waited for is done, or no longer waited for: it comes back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.changes.models import Change
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
    why = f"{link.ref} was detached"
    lifecycle.unblocked(ticket=from_ticket, why=why, now=now, tell_requester=False)


@transaction.atomic
def incident_resolved(*, incident_id: int, at: datetime, now: datetime) -> int:
    """Links to the incident are done, and what waited for it returns; answers how many did."""
    return _done(Kind.INCIDENT, f"INC-{incident_id}", f"INC-{incident_id} is resolved", at, now)


@transaction.atomic
def change_recorded(*, change_id: int, now: datetime) -> int:
    """A change stands in the ledger: what waited for it by (kind, ref) returns."""
    change = Change.objects.get(pk=change_id)
    done = 0
    for kind in {change.kind, Kind.CHANGE} & set(links.CHANGES):
        done += _done(kind, change.ref, f"{change.ref} is out", change.occurred_at, now)
    return done


def _done(kind: str, ref: str, why: str, at: datetime, now: datetime) -> int:
    waiting = TicketLink.objects.filter(kind=kind, ref=ref, done_at=None)
    count = 0
    for pk in sorted(set(waiting.values_list("ticket_id", flat=True))):
        ticket = rows.lock(pk)
        TicketLink.objects.filter(ticket=ticket, kind=kind, ref=ref, done_at=None).update(
            done_at=at
        )
        lifecycle.unblocked(ticket=ticket, why=why, now=now)
        count += 1
    return count
