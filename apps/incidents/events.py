from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class IncidentResolved:
    """An incident is over; what waited for it may go on. Those merged into it are over too, and
    each has an event of its own."""

    incident_id: int
    at: datetime


@dataclass(frozen=True)
class UpdatePublished:
    """An update of an incident went out to its audience."""

    update_id: int
    at: datetime
