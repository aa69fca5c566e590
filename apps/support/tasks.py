"""django-q2 entry points. The rows are the truth; a task that runs twice or late does no harm."""

from __future__ import annotations

from datetime import datetime

from apps.core import audit, clock, jobs
from apps.support.services import checking, retiming
from apps.support.services import sweep as sweeping

PROMISES = audit.system("Promises")


def sweep() -> int:
    """Every minute: whatever promises are due; answers how many tickets had any."""
    return sweeping.sweep(now=clock.now()).tickets


def check_promises() -> int:
    """Nightly: clocks against their history, and what an edit overtook."""
    now = clock.now()
    checking.mend(now=now)
    return checking.check(now=now).differing


def choose_again(after: int, cause: str) -> None:
    """After an edit that touches many tickets: a batch, and the next one after it."""
    last = retiming.choose_next(after=after, cause=cause, actor=PROMISES, now=clock.now())
    if last is not None:
        jobs.enqueue("apps.support.tasks.choose_again", after=last, cause=cause)


def recalendar(calendar_id: int, version_id: int, at: str) -> None:
    """The same for a calendar that many clocks run in."""
    more = retiming.recalendar_next(
        calendar_id=calendar_id,
        version_id=version_id,
        at=datetime.fromisoformat(at),
        actor=PROMISES,
        now=clock.now(),
    )
    if more:
        jobs.enqueue(
            "apps.support.tasks.recalendar", calendar_id=calendar_id, version_id=version_id, at=at
        )
