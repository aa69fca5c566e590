"""The alerts as the record has them, which are worked on in the portal."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.alerts.models import Alert
from apps.core.admin_base import ReadOnly, display, register, when
from apps.core.admin_base.lists import Filter, chip, edit_link

Status = Alert.Status
TONES = {Status.FIRING: "danger", Status.ACKNOWLEDGED: "warning", Status.RESOLVED: "success"}


class RoutedFilter(Filter):
    title = "routing"
    parameter_name = "routing"
    choices_offered = [("unrouted", "Unrouted and open")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "unrouted":
            return queryset.exclude(status=Status.RESOLVED).filter(surface=None)
        return queryset


@register(Alert)
class AlertAdmin(ReadOnly[Alert]):
    intro = "Every alert, as the record has it. Acknowledge, resolve and route it in the portal."
    empty_text = "No alert yet."
    list_display = [
        "summary", "state", "severity", "surface", "integration",
        when("last_seen_at", "last seen"), "count",
    ]  # fmt: skip
    list_filter = ["status", RoutedFilter, "severity", "kind", "integration"]
    list_select_related = ["surface", "integration"]
    search_fields = ["summary", "dedup_key", "surface__key"]
    ordering = ["-pk"]
    fields = [
        "summary", "state", "severity", "kind", "on_surface", "wanted_surface", "routed_by",
        "integration", "dedup_key", "source", "component", "class_name", "count",
        when("first_seen_at", "first seen"), when("last_seen_at", "last seen"),
        when("acknowledged_at", "acknowledged"), when("resolved_at", "resolved"), "details",
    ]  # fmt: skip

    def portal_path(self, obj: Alert) -> str:
        return f"/alerts/{obj.pk}/"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        return Alert.objects.visible_to(request.user).defer("details", "links")

    @display(description="surface")
    def on_surface(self, obj: Alert) -> object:
        return edit_link(obj.surface, "not routed")

    @display(description="state", ordering="status")
    def state(self, obj: Alert) -> object:
        return chip(obj.get_status_display(), TONES.get(Status(obj.status), ""))
