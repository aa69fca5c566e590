"""The tables by which runs are judged. A change judges the runs of the last 90 days again."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core import clock
from apps.core.admin_base import ModelAdmin, become, display, register
from apps.telemetry import services
from apps.telemetry.models import DiagnosticCode, DurationObjective, StratumWeight


@register(DiagnosticCode)
class DiagnosticCodeAdmin(ModelAdmin[DiagnosticCode]):
    intro = (
        "Whom a failed run is blamed on, by its code. The customer's failures leave the failure "
        "rate and are shown beside it; unknown ones count. A change judges the runs of the last "
        "90 days again."
    )
    empty_text = "No code yet: every failure is of unknown blame, and counts."
    deletable = False  # a code without a row is of unknown blame: say that instead
    list_display = ["code", "blame", "is_timeout", "note"]
    list_filter = ["blame", "is_timeout"]
    search_fields = ["code", "note"]
    ordering = ["code"]
    fields = ["code", "blame", "is_timeout", "note"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["code"] if obj else []

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        values = {"code": obj.code, **form.cleaned_data}
        become(obj, services.save_code(now=clock.now(), **values))


@register(DurationObjective)
class DurationObjectiveAdmin(ModelAdmin[DurationObjective]):
    intro = (
        "How long a run of a size may take and still be good. Without a row any duration is good. "
        "A change judges the runs of the last 90 days again."
    )
    empty_text = "No objective yet: a run is good however long it took."
    deletable = True
    list_display = ["size", "allowed"]
    ordering = ["seconds"]
    fields = ["size", "seconds"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["size"] if obj else []

    @display(description="at most", ordering="seconds")
    def allowed(self, obj: DurationObjective) -> str:
        minutes, seconds = divmod(obj.seconds, 60)
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        values = {"size": obj.size, **form.cleaned_data}
        become(obj, services.save_objective(now=clock.now(), **values))

    def delete_model(self, request: HttpRequest, obj: DurationObjective) -> None:
        services.drop_objective(objective=obj, now=clock.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[DurationObjective]) -> None:
        for row in queryset:
            services.drop_objective(objective=row, now=clock.now())


@register(StratumWeight)
class StratumWeightAdmin(ModelAdmin[StratumWeight]):
    intro = (
        "How much of production a semantic type is, where somebody knows better than the "
        "inventory. Accuracy over all types is weighted by it."
    )
    empty_text = "No weight is set: the share of each type in the inventories counts."
    deletable = True
    list_display = ["stratum", "weight"]
    search_fields = ["stratum"]
    ordering = ["stratum"]
    fields = ["stratum", "weight"]
