"""Running an incident: roles, tasks, customers, links, hints, and paging somebody by hand."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.api.views import ListView, View, find, idempotent
from apps.core.errors import NotAllowed
from apps.incidents import services
from apps.incidents.api.inputs import (
    ImpactIn,
    ImpactPatch,
    IncidentLinkIn,
    PageIn,
    ReasonIn,
    RoleIn,
    TaskIn,
    TaskPatch,
    TaskStepIn,
)
from apps.incidents.api.parts import (
    HintSerializer,
    ImpactSerializer,
    OpenedPageSerializer,
    RoleSerializer,
    TaskSerializer,
)
from apps.incidents.api.rows import SCOPES, by, incident_by
from apps.incidents.api.serializers import LinkSerializer
from apps.incidents.models import (
    Impact,
    Incident,
    IncidentLink,
    IncidentTask,
    RoleAssignment,
)
from apps.incidents.selectors import hints
from apps.incidents.services import impacts, tasks
from apps.ownership.api.fields import SurfaceField

M = TypeVar("M", bound=Model)
WAKING = OpenApiExample(
    "Who is on call for billing",
    value={"schedule": "billing", "summary": "Refunds fail too, we need you."},
    request_only=True,
)


class Children(ListView):
    """Rows of one incident. While the document is written there is none."""

    scopes = SCOPES

    def of(self, rows: QuerySet[M]) -> QuerySet[M]:
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        return rows.filter(incident=incident_by(self.request.user, self.kwargs["ref"]))


# -- roles


def _all(rows: Any) -> Response:
    """Few rows, in the envelope that their list has."""
    return Response({"results": rows.data, "next": None})


class IncidentRoles(Children):
    """Who had which role from when to when."""

    ordering = ("from_at", "id")
    serializer_class = RoleSerializer

    def get_queryset(self) -> QuerySet[RoleAssignment]:
        return self.of(RoleAssignment.objects.select_related("person"))

    @extend_schema(request=RoleIn, responses={200: RoleSerializer(many=True)})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Give a role to somebody, or with null to nobody. Answers who has which role now."""
        incident = incident_by(request.user, ref)
        services.assign(incident=incident, **self.body(RoleIn), **by(request))
        return _all(RoleSerializer(services.roles_of(incident), many=True))


# -- tasks


def _tasks() -> QuerySet[IncidentTask]:
    return IncidentTask.objects.select_related("incident", "assignee")


def _task(user: Any, ref: str, pk: str) -> IncidentTask:
    return find(_tasks().filter(incident=incident_by(user, ref)), pk)


def _shown_task(task: IncidentTask) -> dict[str, Any]:
    return dict(TaskSerializer(_tasks().get(pk=task.pk)).data)


class IncidentTasks(Children):
    """What is to do and what was done, in its order."""

    ordering = ("position", "id")
    serializer_class = TaskSerializer

    def get_queryset(self) -> QuerySet[IncidentTask]:
        return self.of(_tasks())

    @extend_schema(request=TaskIn, responses={201: TaskSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Add a task. What outlives the incident is a follow-up."""
        incident = incident_by(request.user, ref)
        task = tasks.add(incident=incident, **self.body(TaskIn), **by(request))
        return Response(_shown_task(task), status=201)


class IncidentTaskDetail(View):
    scopes = SCOPES

    @extend_schema(request=TaskPatch, responses=TaskSerializer)
    def patch(self, request: Request, ref: str, pk: str) -> Response:
        """Change what is named: text, role, assignee, due time."""
        task = _task(request.user, ref, pk)
        tasks.change(task=task, changes=self.body(TaskPatch), **by(request))
        return Response(_shown_task(task))


class IncidentTaskTransition(View):
    scopes = SCOPES

    @extend_schema(request=TaskStepIn, responses={200: TaskSerializer})
    @idempotent
    def post(self, request: Request, ref: str, pk: str) -> Response:
        """Say that a task is done, not needed, or open again."""
        task = _task(request.user, ref, pk)
        given = self.body(TaskStepIn)
        take = {"done": tasks.finish, "dropped": tasks.drop, "open": tasks.reopen}[given["to"]]
        take(task=task, note=given.get("note", ""), **by(request))
        return Response(_shown_task(task))


# -- customers who are hurt


def _impacts() -> QuerySet[Impact]:
    return Impact.objects.select_related("incident", "account")


class IncidentImpacts(Children):
    """Customers whom it hurts, from when to when."""

    ordering = ("id",)
    serializer_class = ImpactSerializer

    def get_queryset(self) -> QuerySet[Impact]:
        return self.of(_impacts())

    @extend_schema(request=ImpactIn, responses={201: ImpactSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Put a customer on the list."""
        incident = incident_by(request.user, ref)
        made = impacts.add(incident=incident, **self.body(ImpactIn), **by(request))
        return Response(ImpactSerializer(_impacts().get(pk=made.pk)).data, status=201)


class IncidentImpactDetail(View):
    scopes = SCOPES

    @extend_schema(request=ImpactPatch, responses=ImpactSerializer)
    def patch(self, request: Request, ref: str, pk: str) -> Response:
        """Say from when to when, and what it was like. A `to_at` ends it."""
        row = find(_impacts().filter(incident=incident_by(request.user, ref)), pk)
        changed = impacts.edit(impact=row, **self.body(ImpactPatch), **by(request))
        return Response(ImpactSerializer(_impacts().get(pk=changed.pk)).data)


class IncidentImpactRemove(View):
    scopes = SCOPES

    @extend_schema(request=ReasonIn, responses={204: None})
    @idempotent
    def post(self, request: Request, ref: str, pk: str) -> Response:
        """Take a customer off the list who was not hurt after all; it takes a reason."""
        row = find(_impacts().filter(incident=incident_by(request.user, ref)), pk)
        impacts.remove(impact=row, reason=self.body(ReasonIn).get("reason", ""), **by(request))
        return Response(status=204)


# -- links


class IncidentLinks(Children):
    """What belongs to it: alerts, pages, tickets, changes, runbooks, other incidents."""

    ordering = ("id",)
    serializer_class = LinkSerializer

    def get_queryset(self) -> QuerySet[IncidentLink]:
        return self.of(IncidentLink.objects.all())

    @extend_schema(request=IncidentLinkIn, responses={200: LinkSerializer(many=True)})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Link something. A second time changes nothing. Answers all links of its kind."""
        incident = incident_by(request.user, ref)
        given = self.body(IncidentLinkIn)
        services.add_link(incident=incident, **given, **by(request))
        rows = incident.links.filter(kind=given["kind"]).order_by("pk")
        return _all(LinkSerializer(rows, many=True))


class IncidentLinkDetail(View):
    scopes = SCOPES

    @extend_schema(responses={204: None})
    def delete(self, request: Request, ref: str, pk: str) -> Response:
        """Take a link away: it has nothing to do with it after all."""
        incident = incident_by(request.user, ref)
        services.unlink(incident=incident, link=find(incident.links.all(), pk), **by(request))
        return Response(status=204)


# -- hints


class HintsQuery(serializers.Serializer[Any]):
    surface = SurfaceField(required=False, help_text="A surface's key.")
    words = serializers.CharField(required=False, max_length=500, help_text="What is wrong.")


class Hints(View):
    """What may belong to an incident that is about to be declared."""

    scopes = SCOPES
    query = HintsQuery

    @extend_schema(parameters=[HintsQuery], responses=HintSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Incidents like it, suspect changes of the last 24 hours, runbooks, tickets."""
        asked = HintsQuery(data=request.query_params.dict(), context={"request": request})
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        found = hints.hints(
            user=request.user,
            surface=given.get("surface"),
            words=given.get("words", ""),
            now=clock.now(),
        )
        return Response(HintSerializer(found, many=True).data)


class IncidentHints(View):
    scopes = SCOPES

    @extend_schema(responses=HintSerializer(many=True))
    def get(self, request: Request, ref: str) -> Response:
        """What may belong to an incident and is not linked yet."""
        incident = incident_by(request.user, ref)
        found = hints.hints_for(incident, user=request.user, now=clock.now())
        return Response(HintSerializer(found, many=True).data)


# -- paging by hand


class IncidentPage(View):
    scopes = SCOPES

    @extend_schema(request=PageIn, responses={201: OpenedPageSerializer}, examples=[WAKING])
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Wake a person, a team or who is on call in a schedule. The same again while they are
        being paged answers 409 `already_paged`."""
        incident = incident_by(request.user, ref)
        _check_paging(request.user, incident)
        given = self.body(PageIn)
        page = services.page_by_hand(
            incident=incident, summary=given.pop("summary", ""), **given, **by(request)
        )
        return Response(OpenedPageSerializer(page).data, status=201)


def _check_paging(user: Any, incident: Incident) -> None:
    if not user.may(Grant.PAGE):
        raise NotAllowed(f"Paging people for {incident.ref} is not among your roles.")
