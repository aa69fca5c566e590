from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.intake.models import Delivery, Event


@dataclass(frozen=True)
class EventsNormalised:
    """A delivery became canonical events of one kind; the app that owns the kind takes them.

    A kind that nobody listens for is kept and shown. A delivery of readings is told whole, with the
    kind "telemetry" and no events: `readings.read_batch(delivery.adapter, …)` says what it holds.
    """

    kind: str
    delivery: Delivery
    events: tuple[Event, ...]
    at: datetime
