"""Schedules, their dated layer versions, and overrides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from apps.accounts.models import Person, Team, check_zone
from apps.core.errors import Conflict, Invalid
from apps.ownership.models import Surface
from apps.rotations.definitions import definition_of
from apps.rotations.models import (
    Layer,
    LayerMember,
    LayerVersion,
    Override,
    Schedule,
    SurfaceSchedule,
)
from apps.rotations.services.shifts import materialise
from apps.rotations.timeline import TimelineError


@dataclass(frozen=True)
class LayerPlan:
    """What a layer should be from now on. `people`: who takes turns, None is a buffer."""

    name: str
    people: tuple[Person | None, ...]
    anchor_date: date
    anchor_time: time = time(9)
    unit: str = "week"
    every: int = 1
    role: str = "primary"
    priority: int = 0
    time_zone: str = ""
    advance: str = "elapsed"
    windows: tuple[dict[str, Any], ...] = field(default=())


@transaction.atomic
def create_schedule(
    *,
    key: str,
    name: str,
    time_zone: str,
    team: Team | None = None,
    layer_mode: str = "priority",
    min_people: int = 1,
) -> Schedule:
    check_zone(time_zone)
    schedule = Schedule(
        key=key,
        name=name,
        time_zone=time_zone,
        team=team,
        layer_mode=layer_mode,
        min_people=min_people,
    )
    schedule.full_clean()
    schedule.save()
    return schedule


@transaction.atomic
def plan_layer(
    *,
    schedule: Schedule,
    plan: LayerPlan,
    by: Person | None,
    now: datetime,
    layer: Layer | None = None,
    effective_from: datetime | None = None,
    reason: str = "",
) -> Layer:
    """Add a layer, or change one from a date on (default: now).

    A version that has begun is closed there and a new one begins; one that has not begun is
    replaced. Shifts are rebuilt in the same transaction. Raises Invalid with the field that is
    wrong.
    """
    begins = max(effective_from or now, now) if layer else (effective_from or now)
    _check_people(plan)
    layer = _save_layer(schedule, layer, plan)
    current = layer.versions.overlapping(begins, begins + timedelta(microseconds=1)).first()
    if current and _same(current, plan):
        materialise(schedule=schedule, now=now)  # name, role or priority may have changed
        return layer
    layer.versions.filter(effective_from__gte=begins).delete()
    layer.versions.overlapping(begins, begins + timedelta(microseconds=1)).update(
        effective_to=begins
    )
    version = LayerVersion(
        layer=layer,
        effective_from=begins,
        time_zone=plan.time_zone or schedule.time_zone,
        unit=plan.unit,
        every=plan.every,
        anchor_date=plan.anchor_date,
        anchor_time=plan.anchor_time,
        advance=plan.advance,
        windows=list(plan.windows),
        created_by=by,
        reason=reason,
    )
    version.full_clean(validate_constraints=False)
    version.save()
    LayerMember.objects.bulk_create(
        LayerMember(version=version, position=index, person=person)
        for index, person in enumerate(plan.people)
    )
    _check_definition(schedule, now)
    materialise(schedule=schedule, now=now)
    return layer


def _save_layer(schedule: Schedule, layer: Layer | None, plan: LayerPlan) -> Layer:
    layer = layer or Layer(schedule=schedule)
    layer.name, layer.priority, layer.role = plan.name.strip(), plan.priority, plan.role
    layer.full_clean()
    layer.save()
    return layer


def _check_people(plan: LayerPlan) -> None:
    gone = [person.name for person in plan.people if person and not person.is_active]
    if gone:
        raise Invalid(
            f"{gone[0]} was deactivated and cannot be on call. Take them out of the turn.",
            fields={"people": [f"{gone[0]} was deactivated."]},
        )


def _hours(windows: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, str, str]]:
    """Weekly windows whatever their order and grouping."""
    return frozenset((day, row["start"], row["end"]) for row in windows for day in row["days"])


def _same(version: LayerVersion, plan: LayerPlan) -> bool:
    members = [m.person_id for m in version.members.order_by("position")]
    mine = (
        version.time_zone,
        version.unit,
        version.every,
        version.anchor_date,
        version.anchor_time,
        version.advance,
        _hours(version.windows),
        members,
    )
    theirs = (
        plan.time_zone or version.layer.schedule.time_zone,
        plan.unit,
        plan.every,
        plan.anchor_date,
        plan.anchor_time,
        plan.advance,
        _hours(plan.windows),
        [p.pk if p else None for p in plan.people],
    )
    return mine == theirs and version.effective_to is None


def _check_definition(schedule: Schedule, now: datetime) -> None:
    """The calculator's own words for what it cannot compute."""
    try:
        definition_of(schedule, now, now + timedelta(days=399))
    except TimelineError as error:
        raise Invalid(str(error), code="timeline") from error


@transaction.atomic
def archive_layer(*, layer: Layer, by: Person | None, now: datetime) -> Layer:
    """End a layer; its past stays."""
    layer.versions.filter(effective_from__gte=now).delete()
    layer.versions.overlapping(now, now + timedelta(microseconds=1)).update(effective_to=now)
    layer.archived_at = now
    layer.save(update_fields=["archived_at"])
    materialise(schedule=layer.schedule, now=now)
    return layer


def weekly_anchor(*, weekday: int, at: time, time_zone: str, now: datetime) -> date:
    """The last day on which a weekly handoff would have happened, so that the first person serves
    now. `weekday` counts from Monday = 0."""
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    anchor = today - timedelta(days=(today.weekday() - weekday) % 7)
    return anchor - timedelta(days=7) if datetime.combine(anchor, at, zone) > now else anchor


@transaction.atomic
def weekly_preset(
    *,
    key: str,
    name: str,
    people: Sequence[Person],
    time_zone: str,
    team: Team | None = None,
    surfaces: Sequence[Surface] = (),
    weekday: int = 0,
    at: time = time(9),
    by: Person | None,
    now: datetime,
) -> Schedule:
    """ "Weekly, Monday 09:00, these people": a schedule in one step, in force at once.

    The first person is on call now and until the next handoff but one's turn; the second takes
    over at the next handoff.
    """
    if not people:
        raise Invalid("Choose at least one person.", fields={"people": ["Choose somebody."]})
    schedule = create_schedule(key=key, name=name, time_zone=time_zone, team=team)
    anchor = weekly_anchor(weekday=weekday, at=at, time_zone=time_zone, now=now)
    plan = LayerPlan(name="Weekly", people=tuple(people), anchor_date=anchor, anchor_time=at)
    plan_layer(schedule=schedule, plan=plan, by=by, now=now)
    for surface in surfaces:
        cover_surface(surface=surface, schedule=schedule)
    return schedule


def cover_surface(*, surface: Surface, schedule: Schedule | None) -> None:
    """Say which schedule covers a surface; None takes the cover away."""
    if schedule is None:
        SurfaceSchedule.objects.filter(surface=surface).delete()
        return
    SurfaceSchedule.objects.update_or_create(surface=surface, defaults={"schedule": schedule})


@transaction.atomic
def add_override(
    *,
    schedule: Schedule,
    kind: str,
    person: Person,
    start_at: datetime,
    end_at: datetime,
    replaces: Person | None = None,
    layer: Layer | None = None,
    reason: str = "",
    by: Person | None,
    now: datetime,
) -> Override:
    """A dated exception; its shifts change at once. The past cannot be overridden."""
    if end_at <= now:
        raise Invalid(
            "That time is over; the past is history.",
            fields={"end_at": ["Choose an end in the future."]},
        )
    if not person.is_active:
        raise Invalid(f"{person.name} was deactivated and cannot be on call.")
    row = Override(
        schedule=schedule,
        kind=kind,
        person=person,
        replaces=replaces,
        layer=layer,
        start_at=start_at,
        end_at=end_at,
        reason=reason,
        created_by=by,
    )
    row.full_clean()
    row.save()
    _check_definition(schedule, now)
    materialise(schedule=schedule, now=now)
    return row


@transaction.atomic
def cancel_override(*, override: Override, by: Person | None, now: datetime) -> Override:
    """Take an override back from now on; what was served under it stays."""
    if override.cancelled_at is not None:
        return override
    if override.end_at <= now:
        raise Conflict("This override is over; it is part of the history.")
    if override.start_at < now:
        override.end_at = now
    else:
        override.cancelled_at, override.cancelled_by = now, by
    override.save(update_fields=["end_at", "cancelled_at", "cancelled_by"])
    materialise(schedule=override.schedule, now=now)
    return override
