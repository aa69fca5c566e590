"""Incidents: declared, described, driven, and told in their timeline."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import person_of
from apps.core.api.views import ListView, View, find, idempotent
from apps.incidents import services
from apps.incidents import severity_matrix as matrix
from apps.incidents.api.filters import IncidentFilter
from apps.incidents.api.inputs import (
    IncidentCommentIn,
    IncidentIn,
    IncidentMergeIn,
    IncidentPatch,
    MilestonesIn,
    ReasonIn,
    SeverityIn,
    TransitionIn,
    answers_of,
)
from apps.incidents.api.rows import SCOPES, by, incident_by, incidents, shown
from apps.incidents.api.serializers import (
    AcknowledgedSerializer,
    IncidentRowSerializer,
    IncidentSerializer,
    TimelineSerializer,
)
from apps.incidents.models import Incident, TimelineEntry
from apps.incidents.services import describing

DECLARING = OpenApiExample(
    "With answers and a suspect",
    value={
        "title": "Snowflake profiling times out",
        "surfaces": ["inspect.profiler.snowflake"],
        "answers": {
            "who": "several", "data_wrong": "no", "money_or_security": "no", "workaround": "no",
        },
        "links": [
            {"kind": "change", "ref": "812", "label": "Release: inspect 2.14.0",
             "relation": "suspect"},
        ],
    },
    request_only=True,
)  # fmt: skip
RESOLVING = OpenApiExample(
    "Resolved with what it asks for",
    value={
        "to": "resolved",
        "impact_summary": "38 of 112 runs on Snowflake timed out; no data was lost.",
        "detection_source": "alert",
        "public_silence": "Customers were told one by one.",
    },
    request_only=True,
)


class IncidentList(ListView):
    """Incidents, newest first."""

    scopes = SCOPES
    serializer_class = IncidentRowSerializer
    filterset_class = IncidentFilter

    def get_queryset(self) -> QuerySet[Incident]:
        return incidents(self.request.user)

    @extend_schema(request=IncidentIn, responses={201: IncidentSerializer}, examples=[DECLARING])
    @idempotent
    def post(self, request: Request) -> Response:
        """Declare an incident. It is under investigation at once and keeps no draft. Its tasks
        come from the book, and a commander who is not named is found."""
        given = self.body(IncidentIn)
        surfaces = list(dict.fromkeys(given.pop("surfaces", [])))
        answers = answers_of(given)
        suggested = matrix.suggest(answers).key if given.pop("answers", None) is not None else ""
        links = [services.NewLink(**one) for one in given.pop("links", [])]
        incident = services.open_incident(
            surface=surfaces[0] if surfaces else None,
            also=surfaces[1:],
            severity=given.pop("severity", suggested),
            suggested=suggested,
            severity_answers=answers,
            links=links,
            **given,
            **by(request),
        )
        return Response(shown(incident.pk), status=201)


class IncidentDetail(View):
    scopes = SCOPES

    @extend_schema(responses=IncidentSerializer)
    def get(self, request: Request, ref: str) -> Response:
        """One incident by its reference, with what holds up each step."""
        return Response(shown(incident_by(request.user, ref).pk))

    @extend_schema(request=IncidentPatch, responses=IncidentSerializer)
    def patch(self, request: Request, ref: str) -> Response:
        """Say better what it is: title, summary, surface, type. What is not named stays."""
        incident = incident_by(request.user, ref)
        now = {name: getattr(incident, name) for name in ("title", "summary", "surface", "type")}
        describing.describe(incident=incident, **{**now, **self.body(IncidentPatch)}, **by(request))
        return Response(shown(incident.pk))


class IncidentTransition(View):
    """Take the next step. A step that the state does not allow answers 409 `illegal_transition`;
    one that something stands in the way of, `blocked`: 400 with the fields that answer it, 409
    where something must be done first."""

    scopes = SCOPES

    @extend_schema(request=TransitionIn, responses={200: IncidentSerializer}, examples=[RESOLVING])
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        incident = incident_by(request.user, ref)
        given = self.body(TransitionIn)
        earlier = given.pop("no_public_message", "")
        given["public_silence"] = given.get("public_silence") or earlier
        services.transition(incident=incident, **given, **by(request))
        return Response(shown(incident.pk))


class IncidentSeverity(View):
    scopes = SCOPES

    @extend_schema(request=SeverityIn, responses={200: IncidentSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Change the severity; lowering it takes a reason."""
        incident = incident_by(request.user, ref)
        given = self.body(SeverityIn)
        services.set_severity(
            incident=incident,
            severity=given["severity"],
            reason=given.get("reason", ""),
            **by(request),
        )
        return Response(shown(incident.pk))


class IncidentMilestones(View):
    scopes = SCOPES

    @extend_schema(request=MilestonesIn, responses={200: IncidentSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Set milestones to when things really happened. The timeline keeps old, new and why."""
        incident = incident_by(request.user, ref)
        services.set_milestones(incident=incident, **self.body(MilestonesIn), **by(request))
        return Response(shown(incident.pk))


class IncidentMerge(View):
    scopes = SCOPES

    @extend_schema(request=IncidentMergeIn, responses={200: IncidentSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Let this incident go into another; `/unmerge` undoes it within 24 hours."""
        incident = incident_by(request.user, ref)
        services.merge(child=incident, **self.body(IncidentMergeIn), **by(request))
        return Response(shown(incident.pk))


class IncidentUnmerge(View):
    scopes = SCOPES

    @extend_schema(request=ReasonIn, responses={200: IncidentSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Undo a merge: the incident is what it was, with what is still there."""
        incident = incident_by(request.user, ref)
        services.undo_merge(child=incident, **self.body(ReasonIn), **by(request))
        return Response(shown(incident.pk))


class IncidentTimeline(ListView):
    """What happened, in the order it happened. An entry with `corrects` sets another right."""

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
        text = self.body(IncidentCommentIn)["text"]
        entry = services.comment(incident=incident, text=text, **by(request))
        return Response(TimelineSerializer(entry).data, status=201)


class IncidentCorrection(View):
    scopes = SCOPES

    @extend_schema(request=IncidentCommentIn, responses={201: TimelineSerializer})
    @idempotent
    def post(self, request: Request, ref: str, pk: str) -> Response:
        """Set an entry of the timeline right, in an entry of its own."""
        incident = incident_by(request.user, ref)
        entry = find(TimelineEntry.objects.filter(incident=incident), pk)
        text = self.body(IncidentCommentIn)["text"]
        made = services.correct(entry=entry, text=text, **by(request))
        return Response(TimelineSerializer(made).data, status=201)


class IncidentAcknowledge(View):
    """Acknowledge every waiting page of the incident."""

    scopes = SCOPES

    @extend_schema(request=None, responses={200: AcknowledgedSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        incident = incident_by(request.user, ref)
        who: dict[str, Any] = by(request)
        count = services.acknowledge(incident=incident, person=person_of(request.user), **who)
        return Response({"ref": incident.ref, "acknowledged": count})
