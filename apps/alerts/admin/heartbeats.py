"""Heartbeats, their pings, and who is who in Slack, as the record has them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.alerts.models import Heartbeat, Ping, SlackGroup, SlackMember
from apps.alerts.services.heartbeats import rhythm_in_words
from apps.core.admin_base import ReadOnly, display, register, when
from apps.core.admin_base.lists import Archived, chip, edit_link

Status = Heartbeat.Status
TONES = {Status.UP: "success", Status.DOWN: "danger"}
PING_TONES = {Ping.Kind.SUCCESS: "success", Ping.Kind.FAIL: "danger"}


@register(Heartbeat)
class HeartbeatAdmin(ReadOnly[Heartbeat]):
    intro = "Jobs that say they ran. Add, change and pause them in the portal."
    empty_text = "No heartbeat yet. Add one in the portal for each job that must run."
    list_display = [
        "name", "state", "runs", "surface", "owner", when("last_ping_at", "last ping"),
        when("due_at", "down unless by"),
    ]  # fmt: skip
    list_filter = ["status", Archived, "integration"]
    list_select_related = ["surface", "owner", "integration"]
    search_fields = ["name", "slug", "surface__key"]
    fields = [
        "name", "slug", "state", "severity", "runs", "grace_seconds", "on_surface", "owner",
        "runbook", "integration", when("last_ping_at", "last ping"),
        when("last_start_at", "running since"), when("due_at", "down unless by"),
        when("created_at", "made"), when("archived_at", "archived"),
    ]  # fmt: skip

    def portal_path(self, obj: Heartbeat) -> str:
        return f"/heartbeats/{obj.pk}/"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Heartbeat]:
        return Heartbeat.objects.visible_to(request.user)

    @display(description="state", ordering="status")
    def state(self, obj: Heartbeat) -> object:
        return chip(obj.get_status_display(), TONES.get(Status(obj.status), ""))

    @display(description="runs")
    def runs(self, obj: Heartbeat) -> str:
        return rhythm_in_words(obj)

    @display(description="surface")
    def on_surface(self, obj: Heartbeat) -> object:
        return edit_link(obj.surface, "none")


@register(Ping)
class PingAdmin(ReadOnly[Ping]):
    intro = "What jobs said, newest first. The last 500 of each heartbeat are kept."
    empty_text = "No job has pinged yet."
    list_display = ["what", "heartbeat", when("at", "at"), "exit_status", "remote_ip"]
    list_filter = ["kind"]
    list_select_related = ["heartbeat"]
    search_fields = ["heartbeat__name", "heartbeat__slug"]
    ordering = ["-pk"]
    fields = [
        "heartbeat", "what", when("at", "at"), "exit_status", "run_ref", "duration_ms", "body",
        "remote_ip",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ping]:
        return Ping.objects.filter(heartbeat__in=Heartbeat.objects.visible_to(request.user))

    @display(description="what", ordering="kind")
    def what(self, obj: Ping) -> object:
        return chip(obj.get_kind_display(), PING_TONES.get(Ping.Kind(obj.kind), ""))


class _InSlack(ReadOnly[Any]):
    list_filter = ["integration"]

    def portal_path(self, obj: Any) -> str:
        return f"/integrations/{obj.integration_id}/slack/"


@register(SlackMember)
class SlackMemberAdmin(_InSlack):
    intro = "Who a Slack account acts as. Say so on the page of the Slack integration."
    empty_text = "Nobody is known in Slack yet."
    list_display = ["person", "slack_user_id", "integration"]
    list_display_links = ["person"]
    list_select_related = ["person", "integration"]
    search_fields = ["person__name", "slack_user_id"]
    ordering = ["person__name", "pk"]
    fields = ["person", "slack_user_id", "integration"]


@register(SlackGroup)
class SlackGroupAdmin(_InSlack):
    intro = "Slack user groups that follow who is on call; looked at each minute."
    empty_text = "No group follows a schedule."
    list_display = ["slack_group_id", "schedule", "state", when("synced_at", "told Slack")]
    list_select_related = ["schedule", "integration"]
    search_fields = ["slack_group_id", "schedule__name"]
    ordering = ["schedule__name", "pk"]
    fields = [
        "slack_group_id", "schedule", "integration", "state", "members",
        when("synced_at", "told Slack"),
    ]  # fmt: skip

    @display(description="state", ordering="error")
    def state(self, obj: SlackGroup) -> object:
        if obj.error:
            return chip(obj.error, "danger")
        return chip("Follows", "success") if obj.synced_at else chip("Not yet told")
