"""Who answers for a surface, and what breaks with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.accounts.models import Person
from apps.ownership.models import OwnershipAssignment, PositionHolding, Surface

PRIMARY = OwnershipAssignment.Role.PRIMARY
BACKUP = OwnershipAssignment.Role.BACKUP


@dataclass(frozen=True)
class Owners:
    """Primary and backup of a surface at an instant; None is the truthful "nobody"."""

    primary: Person | None = None
    backup: Person | None = None


def owners_of(surfaces: Iterable[Surface], *, at: datetime) -> dict[int, Owners]:
    """Primary and backup for each surface id, in two queries whatever the number."""
    ids = [surface.pk for surface in surfaces]
    rows = list(
        OwnershipAssignment.objects.at(at)
        .filter(surface_id__in=ids)
        .select_related("person", "position")
    )
    seats = [row.position_id for row in rows if row.position_id]
    holders = {
        holding.position_id: holding.person
        for holding in PositionHolding.objects.at(at)
        .filter(position_id__in=seats)
        .select_related("person")
    }
    found: dict[int, dict[str, Person | None]] = {}
    for row in rows:
        person = row.person or holders.get(row.position_id or 0)
        if person is not None and person.is_active:
            found.setdefault(row.surface_id, {})[row.role] = person
    return {pk: Owners(found.get(pk, {}).get(PRIMARY), found.get(pk, {}).get(BACKUP)) for pk in ids}


def owners(surface: Surface | None, *, at: datetime) -> Owners:
    """Primary and backup of one surface; nobody for no surface."""
    return owners_of([surface], at=at)[surface.pk] if surface else Owners()


def blast_radius(surface: Surface) -> list[Surface]:
    """Every surface that fails with this one, nearest first: its facets and hard dependents.

    One recursive query; a cycle ends where it began.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE hit(id, depth) AS (
                SELECT %s::bigint, 0
                UNION
                SELECT next.id, hit.depth + 1 FROM hit
                JOIN LATERAL (
                    SELECT d.surface_id AS id FROM ownership_surfacedependency d
                    WHERE d.on_surface_id = hit.id AND d.strength = 'hard'
                    UNION
                    SELECT s.id FROM ownership_surface s WHERE s.parent_id = hit.id
                ) next ON true
                WHERE hit.depth < 20
            )
            SELECT id, min(depth) FROM hit WHERE id <> %s GROUP BY id ORDER BY 2, 1
            """,
            [surface.pk, surface.pk],
        )
        order = {row[0]: row[1] for row in cursor.fetchall()}
    found = Surface.objects.current().filter(pk__in=order)
    return sorted(found, key=lambda s: (order[s.pk], s.key))
