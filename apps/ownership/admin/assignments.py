"""Who answered for what, when: the record. Changes are made on the surface's own page."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.core import audit, clock
from apps.core.admin_base import ReadOnly, act, display, register, when
from apps.core.admin_base.lists import Filter, edit_link
from apps.ownership import services
from apps.ownership.models import OwnershipAssignment


class PeriodFilter(Filter):
    title = "period"
    parameter_name = "period"
    choices_offered = [("now", "In force now"), ("planned", "Planned"), ("past", "Past")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = clock.now()
        begun = Q(active_from__lte=now)
        match self.value():
            case "now":
                return queryset.filter(begun, Q(active_to=None) | Q(active_to__gt=now))
            case "planned":
                return queryset.filter(active_from__gt=now)
            case "past":
                return queryset.filter(active_to__lte=now)
        return queryset


@register(OwnershipAssignment)
class OwnershipAssignmentAdmin(ReadOnly[OwnershipAssignment]):
    intro = "Who answered for what, from when to when. Change it on the surface's own page."
    empty_text = "Nobody has been made an owner yet."
    list_display = [
        "surface", "role", "holder", when("active_from", "from"),
        when("active_to", "until", "further notice"), "reason",
    ]  # fmt: skip
    list_filter = [PeriodFilter, "role"]
    list_select_related = ["surface", "person", "position"]
    search_fields = ["surface__key", "person__name", "position__name"]
    date_hierarchy = "active_from"
    ordering = ["-active_from", "pk"]
    fields = [
        "on_surface", "role", "holder", when("active_from", "from"),
        when("active_to", "until", "further notice"), "reason",
    ]  # fmt: skip

    @display(description="surface")
    def on_surface(self, obj: OwnershipAssignment) -> object:
        return edit_link(obj.surface)

    @display(description="who")
    def holder(self, obj: OwnershipAssignment) -> str:
        return str(obj.person or obj.position)

    @act(
        "Take back",
        about="Undoes this planned change. Who is there before it simply stays.",
        danger=True,
        offered=lambda row: row.active_from > clock.now(),
    )
    def take_back(
        self, request: Any, obj: OwnershipAssignment, values: dict[str, Any]
    ) -> HttpResponse:
        surface = obj.surface
        services.take_back(assignment=obj, actor=audit.person(request.user), now=clock.now())
        self.message_user(request, f"The planned change of {surface.key} is taken back.")
        return redirect("admin:ownership_surface_change", surface.pk)
