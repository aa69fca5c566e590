"""What the core keeps: every step of every state machine, and signs of life."""

from __future__ import annotations

from apps.core.admin_base import ReadOnly, display, register, when
from apps.core.models import Heartbeat, StatusChange


@register(StatusChange)
class StatusChangeAdmin(ReadOnly[StatusChange]):
    intro = "Each step of an alert, page, incident or delivery from one state to another."
    empty_text = "Nothing has changed its state yet."
    list_display = [when("at", "when"), "subject", "was", "became", "actor_label", "note"]
    list_display_links = ["subject"]
    list_filter = ["kind", "became", "actor_kind"]
    search_fields = ["=ref", "actor_label", "note"]
    ordering = ["-pk"]
    fields = [when("at", "when"), "kind", "ref", "was", "became", "actor_label", "note"]

    @display(description="what", ordering="kind")
    def subject(self, obj: StatusChange) -> str:
        return f"{obj.kind.rpartition('.')[2].replace('_', ' ')} {obj.ref}"


@register(Heartbeat)
class HeartbeatAdmin(ReadOnly[Heartbeat]):
    intro = "When each part of the system was last alive."
    empty_text = "No part has shown itself yet. Start the worker."
    list_display = ["name", when("beat_at", "last seen")]
    search_fields = ["name"]
    ordering = ["name"]
    fields = ["name", when("beat_at", "last seen"), "detail"]
