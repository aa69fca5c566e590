"""Incidents as the record has them. They are run in the portal."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.admin_base import ReadOnly, display, register, when
from apps.core.admin_base.lists import edit_link
from apps.incidents.models import Incident


@register(Incident)
class IncidentAdmin(ReadOnly[Incident]):
    intro = "Every incident, as the record has it. Incidents are run in the portal."
    empty_text = "No incident yet. May it stay so."
    list_display = [
        "ref", "title", "severity", "status", "surface", "commander",
        when("detected_at", "detected"), when("resolved_at", "resolved"),
    ]  # fmt: skip
    list_display_links = ["ref", "title"]
    list_filter = ["status", "severity", "kind", "visibility"]
    list_select_related = ["surface", "commander"]
    search_fields = ["title", "surface__key", "commander__name"]
    ordering = ["-pk"]
    fields = [
        "title", "summary", "severity", "status", "kind", "visibility", "on_surface", "commander",
        "detection_source", "impact_summary", when("detected_at", "detected"),
        when("declared_at", "declared"), when("acknowledged_at", "acknowledged"),
        when("mitigated_at", "mitigated"), when("resolved_at", "resolved"),
        when("closed_at", "closed"),
    ]  # fmt: skip

    def portal_path(self, obj: Any) -> str:
        return f"/incidents/{obj.ref}/"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        return Incident.objects.visible_to(request.user)

    @display(description="reference", ordering="pk")
    def ref(self, obj: Incident) -> str:
        return obj.ref

    @display(description="surface")
    def on_surface(self, obj: Incident) -> object:
        return edit_link(obj.surface, "none")
