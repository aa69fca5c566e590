"""django-q2 entry points. The rows are the truth; a task that runs twice or late does no harm."""

from __future__ import annotations

from apps.core import clock
from apps.followups import services


def remind() -> int:
    """Every quarter of an hour: reminders that are due; answers how many follow-ups had one."""
    return services.remind_due(now=clock.now())
