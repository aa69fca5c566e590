"""The outbox, read-only: what was sent to whom, when, and what came of it.

Texts and links are left out: they hold codes, invitations and acknowledgement links that are their
reader's alone.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.core.admin_base import ReadOnly, display, register, when
from apps.core.admin_base.lists import chip
from apps.notifications.models import Message

Status = Message.Status
TONES = {
    Status.SENT: "success", Status.FAILED: "danger", Status.PENDING: "info",
    Status.SENDING: "info",
}  # fmt: skip
PRIVATE = frozenset({"code", "account"})  # their subjects may hold the code itself


@register(Message)
class MessageAdmin(ReadOnly[Message]):
    intro = "Every message that was or will be sent. Its text is its reader's alone."
    empty_text = "Nothing was sent yet."
    list_display = [
        when("created_at", "written"), "shown_subject", "person", "channel", "address_hint",
        "state", when("sent_at", "sent"), "attempts",
    ]  # fmt: skip
    list_display_links = ["shown_subject"]
    list_filter = ["status", "channel", "urgency", "kind", "what"]
    list_select_related = ["person"]
    search_fields = ["subject", "person__name", "address_hint", "message_id"]
    ordering = ["-pk"]
    fields = [
        "shown_subject", "person", "channel", "address_hint", "state", "error", "remark", "what",
        "urgency", "kind", "attempts", when("created_at", "written"),
        when("not_before", "not before"), when("sent_at", "sent"), "subject_kind",
        "subject_ref", "message_id", "provider_id",
    ]  # fmt: skip

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        found, distinct = super().get_search_results(request, queryset, search_term)
        return (found.exclude(what__in=PRIVATE), distinct) if search_term else (found, distinct)

    @display(description="subject")
    def shown_subject(self, obj: Message) -> str:
        return f"({obj.what})" if obj.what in PRIVATE else obj.subject

    @display(description="state", ordering="status")
    def state(self, obj: Message) -> object:
        return chip(obj.get_status_display(), TONES.get(obj.status, ""))  # type: ignore[call-overload] # a text of the same enum
