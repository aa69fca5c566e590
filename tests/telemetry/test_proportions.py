"""Shares with what may be said of them: intervals, differences, pairs, strata, tails."""

from __future__ import annotations

import math
from typing import Any

import pytest

from apps.telemetry import judging, percentile, staleness
from apps.telemetry.proportions import (
    binomial_upper_tail,
    mcnemar,
    newcombe,
    poisson_upper_tail,
    stratified,
    wilson,
)
from tests.telemetry.vectors import near, table


@table("wilson")
def test_the_facts_about_one_share_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    found = wilson(given["k"], given["n"], given["confidence"])
    assert found.p == near(expected["p"])
    assert found.lower == near(expected["lower"])
    assert found.upper == near(expected["upper"])
    if "published" in expected:
        assert found.lower is not None and found.upper is not None
        assert [round(found.lower, 4), round(found.upper, 4)] == expected["published"]


@pytest.mark.parametrize("n", [1, 3, 10, 41, 1000])
def test_an_interval_holds_its_share_and_stays_between_nothing_and_all(n: int) -> None:
    for k in range(0, n + 1, max(1, n // 20)):
        found = wilson(k, n)
        assert found.p is not None and found.lower is not None and found.upper is not None
        assert 0 <= found.lower <= found.p <= found.upper <= 1
    assert wilson(0, n).lower == 0 and wilson(n, n).upper == 1


def test_more_confidence_needs_a_wider_interval() -> None:
    assert (wilson(6, 20, 0.99).lower or 1) < (wilson(6, 20, 0.95).lower or 0)


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (1, 0)])
def test_what_is_no_share_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(k, n)


@table("difference")
def test_the_facts_about_a_difference_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    found = newcombe(given["k1"], given["n1"], given["k2"], given["n2"], given["confidence"])
    assert found.difference == near(expected["difference"])
    assert (found.lower, found.upper) == (near(expected["lower"]), near(expected["upper"]))
    assert found.significant is expected["significant"]
    if "published" in expected:
        assert found.lower is not None and found.upper is not None
        assert [round(found.lower, 4), round(found.upper, 4)] == expected["published"]


def test_nothing_differs_from_nothing_by_nothing_known() -> None:
    for found in (newcombe(0, 0, 3, 4), newcombe(3, 4, 0, 0)):
        assert (found.difference, found.lower, found.upper) == (None, None, None)
        assert not found.significant


@table("paired")
def test_the_facts_about_pairs_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    found = mcnemar(given["fixed_by_new"], given["broken_by_new"])
    assert found.p_two_sided == near(expected["p_two_sided"])
    assert found.regression is expected["regression"]
    assert found.improvement is expected["improvement"]


@pytest.mark.parametrize("changed", [0, 1, 4, 5000])
def test_as_many_mended_as_broken_says_nothing(changed: int) -> None:
    found = mcnemar(changed, changed)
    assert found.p_two_sided == 1
    assert not found.improvement and not found.regression


@table("stratified")
def test_the_facts_about_strata_hold(case: dict[str, Any]) -> None:
    strata = [(one["weight"], one["correct"], one["n"]) for one in case["in"]["strata"]]
    found, expected = stratified(strata), case["out"]
    assert found.p == near(expected["p"]) and found.se == near(expected["se"])
    assert found.pooled == near(expected["naive_pooled"])
    assert (found.lower, found.upper) == (near(expected["lower95"]), near(expected["upper95"]))
    assert found.covered == 1


def test_a_stratum_nobody_audited_leaves_the_others_and_is_said() -> None:
    found = stratified([(3, 9, 10), (1, 0, 0)])
    assert found.p == near(0.9) and found.covered == 0.75


def test_without_any_sample_there_is_no_accuracy() -> None:
    assert stratified([]).p is None
    assert stratified([(1, 0, 0)]).p is None and stratified([(1, 0, 0)]).covered == 0


def _binomial(k: int, n: int, p: float) -> float:
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (10, 0.5), (40, 0.01), (60, 0.97)])
def test_the_binomial_tail_is_the_sum_of_its_terms(n: int, p: float) -> None:
    for k in range(n + 2):
        assert binomial_upper_tail(k, n, p) == pytest.approx(
            _binomial(k, n, p), rel=1e-9, abs=1e-15
        )


@pytest.mark.parametrize(("k", "n", "p", "expected"), [(0, 5, 0, 1), (1, 5, 0, 0), (5, 5, 1, 1)])
def test_chances_of_nothing_and_of_certainty(k: int, n: int, p: float, expected: float) -> None:
    assert binomial_upper_tail(k, n, p) == expected


@pytest.mark.parametrize("mean", [0.02, 1, 4.5, 30, 600])
def test_the_poisson_tail_is_what_the_terms_below_leave(mean: float) -> None:
    term, below = math.exp(-mean), 0.0
    for k in range(int(mean * 2) + 12):
        assert poisson_upper_tail(k, mean) == pytest.approx(1 - below, rel=1e-6, abs=1e-12)
        below += term
        term *= mean / (k + 1)


def test_what_was_never_seen_is_not_expected() -> None:
    assert poisson_upper_tail(0, 0) == 1 and poisson_upper_tail(1, 0) == 0
    assert poisson_upper_tail(40, 2) < 1e-30


# -- one look


@table("rate_rules")
def test_the_facts_about_rates_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    found = wilson(given["failed"], given["total"], given["confidence"])
    assert (found.p, found.lower) == (near(expected["rate"]), near(expected["lower"]))
    assert found.upper == near(expected["upper"])
    look = judging.rate_look(
        given["failed"], given["total"], given["threshold"], given["min_n"], given["confidence"]
    )
    assert look == expected["state"]


@pytest.mark.parametrize(
    ("failed", "total", "look"),
    [
        (0, 0, "insufficient_data"),
        (9, 9, "insufficient_data"),
        (2, 10, "warning"),
        (1, 10, "ok"),
        (10, 10, "firing"),
    ],
)
def test_a_rate_fires_only_where_it_is_surely_too_high(failed: int, total: int, look: str) -> None:
    assert judging.rate_look(failed, total, 0.1) == look


@table("accuracy_rules")
def test_the_facts_about_accuracies_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    found = wilson(given["correct"], given["audited"], given["confidence"])
    assert (found.p, found.lower) == (near(expected["accuracy"]), near(expected["lower"]))
    assert found.upper == near(expected["upper"])
    look = judging.accuracy_look(
        given["correct"], given["audited"], given["target"], given["min_n"], given["confidence"]
    )
    assert look == expected["state"]


@pytest.mark.parametrize(
    ("correct", "audited", "look"),
    [
        (0, 0, "insufficient_data"),
        (29, 29, "insufficient_data"),
        (37, 40, "warning"),
        (96, 100, "ok"),
        (990, 1000, "proven"),
        (0, 30, "firing"),
    ],
)
def test_an_accuracy_is_proven_only_by_its_lower_bound(
    correct: int, audited: int, look: str
) -> None:
    assert judging.accuracy_look(correct, audited, 0.95) == look


# -- staleness


@table("staleness_rules")
def test_the_facts_about_staleness_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    age = staleness.age(given["age_hours"], given["created_age_hours"])
    assert staleness.limit(given["cadence_hours"], given["grace"]) == expected["limit_hours"]
    state = staleness.stale_state(age, given["cadence_hours"], given["grace"], given["paused"])
    assert state == expected["state"]


@pytest.mark.parametrize(
    ("age", "paused", "state"),
    [
        (100, False, "fresh"),
        (100.1, False, "late"),
        (150, False, "late"),
        (150.1, False, "firing"),
        (9999, True, "suppressed"),
        (None, False, "unknown"),
    ],
)
def test_limits_are_strict_and_pauses_suppress(age: float | None, paused: bool, state: str) -> None:
    assert staleness.stale_state(age, 100, 0.5, paused) == state


@pytest.mark.parametrize(
    ("age", "paused", "state"),
    [
        (86_400, False, "fresh"),
        (86_401, False, "firing"),
        (86_401, True, "suppressed"),
        (None, False, "unknown"),
    ],
)
def test_without_a_cadence_a_day_is_too_old(age: float | None, paused: bool, state: str) -> None:
    assert staleness.aged_state(age, paused=paused) == state


# -- percentiles


@table("percentiles")
def test_the_facts_about_percentiles_hold(case: dict[str, Any]) -> None:
    values = case["in"]["seconds"]
    for name, expected in case["out"].items():
        q = int(name[1:]) / 100
        assert percentile.cont(values, q) == near(expected["cont"])
        assert percentile.disc(values, q) == expected["disc"]


@pytest.mark.parametrize(
    ("q", "n", "may"),
    [(0.5, 1, True), (0.95, 19, False), (0.95, 20, True), (0.99, 99, False), (0.99, 100, True)],
)
def test_a_percentile_of_too_few_is_not_shown(q: float, n: int, may: bool) -> None:
    assert percentile.enough(q, n) is may
    assert (percentile.shown(list(range(n)), q) is not None) is may


def test_order_does_not_matter_and_nothing_has_no_percentile() -> None:
    assert percentile.cont([40, 15, 50, 20, 35], 0.9) == 46
    assert percentile.disc(list(range(1, 21)), 0.95) == 19
    assert percentile.cont([], 0.5) is None and percentile.disc([], 0.5) is None
