"""Telling people: drafts, approval, publishing, and how the promise of the next update stands."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.views import View, find, idempotent
from apps.incidents.api.fields import AudienceField, CommsTemplateField
from apps.incidents.api.inputs import SnoozeIn, UpdateIn, UpdatePatch, UpdateStepIn
from apps.incidents.api.parts import PromiseSerializer, UpdateSerializer
from apps.incidents.api.rows import SCOPES, by, incident_by
from apps.incidents.api.running import Children
from apps.incidents.models import Incident, StatusUpdate
from apps.incidents.models.comms import Stage
from apps.incidents.selectors import updates as selectors
from apps.incidents.services import cadence, templates, updates

FIRST = OpenApiExample(
    "A first message",
    value={
        "audience": "public",
        "stage": "initial",
        "subject": "Profiles on Snowflake are delayed",
        "body": "Earlier results stay visible and are marked with their date.",
        "states": {"profiles": "degraded_performance"},
        "next_update_at": "2026-10-01T07:30:00Z",
    },
    request_only=True,
)


def _rows() -> QuerySet[StatusUpdate]:
    return StatusUpdate.objects.select_related("audience", "author", "approver")


def _shown(update: StatusUpdate) -> dict[str, Any]:
    return dict(UpdateSerializer(_rows().get(pk=update.pk)).data)


def _update(user: Any, ref: str, pk: str) -> StatusUpdate:
    return find(_rows().filter(incident=incident_by(user, ref)), pk)


class IncidentUpdates(Children):
    """Messages of an incident, drafts too, newest first."""

    ordering = ("-id",)
    serializer_class = UpdateSerializer

    def get_queryset(self) -> QuerySet[StatusUpdate]:
        return self.of(_rows())

    @extend_schema(request=UpdateIn, responses={201: UpdateSerializer}, examples=[FIRST])
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Write a draft; nobody reads it before it is published."""
        incident = incident_by(request.user, ref)
        update = updates.draft(incident=incident, **self.body(UpdateIn), **by(request))
        return Response(_shown(update), status=201)


class PreparedQuery(serializers.Serializer[Any]):
    audience = AudienceField(help_text="An audience's key.")
    stage = serializers.ChoiceField(Stage.choices)
    template = CommsTemplateField(required=False, help_text="Prepared words, by key.")


class PreparedSerializer(serializers.Serializer[Any]):
    """The words that fit, filled with what the incident knows."""

    subject = serializers.CharField()
    body = serializers.CharField()


class IncidentPrepared(View):
    scopes = SCOPES
    query = PreparedQuery

    @extend_schema(parameters=[PreparedQuery], responses=PreparedSerializer)
    def get(self, request: Request, ref: str) -> Response:
        """The prepared words for an audience and a stage; empty where there are none."""
        incident = incident_by(request.user, ref)
        subject, body = templates.prepared(incident=incident, now=clock.now(), **self.asked())
        return Response(PreparedSerializer({"subject": subject, "body": body}).data)


class IncidentUpdateDetail(View):
    scopes = SCOPES

    @extend_schema(operation_id="incidents_updates_read", responses=UpdateSerializer)
    def get(self, request: Request, ref: str, pk: str) -> Response:
        return Response(_shown(_update(request.user, ref, pk)))

    @extend_schema(request=UpdatePatch, responses=UpdateSerializer)
    def patch(self, request: Request, ref: str, pk: str) -> Response:
        """Change a draft that one has read at `version`; 409 `stale` where another was faster."""
        row = _update(request.user, ref, pk)
        given = self.body(UpdatePatch)
        gone = "next_update_at" in given and given["next_update_at"] is None
        update = updates.edit(update=row, clear_next=gone, **given, **by(request))
        return Response(_shown(update))


class IncidentUpdateTransition(View):
    scopes = SCOPES

    @extend_schema(request=UpdateStepIn, responses={200: UpdateSerializer})
    @idempotent
    def post(self, request: Request, ref: str, pk: str) -> Response:
        """Publish a draft, ask for a yes, send it back or throw it away. Where the framework asks
        for a yes that the asker may not give, publishing answers `pending`: those who may are
        told."""
        row = _update(request.user, ref, pk)
        given = self.body(UpdateStepIn)
        return Response(_shown(_step(row, given, request)))


def _step(row: StatusUpdate, given: dict[str, Any], request: Request) -> StatusUpdate:
    seen, who = given.get("version"), by(request)
    match given["to"]:
        case "pending":
            return updates.submit(update=row, version=seen, **who)
        case "published":
            return updates.publish(update=row, person=request.user, version=seen, **who)
        case "withdrawn":
            return updates.withdraw(update=row, **who)
        case _:
            reason = given.get("reason", "")
            return updates.send_back(update=row, reason=reason, person=request.user, **who)


class IncidentPromises(View):
    """How the promise of the next update stands, for people here and for those outside."""

    scopes = SCOPES

    @extend_schema(responses=PromiseSerializer(many=True))
    def get(self, request: Request, ref: str) -> Response:
        return Response(_promises(incident_by(request.user, ref)))

    @extend_schema(request=SnoozeIn, responses={200: PromiseSerializer(many=True)})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Put the reminders of the next update off, once and by one interval at most. The update
        counts as late all the same."""
        incident = incident_by(request.user, ref)
        cadence.snooze(incident=incident, **self.body(SnoozeIn), **by(request))
        return Response(_promises(incident))


def _promises(incident: Incident) -> list[Any]:
    now = clock.now()
    kept = selectors.compliance(incident, now=now)
    rows = [
        {
            "side": side,
            "state": standing.state,
            "due_at": standing.due.at if standing.due else None,
            "owed": kept[side].owed,
            "kept": kept[side].kept,
        }
        for side, standing in selectors.standings(incident, now=now).items()
    ]
    return list(PromiseSerializer(rows, many=True).data)
