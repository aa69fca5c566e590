"""The calendars, and business time for a posted one."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.roles import Scope
from apps.calendars.api.preview import SlaPreviewIn, SlaPreviewSerializer, preview
from apps.calendars.api.serializers import CalendarSerializer
from apps.calendars.models import BusinessCalendar, CalendarVersion
from apps.core.api.views import ListView, View


class CalendarList(ListView):
    """The calendars in which promises run, by key, with what they say now."""

    scopes = {"read": Scope.TICKETS_READ}
    ordering = ("key",)
    serializer_class = CalendarSerializer

    def get_queryset(self) -> QuerySet[BusinessCalendar]:
        newest = CalendarVersion.objects.order_by("calendar_id", "-number").distinct("calendar_id")
        rows = BusinessCalendar.objects.visible_to(self.request.user).current()
        return rows.prefetch_related(Prefetch("versions", newest))


class PreviewView(View):
    """Compute a deadline, working seconds or both for a posted calendar. Nothing is kept."""

    scopes = {"write": Scope.TICKETS_READ}

    @extend_schema(
        operation_id="sla_preview", request=SlaPreviewIn, responses={200: SlaPreviewSerializer}
    )
    def post(self, request: Request) -> Response:
        return Response(SlaPreviewSerializer(preview(self.body(SlaPreviewIn))).data)
