"""Surfaces: the list, and new ones. One surface with its cover stands in paging, which knows it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import bound_team
from apps.accounts.authentication import actor_of
from apps.accounts.roles import Scope
from apps.core import clock
from apps.core.api.views import ListView, idempotent
from apps.ownership import selectors, services
from apps.ownership.api.filters import SurfaceFilter
from apps.ownership.api.serializers import SurfaceIn, SurfaceRowSerializer, split
from apps.ownership.models import Surface

SCOPES = {"read": Scope.OWNERSHIP_READ, "write": Scope.OWNERSHIP_WRITE}


class SurfaceList(ListView):
    """The surfaces in use, by key, with their owners now."""

    scopes = SCOPES
    ordering = ("key",)
    serializer_class = SurfaceRowSerializer
    filterset_class = SurfaceFilter

    def get_queryset(self) -> QuerySet[Surface]:
        rows = Surface.objects.visible_to(self.request.user).current()
        return rows.select_related("team", "parent")

    def paginate_queryset(self, queryset: Any) -> list[Any]:
        rows = list(super().paginate_queryset(queryset) or [])
        self.owners = selectors.owners_of(rows, at=clock.now())
        return rows

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "owners": getattr(self, "owners", {})}

    @extend_schema(request=SurfaceIn, responses={201: SurfaceRowSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Add a surface, with its owners if they are named."""
        now = clock.now()
        columns, owners = split(self.body(SurfaceIn))
        if (team := bound_team(request.user)) is not None:
            columns["team"] = team
        row = services.save_surface(
            surface=None, fields=columns, owners=owners, actor=actor_of(request.user), now=now
        )
        context = {"owners": selectors.owners_of([row], at=now)}
        return Response(SurfaceRowSerializer(row, context=context).data, status=201)
