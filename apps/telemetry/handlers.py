"""What telemetry hears from below."""

from __future__ import annotations

from apps.intake.events import EventsNormalised
from apps.telemetry import services


def take_events(event: EventsNormalised) -> None:
    if event.kind == "telemetry":
        services.take(delivery=event.delivery, now=event.at)
