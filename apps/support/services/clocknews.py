"""What tools outside hear of promises: events on the outgoing webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.notifications import services as notifications
from apps.notifications.models import WebhookEndpoint
from apps.support.models import Ticket
from apps.support.services import announcing
from apps.support.services.clockrows import Entry

EVENTS = {"warn": "ticket.sla_warning", "breach": "ticket.sla_breached"}


def announce(entries: Sequence[Entry], now: datetime) -> None:
    """Tell of the warnings and breaches among the events that were written just now."""
    told = [entry for entry in entries if entry.change.what in EVENTS]
    if not told or not WebhookEndpoint.objects.live().exists():
        return
    found = Ticket.objects.select_related("request_type", "queue", "surface", "owner", "account")
    tickets = found.in_bulk({entry.held.row.ticket_id for entry in told})
    for entry in told:
        ticket = tickets[entry.held.row.ticket_id]
        notifications.emit(
            event=EVENTS[entry.change.what],
            data={"ticket": announcing.ticket_facts(ticket), **_facts(entry)},
            subject=("ticket", str(ticket.pk)),
            dedupe=f"clock:{entry.held.row.pk}:{entry.change.key}",
            now=now,
        )


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
