from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class CalendarChanged:
    """A calendar has a new version from `at` on: clocks that run in it are timed anew."""

    calendar_id: int
    was_version_id: int
    version_id: int
    at: datetime
