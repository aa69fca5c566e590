"""A reply that did not reach its reader: said by our own mail server, or by a bounce that came."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core import audit
from apps.core.text import clip
from apps.support.models import TicketMessage
from apps.support.services import telling
from apps.support.services import tickets as rows


@transaction.atomic
def not_delivered(*, message_pk: int, error: str, now: datetime) -> None:
    """Note on the ticket that a reply did not arrive, and tell who follows it; once for each
    reason, which names the address."""
    seen = TicketMessage.objects.filter(pk=message_pk).first()
    if seen is None:
        return
    ticket = rows.lock(seen.ticket_id)
    reason = clip(error or "the mail server gave no reason", 300)
    known = TicketMessage.objects.values_list("delivery_error", flat=True).get(pk=seen.pk)
    if reason in known:
        return
    # A reply has several readers: that one did not get it says nothing about the others.
    every = clip(f"{known}; {reason}" if known else reason, 300)
    TicketMessage.objects.filter(pk=seen.pk).update(delivery_error=every)
    rows.touch(ticket, now)
    text = f"A reply did not arrive: {reason}"
    rows.note_event(ticket=ticket, what="bounced", text=text, actor=audit.SYSTEM, now=now)
    telling.mail_failed(message=seen, ticket=ticket, error=reason, now=now)
