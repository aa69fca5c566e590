from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import person_of
from apps.accounts.authentication import actor_of
from apps.accounts.roles import Scope
from apps.alerts import services
from apps.alerts.api.filters import AlertFilter
from apps.alerts.api.serializers import (
    AlertCommentIn,
    AlertNoteSerializer,
    AlertRowSerializer,
    AlertSerializer,
    ResolveIn,
)
from apps.alerts.models import Alert
from apps.core import clock
from apps.core.api.views import ListView, View, find, idempotent

SCOPES = {"read": Scope.EVENTS_READ, "write": Scope.INCIDENTS_WRITE}


def alerts(user: Any) -> QuerySet[Alert]:
    """The alerts that the asker may see, ready to be shown."""
    return Alert.objects.visible_to(user).select_related("surface", "group")


def shown(alert: Alert) -> dict[str, Any]:
    """An alert with its timeline."""
    rows = Alert.objects.select_related("surface", "group").prefetch_related("notes")
    return dict(AlertSerializer(rows.get(pk=alert.pk)).data)


class AlertList(ListView):
    """Alerts, newest first; `dedup_key` finds the one that an event opened."""

    scopes = SCOPES
    serializer_class = AlertRowSerializer
    filterset_class = AlertFilter

    def get_queryset(self) -> QuerySet[Alert]:
        return alerts(self.request.user)


class AlertDetail(View):
    """An alert with what its source said and what was done about it."""

    scopes = SCOPES

    @extend_schema(responses=AlertSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(shown(find(alerts(request.user), pk)))


class AlertAcknowledge(View):
    """Take an alert; its page is acknowledged with it. Again is no fault; the first counts."""

    scopes = SCOPES

    @extend_schema(request=None, responses={200: AlertSerializer})
    @idempotent
    def post(self, request: Request, pk: str) -> Response:
        alert = services.acknowledge(
            alert=find(alerts(request.user), pk),
            actor=actor_of(request.user),
            person=person_of(request.user),
            now=clock.now(),
        )
        return Response(shown(alert))


class AlertResolve(View):
    """End an alert. With the last of its group the page ends too. Ended already: 409."""

    scopes = SCOPES

    @extend_schema(request=ResolveIn, responses={200: AlertSerializer})
    @idempotent
    def post(self, request: Request, pk: str) -> Response:
        alert = find(alerts(request.user), pk)
        note = self.body(ResolveIn).get("note", "")
        services.resolve(alert=alert, actor=actor_of(request.user), now=clock.now(), note=note)
        return Response(shown(alert))


class AlertComment(View):
    """Write into an alert's timeline."""

    scopes = SCOPES

    @extend_schema(request=AlertCommentIn, responses={201: AlertNoteSerializer})
    @idempotent
    def post(self, request: Request, pk: str) -> Response:
        alert = find(alerts(request.user), pk)
        text = self.body(AlertCommentIn)["text"]
        note = services.comment(
            alert=alert, text=text, actor=actor_of(request.user), now=clock.now()
        )
        return Response(AlertNoteSerializer(note).data, status=201)
