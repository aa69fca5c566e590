"""When a ticket was in which state, read from the history of its state machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from apps.calendars.businesstime import Pause
from apps.core.models import StatusChange
from apps.support import lifecycle, matching
from apps.support.models import Ticket

KIND = Ticket._meta.label_lower
Step = tuple[datetime, str]  # since when, which state


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


def pauses_in(steps: Sequence[Step], metric: str, *, third_party: bool) -> list[Pause]:
    """The stretches in which a clock of this metric stood still; being resolved is one."""
    found: list[Pause] = []
    since: datetime | None = None
    for at, status in steps:
        still = _still(metric, status, third_party)
        if still and since is None:
            since = at
        elif not still and since is not None:
            found.append((since, at))
            since = None
    if since is not None:
        found.append((since, None))
    return found


def _still(metric: str, status: str, third_party: bool) -> bool:
    if metric == matching.RESOLUTION and status in {lifecycle.RESOLVED, lifecycle.CLOSED}:
        return True
    return matching.stands_still(metric, status, third_party=third_party)


def pauses(ticket: Ticket, metric: str, *, third_party: bool, until: datetime) -> list[Pause]:
    """The pauses of one ticket up to an instant."""
    found = pauses_in(steps_of([ticket])[ticket.pk], metric, third_party=third_party)
    return [(low, min(high or until, until)) for low, high in found if low < until]
