"""Objectives over the API: read with their budgets, set, changed, laid down."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import bound_team, person_of
from apps.accounts.authentication import actor_of
from apps.accounts.roles import Grant, Scope
from apps.core import clock
from apps.core.api.views import ListView, View, find, idempotent
from apps.core.errors import NotAllowed
from apps.ownership.models import Surface
from apps.telemetry.api.slo_serializers import (
    SloFilter,
    SloIn,
    SloPatch,
    SloRowSerializer,
    SloSerializer,
)
from apps.telemetry.models import Slo
from apps.telemetry.selectors import budgets
from apps.telemetry.services import slos as services

SCOPES = {"read": Scope.INCIDENTS_READ, "write": Scope.INCIDENTS_WRITE}


def slos(user: Any) -> QuerySet[Slo]:
    """The objectives that the asker may see."""
    return Slo.objects.visible_to(user).select_related("surface", "owner")


def slo_by(user: Any, key: str) -> Slo:
    """An objective by its key; 404."""
    return find(slos(user), key.lower(), by="key")


def shown(row: Slo) -> dict[str, Any]:
    found = budgets.budget(slo=row, now=clock.now())
    return dict(SloSerializer(row, context={"budget": found}).data)


def check_may_write(user: Any, *surfaces: Surface | None) -> None:
    """People need the grant that the pages ask for; a team's key keeps to its surfaces."""
    person, team = person_of(user), bound_team(user)
    if person is not None and not person.may(Grant.EDIT_POLICIES):
        raise NotAllowed("Your role does not include objectives. A manager can change roles.")
    if team is not None and any(one is None or one.team_id != team.pk for one in surfaces):
        raise NotAllowed("A team's key sets objectives for its own surfaces only.")


class SloList(ListView):
    """Objectives by key; those laid down, too, unless the filter says otherwise."""

    scopes = SCOPES
    ordering = ("key",)
    serializer_class = SloRowSerializer
    filterset_class = SloFilter

    def get_queryset(self) -> QuerySet[Slo]:
        return slos(self.request.user)

    @extend_schema(request=SloIn, responses={201: SloSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Set an objective."""
        given = self.body(SloIn)
        check_may_write(request.user, given.get("surface"))
        row = services.create_slo(**given, actor=actor_of(request.user), now=clock.now())
        return Response(shown(row), status=201)


class SloDetail(View):
    """One objective with what is left of its budget."""

    scopes = SCOPES

    @extend_schema(responses=SloSerializer)
    def get(self, request: Request, key: str) -> Response:
        return Response(shown(slo_by(request.user, key)))

    @extend_schema(request=SloPatch, responses=SloSerializer)
    def patch(self, request: Request, key: str) -> Response:
        """Change what is named; `archived` lays it down or takes it up again."""
        row, changes = slo_by(request.user, key), self.body(SloPatch)
        check_may_write(request.user, row.surface, changes.get("surface", row.surface))
        row = services.change_slo(slo=row, actor=actor_of(request.user), now=clock.now(), **changes)
        return Response(shown(row))
