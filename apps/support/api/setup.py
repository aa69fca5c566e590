"""What managers set up, to be read: request types, queues, macros."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import ListView, View, find
from apps.ownership.models import Surface
from apps.support.api.fields import queues_for
from apps.support.api.filters import RequestTypeFilter
from apps.support.api.rows import SCOPES
from apps.support.api.serializers import MacroSerializer, QueueSerializer, RequestTypeSerializer
from apps.support.models import Macro, Queue, RequestType

READ = {"read": SCOPES["read"]}


def _types() -> QuerySet[RequestType]:
    rows = RequestType.objects.select_related("queue", "surface", "owner")
    return rows.prefetch_related("fields")


def _seen(user: Any) -> dict[str, Any]:
    """Which queues and surfaces of the types the asker may see."""
    queues = queues_for(user).filter(request_types__isnull=False)
    surfaces = Surface.objects.visible_to(user).filter(request_types__isnull=False)
    return {
        "queues": set(queues.values_list("pk", flat=True)),
        "surfaces": set(surfaces.values_list("pk", flat=True)),
    }


class RequestTypeList(ListView):
    """The request types in use, in the order in which they are offered, with their fields."""

    scopes = READ
    ordering = ("position", "id")
    serializer_class = RequestTypeSerializer
    filterset_class = RequestTypeFilter

    def get_queryset(self) -> QuerySet[RequestType]:
        return _types().filter(archived_at=None)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), **_seen(self.request.user)}


class RequestTypeDetail(View):
    scopes = READ

    @extend_schema(operation_id="request_types_read", responses=RequestTypeSerializer)
    def get(self, request: Request, key: str) -> Response:
        """One request type by its key, also an archived one."""
        row = find(_types(), key, by="key")
        return Response(RequestTypeSerializer(row, context=_seen(request.user)).data)


class QueueList(ListView):
    """The queues in use that the asker may see, by key."""

    scopes = READ
    ordering = ("key",)
    serializer_class = QueueSerializer

    def get_queryset(self) -> QuerySet[Queue]:
        return queues_for(self.request.user).filter(archived_at=None).select_related("team")


class MacroList(ListView):
    """The macros in use, in their order."""

    scopes = READ
    ordering = ("position", "id")
    serializer_class = MacroSerializer

    def get_queryset(self) -> QuerySet[Macro]:
        return Macro.objects.filter(archived_at=None).prefetch_related("request_types")
