"""Who is, was and will be on call: reads over the shift rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from apps.accounts.models import Person
from apps.ownership.models import Surface
from apps.rotations.models import Role, Schedule, Shift, SurfaceSchedule


@dataclass(frozen=True)
class OnCall:
    """One person on call in a schedule, until when, and who comes after."""

    schedule: Schedule
    shift: Shift
    next: Shift | None

    @property
    def person(self) -> Person:
        return self.shift.person


def on_call(schedule: Schedule, *, at: datetime, role: str = Role.PRIMARY) -> list[Person]:
    """The active people in a role at an instant, each once, in seat order. One query."""
    shifts = (
        Shift.objects.filter(schedule=schedule, role=role)
        .at(at)
        .select_related("person")
        .order_by("seat", "pk")
    )
    found: dict[int, Person] = {}
    for shift in shifts:
        if shift.person.is_active:
            found.setdefault(shift.person_id, shift.person)
    return list(found.values())


def schedule_of(surface: Surface | None) -> Schedule | None:
    """The schedule that covers a surface, its parent's where it has none of its own."""
    if surface is None:
        return None
    keys = [surface.pk, surface.parent_id] if surface.parent_id else [surface.pk]
    rows = {
        row.surface_id: row.schedule
        for row in SurfaceSchedule.objects.filter(
            surface_id__in=keys, schedule__archived_at=None
        ).select_related("schedule")
    }
    return rows.get(surface.pk) or rows.get(surface.parent_id or 0)


def overview(schedules: Iterable[Schedule], *, at: datetime) -> list[OnCall]:
    """Who is on call in each schedule and who follows: two queries whatever the number."""
    by_id = {schedule.pk: schedule for schedule in schedules}
    running = list(
        Shift.objects.filter(schedule_id__in=by_id)
        .at(at)
        .select_related("person")
        .order_by("schedule_id", "role", "seat", "pk")
    )
    later = (
        Shift.objects.filter(schedule_id__in=by_id, start_at__gt=at)
        .order_by("schedule_id", "role", "start_at", "pk")
        .distinct("schedule_id", "role")
        .select_related("person")
    )
    following = {(shift.schedule_id, shift.role): shift for shift in later}
    return [
        OnCall(by_id[s.schedule_id], s, following.get((s.schedule_id, s.role))) for s in running
    ]


def shifts_between(schedule: Schedule, start: datetime, end: datetime) -> list[Shift]:
    """The rows of a window, past and planned."""
    return list(
        Shift.objects.filter(schedule=schedule)
        .overlapping(start, end)
        .select_related("person", "planned_person", "layer")
        .order_by("start_at", "role", "seat", "pk")
    )


@dataclass(frozen=True)
class Gap:
    """A stretch of a schedule in which fewer people than wanted are on call."""

    schedule: Schedule
    start: datetime
    end: datetime


def gaps(schedule: Schedule, start: datetime, end: datetime) -> list[Gap]:
    """Stretches without anybody but shadows, by union of the rows."""
    return _uncovered(schedule, shifts_between(schedule, start, end), start, end)


def gaps_of(schedules: Iterable[Schedule], start: datetime, end: datetime) -> dict[int, list[Gap]]:
    """The same for many schedules, by their ids: one query whatever the number."""
    by_id = {schedule.pk: schedule for schedule in schedules}
    rows: dict[int, list[Shift]] = {pk: [] for pk in by_id}
    shifts = Shift.objects.filter(schedule_id__in=by_id).overlapping(start, end)
    for shift in shifts.order_by("start_at"):
        rows[shift.schedule_id].append(shift)
    return {pk: _uncovered(by_id[pk], found, start, end) for pk, found in rows.items()}


def _uncovered(
    schedule: Schedule, shifts: Iterable[Shift], start: datetime, end: datetime
) -> list[Gap]:
    found: list[Gap] = []
    covered_to = start
    for shift in shifts:
        if shift.role == Role.SHADOW:
            continue
        if shift.start_at > covered_to:
            found.append(Gap(schedule, covered_to, min(shift.start_at, end)))
        covered_to = max(covered_to, shift.end_at)
    if covered_to < end:
        found.append(Gap(schedule, covered_to, end))
    return found
