"""Who commands an incident from its declaration on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.incidents.models import Incident
from apps.incidents.models.framework import Role
from apps.incidents.selectors.commander import WHY, Named, commander_for
from apps.incidents.services.roles import assign
from apps.ownership.models import Surface


@dataclass(frozen=True)
class Command:
    """Who is to command, how they were found (`Incident.Named`), and that in words."""

    person: Person | None
    named: str = ""
    why: str = ""

    @classmethod
    def find(
        cls,
        incident: Incident,
        surface: Surface | None,
        chosen: Person | None,
        actor: Actor,
        now: datetime,
    ) -> Command:
        """Who was chosen, else who commands it already, else who is found for the surface, else
        the person who declares; nobody when a tool declares what nobody answers for."""
        if chosen is not None:
            return cls(chosen, Named.CHOSEN)
        if incident.commander is not None and incident.commander.is_active:
            return cls(incident.commander, incident.commander_named or Named.CHOSEN)
        person, named = commander_for(surface or incident.surface, now=now)
        if person is not None:
            return cls(person, named, WHY[Named(named)])
        own = Person.objects.filter(pk=actor.person_id or 0, is_active=True).first()
        return cls(own, Named.CHOSEN if own else "", "declared it; nobody else was found")


def take_command(incident: Incident, first: Command, actor: Actor, now: datetime) -> None:
    """Make `first` the commander, and keep how they were found."""
    if first.person is None:
        return
    assign(
        incident=incident, role=Role.COMMANDER, person=first.person, actor=actor, now=now,
        why=first.why,
    )  # fmt: skip
    incident.commander_named = first.named
    incident.save(update_fields=["commander_named"])
