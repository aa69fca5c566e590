"""A token bucket for each integration, in this process: an approximate limit that never blocks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class _Bucket:
    tokens: float
    at: float


class RateLimit:
    """`rate` events a second with a burst of one second's worth; no rate is no limit."""

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
