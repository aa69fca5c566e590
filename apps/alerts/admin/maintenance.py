"""Announced work: said, moved, canceled, ended."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.alerts import services
from apps.alerts.models import MaintenanceWindow
from apps.core import audit, clock
from apps.core.admin_base import ModelAdmin, act, become, display, register, when
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import chip

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
