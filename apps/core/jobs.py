"""Background work on django-q2. The row is the truth and the task only a nudge.

The ORM broker makes an enqueue part of the caller's transaction: rolled back, it never was.
"""

from __future__ import annotations

from typing import Any

from django_q.tasks import async_task


def enqueue(task: str, **arguments: Any) -> str:
    """Enqueue `apps.<app>.tasks.<name>` with plain ids as arguments; answers the task's id.

    Arguments are pickled by django-q2, so only ids, numbers and text are taken.
    """
    for name, value in arguments.items():
        if not isinstance(value, str | int | float | bool | None):
            raise TypeError(f"{name}: pass an id, not {type(value).__name__}")
    return str(async_task(task, **arguments))
