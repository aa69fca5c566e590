"""How the answers about who is on call are put together, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404

from apps.accounts.api.fields import bound_team
from apps.accounts.models import Person, Team
from apps.core.api.views import find
from apps.notifications.selectors import Reach, reach_of
from apps.ownership.models import Surface
from apps.rotations import coverage, selectors
from apps.rotations.models import Role, Schedule, Shift
from apps.rotations.selectors import OnCall

_MOMENT = timedelta(microseconds=1)
_ORDER = [Role.PRIMARY, Role.SECONDARY, Role.SHADOW]


def schedules_asked(user: Any, asked: dict[str, Any]) -> tuple[list[Schedule], list[Surface]]:
    """The schedules that a question is about, and surfaces that have none; 404 for other names.

    Whoever may see a surface may know who is on call for it, also when the schedule that covers
    it belongs to nobody or to another team.
    """
    rows = _covering(Schedule.objects.visible_to(user), bound_team(user))
    if ref := asked.get("team"):
        rows = _covering(rows.filter(team=(team := _team(user, ref))), team)
    if ref := asked.get("schedule"):
        rows = rows.filter(pk=by_ref(rows, ref).pk)
    if not (key := asked.get("surface")):
        return list(rows), []
    surface = find(Surface.objects.visible_to(user).current(), key, by="key")
    schedule = selectors.schedule_of(surface)
    if schedule is None:
        return [], [surface]
    narrowed = "team" in asked or "schedule" in asked
    return ([schedule] if not narrowed or schedule in rows else []), []


def _covering(rows: QuerySet[Schedule], team: Team | None) -> QuerySet[Schedule]:
    """These schedules, and those that cover a surface of the team."""
    wanted = Q(pk__in=rows.values("pk"))
    if team is not None:
        wanted |= Q(covers__surface__team=team)
    return Schedule.objects.current().filter(wanted).distinct().order_by("key")


def _team(user: Any, key: str) -> Team:
    teams = Team.objects.filter(archived_at=None)
    bound = bound_team(user)
    return find(teams if bound is None else teams.filter(pk=bound.pk), key, by="key")


def by_ref(rows: QuerySet[Schedule], ref: str) -> Schedule:
    """A schedule by id or key; 404."""
    try:
        return find(rows, ref)
    except Http404:
        return find(rows, ref, by="key")


def on_call(
    schedules: Sequence[Schedule], bare: Sequence[Surface], *, at: datetime
) -> dict[str, Any]:
    """The body of `GET /api/v1/oncall`."""
    duties = selectors.overview(schedules, at=at)
    present = [duty for duty in duties if duty.person.is_active]
    reach = reach_of([duty.person for duty in present])
    present.sort(key=lambda d: (d.schedule.key, _ORDER.index(Role(d.shift.role)), d.shift.seat))
    served = {duty.schedule.pk for duty in present if duty.shift.role != Role.SHADOW}
    empty = [schedule for schedule in schedules if schedule.pk not in served]
    absent = {duty.schedule.pk for duty in duties if not duty.person.is_active}
    gaps = [_gap(schedule, schedule.pk in absent, at) for schedule in empty]
    return {
        "at": at,
        "results": [_row(duty, reach[duty.person.pk]) for duty in present],
        "gaps": gaps + [_bare(surface) for surface in bare],
    }


def _row(duty: OnCall, reach: Reach) -> dict[str, Any]:
    return {
        "schedule": duty.schedule.key,
        "schedule_id": str(duty.schedule.pk),
        "schedule_name": duty.schedule.name,
        "role": duty.shift.role,
        **_person(duty.person),
        "since": duty.shift.start_at,
        "until": duty.shift.end_at,
        "cause": duty.shift.cause,
        "reachable": reach.verified,
        "route": reach.route,
        "next": {**_person(duty.next.person), "start": duty.next.start_at} if duty.next else None,
    }


def _person(person: Person) -> dict[str, str]:
    return {"user": person.email, "user_id": str(person.pk), "user_name": person.name}


def _gap(schedule: Schedule, absent: bool, at: datetime) -> dict[str, Any]:
    following = (
        Shift.objects.filter(schedule=schedule, start_at__gt=at, person__is_active=True)
        .exclude(role=Role.SHADOW)
        .order_by("start_at")
        .first()
    )
    causes = coverage.explained_gaps(schedule, at, at + _MOMENT)
    cause = "deactivated" if absent or not causes else causes[0].cause
    until = following.start_at if following else None
    return {
        "schedule": schedule.key,
        "schedule_id": str(schedule.pk),
        "surface": None,
        "until": until,
        "cause": cause,
    }


def _bare(surface: Surface) -> dict[str, Any]:
    return {
        "schedule": None,
        "schedule_id": None,
        "surface": surface.key,
        "until": None,
        "cause": "no_schedule",
    }


def shifts(schedule: Schedule, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """The rows of a window, clipped to it."""
    return [
        {
            **_person(row.person),
            "role": row.role,
            "layer": row.layer.name if row.layer else None,
            "start": max(row.start_at, start),
            "end": min(row.end_at, end),
            "cause": row.cause,
            "planned_user": row.planned_person.email if row.planned_person else None,
        }
        for row in selectors.shifts_between(schedule, start, end)
    ]
