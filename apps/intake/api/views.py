"""Deliveries, to read. Events come in through the lean path in front of Django (intake/asgi.py)."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.roles import Scope
from apps.core.api.views import ListView, View, find
from apps.intake.api.filters import DeliveryFilter
from apps.intake.api.serializers import DeliverySerializer
from apps.intake.models import Delivery, Event

SCOPES = {"read": Scope.EVENTS_READ}


def deliveries(user: Any) -> QuerySet[Delivery]:
    """The deliveries that the asker may see, with events in their order, without raw bodies."""
    events = Prefetch("events", Event.objects.order_by("seq"))
    rows = Delivery.objects.visible_to(user).select_related("integration")
    return rows.defer("body", "headers").prefetch_related(events)


class DeliveryList(ListView):
    """Deliveries, newest first."""

    scopes = SCOPES
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter

    def get_queryset(self) -> QuerySet[Delivery]:
        return deliveries(self.request.user)


class DeliveryDetail(View):
    """What a posted event became. The id is the `delivery_id` that the sender was answered."""

    scopes = SCOPES

    @extend_schema(responses=DeliverySerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(DeliverySerializer(find(deliveries(request.user), pk)).data)
