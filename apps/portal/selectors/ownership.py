"""Surfaces with everything that is said of them: owners, cover, policy, what breaks with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from apps.accounts.models import Person
from apps.alerts.models import Alert
from apps.incidents.models import Incident
from apps.ownership import selectors as ownership
from apps.ownership.models import OwnershipAssignment, PositionHolding, Surface, SurfaceDependency
from apps.paging.models import EscalationPolicy, SurfacePolicy
from apps.portal.selectors import oncall
from apps.rotations import selectors as rotations
from apps.rotations.models import Schedule, SurfaceSchedule

RECENT = 5


@dataclass(frozen=True)
class Owned:
    """One surface of the list; None says truthfully that there is nobody or nothing."""

    surface: Surface
    owners: ownership.Owners
    schedule: Schedule | None
    policy: str


def listed(viewer: Person, *, now: datetime) -> list[Owned]:
    """Every current surface, in six queries whatever the number."""
    surfaces = list(
        Surface.objects.visible_to(viewer).current().select_related("team").order_by("key")
    )
    owners = ownership.owners_of(surfaces, at=now)
    covers = {
        row.surface_id: row.schedule
        for row in SurfaceSchedule.objects.filter(schedule__archived_at=None).select_related(
            "schedule"
        )
    }
    policies = dict(
        SurfacePolicy.objects.filter(policy__archived_at=None).values_list(
            "surface_id", "policy__name"
        )
    )
    standard = _default_policy()
    return [
        Owned(
            surface,
            owners[surface.pk],
            covers.get(surface.pk) or covers.get(surface.parent_id or 0),
            policies.get(surface.pk) or policies.get(surface.parent_id or 0) or standard,
        )
        for surface in surfaces
    ]


def _default_policy() -> str:
    names = EscalationPolicy.objects.filter(is_default=True, archived_at=None)
    return names.values_list("name", flat=True).first() or "Standard"


@dataclass(frozen=True)
class Whole:
    """Everything on a surface's page."""

    owned: Owned
    duties: Sequence[oncall.Duty]
    assignments: Sequence[OwnershipAssignment]  # running and planned
    leans_on: Sequence[SurfaceDependency]
    leaned_on_by: Sequence[SurfaceDependency]
    blast_radius: Sequence[Surface]
    incidents: Sequence[Incident]
    alerts: Sequence[Alert]


def whole(surface: Surface, viewer: Person, *, now: datetime) -> Whole:
    schedule = rotations.schedule_of(surface)
    assignments = (
        OwnershipAssignment.objects.filter(surface=surface)
        .filter(Q(active_to=None) | Q(active_to__gt=now))
        .select_related("person", "position")
        .order_by("-role", "active_from")  # "primary" before "backup"
    )
    reached = ownership.blast_radius(surface)
    seen = set(
        Surface.objects.visible_to(viewer)
        .filter(pk__in=[one.pk for one in reached])
        .values_list("pk", flat=True)
    )
    return Whole(
        owned=Owned(surface, ownership.owners(surface, at=now), schedule, _policy_of(surface)),
        duties=oncall.duties_of([schedule], now=now) if schedule else [],
        assignments=list(assignments),
        leans_on=list(surface.dependencies.select_related("on_surface", "on_party").order_by("pk")),
        leaned_on_by=list(surface.dependents.select_related("surface").order_by("surface__key")),
        blast_radius=[one for one in reached if one.pk in seen],
        incidents=list(
            Incident.objects.visible_to(viewer)
            .filter(surface=surface)
            .order_by("-detected_at", "-pk")[:RECENT]
        ),
        alerts=list(
            Alert.objects.visible_to(viewer)
            .filter(surface=surface)
            .defer("details", "links")
            .order_by("-last_seen_at", "-pk")[:RECENT]
        ),
    )


def _policy_of(surface: Surface) -> str:
    keys = [key for key in (surface.pk, surface.parent_id) if key]
    rows = SurfacePolicy.objects.filter(surface_id__in=keys, policy__archived_at=None)
    names = dict(rows.values_list("surface_id", "policy__name"))
    return names.get(surface.pk) or names.get(surface.parent_id or 0) or _default_policy()


def owned_by(person: Person, viewer: Person, *, now: datetime) -> list[tuple[str, Surface]]:
    """(role, surface) of what somebody answers for now, by themselves or by a position."""
    seats = PositionHolding.objects.at(now).filter(person=person).values("position_id")
    rows = (
        OwnershipAssignment.objects.at(now)
        .filter(Q(person=person) | Q(position_id__in=seats))
        .filter(surface__in=Surface.objects.visible_to(viewer).current())
        .select_related("surface")
        .order_by("-role", "surface__key")[:60]
    )
    return [(row.get_role_display(), row.surface) for row in rows]
