"""Changes of people, teams and keys. Sends nothing: notifications does."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from apps.accounts.events import PersonDeactivated, PersonReactivated
from apps.accounts.models import ApiKey, Person, Team, check_zone
from apps.accounts.roles import Role, Scope
from apps.core import events, secrets
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid


class EmailTaken(Conflict):
    code = "email_taken"


@dataclass(frozen=True)
class NewKey:
    """A key row and its secret text, which is shown once and kept nowhere."""

    row: ApiKey
    text: str


@transaction.atomic
def create_person(
    *,
    email: str,
    name: str,
    roles: Sequence[str],
    time_zone: str = "UTC",
    password: str | None = None,
    is_demo: bool = False,
    now: datetime,
) -> Person:
    """Add somebody. Without a password they set one through their invitation."""
    email = email.strip().lower()
    unknown = sorted(set(roles) - set(Role.values))
    if unknown:
        raise Invalid(f"There is no role {unknown[0]}. Roles: {', '.join(Role.values)}.")
    if Person.objects.get_queryset().filter(email=email).exists():
        raise EmailTaken(f"{email} already belongs to somebody here.")
    person = Person(
        email=email, name=name.strip(), roles=list(roles), time_zone=time_zone, is_demo=is_demo
    )
    person.set_password(password)
    person.full_clean(exclude=["password"], validate_unique=False, validate_constraints=False)
    person.save()
    return person


@transaction.atomic
def change_person(
    *,
    person: Person,
    actor: Actor,
    name: str | None = None,
    email: str | None = None,
    roles: Sequence[str] | None = None,
    time_zone: str | None = None,
) -> Person:
    """Change what is given; None leaves a value as it is. The last manager stays a manager."""
    if roles is not None:
        unknown = sorted(set(roles) - set(Role.values))
        if unknown:
            raise Invalid(f"There is no role {unknown[0]}. Roles: {', '.join(Role.values)}.")
        if person.is_manager and Role.MANAGER not in roles and not _other_managers(person):
            raise Conflict(
                f"{person.name} is the only manager. Make somebody else a manager first."
            )
        person.roles = list(roles)
    person.name = name.strip() if name is not None else person.name
    person.email = email if email is not None else person.email
    person.time_zone = time_zone if time_zone is not None else person.time_zone
    person.full_clean(exclude=["password"])
    person.save(update_fields=["name", "email", "roles", "time_zone"])
    return person


@transaction.atomic
def deactivate(*, person: Person, actor: Actor, now: datetime) -> Person:
    """Switch somebody off; every app that holds duties hears of it."""
    if not person.is_active:
        return person
    if person.is_manager and not _other_managers(person):
        raise Conflict(f"{person.name} is the only manager. Make somebody else a manager first.")
    person.is_active = False
    person.archived_at = now
    person.save(update_fields=["is_active", "archived_at"])
    events.publish(PersonDeactivated(person_id=person.pk, at=now, by=actor))
    return person


@transaction.atomic
def reactivate(*, person: Person, actor: Actor, now: datetime) -> Person:
    """Let somebody back in; their places in rotations count again."""
    person.is_active = True
    person.archived_at = None
    person.save(update_fields=["is_active", "archived_at"])
    events.publish(PersonReactivated(person_id=person.pk, at=now, by=actor))
    return person


def _other_managers(person: Person) -> bool:
    found = Person.objects.active().managers().exclude(pk=person.pk)
    return found.select_for_update().exists()


@transaction.atomic
def create_team(*, key: str, name: str, lead: Person | None = None) -> Team:
    team = Team(key=key, name=name, lead=lead)
    team.full_clean()
    team.save()
    if lead:
        team.members.add(lead)
    return team


def add_to_team(*, team: Team, person: Person) -> None:
    """Make somebody a member; again is no fault."""
    team.members.add(person)


def set_teams(*, person: Person, teams: Sequence[Team]) -> None:
    """Make somebody a member of exactly these teams. Who leads a team stays in it."""
    person.teams.set({*teams, *person.leads.all()})


def archive_team(*, team: Team, now: datetime) -> Team:
    """Take a team out of the lists; what it owns and did stays readable."""
    team.archived_at = now
    team.save(update_fields=["archived_at"])
    return team


def restore_team(*, team: Team) -> Team:
    team.archived_at = None
    team.save(update_fields=["archived_at"])
    return team


@transaction.atomic
def set_lead(*, team: Team, lead: Person) -> Team:
    """Who leads a team is also a member of it."""
    team.lead = lead
    team.save(update_fields=["lead"])
    team.members.add(lead)
    return team


def create_key(
    *,
    name: str,
    scopes: Sequence[str],
    team: Team | None = None,
    rate: int | None = None,
    expires_at: datetime | None = None,
    created_by: Person | None = None,
    rotated_from: ApiKey | None = None,
    now: datetime,
) -> NewKey:
    """Make a key of the form `opk_live_<8 public>_<43 secret>_<crc>`; 256 random bits."""
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        what = f"There is no scope {unknown[0]}." if unknown else "A key needs a scope."
        raise Invalid(f"{what} Scopes: {', '.join(Scope.values)}.", fields={"scopes": [what]})
    public, secret = secrets.token(8), secrets.token(43)
    body = f"opk_live_{public}_{secret}"
    text = f"{body}_{zlib.crc32(body.encode()):08x}"
    row = ApiKey(
        name=name.strip(),
        prefix=f"opk_live_{public}",
        digest=secrets.digest(text),
        scopes=sorted(set(scopes)),
        team=team,
        rate=rate,
        expires_at=expires_at,
        created_by=created_by,
        created_at=now,
        rotated_from=rotated_from,
    )
    row.full_clean()
    row.save()
    return NewKey(row, text)


@transaction.atomic
def rotate_key(*, key: ApiKey, overlap: timedelta, by: Person | None, now: datetime) -> NewKey:
    """A new secret with the same rights; the old one works for `overlap` longer."""
    new = create_key(
        name=key.name,
        scopes=key.scopes,
        team=key.team,
        rate=key.rate,
        expires_at=key.expires_at,
        created_by=by,
        rotated_from=key,
        now=now,
    )
    ends = now + overlap
    key.expires_at = min(key.expires_at, ends) if key.expires_at else ends
    key.save(update_fields=["expires_at"])
    return new


def revoke_key(*, key: ApiKey, now: datetime) -> ApiKey:
    """End a key at once. Revoking twice is no fault."""
    if key.revoked_at is None:
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
    return key


def set_preferences(
    *, person: Person, name: str, time_zone: str, week_start: int, hour_cycle: str
) -> Person:
    check_zone(time_zone)
    person.name, person.time_zone = name.strip(), time_zone
    person.week_start, person.hour_cycle = week_start, hour_cycle
    person.full_clean(exclude=["password"])
    person.save(update_fields=["name", "time_zone", "week_start", "hour_cycle"])
    return person
