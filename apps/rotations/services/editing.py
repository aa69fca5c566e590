"""A schedule edited as one thing: its own fields, layers and overrides in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import Person, Team
from apps.core.errors import Conflict, DomainError, Invalid
from apps.rotations.models import Layer, Override, Schedule, Shift, SurfaceSchedule
from apps.rotations.services.schedules import (
    LayerPlan,
    add_override,
    archive_layer,
    cancel_override,
    create_schedule,
    plan_layer,
)
from apps.rotations.services.shifts import materialise


@dataclass(frozen=True)
class LayerEdit:
    """A layer as it should be; `layer=None` adds one. `ref` names it in refusals."""

    ref: str
    plan: LayerPlan
    layer: Layer | None = None
    effective_from: datetime | None = None


@dataclass(frozen=True)
class OverrideEdit:
    """A new override; fields as `add_override` takes them. `ref` names it in refusals."""

    ref: str
    kind: str
    person: Person
    start_at: datetime
    end_at: datetime
    replaces: Person | None = None
    layer: Layer | None = None
    reason: str = ""


@dataclass(frozen=True)
class ScheduleEdit:
    """Everything that one save of a schedule changes; what is left out stays as it is."""

    name: str
    time_zone: str
    key: str = ""
    team: Team | None = None
    layer_mode: str = "priority"
    min_people: int = 1
    layers: tuple[LayerEdit, ...] = ()
    ended: tuple[Layer, ...] = ()
    overrides: tuple[OverrideEdit, ...] = ()
    cancelled: tuple[Override, ...] = ()


@dataclass(frozen=True)
class Edited:
    """What a save did: how many future shifts are other ones now, and for how many people."""

    schedule: Schedule
    changed: int
    people: int

    def __str__(self) -> str:
        if not self.changed:
            return "No future shift changed."
        shifts = "1 future shift" if self.changed == 1 else f"{self.changed} future shifts"
        people = "1 person" if self.people == 1 else f"{self.people} people"
        return f"{shifts} changed for {people}."


@transaction.atomic
def edit_schedule(
    *,
    schedule: Schedule | None,
    edit: ScheduleEdit,
    by: Person | None,
    now: datetime,
    reason: str = "",
) -> Edited:
    """Create a schedule, or change one, with its layers and overrides; all of it or nothing.

    What a layer or an override is refused for is named `<ref>-<field>` in the error's fields.
    The past is never rewritten.
    """
    # What lies past the rows that there were is new to everybody and nobody's change.
    until = schedule.materialised_to if schedule else None
    before = _coming(schedule, now, until) if schedule else frozenset()
    schedule = _save(schedule, edit)
    for layer in edit.ended:
        archive_layer(layer=layer, by=by, now=now)
    for one in edit.layers:
        with _named(one.ref):
            plan_layer(
                schedule=schedule, plan=one.plan, by=by, now=now, layer=one.layer,
                effective_from=one.effective_from, reason=reason,
            )  # fmt: skip
    for override in edit.cancelled:
        cancel_override(override=override, by=by, now=now)
    for new in edit.overrides:
        with _named(new.ref):
            add_override(
                schedule=schedule, kind=new.kind, person=new.person, start_at=new.start_at,
                end_at=new.end_at, replaces=new.replaces, layer=new.layer, reason=new.reason,
                by=by, now=now,
            )  # fmt: skip
    # The mode, a layer's priority and its role carry no date of their own: they hold from now on.
    materialise(schedule=schedule, now=now)
    after = _coming(schedule, now, until)
    return Edited(
        schedule=schedule,
        changed=max(len(after - before), len(before - after)),
        people=len({person for _, person, _, _ in after ^ before}),
    )


def _save(schedule: Schedule | None, edit: ScheduleEdit) -> Schedule:
    if schedule is None:
        return create_schedule(
            key=edit.key, name=edit.name, time_zone=edit.time_zone, team=edit.team,
            layer_mode=edit.layer_mode, min_people=edit.min_people,
        )  # fmt: skip
    schedule.name, schedule.time_zone, schedule.team = edit.name, edit.time_zone, edit.team
    schedule.layer_mode, schedule.min_people = edit.layer_mode, edit.min_people
    schedule.full_clean()
    schedule.save(update_fields=["name", "time_zone", "team", "layer_mode", "min_people"])
    return schedule


@contextmanager
def _named(ref: str) -> Iterator[None]:
    """Say which part of the edit a refusal is about."""
    try:
        yield
    except DomainError as error:
        fields = {f"{ref}-{name}": texts for name, texts in error.fields.items()}
        raise Invalid(
            error.message, code=error.code, fields=fields or {f"{ref}-": [error.message]}
        ) from error
    except ValidationError as error:
        named = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        fields = {f"{ref}-{name}": texts for name, texts in named.items()}
        raise Invalid(error.messages[0], fields=fields) from error


def _coming(
    schedule: Schedule, now: datetime, until: datetime | None
) -> frozenset[tuple[str, int, datetime, datetime]]:
    """Shifts from now on by what they are, cut to the window that is compared."""
    end = until or datetime.max.replace(tzinfo=UTC)
    rows = Shift.objects.filter(schedule=schedule, end_at__gt=now, start_at__lt=end)
    found = rows.values_list("role", "person_id", "start_at", "end_at")
    return frozenset((role, pk, max(start, now), min(stop, end)) for role, pk, start, stop in found)


@transaction.atomic
def archive_schedule(*, schedule: Schedule, now: datetime) -> Schedule:
    """Take a schedule out of use: nobody is on call by it any more, its past stays.

    Refused while it covers a surface, since that surface would have nobody.
    """
    covered = SurfaceSchedule.objects.filter(schedule=schedule, surface__archived_at=None)
    keys = list(covered.order_by("surface__key").values_list("surface__key", flat=True)[:3])
    if keys:
        raise Conflict(
            f"{schedule.name} covers {', '.join(keys)}. Give those another schedule first."
        )
    schedule.archived_at = now
    schedule.save(update_fields=["archived_at"])
    materialise(schedule=schedule, now=now)
    return schedule


@transaction.atomic
def restore_schedule(*, schedule: Schedule, now: datetime) -> Schedule:
    """Bring an archived schedule back; its shifts are computed anew from now on."""
    schedule.archived_at = None
    schedule.save(update_fields=["archived_at"])
    materialise(schedule=schedule, now=now)
    return schedule
