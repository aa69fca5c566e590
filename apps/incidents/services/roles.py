"""Who does what in an incident."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.incidents.models import Incident, RoleAssignment
from apps.incidents.models.framework import Role
from apps.incidents.services.timeline import record


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

    The commander is kept on the incident too. Raises Invalid for a role that is not known and for
    somebody who is not active.
    """
    if role not in Role.values:
        raise Invalid("There is no such role.", fields={"role": ["Unknown."]})
    if person is not None and not person.is_active:
        raise Invalid(f"{person.name} is not active.", fields={"person": ["Not active."]})
    locked = Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
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
    return made


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
