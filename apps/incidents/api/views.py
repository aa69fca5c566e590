"""Incidents: declared, driven, and told in their timeline."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import person_of
from apps.accounts.authentication import actor_of
from apps.accounts.roles import Scope
from apps.core import clock
from apps.core.api.views import ListView, View, find, idempotent
from apps.incidents import services
from apps.incidents.api.filters import IncidentFilter
from apps.incidents.api.serializers import (
    AcknowledgedSerializer,
    IncidentCommentIn,
    IncidentIn,
    IncidentRowSerializer,
    IncidentSerializer,
    TimelineSerializer,
    TransitionIn,
)
from apps.incidents.models import Incident, TimelineEntry

SCOPES = {"read": Scope.INCIDENTS_READ, "write": Scope.INCIDENTS_WRITE}
_REF = re.compile(r"INC-([0-9]{1,18})", re.IGNORECASE)


def incidents(user: Any) -> QuerySet[Incident]:
    """The incidents that the asker may see, ready to be shown in a list."""
    return Incident.objects.visible_to(user).select_related("surface", "commander")


def incident_by(user: Any, ref: str) -> Incident:
    """An incident that the asker may see, by its reference INC-42; 404."""
    match = _REF.fullmatch(ref)
    return find(incidents(user), match[1] if match else "")


def shown(incident: Incident) -> dict[str, Any]:
    """An incident with everything that hangs on it."""
    rows = Incident.objects.select_related("surface", "commander")
    row = rows.prefetch_related("participants", "links").get(pk=incident.pk)
    return dict(IncidentSerializer(row).data)


class IncidentList(ListView):
    """Incidents, newest first."""

    scopes = SCOPES
    serializer_class = IncidentRowSerializer
    filterset_class = IncidentFilter

    def get_queryset(self) -> QuerySet[Incident]:
        return incidents(self.request.user)

    @extend_schema(request=IncidentIn, responses={201: IncidentSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Declare an incident. It is under investigation at once and keeps no draft."""
        given = self.body(IncidentIn)
        surfaces = list(dict.fromkeys(given.pop("surfaces", [])))
        incident = services.open_incident(
            surface=surfaces[0] if surfaces else None,
            also=surfaces[1:],
            actor=actor_of(request.user),
            now=clock.now(),
            **given,
        )
        return Response(shown(incident), status=201)


class IncidentDetail(View):
    """One incident by its reference."""

    scopes = SCOPES

    @extend_schema(responses=IncidentSerializer)
    def get(self, request: Request, ref: str) -> Response:
        return Response(shown(incident_by(request.user, ref)))


class IncidentTransition(View):
    """Take the next step. A step that the state does not allow answers 409 `illegal_transition`."""

    scopes = SCOPES

    @extend_schema(request=TransitionIn, responses={200: IncidentSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        incident = incident_by(request.user, ref)
        given = self.body(TransitionIn)
        services.transition(
            incident=incident,
            to=given["to"],
            note=_note(given),
            impact_summary=given.get("impact_summary", ""),
            detection_source=given.get("detection_source", ""),
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(shown(incident))


def _note(given: dict[str, Any]) -> str:
    """The note, and why the public is not told: both belong to the record."""
    silence = given.get("no_public_message", "").strip()
    parts = [given.get("note", "").strip(), f"No public message: {silence}" if silence else ""]
    return " ".join(part for part in parts if part)


class IncidentTimeline(ListView):
    """What happened, in the order it happened."""

    scopes = SCOPES
    ordering = ("at", "id")
    serializer_class = TimelineSerializer

    def get_queryset(self) -> QuerySet[TimelineEntry]:
        if getattr(self, "swagger_fake_view", False):  # the schema is made without a request
            return TimelineEntry.objects.none()
        incident = incident_by(self.request.user, self.kwargs["ref"])
        return TimelineEntry.objects.filter(incident=incident)

    @extend_schema(request=IncidentCommentIn, responses={201: TimelineSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Write a comment."""
        incident = incident_by(request.user, ref)
        entry = services.comment(
            incident=incident,
            text=self.body(IncidentCommentIn)["text"],
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(TimelineSerializer(entry).data, status=201)


class IncidentAcknowledge(View):
    """Acknowledge every waiting page of the incident."""

    scopes = SCOPES

    @extend_schema(request=None, responses={200: AcknowledgedSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        incident = incident_by(request.user, ref)
        count = services.acknowledge(
            incident=incident,
            actor=actor_of(request.user),
            person=person_of(request.user),
            now=clock.now(),
        )
        return Response({"ref": incident.ref, "acknowledged": count})
