"""Incidents as the record has them. They are run in the portal."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core import clock
from apps.core.admin_base import ReadOnly, display, register, when
from apps.core.admin_base.lists import chip, edit_link, link
from apps.incidents.admin.levels import TONES
from apps.incidents.models import Incident
from apps.incidents.selectors import blockers, framework
from apps.notifications.layout import duration


@register(Incident)
class IncidentAdmin(ReadOnly[Incident]):
    intro = "Every incident, as the record has it. Incidents are run in the portal."
    empty_text = "No incident yet. May it stay so."
    list_display = [
        "ref", "title", "level", "status", "surface", "commander",
        when("detected_at", "detected"), when("resolved_at", "resolved"),
    ]  # fmt: skip
    list_display_links = ["ref", "title"]
    list_filter = ["status", "severity", "kind", "visibility", "type"]
    list_select_related = ["surface", "commander"]
    search_fields = ["title", "surface__key", "commander__name"]
    ordering = ["-pk"]
    fields = [
        "title", "summary", "type", "level", "in_severity", "suggested_severity",
        "severity_reason", "status", "held_up", "kind", "visibility", "on_surface", "commander",
        "commander_named", "detection_source", "impact_summary", "mitigation_note",
        "public_silence", "went_into", when("impact_started_at", "impact began"),
        when("detected_at", "detected"), when("declared_at", "declared"),
        when("acknowledged_at", "acknowledged"), when("mitigated_at", "mitigated"),
        when("resolved_at", "resolved"), when("closed_at", "closed"),
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

    @display(description="severity", ordering="severity")
    def level(self, obj: Incident) -> object:
        return chip(obj.severity, TONES[obj.severity])

    @display(description="time in each severity")
    def in_severity(self, obj: Incident) -> str:
        spent = framework.time_in_severity(obj, now=clock.now())
        return ", ".join(f"{key} {duration(span)}" for key, span in spent.items()) or "none"

    @display(description="what holds it up")
    def held_up(self, obj: Incident) -> SafeString | str:
        """For each step that its state allows, what must be said or done first."""
        found = blockers.of(obj)
        if not found:
            return "nothing"
        names = dict(Incident.Status.choices)
        rows = ((names[one.to], one.reason) for one in found)
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", rows))

    @display(description="merged into")
    def went_into(self, obj: Incident) -> object:
        into = obj.merged_into
        return link(f"/incidents/{into.ref}/", into.ref) if into else "–"
