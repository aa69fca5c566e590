"""Limits of the intake path: how large a mail is, and how many events a second may come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_MAIL: Final = 26 * 1024 * 1024  # bytes: what common mail servers take, and its encoding
LARGE: Final = 1024 * 1024  # bytes: from here on a body has to wait for one of the places
LARGE_AT_ONCE: Final = 4  # large bodies in memory at the same time; further senders wait


@dataclass
class _Bucket:
    tokens: float
    at: float


class RateLimit:
    """`rate` events a second with a burst of one second's worth; no rate is no limit.

    A token bucket for each integration, in this process: an approximate limit that never blocks.
    """

    def __init__(self, default: int | None) -> None:
        self._default = default
        self._buckets: dict[int, _Bucket] = {}

    def take(self, key: int, rate: int | None, at: float, cost: int = 1) -> float:
        """Seconds to wait, 0.0 when the events may pass. `at` is a monotonic time."""
        limit = rate or self._default
        if not limit:
            return 0.0
        bucket = self._buckets.setdefault(key, _Bucket(float(limit), at))
        bucket.tokens = min(float(limit), bucket.tokens + (at - bucket.at) * limit)
        bucket.at = at
        if bucket.tokens >= min(cost, limit):
            bucket.tokens -= cost
            return 0.0
        return max(0.05, (min(cost, limit) - bucket.tokens) / limit)
