"""Percentiles of durations, as PostgreSQL's ordered-set aggregates count them.

There is no average of percentiles here, nor can one be made: they are always taken of the values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

# How many values a percentile needs before it may be shown: with fewer it is one of the largest.
ENOUGH: dict[float, int] = {0.95: 20, 0.99: 100}


def enough(q: float, n: int) -> bool:
    """Whether n values may speak of this percentile at all: p95 from 20, p99 from 100."""
    return n >= max((least for share, least in ENOUGH.items() if q >= share), default=1)


def cont(values: Sequence[float], q: float) -> float | None:
    """Between the two neighbors, as percentile_cont has it; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low, high = math.floor(place), math.ceil(place)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def disc(values: Sequence[float], q: float) -> float | None:
    """The first value that so large a share reaches, as percentile_disc has it."""
    if not values:
        return None
    ordered = sorted(values)
    # A share times a count is seldom exact: 0.95 of 20 is the 19th, not the 20th.
    place = math.ceil(q * len(ordered) - 1e-9)
    return ordered[max(place, 1) - 1]


def shown(values: Sequence[float], q: float) -> float | None:
    """`cont`, where there is enough to say so."""
    return cont(values, q) if enough(q, len(values)) else None
