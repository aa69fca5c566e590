"""Escalation policies with their steps on one page, and which surface uses which."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from apps.core import clock
from apps.core.admin_base import ModelAdmin, act, become, display, register
from apps.core.admin_base.forms import Form, ZoneWidget
from apps.core.admin_base.lists import Archived, chip, links
from apps.core.admin_base.rows import WindowsField
from apps.paging import services
from apps.paging.admin.steps import StepsField, rows_of, told
from apps.paging.models import EscalationPolicy, EscalationStep, SurfacePolicy


class PolicyForm(Form):
    steps = StepsField(
        required=True,
        label="Steps",
        help_text="Each step waits, then tells everyone named in it at the same time. The first "
        "wait counts from the alert.",
        error_messages={"required": "Add a step that tells somebody."},
    )
    working_hours = WindowsField(
        help_text="In the policy's zone. Steps ticked “in working hours” wait for these. An end "
        "at or before its start is on the next day."
    )

    class Meta:
        model = EscalationPolicy
        fields = ["name", "steps", "repeats", "is_default", "team", "time_zone", "working_hours"]
        widgets = {"time_zone": ZoneWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            steps = self.instance.steps.prefetch_related("targets")
            self.initial["steps"] = rows_of(steps)
        else:
            first = {"wait": "0", "t0": "surface_on_call"}
            then = {"wait": "5", "t0": "surface_primary", "t1": "surface_backup"}
            self.initial.setdefault("steps", [first, then])

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        steps = found.get("steps") or []
        waits = any(step.only_in_working_hours for step in steps)
        if waits and not found.get("working_hours") and "working_hours" not in self.errors:
            self.add_error("working_hours", "A step waits for working hours: say when they are.")
        return found

    def _get_validation_exclusions(self) -> set[str]:
        # The service moves the default from one policy to the other; checked before, it would
        # always be “another policy is the default already”.
        found: set[str] = super()._get_validation_exclusions()  # type: ignore[misc] # not in the stubs
        return found | {"is_default"}


@register(EscalationPolicy)
class EscalationPolicyAdmin(ModelAdmin[EscalationPolicy]):
    form = PolicyForm
    intro = (
        "A policy says whom to wake, in which order, how long apart, how often over. "
        "Pages that are open keep the policy that they began with."
    )
    empty_text = "No policy yet: the built-in one is made when the first page opens."
    list_display = ["name", "default", "way", "repeats", "used_by", "team"]
    list_filter = [Archived, "team"]
    list_select_related = ["team"]
    search_fields = ["name"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        first = ["name", "steps", "repeats", "is_default"]
        more = ["team", "time_zone", "working_hours"]
        found: list[Any] = [(None, {"fields": first}), ("Working hours and team", {"fields": more})]
        return [*found, ("In use", {"fields": ["surfaces"]})] if obj else found

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["surfaces"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EscalationPolicy]:
        rows: QuerySet[EscalationPolicy] = super().get_queryset(request)
        using = Count("surfaces", filter=Q(surfaces__surface__archived_at=None), distinct=True)
        steps = EscalationStep.objects.prefetch_related(
            "targets__person", "targets__team", "targets__schedule"
        )
        return rows.annotate(using=using).prefetch_related(Prefetch("steps", steps))

    @display(description="default")
    def default(self, obj: EscalationPolicy) -> object:
        return chip("Default", "success") if obj.is_default else ""

    @display(description="steps")
    def way(self, obj: EscalationPolicy) -> str:
        """ "On call, then 5 min: primary, backup": what happens, in one line."""
        steps = [
            (f"{step.delay_minutes} min: " if step.delay_minutes else "")
            + ", ".join(told(target) for target in step.targets.all())
            for step in obj.steps.all()
        ]
        return " → ".join(steps)

    @display(description="used by", ordering="using")
    def used_by(self, obj: Any) -> str:
        if obj.is_default:
            return "all others"
        return "1 surface" if obj.using == 1 else f"{obj.using} surfaces"

    @display(description="used by")
    def surfaces(self, obj: EscalationPolicy) -> object:
        rows = SurfacePolicy.objects.filter(policy=obj, surface__archived_at=None)
        found = rows.values_list("surface_id", "surface__key").order_by("surface__key")[:50]
        pairs = [(reverse("admin:ownership_surface_change", args=[pk]), key) for pk, key in found]
        everybody = "every surface that names no policy" if obj.is_default else "no surface"
        return links(pairs) if pairs else everybody

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        names = ("name", "repeats", "time_zone", "working_hours", "team", "is_default", "steps")
        values = {name: form.cleaned_data[name] for name in names}
        stored = EscalationPolicy.objects.get(pk=obj.pk) if change else None
        become(obj, services.save_policy(policy=stored, **values))

    @act(
        "Archive",
        about="Takes the policy out of use. Refused while it is the default or a surface uses it.",
        danger=True,
        offered=lambda policy: policy.archived_at is None,
    )
    def archive(self, request: HttpRequest, obj: EscalationPolicy, values: dict[str, Any]) -> str:
        services.archive_policy(policy=obj, now=clock.now())
        return f"{obj.name} is archived."

    @act("Bring back", offered=lambda policy: policy.archived_at is not None)
    def restore(self, request: HttpRequest, obj: EscalationPolicy, values: dict[str, Any]) -> str:
        services.restore_policy(policy=obj)
        return f"{obj.name} is back."


class SurfacePolicyForm(Form):
    class Meta:
        model = SurfacePolicy
        fields = ["surface", "policy"]


@register(SurfacePolicy)
class SurfacePolicyAdmin(ModelAdmin[SurfacePolicy]):
    form = SurfacePolicyForm
    intro = (
        "Which surface uses which policy. A surface that is not listed uses its parent's, "
        "or the default."
    )
    empty_text = "Every surface uses the default policy."
    deletable = True
    list_display = ["surface", "policy"]
    list_filter = ["policy"]
    list_select_related = ["surface", "policy"]
    search_fields = ["surface__key", "policy__name"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["surface"] if obj else []

    def save_model(self, request: HttpRequest, obj: SurfacePolicy, form: Any, change: bool) -> None:
        services.use_policy(surface=obj.surface, policy=obj.policy)
        become(obj, SurfacePolicy.objects.get(surface=obj.surface))

    def delete_model(self, request: HttpRequest, obj: SurfacePolicy) -> None:
        services.use_policy(surface=obj.surface, policy=None)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SurfacePolicy]) -> None:
        for row in queryset.select_related("surface"):
            services.use_policy(surface=row.surface, policy=None)
