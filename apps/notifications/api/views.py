"""Outgoing webhooks: who is told of events, with what secret, and what came of it.

Making one and rotating its secret take no `Idempotency-Key`: the answer holds the secret, and an
answer that is kept for a retry would keep it in the clear.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import actor_of
from apps.accounts.roles import Scope
from apps.core import clock
from apps.core.api.views import ListView, View, find, idempotent
from apps.core.errors import NotAllowed
from apps.notifications import services
from apps.notifications.api.filters import WebhookDeliveryFilter
from apps.notifications.api.serializers import (
    NewWebhookSerializer,
    RotateIn,
    WebhookDeliveryDetailSerializer,
    WebhookDeliverySerializer,
    WebhookIn,
    WebhookPatch,
    WebhookSerializer,
)
from apps.notifications.models import WebhookDelivery, WebhookEndpoint

SCOPES = {"read": Scope.ADMIN, "write": Scope.ADMIN}


def endpoints(request: Request) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.visible_to(request.user)


def deliveries(request: Request, pk: str) -> QuerySet[WebhookDelivery]:
    """The log of one endpoint that the asker may see; 404 for another."""
    endpoint = find(endpoints(request), pk)
    rows = WebhookDelivery.objects.visible_to(request.user).filter(endpoint=endpoint)
    return rows.select_related("endpoint")


def by(request: Request) -> dict[str, Any]:
    return {"actor": actor_of(request.user), "now": clock.now()}


def shown(made: services.NewEndpoint, status: int) -> Response:
    data = NewWebhookSerializer(made.row, context={"secret": made.secret}).data
    return Response(data, status=status)


class WebhookList(ListView):
    """The webhooks in use, oldest first."""

    scopes = SCOPES
    ordering = ("id",)
    serializer_class = WebhookSerializer

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        return endpoints(self.request).filter(archived_at=None)

    @extend_schema(request=WebhookIn, responses={201: NewWebhookSerializer})
    def post(self, request: Request) -> Response:
        """Add a webhook. The answer holds its signing secret, this once."""
        if getattr(request.user, "team_id", None):
            raise NotAllowed("A webhook hears of every team: use a key that belongs to none.")
        return shown(services.create_endpoint(**self.body(WebhookIn), **by(request)), 201)


class WebhookDetail(View):
    scopes = SCOPES

    @extend_schema(responses=WebhookSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """One webhook, also an archived one."""
        return Response(WebhookSerializer(find(endpoints(request), pk)).data)

    @extend_schema(request=WebhookPatch, responses=WebhookSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        """Change what is named, pause or resume."""
        row = find(endpoints(request), pk)
        fields = self.body(WebhookPatch)
        if "active" in fields:
            fields["is_active"] = fields.pop("active")
        saved = services.change_endpoint(endpoint=row, fields=fields, **by(request))
        return Response(WebhookSerializer(saved).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Archive it: it is told nothing any more; its log stays for its time."""
        services.archive_endpoint(endpoint=find(endpoints(request), pk), **by(request))
        return Response(status=204)


class RotateSecret(View):
    scopes = SCOPES

    @extend_schema(request=RotateIn, responses=NewWebhookSerializer)
    def post(self, request: Request, pk: str) -> Response:
        """A new secret, answered this once; the old one signs as well until the overlap ends."""
        row, given = find(endpoints(request), pk), self.body(RotateIn)
        overlap = timedelta(seconds=given["overlap_seconds"])
        return shown(services.rotate_secret(endpoint=row, overlap=overlap, **by(request)), 200)


class TestWebhook(View):
    scopes = SCOPES

    @extend_schema(request=None, responses={202: WebhookDeliverySerializer})
    @idempotent
    def post(self, request: Request, pk: str) -> Response:
        """Send the event `test` to it."""
        row = services.send_test(endpoint=find(endpoints(request), pk), **by(request))
        return Response(WebhookDeliverySerializer(row).data, status=202)


class WebhookDeliveries(ListView):
    """What one webhook was told, newest first; kept for a month."""

    scopes = SCOPES
    serializer_class = WebhookDeliverySerializer
    filterset_class = WebhookDeliveryFilter

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        if "pk" not in self.kwargs:  # while the document is written
            return WebhookDelivery.objects.none()
        return deliveries(self.request, self.kwargs["pk"]).defer("payload")


class WebhookDeliveryDetail(View):
    scopes = SCOPES

    @extend_schema(operation_id="webhook_delivery", responses=WebhookDeliveryDetailSerializer)
    def get(self, request: Request, pk: str, delivery: str) -> Response:
        """One delivery with its body."""
        row = find(deliveries(request, pk), delivery)
        return Response(WebhookDeliveryDetailSerializer(row).data)


class Redeliver(View):
    scopes = SCOPES

    @extend_schema(request=None, responses={202: WebhookDeliverySerializer})
    @idempotent
    def post(self, request: Request, pk: str, delivery: str) -> Response:
        """Send it once more, under the same `webhook-id`."""
        row = find(deliveries(request, pk), delivery)
        sent = services.redeliver(delivery=row, **by(request))
        return Response(WebhookDeliverySerializer(sent).data, status=202)
