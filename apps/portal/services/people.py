"""People come in: one by one by invitation, or many with their surfaces from a pasted table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import available_timezones

from django.db import transaction

from apps.accounts import services as accounts
from apps.accounts.models import Person, Team
from apps.accounts.roles import Role
from apps.core.audit import Actor
from apps.core.audit import person as actor_of
from apps.core.errors import Conflict
from apps.notifications import services as notifications
from apps.notifications.models import Invitation
from apps.ownership import services as ownership
from apps.ownership.models import OwnershipAssignment, Position, PositionHolding, Surface
from apps.portal import importing
from apps.portal.importing import Known, KnownPerson, KnownSurface, KnownTeam, Plan
from apps.support.seeds import bind_surfaces


@transaction.atomic
def invite_person(
    *,
    name: str,
    email: str,
    roles: Sequence[str],
    teams: Iterable[Team],
    time_zone: str,
    send: bool,
    by: Person,
    now: datetime,
) -> Person:
    """Add somebody and, with `send`, mail them the link to come in."""
    person = accounts.create_person(
        email=email, name=name, roles=roles, time_zone=time_zone, now=now
    )
    for team in teams:
        accounts.add_to_team(team=team, person=person)
    if send:
        notifications.invite(person=person, by=by, now=now)
    return person


def invite_again(*, person: Person, by: Person, now: datetime) -> None:
    """A new link for somebody who has not come in yet; the links before stay good."""
    if person.is_demo:
        raise Conflict(f"{person.name} is a demo person: nothing is sent outside.")
    if person.has_usable_password():
        raise Conflict(f"{person.name} has come in already and can sign in.")
    notifications.invite(person=person, by=by, now=now)


@transaction.atomic
def accept_invitation(
    *, invitation: Invitation, name: str, password: str, time_zone: str, now: datetime
) -> Person:
    """Somebody takes their invitation: name, password and zone in one step."""
    person = notifications.accept(invitation=invitation, name=name, password=password, now=now)
    return accounts.set_preferences(
        person=person,
        name=person.name,
        time_zone=time_zone,
        week_start=person.week_start,
        hour_cycle=person.hour_cycle,
    )


# -- import


@dataclass(frozen=True)
class Applied:
    """What an import did, in figures."""

    people: int
    teams: int
    surfaces: int
    changed: int
    invited: int


def known_site(*, importer: Person, now: datetime) -> Known:
    """The site as the planner compares it, in a handful of queries whatever its size."""
    return Known(
        people=_people(),
        teams={
            team.key: KnownTeam(
                key=team.key,
                name=team.name,
                lead=team.lead.email if team.lead else "",
                gone=team.archived_at is not None,
            )
            for team in Team.objects.select_related("lead")
        },
        surfaces=_surfaces(now),
        positions=_positions(now),
        roles={_word(word): role.value for role in Role for word in (role.value, role.label)},
        kinds={
            _word(word): kind.value for kind in Surface.Kind for word in (kind.value, kind.label)
        },
        zones={zone.casefold(): zone for zone in available_timezones()},
        default_zone=notifications.site().time_zone,
        importer=importer.email,
    )


def _word(text: str) -> str:
    return str(text).lower().replace(" ", "_")


def _people() -> dict[str, KnownPerson]:
    found = {}
    for person in Person.objects.get_queryset().prefetch_related("teams"):
        gone = not person.is_active or person.archived_at is not None
        found[person.email] = KnownPerson(
            email=person.email,
            name=person.name,
            roles=frozenset(person.roles),
            teams=frozenset(team.key for team in person.teams.all()),
            time_zone=person.time_zone,
            state="demo" if person.is_demo else ("gone" if gone else "active"),
        )
    return found


def _surfaces(now: datetime) -> dict[str, KnownSurface]:
    owners: dict[int, dict[str, str]] = {}
    rows = OwnershipAssignment.objects.at(now).select_related("person", "position")
    for row in rows:
        ref = row.person.email if row.person else f"position:{row.position.key}"  # type: ignore[union-attr] # a constraint says one of the two
        owners.setdefault(row.surface_id, {})[row.role] = ref
    planned: dict[int, set[str]] = {}
    for later in OwnershipAssignment.objects.filter(active_from__gt=now):
        planned.setdefault(later.surface_id, set()).add(later.role)
    return {
        surface.key: KnownSurface(
            key=surface.key,
            name=surface.name,
            kind=surface.kind,
            tier=surface.tier,
            team=surface.team.key if surface.team else "",
            primary=owners.get(surface.pk, {}).get("primary", ""),
            backup=owners.get(surface.pk, {}).get("backup", ""),
            gone=surface.archived_at is not None,
            planned=frozenset(planned.get(surface.pk, set())),
        )
        for surface in Surface.objects.select_related("team")
    }


def _positions(now: datetime) -> dict[str, str]:
    holders = {
        holding.position_id: holding.person.email
        for holding in PositionHolding.objects.at(now).select_related("person")
    }
    current = Position.objects.filter(archived_at=None)
    return {position.key: holders.get(position.pk, "") for position in current}


@transaction.atomic
def apply_import(*, plan: Plan, send_invitations: bool, by: Person, now: datetime) -> Applied:
    """Carry out a plan, all of it or nothing; refused lines are left out."""
    actor = actor_of(by)
    for key, name in plan.teams.items():
        accounts.create_team(key=key, name=name)
    teams = {team.key: team for team in Team.objects.all()}
    fresh = [_apply_person(row, teams, actor, now) for row in plan.people if row.verdict == "new"]
    changing = [row for row in plan.people if row.verdict == "change"]
    for row in changing:
        _apply_person(row, teams, actor, now)
    people = {person.email: person for person in Person.objects.active()}
    for key, email in plan.leads.items():
        accounts.set_lead(team=teams[key], lead=people[email])
    surfaces = [row for row in plan.surfaces if row.verdict in {"new", "change"}]
    for surface_row in surfaces:
        _apply_surface(surface_row, teams, people, actor, now)
    if surfaces:
        bind_surfaces(now=now)
    if send_invitations:
        for person in fresh:
            notifications.invite(person=person, by=by, now=now)
    new_surfaces = sum(row.verdict == "new" for row in surfaces)
    return Applied(
        people=len(fresh),
        teams=len(plan.teams),
        surfaces=new_surfaces,
        changed=len(changing) + len(surfaces) - new_surfaces,
        invited=len(fresh) if send_invitations else 0,
    )


def _apply_person(
    row: importing.PersonRow, teams: dict[str, Team], actor: Actor, now: datetime
) -> Person:
    if row.verdict == "new":
        person = accounts.create_person(
            email=row.email,
            name=row.name,
            roles=row.roles or (),
            time_zone=row.time_zone or "UTC",
            now=now,
        )
    else:
        person = accounts.change_person(
            person=Person.objects.get_queryset().get(email=row.email),
            name=row.name,
            roles=row.roles,
            time_zone=row.time_zone,
            actor=actor,
        )
    for key in row.join:
        accounts.add_to_team(team=teams[key], person=person)
    return person


def _apply_surface(
    row: importing.SurfaceRow,
    teams: dict[str, Team],
    people: dict[str, Person],
    actor: Actor,
    now: datetime,
) -> None:
    team = teams[row.team] if row.team else None
    if row.verdict == "new":
        surface = ownership.create_surface(
            key=row.key,
            name=row.name or row.key,
            team=team,
            kind=row.kind or importing.DEFAULT_KIND,
            tier=row.tier or importing.DEFAULT_TIER,
        )
    else:
        surface = ownership.change_surface(
            surface=Surface.objects.get(key=row.key),
            name=row.name,
            kind=row.kind,
            tier=row.tier,
            team=team,
            actor=actor,
        )
        # Two owners who change places would for a moment be the same person twice.
        for role in row.owners:
            ownership.assign(surface=surface, role=role, holder=None, active_from=now, actor=actor)
    for role, ref in row.owners.items():
        ownership.assign(
            surface=surface,
            role=role,
            holder=_holder(ref, people),
            active_from=now,
            reason="Imported",
            actor=actor,
        )


def _holder(ref: str, people: dict[str, Person]) -> Person | Position:
    kind, _, key = ref.partition(":")
    return Position.objects.get(key=key) if kind == "position" else people[ref]
