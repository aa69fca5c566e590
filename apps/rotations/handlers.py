"""What rotations hears from below."""

from __future__ import annotations

from apps.accounts.events import PersonDeactivated, PersonReactivated
from apps.rotations import services


def person_deactivated(event: PersonDeactivated) -> None:
    services.rebuild_for(person_id=event.person_id, now=event.at)


def person_reactivated(event: PersonReactivated) -> None:
    services.rebuild_for(person_id=event.person_id, now=event.at)
