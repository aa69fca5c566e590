"""Pages: each waking of somebody, as the record has it. Acknowledged and resolved in the portal."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.admin_base import ReadOnly, TabularInline, display, register, when
from apps.core.admin_base.lists import chip, edit_link, number
from apps.paging.models import Page, PageNote

Status = Page.Status
TONES = {
    Status.OPEN: "danger", Status.EXHAUSTED: "danger", Status.ACKNOWLEDGED: "warning",
    Status.RESOLVED: "success",
}  # fmt: skip


class NoteInline(TabularInline[PageNote, Page]):
    model = PageNote
    extra = 0
    can_delete = False
    verbose_name_plural = "what happened"
    fields: ClassVar[Any] = [when("at", "when"), "actor_label", "text"]
    readonly_fields: ClassVar[Any] = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@register(Page)
class PageAdmin(ReadOnly[Page]):
    intro = "Every time somebody was woken: by which policy, and who answered."
    empty_text = "Nobody was woken yet."
    list_display = [
        number, when("opened_at", "opened"), "summary", "state", "urgency", "surface",
        "acknowledged_label", "policy",
    ]  # fmt: skip
    list_display_links = ["summary"]
    list_filter = ["status", "urgency", "kind", "policy"]
    list_select_related = ["surface", "policy"]
    search_fields = ["summary", "surface__key", "acknowledged_label"]
    ordering = ["-pk"]
    fields = [
        "summary", "state", "urgency", "kind", "on_surface", "policy", "label",
        when("opened_at", "opened"), when("next_at", "next step"),
        when("acknowledged_at", "acknowledged"), "acknowledged_label",
        when("resolved_at", "resolved"), "loop", "step",
    ]  # fmt: skip
    inlines = [NoteInline]

    def portal_path(self, obj: Page) -> str:
        return obj.opener_url

    def get_queryset(self, request: HttpRequest) -> QuerySet[Page]:
        rows: QuerySet[Page] = super().get_queryset(request)
        return rows.defer("policy_snapshot")

    @display(description="surface")
    def on_surface(self, obj: Page) -> object:
        return edit_link(obj.surface, "not routed")

    @display(description="state", ordering="status")
    def state(self, obj: Page) -> object:
        return chip(obj.get_status_display(), TONES.get(Status(obj.status), ""))
