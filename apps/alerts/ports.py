"""What alerts asks of the apps above it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from apps.alerts.rules.facts import Aged


class AgeSource(Protocol):
    """Knows how long things of a kind have been open, in business time."""

    def aged(
        self,
        *,
        what: str,
        priority: str,
        calendar: str,
        days: float | None,
        seconds: float | None,
        now: datetime,
    ) -> Sequence[Aged]:
        """Those that are older than so many business days or seconds, by the calendar of that key
        (empty: the default one). Empty for a kind of things that it does not have."""
        ...
