"""The lists around schedules: overrides, which surface is covered, shifts, gaps that hurt."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from apps.core import clock
from apps.core.admin_base import (
    ModelAdmin,
    ReadOnly,
    act,
    action,
    become,
    display,
    register,
    say_domain_errors,
    when,
)
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import Filter, chip, edit_link
from apps.rotations import services
from apps.rotations.models import CoverageGap, Override, Shift, SurfaceSchedule


class OverrideState(Filter):
    title = "state"
    parameter_name = "state"
    choices_offered = [("ahead", "Now or ahead"), ("past", "Over"), ("cancelled", "Cancelled")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = clock.now()
        match self.value():
            case "ahead":
                return queryset.filter(cancelled_at=None, end_at__gt=now)
            case "past":
                return queryset.filter(cancelled_at=None, end_at__lte=now)
            case "cancelled":
                return queryset.exclude(cancelled_at=None)
        return queryset


class OverrideForm(Form):
    class Meta:
        model = Override
        fields = [
            "schedule", "kind", "person", "replaces", "start_at", "end_at", "layer", "reason",
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        layer, schedule = found.get("layer"), found.get("schedule")
        if layer and schedule and layer.schedule_id != schedule.pk:
            self.add_error("layer", "This rotation belongs to another schedule.")
        if found.get("kind") == Override.Kind.REPLACE and not found.get("replaces"):
            self.add_error("replaces", "Say whose turn is taken over.")
        if not found.get("person") and "person" not in self.errors:
            self.add_error("person", "Say who.")
        start, end = found.get("start_at"), found.get("end_at")
        if start and end and end <= start:
            self.add_error("end_at", "The end must come after the start.")
        return found

    def _get_validation_exclusions(self) -> set[str]:
        # `clean` says what the table's own checks would say, at the field that is wrong.
        found: set[str] = super()._get_validation_exclusions()  # type: ignore[misc] # not in the stubs
        return found | {"kind", "person", "end_at"}


@register(Override)
class OverrideAdmin(ModelAdmin[Override]):
    form = OverrideForm
    intro = "Dated exceptions: somebody takes over, is on as well, or is off. Times are yours."
    empty_text = "No exception yet. They are added here or on the schedule's own page."
    list_display = [
        "schedule", "kind", "person", "replaces", when("start_at", "from"),
        when("end_at", "until"), "state",
    ]  # fmt: skip
    list_filter = [OverrideState, "schedule", "kind"]
    list_select_related = ["schedule", "person", "replaces"]
    search_fields = ["schedule__name", "person__name", "replaces__name", "reason"]
    actions = ["cancel_chosen"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An exception is cancelled and made anew, never edited: it is part of the record."""
        return obj is None and super().has_change_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return OverrideForm.Meta.fields
        return [
            "schedule", "kind", "person", "replaces", when("start_at", "from"),
            when("end_at", "until"), "layer", "reason", "state",
        ]  # fmt: skip

    @display(description="state")
    def state(self, obj: Override) -> object:
        now = clock.now()
        if obj.cancelled_at:
            return chip("Cancelled")
        if obj.end_at <= now:
            return chip("Over")
        return chip("Now", "success") if obj.start_at <= now else chip("Ahead", "info")

    def save_model(self, request: Any, obj: Override, form: Any, change: bool) -> None:
        names = ("schedule", "kind", "person", "replaces", "start_at", "end_at", "layer", "reason")
        values = {name: form.cleaned_data[name] for name in names}
        become(obj, services.add_override(**values, by=request.user, now=clock.now()))

    @action(description="Cancel")
    def cancel_chosen(self, request: Any, queryset: QuerySet[Override]) -> None:
        now, done = clock.now(), 0
        for row in queryset.select_related("schedule"):
            with say_domain_errors(request, row):
                services.cancel_override(override=row, by=request.user, now=now)
                done += 1
        self.message_user(request, f"{done} cancelled.")

    @act(
        "Cancel",
        about="Takes the exception back from now on. What was served under it stays.",
        danger=True,
        offered=lambda row: row.cancelled_at is None and row.end_at > clock.now(),
    )
    def cancel(self, request: Any, obj: Override, values: dict[str, Any]) -> str:
        services.cancel_override(override=obj, by=request.user, now=clock.now())
        return "The exception is cancelled."


class CoverForm(Form):
    class Meta:
        model = SurfaceSchedule
        fields = ["surface", "schedule"]


@register(SurfaceSchedule)
class SurfaceScheduleAdmin(ModelAdmin[SurfaceSchedule]):
    form = CoverForm
    intro = "Which schedule covers which surface. One that is not listed uses its parent's."
    empty_text = "No surface is covered: pages go to the owners."
    deletable = True
    list_display = ["surface", "schedule"]
    list_filter = ["schedule"]
    list_select_related = ["surface", "schedule"]
    search_fields = ["surface__key", "schedule__name"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["surface"] if obj else []

    def save_model(
        self, request: HttpRequest, obj: SurfaceSchedule, form: Any, change: bool
    ) -> None:
        services.cover_surface(surface=obj.surface, schedule=obj.schedule)
        become(obj, SurfaceSchedule.objects.get(surface=obj.surface))

    def delete_model(self, request: HttpRequest, obj: SurfaceSchedule) -> None:
        services.cover_surface(surface=obj.surface, schedule=None)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SurfaceSchedule]) -> None:
        for row in queryset.select_related("surface"):
            services.cover_surface(surface=row.surface, schedule=None)


class ShiftTime(Filter):
    title = "time"
    parameter_name = "time"
    choices_offered = [("now", "Now"), ("ahead", "Ahead"), ("past", "Past")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = clock.now()
        match self.value():
            case "now":
                return queryset.filter(Q(start_at__lte=now) & Q(end_at__gt=now))
            case "ahead":
                return queryset.filter(start_at__gt=now)
            case "past":
                return queryset.filter(end_at__lte=now)
        return queryset


@register(Shift)
class ShiftAdmin(ReadOnly[Shift]):
    intro = "Who was, is and will be on call: the plan ahead, and behind us the record."
    empty_text = "No shift yet. A schedule makes them."
    list_display = [
        when("start_at", "from"), when("end_at", "until"), "person", "schedule", "role", "cause",
        "planned_person",
    ]  # fmt: skip
    list_display_links = ["person"]
    list_filter = [ShiftTime, "schedule", "role", "cause"]
    list_select_related = ["person", "schedule", "planned_person"]
    search_fields = ["person__name", "schedule__name"]
    ordering = ["start_at", "pk"]
    fields = [
        "of_schedule", "person", "role", "layer", "cause", "planned_person",
        when("start_at", "from"), when("end_at", "until"),
    ]  # fmt: skip

    @display(description="schedule")
    def of_schedule(self, obj: Shift) -> object:
        return edit_link(obj.schedule)


@register(CoverageGap)
class CoverageGapAdmin(ReadOnly[CoverageGap]):
    intro = "Somebody was needed and nobody was on call: these happened."
    empty_text = "It has never happened that somebody was needed and nobody was there."
    list_display = [when("at", "when"), "what", "schedule", "surface"]
    list_display_links = ["what"]
    list_filter = ["schedule"]
    list_select_related = ["schedule", "surface"]
    search_fields = ["what", "surface__key", "schedule__name"]
    ordering = ["-at"]
    fields = [when("at", "when"), "what", "schedule", "surface", "source_kind", "source_ref"]
