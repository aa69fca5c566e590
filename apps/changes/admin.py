"""The ledger of what changed where, read-only."""

from __future__ import annotations

from apps.changes.models import Change
from apps.core.admin_base import ReadOnly, register, when


@register(Change)
class ChangeAdmin(ReadOnly[Change]):
    intro = "Deployments, releases and other changes, as tools reported them."
    empty_text = "No change was reported yet. GitHub and the events API report them."
    list_display = [when("occurred_at", "when"), "summary", "kind", "surface", "source"]
    list_display_links = ["summary"]
    list_filter = ["kind"]
    list_select_related = ["surface"]
    search_fields = ["summary", "ref", "surface__key", "source"]
    ordering = ["-occurred_at", "-pk"]
    fields = [
        "summary", "kind", "ref", "url", "surface", "source", when("occurred_at", "when"),
        when("recorded_at", "recorded"), "details",
    ]  # fmt: skip
