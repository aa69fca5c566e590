"""What tools outside hear of tickets: events on the outgoing webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.core.audit import Actor
from apps.notifications import services as notifications
from apps.support.models import Ticket, TicketMessage

WITHHELD = "(private)"  # an endpoint has no team, so who reads there is not known


def ticket_facts(ticket: Ticket) -> dict[str, Any]:
    """A ticket as every event of it tells it: what names it, and where it stands.

    Words of a private queue do not leave the house: subject and text are withheld.
    """
    return {
        "id": str(ticket.pk),
        "ref": ticket.ref,
        "url": notifications.absolute(f"/tickets/{ticket.ref}/"),
        "subject": WITHHELD if ticket.queue.is_private else ticket.subject,
        "type": ticket.request_type.key,
        "status": ticket.status,
        "priority": ticket.priority,
        "surface": ticket.surface.key if ticket.surface else None,
        "owner": ticket.owner.email if ticket.owner else None,
        "account": ticket.account.key if ticket.account else None,
        "kind": ticket.kind,
    }


# -- what happens on a ticket


def _tell(event: str, ticket: Ticket, once: str, now: datetime, **data: Any) -> None:
    notifications.emit(
        event=event,
        data={"ticket": ticket_facts(ticket), **data},
        subject=("ticket", str(ticket.pk)),
        dedupe=f"ticket:{ticket.pk}:{once}",
        now=now,
    )


def created(*, ticket: Ticket, now: datetime) -> None:
    """A ticket was logged."""
    _tell("ticket.created", ticket, "created", now)


def updated(*, ticket: Ticket, changed: Sequence[str], by: Actor, now: datetime) -> None:
    """Facts changed; `changed` names the columns."""
    once = f"v{ticket.version}"
    _tell("ticket.updated", ticket, once, now, changed=sorted(changed), by=by.label)


def moved(*, ticket: Ticket, was: str, by: Actor, now: datetime) -> None:
    """The ticket went from one state to another."""
    step = {"from": was, "to": ticket.status, "by": by.label}
    _tell("ticket.status_changed", ticket, f"status:v{ticket.version}", now, **step)


def said(*, ticket: Ticket, message: TicketMessage, now: datetime) -> None:
    """Something was said; who reads it decides by `public` what to do with it."""
    theirs = message.author == TicketMessage.Author.REQUESTER
    facts = {
        "id": str(message.pk),
        "public": message.is_public,
        "direction": "in" if theirs else "out",
        "author": message.actor_label,
        "text": WITHHELD if ticket.queue.is_private else message.body,
        "at": message.at,
    }
    _tell("ticket.message", ticket, f"message:{message.pk}", now, message=facts)


def merged(*, ticket: Ticket, into: Ticket, now: datetime) -> None:
    """The ticket goes on as another one."""
    there = {"id": str(into.pk), "ref": into.ref}
    _tell("ticket.merged", ticket, f"merged:v{ticket.version}", now, into=there)
