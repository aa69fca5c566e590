"""Percentiles from log buckets are within their stated error, however the runs are spread."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from apps.telemetry.histogram import ERROR, bucket_of, merged, quantile, value_of

YEAR = 366 * 86_400_000  # ms


def exact(values: list[int], q: float) -> float:
    """The quantile as `percentile_cont` defines it."""
    ordered = sorted(values)
    rank = q * (len(ordered) - 1)
    low = int(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


SPREADS = {
    "even": lambda dice: dice.randrange(1, 3_600_000),
    "skewed": lambda dice: max(1, int(dice.lognormvariate(11, 1.5))),
    "two humps": lambda dice: dice.choice([900, 1_800_000]) + dice.randrange(50),
    "all alike": lambda dice: 60_000,
    "very short": lambda dice: dice.randrange(1, 12),
}


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("number", [1, 2, 20, 1_000])
def test_a_percentile_is_within_the_stated_error(spread: str, number: int):
    dice = random.Random(number)
    values = [SPREADS[spread](dice) for _ in range(number)]
    counts = Counter(bucket_of(value) for value in values)
    for q in (0.0, 0.5, 0.95, 0.99, 1.0):
        found, true = quantile(counts, q), exact(values, q)
        assert found is not None
        assert abs(found - true) <= ERROR * true + 1e-6, (q, found, true)


def test_every_duration_is_within_the_error_of_its_bucket():
    for value in [*range(1, 5_000), *(round(1.013**n) for n in range(650, 1_850)), YEAR]:
        assert abs(value_of(bucket_of(value)) - value) <= ERROR * value + 1e-6, value


def test_buckets_rise_with_durations_and_fit_their_column():
    buckets = [bucket_of(value) for value in (0, 1, 2, 10, 1_000, 60_000, YEAR)]
    assert buckets == sorted(buckets)
    assert bucket_of(0) == bucket_of(1) == 0
    assert bucket_of(YEAR) < 700
    assert bucket_of(2**63) < 32_767


def test_histograms_add_up_to_that_of_all_their_runs():
    dice = random.Random(3)
    days = [Counter(bucket_of(dice.randrange(1, 10**7)) for _ in range(50)) for _ in range(9)]
    whole: Counter[int] = Counter()
    for day in days:
        whole.update(day)
    assert merged(days) == dict(whole)


def test_nothing_has_no_percentile():
    assert quantile({}, 0.5) is None
    assert quantile({5: 0}, 0.5) is None
