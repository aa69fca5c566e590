"""What runbooks hear from below."""

from __future__ import annotations

from apps.accounts.events import PersonDeactivated
from apps.runbooks import services


def person_deactivated(event: PersonDeactivated) -> None:
    services.free_runbooks(person_id=event.person_id, actor=event.by, now=event.at)
