"""Pages, and one surface with its cover, its policy and what fails with it."""

from __future__ import annotations

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
from apps.ownership import selectors as ownership
from apps.ownership import services as owning
from apps.ownership.api.serializers import SurfacePatch, split
from apps.ownership.models import Surface
from apps.paging import services
from apps.paging.api.filters import PageFilter
from apps.paging.api.serializers import PageRowSerializer, PageSerializer, SurfaceSerializer
from apps.paging.models import Page

SCOPES = {"read": Scope.INCIDENTS_READ, "write": Scope.INCIDENTS_WRITE}


def pages(user: Any) -> QuerySet[Page]:
    """The pages that the asker may see, ready to be shown."""
    return Page.objects.visible_to(user).select_related("surface", "acknowledged_by")


def shown(page: Page) -> dict[str, Any]:
    """A page with its steps and timeline."""
    row = (
        Page.objects.select_related("surface", "acknowledged_by")
        .prefetch_related("steps_taken__people", "notes")
        .get(pk=page.pk)
    )
    return dict(PageSerializer(row).data)


class PageList(ListView):
    """Pages, newest first."""

    scopes = SCOPES
    serializer_class = PageRowSerializer
    filterset_class = PageFilter

    def get_queryset(self) -> QuerySet[Page]:
        return pages(self.request.user)


class PageDetail(View):
    """A page: whom it told, and what became of it."""

    scopes = SCOPES

    @extend_schema(responses=PageSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(shown(find(pages(request.user), pk)))


class PageAcknowledge(View):
    """Take a page: nobody else is woken. Again is no fault; the first counts."""

    scopes = SCOPES

    @extend_schema(request=None, responses={200: PageSerializer})
    @idempotent
    def post(self, request: Request, pk: str) -> Response:
        page = services.acknowledge(
            page=find(pages(request.user), pk),
            actor=actor_of(request.user),
            person=person_of(request.user),
            now=clock.now(),
        )
        return Response(shown(page))


class PageResolve(View):
    """End a page: whoever was told hears that it is over. Again is no fault."""

    scopes = SCOPES

    @extend_schema(request=None, responses={200: PageSerializer})
    @idempotent
    def post(self, request: Request, pk: str) -> Response:
        page = services.resolve(
            page=find(pages(request.user), pk), actor=actor_of(request.user), now=clock.now()
        )
        return Response(shown(page))


class SurfaceDetail(View):
    """One surface, by key: its owners, who is on call, and what fails with it."""

    scopes = {"read": Scope.OWNERSHIP_READ, "write": Scope.OWNERSHIP_WRITE}

    @extend_schema(responses=SurfaceSerializer)
    def get(self, request: Request, key: str) -> Response:
        return Response(self._shown(self._find(key)))

    @extend_schema(request=SurfacePatch, responses=SurfaceSerializer)
    def patch(self, request: Request, key: str) -> Response:
        """Change what is named. `primary` and `backup` count from now; null leaves them empty."""
        columns, owners = split(self.body(SurfacePatch))
        surface = owning.save_surface(
            surface=self._find(key),
            fields=columns,
            owners=owners,
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(self._shown(surface))

    def _find(self, key: str) -> Surface:
        rows = Surface.objects.visible_to(self.request.user).current()
        return find(rows.select_related("team", "parent"), key, by="key")

    def _shown(self, surface: Surface) -> dict[str, Any]:
        now = clock.now()
        context = {
            "owners": ownership.owners_of([surface], at=now),
            "now": now,
            "visible": Surface.objects.visible_to(self.request.user).current(),
        }
        return dict(SurfaceSerializer(surface, context=context).data)
