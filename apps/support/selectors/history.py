"""When tickets were in which state, read from the history of their state machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from apps.calendars.businesstime import Pause
from apps.core.models import StatusChange
from apps.support.models import Ticket
from apps.support.pastclocks import Step, pauses_in

KIND = Ticket._meta.label_lower


def steps_of(tickets: Iterable[Ticket]) -> dict[int, list[Step]]:
    """The states of each ticket in order, the first from its creation on. One statement."""
    found: dict[int, list[Step]] = defaultdict(list)
    by_ref = {str(ticket.pk): ticket for ticket in tickets}
    rows = (
        StatusChange.objects.filter(kind=KIND, ref__in=list(by_ref))
        .order_by("at", "pk")
        .values_list("ref", "at", "was", "became")
    )
    for ref, at, was, became in rows:
        ticket = by_ref[ref]
        if not found[ticket.pk]:
            found[ticket.pk].append((ticket.created_at, was))
        found[ticket.pk].append((at, became))
    for ticket in by_ref.values():
        if ticket.pk not in found:
            found[ticket.pk].append((ticket.created_at, ticket.status))
    return dict(found)


def pauses(ticket: Ticket, metric: str, *, third_party: bool, until: datetime) -> list[Pause]:
    """The pauses of one ticket up to an instant."""
    found = pauses_in(steps_of([ticket])[ticket.pk], metric, third_party=third_party)
    return [(low, min(high or until, until)) for low, high in found if low < until]
