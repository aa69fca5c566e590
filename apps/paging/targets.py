"""Who a step means at the moment it is taken: "on call" is resolved then, never earlier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.accounts.models import Person, Team
from apps.notifications.wording import Role as Reason
from apps.ownership import selectors as ownership
from apps.ownership.models import Surface
from apps.paging.models import StepTarget
from apps.rotations import selectors as rotations
from apps.rotations.models import Schedule, Shift

Kind = StepTarget.Kind


@dataclass(frozen=True)
class Meant:
    """One person whom a step means, and why: shown to them."""

    person: Person
    reason: Reason
    of: str
    until: datetime | None = None


@dataclass(frozen=True)
class Nobody:
    """A target that found nobody; a schedule without cover is a gap worth keeping."""

    what: str
    schedule: Schedule | None = None


def resolve(
    targets: Iterable[Mapping[str, Any]], surface: Surface | None, policy: str, at: datetime
) -> tuple[list[Meant], list[Nobody]]:
    """Everyone whom a step's targets mean at `at`, each once, and the targets without anybody."""
    found: dict[int, Meant] = {}
    empty: list[Nobody] = []
    for target in targets:
        meant, nobody = _one(target, surface, policy, at)
        for one in meant:
            if one.person.is_active:
                found.setdefault(one.person.pk, one)
        if not any(one.person.is_active for one in meant):
            empty.append(nobody)
    return list(found.values()), empty


def _one(
    target: Mapping[str, Any], surface: Surface | None, policy: str, at: datetime
) -> tuple[list[Meant], Nobody]:
    match target["kind"]:
        case Kind.SURFACE_ON_CALL:
            return _on_call(rotations.schedule_of(surface), target, at, surface)
        case Kind.SCHEDULE:
            schedule = Schedule.objects.current().filter(pk=target["id"]).first()
            return _on_call(schedule, target, at, surface)
        case Kind.SURFACE_PRIMARY:
            return _owner(surface, "primary", at)
        case Kind.SURFACE_BACKUP:
            return _owner(surface, "backup", at)
        case Kind.SURFACE_LEAD:
            return _lead(surface.team if surface else None)
        case Kind.TEAM_LEAD:
            return _lead(Team.objects.filter(pk=target["id"]).select_related("lead").first())
        case Kind.TEAM:
            team = Team.objects.filter(pk=target["id"]).first()
            members = team.members.order_by("name") if team else []
            name = team.name if team else "a team that is gone"
            return [Meant(p, "team", name) for p in members], Nobody(f"nobody is in {name}")
        case Kind.MANAGERS:
            people = Person.objects.active().managers().order_by("name")
            return [Meant(p, "fallback", policy) for p in people], Nobody("there is no manager")
        case _:
            person = Person.objects.active().filter(pk=target.get("id") or 0).first()
            named = [Meant(person, "named", policy)] if person else []
            return named, Nobody("the person it names is gone")


def _on_call(
    schedule: Schedule | None, target: Mapping[str, Any], at: datetime, surface: Surface | None
) -> tuple[list[Meant], Nobody]:
    if schedule is None:
        what = f"no schedule covers {surface.key}" if surface else "it has no surface yet"
        return [], Nobody(what)
    role = target.get("role") or "primary"
    shifts = (
        Shift.objects.filter(schedule=schedule, role=role)
        .at(at)
        .select_related("person")
        .order_by("seat", "pk")
    )
    reason: Reason = "on_call" if role == "primary" else "backup"
    meant = [Meant(s.person, reason, schedule.name, s.end_at) for s in shifts]
    if not schedule.layers.filter(role=role).exists():
        return meant, Nobody(f"{schedule.name} has no {role} layer")  # never meant to be covered
    return meant, Nobody(f"nobody is on call for {schedule.name}", schedule)


def _owner(surface: Surface | None, role: str, at: datetime) -> tuple[list[Meant], Nobody]:
    owners = ownership.owners(surface, at=at)
    person = owners.primary if role == "primary" else owners.backup
    reason: Reason = "owner" if role == "primary" else "backup_owner"
    if surface is None:
        return [], Nobody("it has no surface yet")
    meant = [Meant(person, reason, surface.key)] if person else []
    return meant, Nobody(f"{surface.key} has no {role} owner")


def _lead(team: Team | None) -> tuple[list[Meant], Nobody]:
    lead = team.lead if team else None
    name = team.name if team else "a team"
    return [Meant(lead, "lead", name)] if lead else [], Nobody(f"{name} has no lead")
