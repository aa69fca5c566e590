"""Changes of surfaces and of who answers for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, transaction

from apps.accounts.models import Person, Team
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.ownership import selectors
from apps.ownership.models import (
    ExternalParty,
    OwnershipAssignment,
    Position,
    PositionHolding,
    Surface,
)

Role = OwnershipAssignment.Role
Holder = Person | Position


@transaction.atomic
def create_surface(
    *,
    key: str,
    name: str,
    team: Team | None = None,
    kind: str = Surface.Kind.SERVICE,
    tier: int = Surface.Tier.TWO,
    lifecycle: str = Surface.Lifecycle.LIVE,
    parent: Surface | None = None,
    **links: str,
) -> Surface:
    surface = Surface(
        key=key,
        name=name,
        team=team,
        kind=kind,
        tier=tier,
        lifecycle=lifecycle,
        parent=parent,
        **links,
    )
    surface.full_clean()
    surface.save()
    return surface


@transaction.atomic
def change_surface(
    *,
    surface: Surface,
    actor: Actor,
    name: str | None = None,
    kind: str | None = None,
    tier: int | None = None,
    team: Team | None = None,
) -> Surface:
    """Change what is given; None leaves a value as it is."""
    surface.name = name if name is not None else surface.name
    surface.kind = kind if kind is not None else surface.kind
    surface.tier = tier if tier is not None else surface.tier
    surface.team = team if team is not None else surface.team
    surface.full_clean()
    surface.save(update_fields=["name", "kind", "tier", "team"])
    return surface


EDITABLE = frozenset(
    {"key", "name", "description", "kind", "tier", "lifecycle", "team", "parent"}
    | {"dashboard_url", "logs_url", "repository_url"}
)


@transaction.atomic
def save_surface(
    *,
    surface: Surface | None,
    fields: Mapping[str, Any],
    owners: Mapping[str, Holder | None],
    actor: Actor,
    now: datetime,
) -> Surface:
    """Create a surface (None) or change one, and its owners from now on, in one step.

    `fields` are columns out of EDITABLE; `owners` maps `primary` and `backup` to their holder,
    None leaves the role empty. Roles that are not named stay as they are, so that both can be
    exchanged at once. Raises Invalid or Conflict as `assign` does, ValidationError for columns.
    """
    assert set(fields) <= EDITABLE, fields
    row = Surface() if surface is None else Surface.objects.select_for_update().get(pk=surface.pk)
    for name, value in fields.items():
        setattr(row, name, value)
    row.full_clean()
    row.save()
    held = selectors.owners(row, at=now)
    changed = {role: who for role, who in owners.items() if who != getattr(held, role)}
    for role in changed if surface is not None else ():
        assign(surface=row, role=role, holder=None, active_from=now, actor=actor)
    for role, holder in changed.items():
        if holder is not None:
            assign(surface=row, role=role, holder=holder, active_from=now, actor=actor)
    return row


def _person_behind(holder: Holder | None, at: datetime) -> Person | None:
    if isinstance(holder, Position):
        held = PositionHolding.objects.at(at).filter(position=holder).select_related("person")
        return held[0].person if held else None
    return holder


@transaction.atomic
def assign(
    *,
    surface: Surface,
    role: str,
    holder: Holder | None,
    active_from: datetime,
    reason: str = "",
    actor: Actor,
) -> OwnershipAssignment | None:
    """Make `holder` the surface's primary or backup from a date; who was it ends there.

    `holder=None` leaves the role empty from then on. Raises Invalid when primary and backup
    would be the same person, Conflict when a later change is already planned.
    """
    Surface.objects.select_for_update().get(pk=surface.pk)
    _refuse_same_person(surface, role, holder, active_from)
    running = OwnershipAssignment.objects.filter(surface=surface, role=role)
    if running.filter(active_from__gte=active_from).exclude(active_from=active_from).exists():
        raise Conflict("A later change of this role is already planned. Take it back first.")
    running.filter(active_from=active_from).delete()
    running.at(active_from).update(active_to=active_from)
    if holder is None:
        return None
    person = holder if isinstance(holder, Person) else None
    position = holder if isinstance(holder, Position) else None
    row = OwnershipAssignment(
        surface=surface,
        role=role,
        person=person,
        position=position,
        active_from=active_from,
        reason=reason,
    )
    row.full_clean(validate_constraints=False)
    row.save()
    return row


@transaction.atomic
def take_back(*, assignment: OwnershipAssignment, actor: Actor, now: datetime) -> None:
    """Undo a change that is planned and has not begun: who is there before it simply stays."""
    if assignment.active_from <= now:
        raise Conflict("This has begun and is part of the history. Assign somebody else instead.")
    rows = OwnershipAssignment.objects.filter(surface=assignment.surface, role=assignment.role)
    begins, ends = assignment.active_from, assignment.active_to
    assignment.delete()
    rows.filter(active_to=begins).update(active_to=ends)


def _refuse_same_person(surface: Surface, role: str, holder: Holder | None, at: datetime) -> None:
    wanted = _person_behind(holder, at)
    if wanted is None:
        return
    now = selectors.owners(surface, at=at)
    other = now.backup if role == Role.PRIMARY else now.primary
    if other == wanted:
        raise Invalid(
            f"{wanted.name} is already the {'backup' if role == Role.PRIMARY else 'primary'} of "
            f"{surface.key}. Primary and backup must be two people.",
            code="same_person",
        )


@transaction.atomic
def hold_position(
    *, position: Position, person: Person | None, active_from: datetime, actor: Actor
) -> PositionHolding | None:
    """Give a position to somebody from a date; the holder before ends there."""
    Position.objects.select_for_update().get(pk=position.pk)
    rows = PositionHolding.objects.filter(position=position)
    if rows.filter(active_from__gt=active_from).exists():
        raise Conflict("A later change of this position is already planned. Take it back first.")
    rows.filter(active_from=active_from).delete()
    rows.at(active_from).update(active_to=active_from)
    if person is None:
        return None
    _refuse_double(position, person, active_from)
    try:
        with transaction.atomic():
            return PositionHolding.objects.create(
                position=position, person=person, active_from=active_from
            )
    except IntegrityError as error:
        raise Conflict("Somebody already holds this position in that period.") from error


def _refuse_double(position: Position, person: Person, at: datetime) -> None:
    """The new holder must not already be the other owner of one of the position's surfaces."""
    for row in OwnershipAssignment.objects.at(at).filter(position=position):
        _refuse_same_person(row.surface, row.role, person, at)


def archive_surface(*, surface: Surface, actor: Actor, now: datetime) -> Surface:
    """Take a surface out of use; everything that refers to it stays readable."""
    surface.archived_at = now
    surface.save(update_fields=["archived_at"])
    return surface


def archive_party(*, party: ExternalParty, now: datetime) -> ExternalParty:
    """Take a vendor out of the lists; what leaned on it stays readable."""
    party.archived_at = now
    party.save(update_fields=["archived_at"])
    return party


@transaction.atomic
def archive_position(*, position: Position, now: datetime) -> Position:
    """Take a position out of use. Refused while it answers for a surface."""
    held = OwnershipAssignment.objects.at(now).filter(position=position).select_related("surface")
    keys = [row.surface.key for row in held[:3]]
    if keys:
        raise Conflict(
            f"{position.name} still answers for {', '.join(keys)}. Give those away first."
        )
    held_now = PositionHolding.objects.filter(position=position, active_from__lt=now).at(now)
    held_now.update(active_to=now)
    position.archived_at = now
    position.save(update_fields=["archived_at"])
    return position


Archived = TypeVar("Archived", Surface, ExternalParty, Position)


def restore(*, row: Archived) -> Archived:
    """Bring back what was archived."""
    row.archived_at = None
    row.save(update_fields=["archived_at"])
    return row
