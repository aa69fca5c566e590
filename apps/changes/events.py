from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ChangeRecorded:
    """Something changed somewhere; the row says what."""

    change_id: int
