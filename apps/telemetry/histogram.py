"""Durations in log buckets: percentiles of any long while from few numbers, with a stated error.

Bucket `b` holds durations in (GAMMA**(b-1), GAMMA**b] milliseconds and answers with the one value
of it that is at most ERROR away, relatively, from every other. 400 days are in bucket 613.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

ERROR = 0.02  # of the value: a p95 of 600 s is told as 588 to 612 s
GAMMA = (1 + ERROR) / (1 - ERROR)
LN_GAMMA = math.log(GAMMA)


def bucket_of(duration_ms: int) -> int:
    """The bucket of a duration; one of no time at all is in bucket 0, with one millisecond."""
    if duration_ms <= 1:
        return 0
    return math.ceil(math.log(duration_ms) / LN_GAMMA)


def value_of(bucket: int) -> float:
    """The duration in milliseconds that a bucket stands for."""
    return 1.0 if bucket <= 0 else 2 * GAMMA**bucket / (GAMMA + 1)


def merged(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Several histograms as one: counts of a bucket add up, which no percentile does."""
    total: dict[int, int] = {}
    for histogram in histograms:
        for bucket, count in histogram.items():
            total[bucket] = total.get(bucket, 0) + count
    return total


def quantile(counts: Mapping[int, int], q: float) -> float | None:
    """The `q` quantile in milliseconds, at most ERROR away from that of the runs; None of nothing.

    Interpolated between two ranks as `percentile_cont` does: both ends are within ERROR, so what
    lies between them is too.
    """
    total = sum(counts.values())
    if total == 0:
        return None
    rank = q * (total - 1)
    low = math.floor(rank)
    share = rank - low
    a, b = _at_ranks(counts, low, min(low + 1, total - 1))
    return a + (b - a) * share


def _at_ranks(counts: Mapping[int, int], low: int, high: int) -> tuple[float, float]:
    """The values at two ranks, counted from 0, of which the second is not below the first."""
    seen, first = 0, None
    for bucket in sorted(counts):
        seen += counts[bucket]
        if first is None and seen > low:
            first = value_of(bucket)
        if first is not None and seen > high:
            return first, value_of(bucket)
    raise ValueError("a rank beyond the histogram")
