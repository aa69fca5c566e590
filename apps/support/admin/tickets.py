"""Tickets as managers look over them, their promises, and what requesters thought."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import Person
from apps.core import clock
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
from apps.core.admin_base.lists import chip, link, number
from apps.support import lifecycle as states
from apps.support.admin import words
from apps.support.admin.base import actor_of
from apps.support.models import ClockEvent, Csat, Ticket, TicketClock
from apps.support.services import clocks, lifecycle, tickets

Status = Ticket.Status
SLA_TONES = {"breached": "danger", "running": "info", "met": "success"}
CLOCK_TONES = {"breached": "danger", "running": "info", "met": "success"}


def ticket_link(ticket: Ticket) -> object:
    return link(f"/tickets/{ticket.ref}/", ticket.ref)


class OwnerForm(forms.Form):
    owner = forms.ModelChoiceField(
        Person.objects.none(), required=False, empty_label="nobody", label="Owner"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["owner"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Person.objects.active().order_by("name")


@register(Ticket)
class TicketAdmin(ReadOnly[Ticket]):
    intro = (
        "Every ticket, to look things over. They are answered and changed in the portal, where "
        "“View in portal” leads."
    )
    empty_text = "No ticket yet."
    list_display = [
        "ref", "subject", "state", "priority", "promise", "queue", "request_type", "owner",
        "account", when("created_at", "opened"),
    ]  # fmt: skip
    list_display_links = ["ref", "subject"]
    list_filter = [
        "status", "sla_state", "priority", "queue", "request_type", "channel", "kind", "owner",
    ]  # fmt: skip
    list_select_related = ["queue", "request_type", "owner", "account", "requester"]
    search_fields = ["=id", "subject", "requester__email", "account__name"]
    ordering = ["-pk"]
    actions = ["close_chosen"]
    fieldsets = [
        (None, {"fields": ["ref", "subject", "state", "promise", "requester", "account"]}),
        ("Where it went", {"fields": ["route_note", "queue", "request_type", "surface", "owner"]}),
        ("How urgent", {"fields": ["priority", "priority_reason", "impact", "urgency"]}),
        ("When", {"fields": [
            when("created_at", "opened"), when("triaged_at", "accepted"),
            when("first_replied_at", "first answered"), when("resolved_at", "resolved"),
            when("closed_at", "closed"),
        ]}),
        ("Advanced", {"fields": [
            "channel", "kind", "tags", "resolution_code", "reopened_count", "source", "source_ref",
            "version",
        ], "classes": ["collapse"]}),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        return Ticket.objects.visible_to(request.user)

    def portal_path(self, obj: Ticket) -> str:
        return f"/tickets/{obj.ref}/"

    @display(description="ticket", ordering="pk")
    def ref(self, obj: Ticket) -> str:
        return obj.ref

    @display(description="state", ordering="status")
    def state(self, obj: Ticket) -> object:
        return chip(obj.get_status_display(), "info" if obj.status in states.ACTIVE else "")

    @display(description="promise", ordering="sla_due_at")
    def promise(self, obj: Ticket) -> object:
        return chip(obj.get_sla_state_display(), SLA_TONES.get(obj.sla_state, ""))

    @action(description="Close what is resolved")
    def close_chosen(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        now, done = clock.now(), 0
        for row in queryset.order_by("pk")[:100]:
            with say_domain_errors(request, row.ref):
                lifecycle.transition(ticket=row, verb="close", actor=actor_of(request), now=now)
                done += 1
        self.message_user(request, "1 ticket is closed." if done == 1 else f"{done} are closed.")

    @act(
        "Assign",
        about="Gives the ticket to somebody. They hear of it; no promise moves.",
        form=OwnerForm,
        offered=lambda ticket: ticket.status in states.ACTIVE,
    )
    def assign(self, request: HttpRequest, obj: Ticket, values: dict[str, Any]) -> str:
        owner = values["owner"]
        tickets.assign(ticket=obj, owner=owner, actor=actor_of(request), now=clock.now())
        return f"{obj.ref} is {owner.name}'s." if owner else f"{obj.ref} is nobody's."

    @act(
        "Close",
        about="A word of the requester then opens a follow-up instead of reopening this one.",
        offered=lambda ticket: ticket.status == Status.RESOLVED,
    )
    def close(self, request: HttpRequest, obj: Ticket, values: dict[str, Any]) -> str:
        lifecycle.transition(ticket=obj, verb="close", actor=actor_of(request), now=clock.now())
        return f"{obj.ref} is closed."


# -- promises


class ClockEventInline(TabularInline[ClockEvent, TicketClock]):
    model = ClockEvent
    extra = 0
    per_page = 50
    can_delete = False
    ordering = ["pk"]
    verbose_name_plural = "what happened to it"
    fields: ClassVar[Any] = [
        when("at", "when"), "what", when("due_before", "due before"),
        when("due_after", "due after"), "cause", "actor_label",
    ]  # fmt: skip
    readonly_fields: ClassVar[Any] = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=300, help_text="Everybody reads it beside the promise.", label="Why"
    )


@register(TicketClock)
class TicketClockAdmin(ReadOnly[TicketClock]):
    intro = "Every promise, and how it went. A missed one can be waived, with a reason."
    empty_text = "Nothing was promised yet."
    list_display = [
        number, "on_ticket", "metric", "cycle", "how", "target_words", when("due_at", "due"),
        when("breached_at", "missed"), when("stopped_at", "over"), "policy",
    ]  # fmt: skip
    list_display_links = [number]
    list_filter = ["state", "metric", "policy"]
    list_select_related = ["ticket", "policy"]
    search_fields = ["=ticket__id", "ticket__subject"]
    ordering = ["-pk"]
    inlines = [ClockEventInline]
    fields = [
        "on_ticket", "metric", "cycle", "how", "target_words", when("started_at", "began"),
        when("due_at", "due"), when("next_check_at", "looked at next"),
        when("breached_at", "missed"), "breach_cause", when("stopped_at", "over"), "without_reply",
        "used", "policy", "policy_version", "calendar_version", when("waived_at", "waived"),
        "waived_reason", "cancel_cause",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[TicketClock]:
        rows: QuerySet[TicketClock] = super().get_queryset(request)
        return rows.filter(ticket__in=Ticket.objects.visible_to(request.user))

    @display(description="ticket", ordering="ticket")
    def on_ticket(self, obj: TicketClock) -> object:
        return ticket_link(obj.ticket)

    @display(description="state", ordering="state")
    def how(self, obj: TicketClock) -> object:
        if obj.waived_at is not None:
            return chip("Waived")
        return chip(obj.get_state_display(), CLOCK_TONES.get(obj.state, ""))

    @display(description="target", ordering="target_seconds")
    def target_words(self, obj: TicketClock) -> str:
        return words.show(obj.target_seconds)

    @display(description="used")
    def used(self, obj: TicketClock) -> str:
        final = obj.worked_seconds_final
        return words.show(final if final is not None else obj.consumed_seconds, day=None)

    @act(
        "Waive",
        about="This miss no longer counts, in reports neither. The reason stands beside it.",
        form=ReasonForm,
        danger=True,
        offered=lambda one: one.state == TicketClock.State.BREACHED and one.waived_at is None,
    )
    def waive(self, request: HttpRequest, obj: TicketClock, values: dict[str, Any]) -> str:
        clocks.waive(clock=obj, reason=values["reason"], actor=actor_of(request), now=clock.now())
        return f"{obj.get_metric_display()} of {obj.ticket.ref} is waived."


@register(ClockEvent)
class ClockEventAdmin(ReadOnly[ClockEvent]):
    intro = "What happened to each promise, and why. Nothing here is ever changed."
    empty_text = "Nothing has happened to a promise yet."
    list_display = [
        when("at", "when"), "on_ticket", "promise", "what", when("due_after", "due then"), "cause",
        "actor_label",
    ]  # fmt: skip
    list_display_links = ["what"]
    list_filter = ["what", "clock__metric"]
    list_select_related = ["clock__ticket"]
    search_fields = ["=clock__ticket__id", "cause", "actor_label"]
    ordering = ["-pk"]
    fields = [
        "on_ticket", "promise", "what", "key", when("at", "when"), when("noted_at", "noticed"),
        when("due_before", "due before"), when("due_after", "due after"), "used", "target_words",
        "cause", "actor_label",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[ClockEvent]:
        rows: QuerySet[ClockEvent] = super().get_queryset(request)
        return rows.filter(clock__ticket__in=Ticket.objects.visible_to(request.user))

    @display(description="ticket")
    def on_ticket(self, obj: ClockEvent) -> object:
        return ticket_link(obj.clock.ticket)

    @display(description="promise", ordering="clock__metric")
    def promise(self, obj: ClockEvent) -> str:
        return obj.clock.get_metric_display()

    @display(description="used")
    def used(self, obj: ClockEvent) -> str:
        return words.show(obj.consumed_seconds, day=None)

    @display(description="target")
    def target_words(self, obj: ClockEvent) -> str:
        return words.show(obj.target_seconds)


@register(Csat)
class CsatAdmin(ReadOnly[Csat]):
    intro = "What requesters thought of each resolution, in their own words."
    empty_text = "Nobody has said yet how it was."
    list_display = [when("at", "when"), "on_ticket", "verdict", "comment"]
    list_display_links = ["verdict"]
    list_filter = ["score"]
    list_select_related = ["ticket"]
    search_fields = ["=ticket__id", "comment"]
    ordering = ["-pk"]
    fields = ["on_ticket", "verdict", "comment", "cycle", when("at", "when")]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Csat]:
        rows: QuerySet[Csat] = super().get_queryset(request)
        return rows.filter(ticket__in=Ticket.objects.visible_to(request.user))

    @display(description="ticket")
    def on_ticket(self, obj: Csat) -> object:
        return ticket_link(obj.ticket)

    @display(description="it was", ordering="score")
    def verdict(self, obj: Csat) -> object:
        return chip(obj.get_score_display(), "success" if obj.score == "good" else "warning")
