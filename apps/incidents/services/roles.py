"""Who does what in an incident."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.models import Kind
from apps.incidents import role_words
from apps.incidents.models import Incident, RoleAssignment, Severity
from apps.incidents.models.framework import Role
from apps.incidents.services.timeline import record, thread_of, url_of
from apps.notifications import services as notifications

LONGEST_NOTE = 10_000  # characters
URGENT = frozenset({Severity.SEV1, Severity.SEV2})


@transaction.atomic
def assign(
    *,
    incident: Incident,
    role: str,
    person: Person | None,
    actor: Actor,
    now: datetime,
    handover_note: str = "",
    why: str = "",
) -> RoleAssignment | None:
    """Give a role to somebody, or to nobody; who had it keeps the row with what they handed over.

    The commander is kept on the incident too. Whoever gets a role from somebody else is told, at
    once and loudly for SEV1 and SEV2. Raises Invalid for a role that is not known, somebody who is
    not active and an endless note, Conflict for an incident that was merged.
    """
    if role not in Role.values:
        raise Invalid("There is no such role.", fields={"role": ["Unknown."]})
    if person is not None and not person.is_active:
        raise Invalid(f"{person.name} is not active.", fields={"person": ["Not active."]})
    if len(handover_note) > LONGEST_NOTE:
        text = "A handover note has at most 10,000 characters."
        raise Invalid(text, fields={"handover_note": [text]})
    locked = Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
    if locked.status == Incident.Status.MERGED:
        raise Conflict(f"{locked.ref} was merged: give roles in the incident that took it.")
    before = RoleAssignment.objects.filter(incident=locked, role=role, to_at=None).first()
    if before is not None and person is not None and before.person_id == person.pk:
        return before
    if before is not None:
        before.to_at = max(now, before.from_at)
        before.handover_note = handover_note.strip()
        before.save(update_fields=["to_at", "handover_note"])
    made = None
    if person is not None:
        made = RoleAssignment.objects.create(
            incident=locked, role=role, person=person, from_at=now, why=why[:60]
        )
    if role == Role.COMMANDER:
        incident.commander = locked.commander = person
        locked.save(update_fields=["commander"])
    if person is not None:
        locked.participants.add(person)
    _say(locked, role, before, person, handover_note.strip(), why, actor, now)
    if made is not None:
        _tell(locked, made, before, actor, now)
    return made


def roles_of(incident: Incident) -> list[RoleAssignment]:
    """Who has which role now, in the order in which roles are named."""
    order = {role: place for place, role in enumerate(Role.values)}
    rows = incident.roles.filter(to_at=None).select_related("person")
    return sorted(rows, key=lambda row: order.get(row.role, len(order)))


def _tell(
    incident: Incident,
    made: RoleAssignment,
    before: RoleAssignment | None,
    actor: Actor,
    now: datetime,
) -> None:
    """A message to whoever got the role, unless they took it themselves."""
    if made.person_id == actor.person_id or incident.kind == Kind.BACKFILLED:
        return
    facts = role_words.RoleGiven(
        ref=incident.ref,
        title=incident.title,
        severity=incident.severity,
        role=made.role,
        name=Role(made.role).label.lower(),
        why=made.why,
        by=actor.label if actor.person_id else "",
        before=before.person.name if before else "",
        note=before.handover_note if before else "",
        declared_at=incident.declared_at,
        url=notifications.absolute(url_of(incident)),
        kind=incident.kind,
    )
    notifications.notify(
        person=made.person,
        what="incident_role",
        write=role_words.role_given,
        facts=facts,
        urgency="high" if incident.severity in URGENT else "low",
        subject=("incident", str(incident.pk)),
        dedupe=f"incident:{incident.pk}:role:{made.pk}",
        thread_key=thread_of(incident),
        kind=incident.kind,
        link=facts.url,
        now=now,
    )


def _say(
    incident: Incident,
    role: str,
    before: RoleAssignment | None,
    person: Person | None,
    note: str,
    why: str,
    actor: Actor,
    now: datetime,
) -> None:
    name = Role(role).label.lower()
    text = f"{person.name} is {name}" if person else f"Nobody is {name}"
    text += f" ({why})" if why else ""
    text += f", after {before.person.name}." if before else "."
    if note:
        text += f" Handed over: {note}"
    record(incident=incident, what=role, text=text, actor=actor, now=now)


def set_commander(*, incident: Incident, person: Person, actor: Actor, now: datetime) -> Incident:
    """`assign` for the role that every incident needs."""
    assign(incident=incident, role=Role.COMMANDER, person=person, actor=actor, now=now)
    return incident
