from __future__ import annotations

from django.db.models import QuerySet

from apps.accounts.roles import Scope
from apps.core.api.views import ListView
from apps.telemetry.api import filters, serializers
from apps.telemetry.models import ProfiledSource, ProfileRun, ReportRun, TypeChange


class ProfileRunList(ListView):
    """Profiling runs that ended, the latest first. Those of the last 90 days are kept."""

    scopes = {"read": Scope.EVENTS_READ}
    ordering = ("-finished_at", "-id")
    serializer_class = serializers.ProfileRunSerializer
    filterset_class = filters.ProfileRunFilter

    def get_queryset(self) -> QuerySet[ProfileRun]:
        rows = ProfileRun.objects.visible_to(self.request.user).filter(finished_at__isnull=False)
        return rows.select_related("source", "surface")


class ReportRunList(ListView):
    """Inspector reports, the latest first. Those of the last 90 days are kept."""

    scopes = {"read": Scope.EVENTS_READ}
    ordering = ("-finished_at", "-id")
    serializer_class = serializers.ReportRunSerializer
    filterset_class = filters.ReportRunFilter

    def get_queryset(self) -> QuerySet[ReportRun]:
        return ReportRun.objects.visible_to(self.request.user).select_related("surface")


class SourceList(ListView):
    """What is profiled, the newest source first; archived ones are left out."""

    scopes = {"read": Scope.EVENTS_READ}
    ordering = ("-id",)
    serializer_class = serializers.ProfiledSourceSerializer
    filterset_class = filters.SourceFilter

    def get_queryset(self) -> QuerySet[ProfiledSource]:
        rows = ProfiledSource.objects.visible_to(self.request.user).filter(archived_at=None)
        return rows.select_related("connection", "surface")


class TypeChangeList(ListView):
    """Columns whose semantic type changed between two inventories, the latest change first."""

    scopes = {"read": Scope.EVENTS_READ}
    ordering = ("-at", "-id")
    serializer_class = serializers.TypeChangeSerializer
    filterset_class = filters.TypeChangeFilter

    def get_queryset(self) -> QuerySet[TypeChange]:
        return TypeChange.objects.visible_to(self.request.user).select_related("source")
