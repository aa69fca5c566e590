"""Routing rules, announced work, and the alerts as the record has them, which are worked on in
the portal."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.alerts import services
from apps.alerts.models import Alert, MaintenanceWindow, RoutingRule
from apps.core import audit, clock
from apps.core.admin_base import (
    ModelAdmin,
    ReadOnly,
    act,
    action,
    become,
    display,
    register,
    when,
)
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import Filter, chip, edit_link

Status = Alert.Status
TONES = {Status.FIRING: "danger", Status.ACKNOWLEDGED: "warning", Status.RESOLVED: "success"}
PATTERNS = ("source", "component", "class_name", "summary", "label")


class RuleForm(Form):
    class Meta:
        model = RoutingRule
        fields = ["name", "surface", "position", "active", "integration", *PATTERNS]
        help_texts = {"position": "The first rule that matches wins; lower stands first."}

    def clean_label(self) -> str:
        text = str(self.cleaned_data["label"]).strip()
        if text and not text.partition("=")[0].strip():
            raise forms.ValidationError("Write name=pattern, such as team=data-*.")
        return text


@register(RoutingRule)
class RoutingRuleAdmin(ModelAdmin[RoutingRule]):
    form = RuleForm
    intro = (
        "Which surface an alert belongs to, when it does not say so itself. Rules are tried in "
        "their order; the first whose patterns all match wins. * stands for anything, ? for one "
        "character."
    )
    empty_text = (
        "No rule yet. Alerts go to the surface that they name, or to their integration's. "
        "“Remember this” on an unrouted alert makes a rule."
    )
    deletable = True
    list_display = ["position", "name", "patterns", "surface", "integration", "active"]
    list_display_links = ["name"]
    list_filter = ["active", "integration", "surface"]
    list_select_related = ["surface", "integration"]
    search_fields = ["name", "surface__key", *PATTERNS]
    actions = ["switch_off", "switch_on"]
    fieldsets = [
        (None, {"fields": ["name", "surface", "position", "active"]}),
        (
            "Matches when all of these do (an empty one always does)",
            {"fields": ["integration", *PATTERNS]},
        ),
    ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        last = RoutingRule.objects.order_by("-position").first()
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"position": last.position + 10 if last else 10, **given}

    @display(description="when")
    def patterns(self, obj: RoutingRule) -> object:
        words = {"class_name": "class"}
        found = [
            f"{words.get(name, name)} {getattr(obj, name)}"
            for name in PATTERNS
            if getattr(obj, name)
        ]
        return ", ".join(found) or chip("always", "warning")

    def save_model(self, request: Any, obj: RoutingRule, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    @action(description="Switch off")
    def switch_off(self, request: HttpRequest, queryset: QuerySet[RoutingRule]) -> None:
        self.message_user(request, f"{queryset.update(active=False)} switched off.")

    @action(description="Switch on")
    def switch_on(self, request: HttpRequest, queryset: QuerySet[RoutingRule]) -> None:
        self.message_user(request, f"{queryset.update(active=True)} switched on.")


class RoutedFilter(Filter):
    title = "routing"
    parameter_name = "routing"
    choices_offered = [("unrouted", "Unrouted and open")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "unrouted":
            return queryset.exclude(status=Status.RESOLVED).filter(surface=None)
        return queryset


@register(Alert)
class AlertAdmin(ReadOnly[Alert]):
    intro = "Every alert, as the record has it. Acknowledge, resolve and route it in the portal."
    empty_text = "No alert yet."
    list_display = [
        "summary", "state", "severity", "surface", "integration",
        when("last_seen_at", "last seen"), "count",
    ]  # fmt: skip
    list_filter = ["status", RoutedFilter, "severity", "kind", "integration"]
    list_select_related = ["surface", "integration"]
    search_fields = ["summary", "dedup_key", "surface__key"]
    ordering = ["-pk"]
    fields = [
        "summary", "state", "severity", "kind", "on_surface", "wanted_surface", "routed_by",
        "integration", "dedup_key", "source", "component", "class_name", "count",
        when("first_seen_at", "first seen"), when("last_seen_at", "last seen"),
        when("acknowledged_at", "acknowledged"), when("resolved_at", "resolved"), "details",
    ]  # fmt: skip

    def portal_path(self, obj: Alert) -> str:
        return f"/alerts/{obj.pk}/"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        return Alert.objects.visible_to(request.user).defer("details", "links")

    @display(description="surface")
    def on_surface(self, obj: Alert) -> object:
        return edit_link(obj.surface, "not routed")

    @display(description="state", ordering="status")
    def state(self, obj: Alert) -> object:
        return chip(obj.get_status_display(), TONES.get(Status(obj.status), ""))


Work = MaintenanceWindow.Status
WORK_TONES = {Work.IN_PROGRESS: "warning", Work.SCHEDULED: "info", Work.COMPLETED: "success"}


class WindowForm(Form):
    class Meta:
        model = MaintenanceWindow
        fields = ["title", "surfaces", "starts_at", "ends_at", "is_public", "description"]


@register(MaintenanceWindow)
class MaintenanceWindowAdmin(ModelAdmin[MaintenanceWindow]):
    form = WindowForm
    intro = (
        "Work that is announced. It begins and ends by itself at these times; the status page "
        "shows it, and whoever follows that is told, also of every change of the times."
    )
    empty_text = (
        "No maintenance announced. Announce it a few days before, and customers can plan around it."
    )
    list_display = [
        "title", "state", when("starts_at", "from"), when("ends_at", "until"), "on", "is_public",
    ]  # fmt: skip
    list_filter = ["status", "is_public"]
    search_fields = ["title", "surfaces__key"]
    ordering = ["-starts_at", "-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MaintenanceWindow]:
        return MaintenanceWindow.objects.visible_to(request.user).prefetch_related("surfaces")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        over = obj is not None and obj.status in {Work.COMPLETED, Work.CANCELED}
        return not over and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["starts_at"] if obj and obj.status == Work.IN_PROGRESS else []

    @display(description="state", ordering="status")
    def state(self, obj: MaintenanceWindow) -> object:
        return chip(obj.get_status_display(), WORK_TONES.get(Work(obj.status), ""))

    @display(description="surfaces")
    def on(self, obj: MaintenanceWindow) -> str:
        return ", ".join(one.key for one in obj.surfaces.all())

    def save_model(self, request: Any, obj: MaintenanceWindow, form: Any, change: bool) -> None:
        values, who, now = form.cleaned_data, audit.person(request.user), clock.now()
        if change:
            changed = {name: values[name] for name in form.changed_data}
            saved = services.change_maintenance(window=obj, fields=changed, actor=who, now=now)
        else:
            saved = services.announce_maintenance(**values, actor=who, now=now)
        become(obj, saved)

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        """The service has set the surfaces."""

    @act(
        "Cancel", about="It does not take place. Whoever was told of it is told so.", danger=True,
        offered=lambda obj: obj.status == Work.SCHEDULED,
    )  # fmt: skip
    def cancel(self, request: HttpRequest, obj: MaintenanceWindow, values: Any) -> str:
        who = audit.person(request.user)
        services.cancel_maintenance(window=obj, actor=who, now=clock.now())
        return "Canceled."

    @act(
        "End now", about="The work is done. Whoever was told of it is told so.",
        offered=lambda obj: obj.status == Work.IN_PROGRESS,
    )  # fmt: skip
    def end(self, request: HttpRequest, obj: MaintenanceWindow, values: Any) -> str:
        who = audit.person(request.user)
        services.end_maintenance(window=obj, actor=who, now=clock.now())
        return "Ended."
