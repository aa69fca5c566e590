"""Who is on call, schedules, their shifts and cover."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import person_of
from apps.accounts.roles import Scope
from apps.core import clock
from apps.core.api.problems import renamed
from apps.core.api.views import ListView, View, idempotent
from apps.core.errors import Invalid
from apps.notifications.selectors import reach_of
from apps.rotations import coverage, selectors, services
from apps.rotations.api import answers
from apps.rotations.api.filters import ScheduleFilter
from apps.rotations.api.preview import PreviewIn, PreviewSerializer, preview
from apps.rotations.api.serializers import (
    CoverageSerializer,
    OnCallQuery,
    OnCallSerializer,
    OverrideIn,
    OverrideSerializer,
    ScheduleRowSerializer,
    ScheduleSerializer,
    ShiftsSerializer,
    WindowQuery,
)
from apps.rotations.models import Layer, Schedule

AHEAD = timedelta(days=390)  # the nightly job keeps rows for 399
LONGEST = timedelta(days=400)
READ = {"read": Scope.ROTATIONS_READ}


def schedule_by(user: Any, ref: str) -> Schedule:
    """A schedule that the asker may see, by id or key; 404."""
    rows = Schedule.objects.visible_to(user).current().select_related("team")
    return answers.by_ref(rows, ref)


def window(asked: dict[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """The window of a question: from now for two weeks unless it says otherwise."""
    start = asked.get("start") or now
    end = asked.get("end") or start + timedelta(days=14)
    if end <= start:
        raise serializers.ValidationError({"end": ["The end must come after the start."]})
    if end - start > LONGEST:
        raise serializers.ValidationError({"end": ["A window is at most 400 days long."]})
    if end > now + AHEAD:
        raise serializers.ValidationError({"end": ["Shifts are known for 390 days ahead."]})
    return start, end


class OnCallView(View):
    """Who is (was, will be) on call at an instant, by role.

    Without a filter: every schedule that the asker may see. A name that is unknown, or another
    team's, answers 404. A person whom nobody can reach is a gap in the cover, and stands in
    `gaps` when nobody else is on call.
    """

    scopes = READ
    query = OnCallQuery

    @extend_schema(operation_id="oncall", responses=OnCallSerializer)
    def get(self, request: Request) -> Response:
        asked, now = self.asked(), clock.now()
        at = asked.get("at") or now
        if at > now + AHEAD:
            raise serializers.ValidationError({"at": ["Shifts are known for 390 days ahead."]})
        schedules, bare = answers.schedules_asked(request.user, asked)
        answer = answers.on_call(schedules, bare, at=at)
        return Response(OnCallSerializer(answer).data)


class ScheduleList(ListView):
    """The schedules, by key."""

    scopes = READ
    ordering = ("key",)
    serializer_class = ScheduleRowSerializer
    filterset_class = ScheduleFilter

    def get_queryset(self) -> QuerySet[Schedule]:
        return Schedule.objects.visible_to(self.request.user).current().select_related("team")


class ScheduleDetail(View):
    """One schedule, by id or key, with what is in force now or later."""

    scopes = READ

    @extend_schema(responses=ScheduleSerializer)
    def get(self, request: Request, ref: str) -> Response:
        context = {"now": clock.now()}
        return Response(ScheduleSerializer(schedule_by(request.user, ref), context=context).data)


class ShiftsView(View):
    """The final shifts of a schedule after swaps and overrides, and where nobody is on call."""

    scopes = READ
    query = WindowQuery

    @extend_schema(responses=ShiftsSerializer)
    def get(self, request: Request, ref: str) -> Response:
        start, end = window(self.asked(), clock.now())
        schedule = schedule_by(request.user, ref)
        answer = {
            "schedule": schedule.key,
            "start": start,
            "end": end,
            "shifts": answers.shifts(schedule, start, end),
            "gaps": coverage.explained_gaps(schedule, start, end),
        }
        return Response(ShiftsSerializer(answer).data)


class CoverageView(View):
    """How well a window is covered: gaps, stretches with too few, people whom nothing wakes."""

    scopes = READ
    query = WindowQuery

    @extend_schema(responses=CoverageSerializer)
    def get(self, request: Request, ref: str) -> Response:
        start, end = window(self.asked(), clock.now())
        schedule = schedule_by(request.user, ref)
        rows = selectors.shifts_between(schedule, start, end)
        gaps = coverage.explained_gaps(schedule, start, end)
        people = {row.person_id: row.person for row in rows}
        reach = reach_of(people.values())
        whole, open_ = end - start, coverage.total(gaps)
        answer = {
            "schedule": schedule.key,
            "start": start,
            "end": end,
            "min_people": schedule.min_people,
            "total_seconds": int(whole.total_seconds()),
            "covered_seconds": int((whole - open_).total_seconds()),
            "gaps": gaps,
            "thin": coverage.thin_stretches(schedule, rows, start, end),
            "email_only": sorted(p.email for p in people.values() if reach[p.pk].route == "email"),
        }
        return Response(CoverageSerializer(answer).data)


class PreviewView(View):
    """Compute the shifts of a posted definition without saving anything.

    People are opaque text. Days are `mon` … `sun`.
    """

    scopes = {"write": Scope.ROTATIONS_READ}

    @extend_schema(
        operation_id="schedules_preview", request=PreviewIn, responses={200: PreviewSerializer}
    )
    def post(self, request: Request) -> Response:
        return Response(PreviewSerializer(preview(self.body(PreviewIn))).data)


class OverrideView(View):
    """Change who is on call for a while; the shifts follow at once."""

    scopes = {"write": Scope.ROTATIONS_WRITE}

    @extend_schema(request=OverrideIn, responses={201: OverrideSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        now = clock.now()
        schedule = schedule_by(request.user, ref)
        given = self.body(OverrideIn)
        with renamed(end_at="end", start_at="start", person="user"):
            row = services.add_override(
                schedule=schedule,
                kind=given["kind"],
                person=given["user"],
                replaces=given.get("replaces"),
                start_at=given["start"],
                end_at=given["end"],
                layer=_layer(schedule, given.get("layer")),
                reason=given.get("reason", ""),
                by=person_of(request.user),
                now=now,
            )
        return Response(OverrideSerializer(row).data, status=201)


def _layer(schedule: Schedule, name: str | None) -> Layer | None:
    if name is None:
        return None
    layer = schedule.layers.filter(name=name, archived_at=None).first()
    if layer is None:
        raise Invalid(
            f"This schedule has no layer named {name[:80]}.",
            fields={"layer": ["There is no such layer."]},
        )
    return layer
