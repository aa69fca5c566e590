"""The doors of the lean path: which address is answered by which function.

A door checks who is there, refuses what cannot be read, keeps the delivery and answers; nothing
else happens before the answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apps.intake.doors import events, hooks, pagerduty
from apps.intake.wire import Answer, Request

if TYPE_CHECKING:
    from apps.intake.asgi import IntakeApp


@dataclass(frozen=True)
class Door:
    """An address, or all below it when it ends in a slash, and what answers there."""

    path: str
    open: Callable[[IntakeApp, Request], Awaitable[Answer]]
    methods: tuple[str, ...] = ("POST",)
    but: str = ""  # what ends in this is not its own

    @property
    def shown(self) -> str:
        """The address for the log: what follows a prefix may be a secret."""
        return f"{self.path}…" if self.path.endswith("/") else self.path


DOORS: Final = (
    Door("/api/v1/events", events.event),
    Door("/api/v1/events/batch", events.batch),
    Door("/v2/enqueue", pagerduty.enqueue),
    Door("/v2/change/enqueue", pagerduty.enqueue_change),
    Door("/hooks/", hooks.hook, but="/slack"),  # Slack is answered by Django
)
_EXACT: Final = {door.path: door for door in DOORS if not door.path.endswith("/")}
_BELOW: Final = tuple(door for door in DOORS if door.path.endswith("/"))


def door_of(path: str) -> Door | None:
    """The door at a path; None where the path is not the lean one's."""
    found = _EXACT.get(path)
    if found is not None:
        return found
    for door in _BELOW:
        if path.startswith(door.path) and not (door.but and path.endswith(door.but)):
            return door
    return None
