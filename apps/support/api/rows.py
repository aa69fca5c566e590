"""What the asker may see of support, ready to be shown."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from apps.accounts.authentication import actor_of
from apps.accounts.roles import Scope
from apps.core import clock
from apps.core.api.fields import as_id
from apps.core.api.views import find
from apps.incidents.models import Incident
from apps.support.api.fields import ticket_number, tickets_for
from apps.support.api.serializers import MessageSerializer, TicketSerializer
from apps.support.models import Attachment, Ticket, TicketClock, TicketLink, TicketMessage
from apps.support.selectors.ticket import merged_into

SCOPES = {"read": Scope.TICKETS_READ, "write": Scope.TICKETS_WRITE}
SHOWN_WITH = ("request_type", "queue", "surface", "owner", "requester", "account", "org")


def by(request: Request) -> dict[str, Any]:
    """Who acts, and when."""
    return {"actor": actor_of(request.user), "now": clock.now()}


def tickets(user: Any) -> QuerySet[Ticket]:
    """The tickets that the asker may see, ready to be shown in a list."""
    return tickets_for(user).select_related(*SHOWN_WITH)


def ticket_by(user: Any, ref: str) -> Ticket:
    """A ticket that the asker may see, by its reference TCK-7; 404."""
    return find(tickets(user), ticket_number(ref))


def shown(pk: int) -> dict[str, Any]:
    """A ticket with everything that hangs on it, in a fixed number of statements."""
    rows = Ticket.objects.select_related(*SHOWN_WITH).prefetch_related(
        Prefetch("clocks", TicketClock.objects.order_by("started_at", "pk")),
        Prefetch("links", TicketLink.objects.order_by("pk")),
        "contacts__contact",
        "watchers__person",
    )
    return dict(TicketSerializer(rows.get(pk=pk), context={"now": clock.now()}).data)


def messages_of(user: Any, ticket: Ticket) -> QuerySet[TicketMessage]:
    """What was said on a ticket and on those that went into it, as far as the asker may see."""
    merged = tickets_for(user).filter(pk__in=list(merged_into(ticket, user)))
    files = Attachment.objects.defer("stored__content").select_related("message")
    return (
        TicketMessage.objects.said()
        .filter(Q(ticket=ticket) | Q(ticket__in=merged.values("pk")))
        .select_related("contact")
        .prefetch_related(Prefetch("attachments", files))
    )


def shown_message(message: TicketMessage, request: Request) -> dict[str, Any]:
    row = TicketMessage.objects.select_related("contact").get(pk=message.pk)
    return dict(MessageSerializer(row, context={"request": request}).data)


def check_seen(user: Any, kind: str, ref: str, *, field: str = "ref") -> None:
    """Refuse a link to an incident or ticket that the asker may not see, as if it did not exist."""
    name = ref.strip().upper()
    rows: QuerySet[Any]
    if kind == TicketLink.Kind.INCIDENT:
        pk, rows = as_id(name.removeprefix("INC-")), Incident.objects.visible_to(user)
    elif kind == TicketLink.Kind.TICKET:
        pk, rows = as_id(name.removeprefix("TCK-")), tickets_for(user)
    else:
        return
    if pk is None or not rows.filter(pk=pk).exists():
        raise serializers.ValidationError({field: [f"There is no {ref.strip()[:60]}."]})
