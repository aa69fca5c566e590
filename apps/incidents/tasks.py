"""django-q2 entry points. The rows are the truth; a task that runs twice or late does no harm."""

from __future__ import annotations

from apps.core import clock
from apps.incidents.services import cadence as reminders


def cadence() -> int:
    """Every minute: what is owed to people here and outside; answers how many were reminded."""
    return reminders.remind_due(now=clock.now())
