"""Rotations and integrations in one step, with what a person needs to see before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from apps.accounts import services as accounts
from apps.accounts.models import Person
from apps.accounts.roles import Scope
from apps.core.errors import Conflict, Invalid
from apps.intake import services as intake
from apps.intake.models import Integration
from apps.notifications.services import absolute
from apps.ownership.models import Surface
from apps.rotations import services as rotations
from apps.rotations import timeline
from apps.rotations.models import Schedule


@dataclass(frozen=True)
class Turn:
    """Who is on call from when to when in a rotation that is only planned."""

    person: Person
    start: datetime
    end: datetime


def preview_weekly(
    *, people: Sequence[Person], time_zone: str, weekday: int, at: time, now: datetime
) -> list[Turn]:
    """The first turns that `create_rotation` would make, from now on, by the same calculator."""
    if not people:
        return []
    anchor = rotations.weekly_anchor(weekday=weekday, at=at, time_zone=time_zone, now=now)
    layer = timeline.LayerSpec(
        name="weekly",
        priority=0,
        role="primary",
        time_zone=time_zone,
        effective_from=now,
        rotation=timeline.Rotation(
            unit="week",
            every=1,
            anchor_local=datetime.combine(anchor, at),
            participants=tuple(str(person.pk) for person in people),
        ),
    )
    definition = timeline.Definition(time_zone=time_zone, layers=(layer,))
    end = now + timedelta(weeks=max(len(people), 2) + 1)
    by_id = {str(person.pk): person for person in people}
    found = timeline.compute(definition, now, end).shifts
    turns = [Turn(by_id[shift.user], shift.start, shift.end) for shift in found]
    return turns[: max(len(people), 2)]


@transaction.atomic
def create_rotation(
    *,
    name: str,
    people: Sequence[Person],
    surfaces: Sequence[Surface],
    weekday: int,
    at: time,
    time_zone: str,
    by: Person,
    now: datetime,
) -> Schedule:
    """A weekly rotation under a key made from its name, in force at once."""
    teams = {surface.team for surface in surfaces}
    try:
        with transaction.atomic():
            return rotations.weekly_preset(
                key=_free_key(name),
                name=name,
                people=people,
                time_zone=time_zone,
                team=teams.pop() if len(teams) == 1 else None,
                surfaces=surfaces,
                weekday=weekday,
                at=at,
                by=by,
                now=now,
            )
    except IntegrityError as error:
        raise Conflict("Somebody made a rotation of this name meanwhile. Try again.") from error


def _free_key(name: str) -> str:
    stem = slugify(name)[:36].strip("-") or "rotation"
    taken = set(Schedule.objects.filter(key__startswith=stem).values_list("key", flat=True))
    candidates = [stem, *(f"{stem}-{number}" for number in range(2, 1000))]
    return next(key for key in candidates if key not in taken)


# -- integrations


@dataclass(frozen=True)
class NewCredential:
    """An integration, where its tool posts to, and the secret part that is shown once."""

    row: Integration
    url: str
    key: str


@transaction.atomic
def create_integration(
    *, kind: str, name: str, surface: Surface | None, secret: str, by: Person, now: datetime
) -> NewCredential:
    """Any kind of integration by one call: native ones with their API key."""
    if kind != Integration.Kind.NATIVE:
        new = intake.create_integration(
            kind=kind, name=name, surface=surface, secret=secret, now=now
        )
        return NewCredential(new.row, absolute(new.path), new.token)
    if secret:
        raise Invalid("Native events are not signed; their API key is the secret.")
    key = accounts.create_key(
        name=name or f"Native events{f' for {surface.key}' if surface else ''}",
        scopes=[Scope.EVENTS_WRITE, Scope.TELEMETRY_WRITE],
        created_by=by,
        now=now,
    )
    row = intake.native_integration(api_key=key.row, surface=surface, now=now)
    return NewCredential(row, absolute("/api/v1/events"), key.text)
