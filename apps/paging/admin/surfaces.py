"""A surface's own page: what it is, who owns it, who covers it, whom it wakes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from apps.core.admin_base import display, register
from apps.core.admin_base.lists import Filter, chip
from apps.ownership.admin import surfaces as ownership
from apps.ownership.models import Surface
from apps.paging import services
from apps.paging.models import EscalationPolicy, SurfacePolicy
from apps.rotations import services as rotations
from apps.rotations.models import Schedule, SurfaceSchedule


class SurfaceForm(ownership.SurfaceForm):
    schedule = forms.ModelChoiceField(
        Schedule.objects.none(), required=False, empty_label="None of its own",
        help_text="Who is on call for it. None: its parent's schedule, if it has one.",
    )  # fmt: skip
    policy = forms.ModelChoiceField(
        EscalationPolicy.objects.none(), required=False, empty_label="Its parent's, or the default",
        label="Escalation policy",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        covers = SurfaceSchedule.objects.filter(surface=self.instance.pk)
        uses = SurfacePolicy.objects.filter(surface=self.instance.pk)
        self._offer("schedule", Schedule, covers.values_list("schedule_id", flat=True).first())
        self._offer("policy", EscalationPolicy, uses.values_list("policy_id", flat=True).first())

    def _offer(self, name: str, model: Any, chosen: int | None) -> None:
        field: Any = self.fields[name]
        field.queryset = model.objects.filter(Q(archived_at=None) | Q(pk=chosen))
        self.initial[name] = chosen


class CoverFilter(Filter):
    title = "cover"
    parameter_name = "cover"
    choices_offered = [("none", "No schedule of its own"), ("yes", "Covered by a schedule")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        covered = Exists(SurfaceSchedule.objects.filter(surface=OuterRef("pk")))
        match self.value():
            case "none":
                return queryset.filter(~covered)
            case "yes":
                return queryset.filter(covered)
        return queryset


@register(Surface)
class SurfaceAdmin(ownership.SurfaceAdmin):
    form = SurfaceForm
    list_display = [*ownership.SurfaceAdmin.list_display, "on_call_by", "policy"]
    list_filter = [ownership.OwnersFilter, CoverFilter, *ownership.SurfaceAdmin.list_filter[1:]]
    fieldsets = [
        *ownership.SurfaceAdmin.fieldsets[:2],
        ("On call", {"fields": ["schedule", "policy"]}),
        *ownership.SurfaceAdmin.fieldsets[2:],
    ]

    def enrich(self, rows: list[Surface], now: datetime) -> None:
        super().enrich(rows, now)
        ids = [pk for row in rows for pk in (row.pk, row.parent_id) if pk]
        covers = dict(
            SurfaceSchedule.objects.filter(surface_id__in=ids, schedule__archived_at=None)
            .values_list("surface_id", "schedule__name")
        )  # fmt: skip
        uses = dict(
            SurfacePolicy.objects.filter(surface_id__in=ids, policy__archived_at=None)
            .values_list("surface_id", "policy__name")
        )  # fmt: skip
        for row in rows:
            row.cover_now = covers.get(row.pk) or covers.get(row.parent_id or 0)  # type: ignore[attr-defined] # read by the column
            row.policy_now = uses.get(row.pk) or uses.get(row.parent_id or 0)  # type: ignore[attr-defined] # read by the column

    @display(description="on call by")
    def on_call_by(self, obj: Any) -> object:
        return obj.cover_now or chip("Nobody", "danger")

    @display(description="policy")
    def policy(self, obj: Any) -> object:
        return obj.policy_now or "Default"

    def save_model(self, request: Any, obj: Surface, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "schedule" in form.changed_data:
            rotations.cover_surface(surface=obj, schedule=form.cleaned_data["schedule"])
        if "policy" in form.changed_data:
            services.use_policy(surface=obj, policy=form.cleaned_data["policy"])
