from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ChangeRecorded:
    """Something changed somewhere; the row says what."""

    change_id: int
    at: datetime
