"""How far back a look goes, how finely it is cut, and whether it reads runs or their sums.

Short looks read the runs themselves, over the index of their ends. Long looks read the sums that
are kept as runs come in, so that they cost the same however many runs there were; they begin at a
whole hour or, from four weeks on, at midnight UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apps.telemetry.models import Grain

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STANDARD = "24h"


@dataclass(frozen=True)
class Span:
    """[start, end) in steps of `step`; `grain` says which sums are read, none: the runs."""

    key: str
    words: str  # after "in": "the last 24 hours"
    start: datetime
    end: datetime
    step: timedelta
    grain: Grain | None = None

    @property
    def starts(self) -> list[datetime]:
        """The beginnings of all steps, also of those in which nothing ran."""
        count = -(-(self.end - self.start) // self.step)
        return [self.start + number * self.step for number in range(count)]


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _raw(key: str, words: str, length: timedelta, step: timedelta, now: datetime) -> Span:
    return Span(key, words, now - length, now, step)


def _days(key: str, days: int, step: timedelta, now: datetime) -> Span:
    midnight = _hour(now).replace(hour=0)
    start = midnight - timedelta(days=days - 1)
    return Span(key, f"the last {days} days", start, now, step, Grain.DAY)


def span(key: str, now: datetime) -> Span:
    """The look back of that name from `now`; 24 hours for a name that there is not."""
    now = now.astimezone(UTC)
    if key == "1h":
        return _raw("1h", "the last hour", HOUR, timedelta(minutes=5), now)
    if key == "7d":
        start = _hour(now) - timedelta(days=7)
        return Span("7d", "the last 7 days", start, now, timedelta(hours=6), Grain.HOUR)
    if key == "28d":
        return _days(key, 28, DAY, now)
    if key == "90d":
        return _days(key, 90, 3 * DAY, now)
    return _raw(STANDARD, "the last 24 hours", timedelta(hours=24), HOUR, now)


KEYS = {"1h": "1 h", "24h": "24 h", "7d": "7 d", "28d": "28 d", "90d": "90 d"}
