"""Background work on django-q2. The row is the truth and the task only a nudge.

The ORM broker makes an enqueue part of the caller's transaction: rolled back, it never was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django_q.tasks import async_task

Waiting = list[tuple[str, dict[str, Any]]]
_held: ContextVar[Waiting | None] = ContextVar("held_jobs", default=None)


@contextmanager
def held() -> Iterator[Waiting]:
    """Whatever is enqueued inside is kept in the list instead: for a past that is played, whose
    work is to be done at its own time and not at the present's."""
    waiting: Waiting = []
    token = _held.set(waiting)
    try:
        yield waiting
    finally:
        _held.reset(token)


def enqueue(task: str, **arguments: Any) -> str:
    """Enqueue `apps.<app>.tasks.<name>` with plain ids as arguments; answers the task's id.

    Arguments are pickled by django-q2, so only ids, numbers and text are taken.
    """
    for name, value in arguments.items():
        if not isinstance(value, str | int | float | bool | None):
            raise TypeError(f"{name}: pass an id, not {type(value).__name__}")
    waiting = _held.get()
    if waiting is not None:
        waiting.append((task, arguments))
        return "held"
    return str(async_task(task, **arguments))


@dataclass(frozen=True)
class Run:
    """The last run of a schedule that ended, well or not."""

    name: str
    started_at: datetime
    ended_at: datetime
    succeeded: bool


def last_runs(schedules: Iterable[str]) -> list[Run]:
    """The last run of each of these schedules that the cluster still remembers."""
    from django_q.models import Task

    rows = Task.objects.filter(group__in=list(schedules)).order_by("group", "-stopped")
    facts = rows.distinct("group").values_list("group", "started", "stopped", "success")
    return [Run(*found) for found in facts]
