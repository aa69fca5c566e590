"""What follow-ups hear from below."""

from __future__ import annotations

from apps.accounts.events import PersonDeactivated
from apps.followups import services


def person_deactivated(event: PersonDeactivated) -> None:
    services.hand_over(person_id=event.person_id, actor=event.by, now=event.at)
