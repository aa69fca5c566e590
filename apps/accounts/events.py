from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.core.audit import Actor


@dataclass(frozen=True)
class PersonDeactivated:
    """Somebody was switched off; every app that holds duties frees theirs."""

    person_id: int
    at: datetime
    by: Actor


@dataclass(frozen=True)
class PersonReactivated:
    """Somebody is back; what they had a place in may count on them again."""

    person_id: int
    at: datetime
    by: Actor
