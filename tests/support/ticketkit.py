"""What tests of tickets share: a desk that is set up, and tickets logged through the service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from apps.accounts.models import Person
from apps.calendars import services as calendars
from apps.core import audit
from apps.core.audit import Actor
from apps.customers.models import Contact
from apps.notifications.models import Message
from apps.support import seeds
from apps.support.models import RequestType, Ticket
from apps.support.services import conversation, lifecycle, merging, tickets
from tests import builders as build


def desk(now: datetime) -> None:
    """Queue, types, promises, as a new installation has them."""
    calendars.ensure_defaults(now=now)
    seeds.ensure_support(now=now)


def by(person: Person) -> Actor:
    return audit.person(person)


def ana(now: datetime, **more: Any) -> Contact:
    """Ana Ruiz of Bramble Foods, in Berlin."""
    found = Contact.objects.filter(email="ana@bramble.example").first()
    if found is not None:
        return found
    home = build.account(now=now)
    return build.contact(account=home, now=now, time_zone="Europe/Berlin", **more)


def ticket(
    now: datetime,
    *,
    subject: str = "Report shows Friday’s row counts",
    body: str = "It is Monday and the weekend loads are in the warehouse.",
    type: str = "stale_profile",
    requester: Contact | None = None,
    actor: Actor = audit.SYSTEM,
    tags: Sequence[str] = (),
    **more: Any,
) -> Ticket:
    """A ticket as the form or an agent would log it."""
    return tickets.open_ticket(
        subject=subject,
        request_type=RequestType.objects.get(key=type),
        requester=requester or ana(now),
        actor=actor,
        now=now,
        body=body,
        tags=tags,
        **more,
    )


def in_state(status: str, now: datetime, agent: Person, **more: Any) -> Ticket:
    """A ticket that came to `status` by the ways that people go; answered where it was open."""
    made = ticket(now, owner=agent, **more)
    say: dict[str, Any] = {"actor": by(agent), "now": now}
    if status == "new":
        return made
    if status == "spam":
        lifecycle.transition(ticket=made, verb="spam", **say)
    elif status == "merged":
        merging.merge(ticket=made, into=ticket(now, subject="The other", owner=agent), **say)
    else:
        conversation.reply(ticket=made, body="We look at it.", **say)
    if status == "waiting_customer":
        lifecycle.transition(ticket=made, verb="wait", **say)
    if status == "waiting_third_party":
        lifecycle.transition(
            ticket=made,
            verb="wait_third_party",
            link={"kind": "vendor", "ref": "Snowflake"},
            expected_by=now + timedelta(days=2),
            **say,
        )
    if status in {"resolved", "closed"}:
        lifecycle.transition(ticket=made, verb="resolve", resolution_code="fixed", **say)
    if status == "closed":
        lifecycle.transition(ticket=made, verb="close", **say)
    made.refresh_from_db()
    assert made.status == status
    return made


def events(ticket: Ticket, what: str) -> list[str]:
    """The texts of a ticket's history of one kind, oldest first."""
    return list(ticket.events.filter(what=what).order_by("pk").values_list("text", flat=True))


def letters(contact: Contact) -> list[Message]:
    """What lies in the outbox for somebody outside, oldest first."""
    return list(Message.objects.filter(is_outside=True, to_name=contact.name).order_by("pk"))
