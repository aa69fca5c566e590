"""What k of n says about the share behind it. Pure: counts in, estimates and intervals out.

Shares are 0 to 1. An interval of nothing is None and never 0 or 1: no data is no good news. The
interval of one share is Wilson's score interval, that of a difference Newcombe's hybrid of two of
them (1998, method 10), the test of pairs is McNemar's exact one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

SIGNIFICANCE = 0.05  # of a paired comparison, two-sided
_NEGLIGIBLE = 1e-17  # a term that adds nothing to a sum of shares any more


@dataclass(frozen=True)
class Interval:
    """A share with its bounds; all None of nothing."""

    p: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Difference:
    """The first share less the second; `significant`: zero lies outside the bounds."""

    difference: float | None
    lower: float | None
    upper: float | None
    significant: bool


@dataclass(frozen=True)
class Paired:
    """The same cases before and after: how likely so lopsided a change is by chance alone."""

    p_two_sided: float
    improvement: bool
    regression: bool


@dataclass(frozen=True)
class Stratified:
    """A share over strata by their weights. `pooled` is k of n as if there were no strata, which
    is wrong wherever a stratum was sampled more than its share; `covered` is the part of the
    weight that has any sample at all."""

    p: float | None
    se: float | None
    lower: float | None
    upper: float | None
    pooled: float | None
    covered: float


@lru_cache(maxsize=32)
def quantile(confidence: float) -> float:
    """Of the standard normal distribution, two-sided: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of k in n. Raises ValueError for k outside 0 to n."""
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share.")
    if n == 0:
        return Interval(None, None, None)
    p, z = k / n, quantile(confidence)
    square = z * z / n
    center = (p + square / 2) / (1 + square)
    half = z * math.sqrt(p * (1 - p) / n + square / (4 * n)) / (1 + square)
    lower = 0.0 if k == 0 else max(0.0, center - half)
    upper = 1.0 if k == n else min(1.0, center + half)
    return Interval(p, lower, upper)


def newcombe(k1: int, n1: int, k2: int, n2: int, confidence: float = 0.95) -> Difference:
    """k1 of n1 less k2 of n2, of two different samples."""
    first, second = wilson(k1, n1, confidence), wilson(k2, n2, confidence)
    if first.p is None or first.lower is None or first.upper is None:
        return Difference(None, None, None, False)
    if second.p is None or second.lower is None or second.upper is None:
        return Difference(None, None, None, False)
    difference = first.p - second.p
    lower = difference - math.hypot(first.p - first.lower, second.upper - second.p)
    upper = difference + math.hypot(first.upper - first.p, second.p - second.lower)
    return Difference(difference, lower, upper, lower > 0 or upper < 0)


def mcnemar(fixed: int, broken: int) -> Paired:
    """The exact test of one sample seen twice: only what changed says anything. `fixed` were
    wrong and are right, `broken` were right and are wrong."""
    changed = fixed + broken
    p = min(1.0, 2 * binomial_upper_tail(max(fixed, broken), changed, 0.5)) if changed else 1.0
    clear = p < SIGNIFICANCE
    return Paired(p, improvement=clear and fixed > broken, regression=clear and broken > fixed)


def stratified(strata: Iterable[tuple[float, int, int]], confidence: float = 0.95) -> Stratified:
    """The share over (weight, correct, n) of each stratum, each counting by its weight.

    Weights need not sum to one. A stratum without a sample says nothing: the others are weighed
    among themselves, and `covered` falls.
    """
    rows = list(strata)
    seen = [row for row in rows if row[2] > 0]
    whole, weight = sum(row[0] for row in rows), sum(row[0] for row in seen)
    if not weight:
        return Stratified(None, None, None, None, None, 0.0)
    p = sum(share / weight * k / n for share, k, n in seen)
    variance = sum((share / weight) ** 2 * (k / n) * (1 - k / n) / n for share, k, n in seen)
    se = math.sqrt(variance)
    half = quantile(confidence) * se
    pooled = sum(k for _, k, _ in seen) / sum(n for _, _, n in seen)
    return Stratified(p, se, max(0.0, p - half), min(1.0, p + half), pooled, weight / whole)


def binomial_upper_tail(k: int, n: int, p: float) -> float:
    """How likely k or more of n are, each with the chance p."""
    if k <= 0:
        return 1.0
    if k > n or p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    if k <= n * p:  # the other tail is the shorter one, and keeps its digits
        return max(0.0, 1 - binomial_upper_tail(n - k + 1, n, 1 - p))
    log = (
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        + k * math.log(p) + (n - k) * math.log1p(-p)
    )  # fmt: skip
    term = total = math.exp(log)
    for number in range(k, n):
        term *= (n - number) / (number + 1) * p / (1 - p)
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return min(1.0, total)


def poisson_upper_tail(k: int, mean: float) -> float:
    """How likely k or more are where so many are to be expected."""
    if k <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if k <= mean:
        return max(0.0, 1 - _poisson_lower(k - 1, mean))
    term = total = math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))
    number = k
    while term > total * _NEGLIGIBLE:
        number += 1
        term *= mean / number
        total += term
    return min(1.0, total)


def _poisson_lower(k: int, mean: float) -> float:
    """How likely at most k are, summed from k down: below the mean its terms fall."""
    term = total = math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))
    for number in range(k, 0, -1):
        term *= number / mean
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return total


def shares(counted: Mapping[str, int], fixed: Mapping[str, float]) -> dict[str, float]:
    """Weight by stratum: what somebody set, and of what that leaves of one the others' part by
    their counts."""
    rest = {key: n for key, n in counted.items() if key not in fixed}
    left = max(0.0, 1 - sum(fixed.values())) if fixed else 1.0
    total = sum(rest.values()) or 1
    return {**{key: left * n / total for key, n in rest.items()}, **fixed}
