"""How often somebody without a login may ask, in this process: approximate, and never a queue."""

from __future__ import annotations

import time
from collections import OrderedDict

KEPT = 10_000  # addresses remembered; the one asked longest ago is forgotten first


class Limit:
    """`count` calls in any `seconds` for each key."""

    def __init__(self, count: int, seconds: float) -> None:
        self.count, self.seconds = count, seconds
        self._seen: OrderedDict[str, list[float]] = OrderedDict()

    def take(self, key: str, at: float | None = None) -> bool:
        """Whether one more is allowed; it then counts. `at` is a monotonic time."""
        moment = time.monotonic() if at is None else at
        recent = [t for t in self._seen.pop(key, []) if moment - t < self.seconds]
        allowed = len(recent) < self.count
        if allowed:
            recent.append(moment)
        self._seen[key] = recent
        while len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return allowed
