from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class TierChanged:
    """An account is of another tier from `at` on: what is promised to that tier counts."""

    account_id: int
    was: str
    tier: str
    at: datetime
