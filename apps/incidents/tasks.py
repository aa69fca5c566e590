"""django-q2 entry points. The rows are the truth; a task that runs twice or late does no harm."""

from __future__ import annotations

from apps.core import clock
from apps.incidents.services import cadence as reminders
from apps.incidents.services import reviews as looking_back
from apps.incidents.services import subscriptions


def cadence() -> int:
    """Every minute: what is owed to people here and outside; answers how many were reminded."""
    return reminders.remind_due(now=clock.now())


def reviews() -> int:
    """Every quarter of an hour: opens the reviews that are asked for, reminds of those that are
    due; answers how many messages were written."""
    now = clock.now()
    looking_back.open_missing(now=now)
    return looking_back.remind_due(now=now)


def tell_subscribers(kind: str, ref: int, what: str, after: int) -> int:
    """The next batch of those who follow the status page; answers how many it told."""
    return subscriptions.tell_next(kind=kind, ref=ref, what=what, after=after, now=clock.now())
