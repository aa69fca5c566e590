"""Deliveries as they came, what became of them, and the button that reads them again."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from apps.core import audit, clock
from apps.core.admin_base import (
    ReadOnly,
    TabularInline,
    act,
    action,
    display,
    register,
    say_domain_errors,
    when,
)
from apps.core.admin_base.lists import Filter, chip, edit_link, number
from apps.intake import services
from apps.intake.models import Delivery, Event

Status = Delivery.Status
SHOWN_BYTES = 20_000  # of a body; the rest is kept and not shown
TONES = {Status.QUARANTINED: "danger", Status.RECEIVED: "info", Status.NORMALISED: "success"}
AGAIN = frozenset({Status.QUARANTINED, Status.IGNORED})


class StatusFilter(Filter):
    title = "what became of it"
    parameter_name = "status"
    choices_offered = [
        (str(status), str(status.label))
        for status in (Status.QUARANTINED, Status.RECEIVED, Status.NORMALISED, Status.IGNORED)
    ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() else queryset


class EventInline(TabularInline[Event, Delivery]):
    model = Event
    extra = 0
    per_page = 25
    can_delete = False
    ordering = ["seq"]
    verbose_name_plural = "what it meant"
    fields: ClassVar[Any] = [
        "seq", "kind", "action", "severity", "summary", "surface_key", "dedup_key",
    ]  # fmt: skip
    readonly_fields: ClassVar[Any] = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@register(Delivery)
class DeliveryAdmin(ReadOnly[Delivery]):
    intro = (
        "Every request, exactly as it came. One that could not be read waits in quarantine: "
        "mend the cause, then replay it."
    )
    empty_text = "Nothing came in yet."
    list_display = [
        number, when("received_at", "received"), "integration", "adapter", "state", "short_error",
        "dedup_key",
    ]  # fmt: skip
    list_display_links = [number]
    list_filter = [StatusFilter, "integration", "adapter"]
    list_select_related = ["integration"]
    search_fields = ["dedup_key", "error"]
    ordering = ["-pk"]
    actions = ["replay_chosen"]
    inlines = [EventInline]
    fields = [
        "source", "state", "error", when("received_at", "received"),
        when("normalised_at", "read"), "adapter", "remote_ip", "dedup_key", "delivery_key",
        "tries", "shown_headers", "shown_body",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        rows: QuerySet[Delivery] = super().get_queryset(request)
        return rows.defer("body", "headers")

    @display(description="integration")
    def source(self, obj: Delivery) -> object:
        return edit_link(obj.integration)

    @display(description="state", ordering="status")
    def state(self, obj: Delivery) -> object:
        return chip(obj.get_status_display(), TONES.get(Status(obj.status), ""))

    @display(description="error")
    def short_error(self, obj: Delivery) -> str:
        return obj.error if len(obj.error) <= 90 else f"{obj.error[:89]}…"

    @display(description="headers")
    def shown_headers(self, obj: Delivery) -> object:
        lines = "\n".join(f"{name}: {value}" for name, value in sorted(obj.headers.items()))
        return format_html('<pre class="ops-pre">{}</pre>', lines or "none were kept")

    @display(description="body")
    def shown_body(self, obj: Delivery) -> object:
        """Escaped, indented when it is JSON, and cut: a body may be hostile and a megabyte."""
        raw = bytes(obj.body)
        cut = f"\n… {len(raw) - SHOWN_BYTES} more bytes" if len(raw) > SHOWN_BYTES else ""
        text = raw[:SHOWN_BYTES].decode("utf-8", errors="replace")
        if not cut:
            with suppress(ValueError, RecursionError):
                text = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
        shown = text.encode("utf-8", errors="replace").decode()[: 4 * SHOWN_BYTES]
        return format_html('<pre class="ops-pre">{}{}</pre>', shown, cut)

    @action(description="Replay")
    def replay_chosen(self, request: Any, queryset: QuerySet[Delivery]) -> None:
        now, done = clock.now(), 0
        for row in queryset.filter(status__in=AGAIN).order_by("pk")[:500]:
            with say_domain_errors(request, row):
                services.replay(delivery=row, actor=audit.person(request.user), now=now)
                done += 1
        noun = "1 delivery is" if done == 1 else f"{done} deliveries are"
        self.message_user(request, f"{noun} read again.")

    @act(
        "Replay",
        about="Reads this delivery again, as if it had just come: a rule or a version may have "
        "changed since. It may open alerts and wake people.",
        offered=lambda row: row.status in AGAIN,
    )
    def replay(self, request: Any, obj: Delivery, values: dict[str, Any]) -> str:
        services.replay(delivery=obj, actor=audit.person(request.user), now=clock.now())
        return "This delivery is read again."
