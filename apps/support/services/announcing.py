"""What others hear of promises: events on the outgoing webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apps.support.services.clockrows import Entry


def clocks(entries: Sequence[Entry], now: datetime) -> None:
    """Tell of warnings and breaches that were written just now."""
