"""Tickets: opened, read, changed and moved."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.problems import renamed
from apps.core.api.views import ListView, View, idempotent
from apps.support.api.fields import accepted
from apps.support.api.filters import TicketFilter
from apps.support.api.inputs import TicketIn, TicketPatch, TicketTransitionIn
from apps.support.api.rows import SCOPES, by, check_seen, shown, ticket_by, tickets
from apps.support.api.serializers import TicketRowSerializer, TicketSerializer
from apps.support.models import Ticket
from apps.support.services import from_tools, lifecycle

OPENING = OpenApiExample(
    "A stale profile",
    value={
        "subject": "The orders profile is from Tuesday",
        "type": "stale_profile",
        "requester": "Ana Ruiz <ana@bramble.example>",
        "body": "Since Tuesday the page shows the same numbers.",
        "fields": {"warehouse_type": "Snowflake", "run_id": "run-8812"},
    },
    request_only=True,
)
RESOLVING = OpenApiExample(
    "Resolved without a word",
    value={"to": "resolved", "resolution_code": "fixed", "no_reply_needed": True},
    request_only=True,
)
WAITING = OpenApiExample(
    "Waiting for an incident",
    value={
        "to": "waiting_third_party",
        "link": {"kind": "incident", "ref": "INC-42"},
        "expected_by": "2026-10-01T09:00:00Z",
    },
    request_only=True,
)


class TicketList(ListView):
    """Tickets, newest first."""

    scopes = SCOPES
    serializer_class = TicketRowSerializer
    filterset_class = TicketFilter

    def get_queryset(self) -> QuerySet[Ticket]:
        return tickets(self.request.user)

    @extend_schema(request=TicketIn, responses={201: TicketSerializer}, examples=[OPENING])
    @idempotent
    def post(self, request: Request) -> Response:
        """Open a ticket. It is routed, gets its priority and its promises, and whoever must know
        hears of it. A requester who is not known becomes a contact."""
        given = self.body(TicketIn)
        with renamed(request_type="type"):
            ticket = from_tools.log_ticket(
                request_type=given.pop("type"),
                files=accepted(given.pop("files", None)),
                channel=given.pop("channel", Ticket.Channel.API),
                **by(request),
                **given,
            )
        return Response(shown(ticket.pk), status=201)


class TicketDetail(View):
    scopes = SCOPES

    @extend_schema(responses=TicketSerializer)
    def get(self, request: Request, ref: str) -> Response:
        """One ticket by its reference, with its promises."""
        return Response(shown(ticket_by(request.user, ref).pk))

    @extend_schema(request=TicketPatch, responses=TicketSerializer)
    def patch(self, request: Request, ref: str) -> Response:
        """Change what is named, all or none. Promises follow priority, type, queue and tags."""
        ticket = ticket_by(request.user, ref)
        given = self.body(TicketPatch)
        seen = given.pop("version", None)
        if "type" in given:
            given["request_type"] = given.pop("type")
        with renamed(request_type="type"):
            from_tools.change(ticket=ticket, changes=given, seen_version=seen, **by(request))
        return Response(shown(ticket.pk))


class TicketTransition(View):
    """Take the next step. A step that the state does not allow answers 409 `illegal_transition`;
    one that something stands in the way of, 409 `blocked`, with what it is in `errors`."""

    scopes = SCOPES

    @extend_schema(
        request=TicketTransitionIn,
        responses={200: TicketSerializer},
        examples=[RESOLVING, WAITING],
    )
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        ticket = ticket_by(request.user, ref)
        given = self.body(TicketTransitionIn)
        if link := given.get("link"):
            check_seen(request.user, link["kind"], link["ref"], field="link")
        _move(ticket, given, by(request))
        return Response(shown(ticket.pk))


def _move(ticket: Ticket, given: dict[str, Any], who: dict[str, Any]) -> None:
    owner = given.pop("owner", None)
    if given["to"] == Ticket.Status.OPEN and ticket.status == Ticket.Status.NEW:
        lifecycle.triage(ticket=ticket, owner=owner, **who)
        return
    lifecycle.transition(ticket=ticket, **given, **who)
