"""What tools outside hear of promises: events on the outgoing webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.notifications import services as notifications
from apps.notifications.models import WebhookEndpoint
from apps.support.models import Ticket
from apps.support.services.clockrows import Entry

EVENTS = {"warn": "ticket.sla_warning", "breach": "ticket.sla_breached"}


def clocks(entries: Sequence[Entry], now: datetime) -> None:
    """Tell of the warnings and breaches among the events that were written just now."""
    told = [entry for entry in entries if entry.change.what in EVENTS]
    if not told or not WebhookEndpoint.objects.live().exists():
        return
    found = Ticket.objects.select_related("request_type", "surface", "owner", "account")
    tickets = found.in_bulk({entry.held.row.ticket_id for entry in told})
    for entry in told:
        ticket = tickets[entry.held.row.ticket_id]
        notifications.emit(
            event=EVENTS[entry.change.what],
            data={"ticket": ticket_facts(ticket), **_facts(entry)},
            subject=("ticket", str(ticket.pk)),
            dedupe=f"clock:{entry.held.row.pk}:{entry.change.key}",
            now=now,
        )


def ticket_facts(ticket: Ticket) -> dict[str, Any]:
    """A ticket as every event of it tells it: what names it, and where it stands."""
    return {
        "id": str(ticket.pk),
        "ref": ticket.ref,
        "url": notifications.absolute(f"/tickets/{ticket.ref}/"),
        "subject": ticket.subject,
        "type": ticket.request_type.key,
        "status": ticket.status,
        "priority": ticket.priority,
        "surface": ticket.surface.key if ticket.surface else None,
        "owner": ticket.owner.email if ticket.owner else None,
        "account": ticket.account.key if ticket.account else None,
        "kind": ticket.kind,
    }


def _facts(entry: Entry) -> dict[str, Any]:
    clock = entry.change.clock
    facts: dict[str, Any] = {
        "metric": entry.held.row.metric,
        "state": clock.state,
        "target_seconds": clock.target_seconds,
        "due_at": clock.due_at,
    }
    if entry.change.what == "breach":
        return {"clock": {**facts, "breached_at": clock.breached_at}}
    return {"clock": facts, "percent": entry.change.number}
