"""The doors of the lean path: which address is answered by which function.

A door checks who is there, refuses what cannot be read, keeps the delivery and answers; nothing
else happens before the answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apps.intake.doors import events, hooks, opsgenie, pagerduty, ping, telemetry
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
    shared: bool = False  # other methods of the same address are Django's: lists of what came

    @property
    def shown(self) -> str:
        """The address for the log: what follows a prefix may be a secret."""
        return f"{self.path}…" if self.path.endswith("/") else self.path


DOORS: Final = (
    Door("/api/v1/events", events.event),
    Door("/api/v1/events/batch", events.batch),
    Door("/api/v1/telemetry/profile-runs", telemetry.opens("profile_runs"), shared=True),
    Door("/api/v1/telemetry/report-runs", telemetry.opens("report_runs"), shared=True),
    Door("/api/v1/telemetry/semantic-labels", telemetry.opens("semantic_labels")),
    Door("/api/v1/telemetry/sli-counts", telemetry.opens("sli_counts")),
    Door("/api/v1/telemetry/measurements", telemetry.opens("measurements")),
    Door("/v2/enqueue", pagerduty.enqueue),
    Door("/v2/change/enqueue", pagerduty.enqueue_change),
    Door("/v2/alerts", opsgenie.create),
    Door("/v2/alerts/", opsgenie.act),
    Door("/ping/", ping.beat, ("GET", "HEAD", "POST")),
    # Grafana may be told to PUT; Slack is answered by Django.
    Door("/hooks/", hooks.hook, methods=("PUT", "POST"), but="/slack"),
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
