from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class IncidentResolved:
    """An incident is over; what waited for it may go on."""

    incident_id: int
    at: datetime
