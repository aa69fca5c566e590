"""What tests of tickets share: a desk that is set up, and tickets logged through the service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.accounts.models import Person
from apps.calendars import services as calendars
from apps.core import audit
from apps.core.audit import Actor
from apps.customers.models import Contact
from apps.support import seeds
from apps.support.models import RequestType, Ticket
from apps.support.services import tickets
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
