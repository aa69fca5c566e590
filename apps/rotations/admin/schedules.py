"""Schedules: the list says who is on call, the page edits all of one and shows what comes of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.core import clock
from apps.core.admin_base import ModelAdmin, act, display, register
from apps.core.admin_base.lists import Archived, chip
from apps.core.admin_base.pages import REFUSALS
from apps.rotations import selectors, services
from apps.rotations.admin.coming import Coming, coming, keys, shifts_ahead
from apps.rotations.admin.schedule_page import SchedulePage
from apps.rotations.models import Role, Schedule, SurfaceSchedule
from apps.rotations.services import Edited

GAPS_AHEAD = timedelta(days=30)


@register(Schedule)
class ScheduleAdmin(ModelAdmin[Schedule]):
    intro = "Who is on call for what. One page each for the rotation, its people and exceptions."
    empty_text = "No schedule yet. Without one, pages go to the owners of a surface."
    list_display = ["name", "on_call", "next_up", "gaps", "covers_count", "team", "time_zone"]
    list_filter = [Archived, "team"]
    list_select_related = ["team"]
    search_fields = ["name", "key", "team__name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        rows = Schedule.objects.visible_to(request.user)
        covered = Count("covers", filter=Q(covers__surface__archived_at=None))
        return rows.annotate(covering=covered)

    def portal_path(self, obj: Schedule) -> str:
        return f"/oncall/{obj.key}/"

    # -- the list

    def enrich(self, rows: list[Schedule], now: datetime) -> None:
        duties = selectors.overview(rows, at=now)
        gaps = selectors.gaps_of(rows, now, now + GAPS_AHEAD)
        for row in rows:
            mine = [one for one in duties if one.schedule.pk == row.pk]
            row.duties_now = [one for one in mine if one.shift.role != Role.SHADOW]  # type: ignore[attr-defined] # read by the columns
            row.gaps_ahead = len(gaps[row.pk])  # type: ignore[attr-defined] # read by the column

    @display(description="on call now")
    def on_call(self, obj: Any) -> object:
        duties = sorted(obj.duties_now, key=lambda one: one.shift.role != Role.PRIMARY)
        names = dict.fromkeys(
            one.person.name if one.shift.role == Role.PRIMARY
            else f"{one.person.name} ({one.shift.get_role_display().lower()})"
            for one in duties
        )  # fmt: skip
        return ", ".join(names) or chip("Nobody", "danger")

    @display(description="next")
    def next_up(self, obj: Any) -> str:
        following = [one.next for one in obj.duties_now if one.next]
        return following[0].person.name if following else ""

    @display(description="gaps in 30 days")
    def gaps(self, obj: Any) -> object:
        return chip(f"{obj.gaps_ahead}", "warning") if obj.gaps_ahead else "none"

    @display(description="covers", ordering="covering")
    def covers_count(self, obj: Any) -> str:
        return "1 surface" if obj.covering == 1 else f"{obj.covering} surfaces"

    # -- the page

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        schedule = self.get_object(request, unquote(object_id)) if object_id else None
        if object_id and schedule is None:
            raise Http404
        now = clock.now()
        data = request.POST if request.method == "POST" else None
        page = SchedulePage(schedule, data, now, getattr(request.user, "time_zone", "UTC"))
        shown: Coming | None = None
        said: Edited | None = None
        if data is not None and page.is_valid():
            if "_preview" in data:
                said, shown = self._preview(request, page)
            else:
                said = self._save(request, page)
                if said is not None:
                    messages.success(request, f"{said.schedule.name} is saved. {said}")
                    return HttpResponseRedirect(self.change_url(said.schedule))
        if schedule is not None and shown is None:
            shown = coming(schedule, now)
        return TemplateResponse(
            request,
            "admin/ops/schedule.html",
            self._context(request, object_id, schedule, page, shown, said),
        )

    def _save(self, request: Any, page: SchedulePage) -> Edited | None:
        """The one call; a refusal is said at its field and nothing is kept."""
        try:
            return services.edit_schedule(
                schedule=page.schedule, edit=page.edit(), by=request.user, now=page.now,
                reason=page.form.cleaned_data.get("reason", ""),
            )  # fmt: skip
        except REFUSALS as error:
            page.refuse(error)
            return None

    def _preview(
        self, request: HttpRequest, page: SchedulePage
    ) -> tuple[Edited | None, Coming | None]:
        """The save, looked at and taken back."""
        before = keys(shifts_ahead(page.schedule, page.now), page.now) if page.schedule else set()
        with transaction.atomic():
            said = self._save(request, page)
            shown = coming(said.schedule, page.now, before) if said else None
            transaction.set_rollback(True)
        return said, shown

    def _context(
        self,
        request: HttpRequest,
        object_id: str | None,
        schedule: Schedule | None,
        page: SchedulePage,
        shown: Coming | None,
        said: Edited | None,
    ) -> dict[str, Any]:
        fresh = Schedule.objects.get(pk=schedule.pk) if schedule else None  # as stored
        covers = SurfaceSchedule.objects.filter(schedule=fresh, surface__archived_at=None)
        return {
            **self.admin_site.each_context(request),
            "title": str(fresh) if fresh else "Add schedule",
            "opts": self.opts,
            "original": fresh,
            "page": page,
            "coming": shown,
            "said": said,
            "covers": list(covers.select_related("surface").order_by("surface__key")),
            "absolute_url": self.get_view_on_site_url(fresh),
            "object_actions": self.offered_actions(request, object_id),
        }

    # -- buttons

    @act(
        "Archive",
        about="Nobody is on call by this schedule any more; its past stays. Refused while it "
        "covers a surface.",
        danger=True,
        offered=lambda schedule: schedule.archived_at is None,
    )
    def archive(self, request: HttpRequest, obj: Schedule, values: dict[str, Any]) -> str:
        services.archive_schedule(schedule=obj, now=clock.now())
        return f"{obj.name} is archived."

    @act("Bring back", offered=lambda schedule: schedule.archived_at is not None)
    def restore(self, request: HttpRequest, obj: Schedule, values: dict[str, Any]) -> str:
        services.restore_schedule(schedule=obj, now=clock.now())
        return f"{obj.name} is back. Its shifts are computed anew from now on."
