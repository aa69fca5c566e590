"""Rules and what they said, as the record has them: they are made, replayed and switched in the
portal, where their condition stands in words."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.alerts.models import AlertRule, Firing
from apps.alerts.rules import looks, params
from apps.core.admin_base import ReadOnly, display, register, when
from apps.core.admin_base.lists import chip, edit_link

Status = AlertRule.Status
TONES = {Status.ON: "success", Status.DRAFT: "info", Status.OFF: ""}


@register(AlertRule)
class AlertRuleAdmin(ReadOnly[AlertRule]):
    intro = (
        "Every rule with its condition. Draft, replay and switch them in the portal: there you "
        "see how often a rule would have fired before it wakes anybody."
    )
    empty_text = "No rule yet. The portal has starter rules, as drafts."
    list_display = [
        "name", "state", "kind", "severity", "surface", "owner",
        when("last_fired_at", "last fired", "never"),
    ]  # fmt: skip
    list_filter = ["status", "kind", "severity"]
    list_select_related = ["surface", "owner"]
    search_fields = ["key", "name", "surface__key", "owner__name"]
    ordering = ["name", "pk"]
    fields = [
        "name", "key", "state", "description", "kind", "condition", "params", "severity",
        "on_surface", "owner", "runbook", "slo", "tier", "every_seconds", "for_seconds",
        "keep_firing_seconds", "error", when("evaluated_at", "last look", "never"),
        when("last_fired_at", "last fired", "never"), when("created_at", "made"), "created_by",
        when("archived_at", "archived"),
    ]  # fmt: skip

    def portal_path(self, obj: AlertRule) -> str:
        return f"/rules/{obj.key}/"

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertRule]:
        return AlertRule.objects.visible_to(request.user)

    @display(description="state", ordering="status")
    def state(self, obj: AlertRule) -> object:
        return chip(obj.get_status_display(), TONES.get(Status(obj.status), ""))

    @display(description="surface")
    def on_surface(self, obj: AlertRule) -> object:
        return edit_link(obj.surface, "as the look says")

    @display(description="fires when")
    def condition(self, obj: AlertRule) -> str:
        try:
            return looks.describe(obj.kind, params.check(obj.kind, obj.params))
        except params.BadParams as error:
            return f"Its parameters are not valid any more: {error}"


@register(Firing)
class FiringAdmin(ReadOnly[Firing]):
    intro = "Every time that a rule fired, with what it saw."
    empty_text = "No rule has fired yet."
    list_display = [
        "rule", "group", when("fired_at", "fired"), when("resolved_at", "over", "still fires"),
        "text", "was_inhibited",
    ]  # fmt: skip
    list_filter = ["was_inhibited", "rule"]
    list_select_related = ["rule"]
    search_fields = ["rule__key", "group", "text"]
    ordering = ["-fired_at", "-pk"]
    fields = [
        "rule", "group", when("fired_at", "fired"), when("resolved_at", "over", "still fires"),
        "value", "text", "was_inhibited",
    ]  # fmt: skip

    def portal_path(self, obj: Firing) -> str:
        return f"/rules/{obj.rule.key}/"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Firing]:
        return Firing.objects.filter(rule__in=AlertRule.objects.visible_to(request.user))
