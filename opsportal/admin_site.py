"""The admin as managers see it: its menu by what they do, its palette, and other apps' tables.

Third-party tables are shown through the house's own base or not at all: allauth's addresses, auth's
groups and content types have no page here, since nothing of the product is kept in them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from axes.utils import reset as axes_reset
from django.db.models import QuerySet
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, Resolver404, path, resolve, reverse
from django_q.models import Failure, OrmQ, Schedule, Success

from apps.core import jobs
from apps.core.admin_base import ReadOnly, act, action, display, register, site, when
from apps.core.admin_base.lists import chip, number
from apps.core.models import Heartbeat, StatusChange
from opsportal import admin_pages
from opsportal.schedules import SCHEDULES

__all__ = ["colors", "dashboard", "icon", "script", "sidebar", "site", "stylesheet"]

site.pages += [
    path(
        "history/", site.admin_view(admin_pages.configuration_changes), name="configuration_changes"
    ),
]


# -- history and background


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


@register(Schedule)
class ScheduleAdmin(ReadOnly[Any]):
    intro = "What runs by itself, and how often. These are part of the program, not settings."
    empty_text = "No schedule yet: they are made by “migrate”."
    list_display = ["name", "why", "rhythm", when("next_run", "next run")]
    search_fields = ["name", "func"]
    ordering = ["name"]
    fields = ["name", "why", "rhythm", "func", when("next_run", "next run")]
    WHY: ClassVar[dict[str, str]] = {entry.name: entry.why for entry in SCHEDULES}

    @display(description="what for")
    def why(self, obj: Any) -> str:
        return self.WHY.get(obj.name, "")

    @display(description="rhythm")
    def rhythm(self, obj: Any) -> str:
        return f"{obj.cron} (UTC)" if obj.cron else "every minute"


class TaskAdmin(ReadOnly[Any]):
    list_display = ["name", "func", "state", when("started", "started"), "took"]
    list_filter = ["func"]
    search_fields = ["name", "func"]
    ordering = ["-started"]
    fields = [
        "name", "func", "state", "arguments", "said", when("started", "started"), "took",
        "attempt_count",
    ]  # fmt: skip

    @display(description="state")
    def state(self, obj: Any) -> object:
        return chip("Done", "success") if obj.success else chip("Failed", "danger")

    @display(description="took")
    def took(self, obj: Any) -> str:
        return f"{(obj.stopped - obj.started).total_seconds():.2f} s"

    @display(description="with")
    def arguments(self, obj: Any) -> str:
        return ", ".join(f"{name}={value}" for name, value in (obj.kwargs or {}).items())[:500]

    @display(description="said")
    def said(self, obj: Any) -> str:
        return str(obj.result or "")[:4000]


@register(Failure)
class FailureAdmin(TaskAdmin):
    intro = "Background work that failed for good. Mend the cause, then run it again."
    empty_text = "Nothing has failed."
    actions = ["run_again"]

    @action(description="Run again")
    def run_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        rows = list(queryset[:100])
        for row in rows:
            jobs.enqueue(row.func, **(row.kwargs or {}))
        self.message_user(request, f"{len(rows)} enqueued again.")


@register(Success)
class SuccessAdmin(TaskAdmin):
    intro = "Background work that was done, the newest 500 of each kind."
    empty_text = "Nothing was done yet. Start the worker."


@register(OrmQ)
class QueueAdmin(ReadOnly[Any]):
    intro = "Background work that waits. A long queue means that the worker is away."
    empty_text = "Nothing waits."
    list_display = [number, "what", when("lock", "since")]
    ordering = ["pk"]
    list_display_links = ["what"]
    fields = ["what", when("lock", "since")]

    @display(description="task")
    def what(self, obj: Any) -> str:
        found = obj.task if isinstance(obj.task, dict) else {}
        return str(found.get("func") or "cannot be read")


# -- sign-in


class AttemptFields(ReadOnly[Any]):
    search_fields = ["username", "ip_address"]
    ordering = ["-attempt_time"]


@register(AccessAttempt)
class AccessAttemptAdmin(AttemptFields):
    intro = "Failed sign-ins that still count. Eight from one address lock it out for 15 minutes."
    empty_text = "Nobody has failed to sign in lately."
    list_display = [
        when("attempt_time", "last try"), "username", "ip_address", "failures_since_start",
    ]  # fmt: skip
    list_display_links = ["username"]
    fields = [
        "username", "ip_address", "failures_since_start", when("attempt_time", "last try"),
        "user_agent", "path_info",
    ]  # fmt: skip

    @act("Let in again", about="Forgets these failures, so that the person can try at once.")
    def forget(self, request: HttpRequest, obj: Any, values: dict[str, Any]) -> Any:
        from django.shortcuts import redirect

        axes_reset(username=obj.username, ip=obj.ip_address)
        self.message_user(request, f"{obj.username} can sign in from {obj.ip_address} again.")
        return redirect("admin:axes_accessattempt_changelist")


@register(AccessFailureLog)
class AccessFailureAdmin(AttemptFields):
    intro = "Every sign-in that failed."
    empty_text = "No sign-in has failed."
    list_display = [when("attempt_time", "when"), "username", "ip_address", "locked_out"]
    list_display_links = ["username"]
    list_filter = ["locked_out"]
    fields = [
        when("attempt_time", "when"), "username", "ip_address", "locked_out", "user_agent",
    ]  # fmt: skip


@register(AccessLog)
class AccessLogAdmin(AttemptFields):
    intro = "Every sign-in, and its sign-out where there was one."
    empty_text = "Nobody has signed in yet."
    list_display = [
        when("attempt_time", "signed in"), "username", "ip_address",
        when("logout_time", "signed out", "–"),
    ]  # fmt: skip
    list_display_links = ["username"]
    fields = [
        when("attempt_time", "signed in"), when("logout_time", "signed out", "–"), "username",
        "ip_address", "user_agent",
    ]  # fmt: skip


# -- the menu

# (title, icon, where): a model's list as app_model, or a path of the portal.
MENU: list[tuple[str, list[tuple[str, str, str]]]] = [
    ("", [("What needs you", "notifications_active", "admin:index")]),
    ("People", [
        ("People", "group", "accounts_person"),
        ("Teams", "diversity_3", "accounts_team"),
        ("Invitations", "mail", "/people/"),
        ("Import from CSV", "upload_file", "/people/import/"),
    ]),
    ("On call", [
        ("Schedules", "calendar_month", "rotations_schedule"),
        ("New weekly rotation", "add_circle", "/schedules/new/"),
        ("Overrides", "swap_horiz", "rotations_override"),
        ("Which surface is covered", "shield", "rotations_surfaceschedule"),
        ("Shifts", "view_timeline", "rotations_shift"),
        ("Gaps that hurt", "event_busy", "rotations_coveragegap"),
    ]),
    ("Paging", [
        ("Escalation policies", "stairs", "paging_escalationpolicy"),
        ("Surfaces' policies", "rule", "paging_surfacepolicy"),
        ("Pages", "campaign", "paging_page"),
    ]),
    ("Ownership", [
        ("Surfaces", "layers", "ownership_surface"),
        ("Who owns what, when", "badge", "ownership_ownershipassignment"),
        ("Positions", "event_seat", "ownership_position"),
        ("Dependencies", "account_tree", "ownership_surfacedependency"),
        ("External parties", "handshake", "ownership_externalparty"),
    ]),
    ("Customers", [
        ("Customers", "apartment", "customers_account"),
        ("Import customers", "upload_file", "/customers/import/"),
        ("Contacts", "contact_mail", "customers_contact"),
        ("Orgs", "domain", "customers_org"),
        ("Projects", "folder_data", "customers_project"),
        ("Warehouses", "database", "customers_source"),
        ("Connections", "cable", "customers_connection"),
    ]),
    ("Support", [
        ("Tickets", "confirmation_number", "support_ticket"),
        ("SLA policies", "timer", "support_slapolicy"),
        ("Business calendars", "event_available", "calendars_businesscalendar"),
        ("Request types", "category", "support_requesttype"),
        ("Queues", "inbox", "support_queue"),
        ("Mailboxes", "mark_email_unread", "support_mailbox"),
        ("Mail that came in", "mail", "support_inboundmail"),
        ("Macros", "quickreply", "support_macro"),
        ("Everybody's views", "view_list", "support_savedview"),
        ("Promises", "hourglass", "support_ticketclock"),
        ("Ratings", "thumbs_up_down", "support_csat"),
        ("Support settings", "tune", "support_supportsettings"),
    ]),
    ("Incidents", [
        ("Severity levels", "crisis_alert", "incidents_severitylevel"),
        ("Incident types", "category", "incidents_incidenttype"),
        ("Tasks from the book", "checklist", "incidents_tasktemplate"),
        ("Audiences", "groups", "incidents_audience"),
        ("Prepared words", "edit_note", "incidents_commstemplate"),
        ("Runbooks", "menu_book", "runbooks_runbook"),
        ("Versions of runbooks", "history_edu", "runbooks_runbookversion"),
        ("Runs of runbooks", "play_circle", "runbooks_execution"),
        ("Follow-ups", "task_alt", "followups_followup"),
        ("Contributing factors", "psychology", "followups_factor"),
    ]),
    ("Status page", [
        ("Components", "widgets", "incidents_component"),
        ("Maintenance", "construction", "alerts_maintenancewindow"),
        ("Followers", "notifications", "incidents_subscription"),
    ]),
    ("Sources", [
        ("Integrations", "input", "intake_integration"),
        ("API keys", "key", "accounts_apikey"),
        ("Routing rules", "alt_route", "alerts_routingrule"),
        ("Deliveries", "inbox", "intake_delivery"),
    ]),
    ("Telemetry", [
        ("What is profiled", "database", "telemetry_profiledsource"),
        ("Whom codes blame", "gavel", "telemetry_diagnosticcode"),
        ("How long a run may take", "timer", "telemetry_durationobjective"),
        ("Shares of semantic types", "pie_chart", "telemetry_stratumweight"),
        ("Profile runs", "play_arrow", "telemetry_profilerun"),
        ("Reports", "description", "telemetry_reportrun"),
        ("Labels", "label", "telemetry_semanticlabel"),
        ("Types that changed", "swap_horiz", "telemetry_typechange"),
        ("Counts", "tag", "telemetry_slicount"),
        ("Measurements", "straighten", "telemetry_measurement"),
    ]),
    ("Alerting", [
        ("Rules", "rule", "alerts_alertrule"),
        ("What fired", "notification_important", "alerts_firing"),
        ("Silences", "notifications_paused", "alerts_silence"),
        ("Heartbeats", "favorite", "alerts_heartbeat"),
        ("Pings", "podcasts", "alerts_ping"),
        ("Slack: who is who", "group", "alerts_slackmember"),
        ("Slack: groups on call", "groups", "alerts_slackgroup"),
    ]),
    ("Messages", [
        ("Outbox", "outbox", "notifications_message"),
        ("Outgoing webhooks", "webhook", "notifications_webhookendpoint"),
        ("What webhooks were told", "outbound", "notifications_webhookdelivery"),
        ("Site settings", "tune", "/site/"),
    ]),
    ("History", [
        ("Configuration changes", "history", "admin:configuration_changes"),
        ("Status changes", "timeline", "core_statuschange"),
        ("Alerts", "warning", "alerts_alert"),
        ("Incidents", "local_fire_department", "incidents_incident"),
        ("Changes reported", "deployed_code", "changes_change"),
        ("What promises went through", "history_toggle_off", "support_clockevent"),
    ]),
    ("Background", [
        ("Schedules of the system", "schedule", "django_q_schedule"),
        ("Failures", "error", "django_q_failure"),
        ("Queue", "list", "django_q_ormq"),
        ("Done", "done_all", "django_q_success"),
        ("Signs of life", "monitor_heart", "core_heartbeat"),
    ]),
    ("Security", [
        ("Failures that count", "gpp_maybe", "axes_accessattempt"),
        ("Failed sign-ins", "no_accounts", "axes_accessfailurelog"),
        ("Sign-ins", "login", "axes_accesslog"),
    ]),
]  # fmt: skip


def _where(target: str) -> str:
    """The address of a menu's target; empty when there is no such page."""
    try:
        if target.startswith("/"):
            resolve(target)
            return target
        return reverse(target if ":" in target else f"admin:{target}_changelist")
    except (NoReverseMatch, Resolver404):
        return ""


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu in unfold's terms."""
    groups = []
    for title, items in MENU:
        shown = [
            {"title": word, "icon": symbol, "link": url}
            for word, symbol, target in items
            if (url := _where(target))
        ]
        folded = title in {"History", "Background", "Security"}
        here = any(request is not None and item["link"] == request.path for item in shown)
        groups.append({"title": title, "collapsible": folded, "open": here, "items": shown})
    return groups


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the admin's start page shows."""
    return {**context, **admin_pages.start(request)}


# -- the face


def stylesheet(request: HttpRequest) -> str:
    return static("css/admin.css")


def script(request: HttpRequest) -> str:
    return static("js/admin.js")


def icon(request: HttpRequest) -> str:
    return static("img/favicon.svg")


def colors(request: HttpRequest) -> dict[str, dict[str, str]]:
    """The portal's tokens (`static/css/opsportal.css`) as unfold's two scales, light to dark."""
    base = ("#f6f7f9", "#eff1f4", "#e4e7eb", "#cfd5dc", "#969eaa", "#5f6773", "#454c57", "#3b414b",
            "#2a2e35", "#14161a", "#101215")  # fmt: skip
    accent = ("#eff8f9", "#e3f1f3", "#c2e0e5", "#93c8d1", "#7acfde", "#58bfd1", "#0b6576",
              "#095463", "#07434f", "#06323b", "#06222a")  # fmt: skip
    steps = ("50", "100", "200", "300", "400", "500", "600", "700", "800", "900", "950")
    font = {
        "subtle-light": "#5f6773", "subtle-dark": "#969eaa", "default-light": "#454c57",
        "default-dark": "#b8bec8", "important-light": "#171a1f", "important-dark": "#e9ebee",
    }  # fmt: skip
    return {
        "base": dict(zip(steps, base, strict=True)),
        "primary": dict(zip(steps, accent, strict=True)),
        "font": font,
    }
