"""What changes hears from below."""

from __future__ import annotations

from apps.changes import services
from apps.intake.events import EventsNormalised


def take_events(event: EventsNormalised) -> None:
    if event.kind == "change":
        for row in event.events:
            services.take(event=row, integration=event.delivery.integration, now=event.at)
