"""What an objective allows, what of it is spent, and how long the rest lasts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.telemetry import budget
from apps.telemetry.budget import Pace
from tests.telemetry.vectors import near, table

DAYS = {"365d": 365, "90d": 90, "30d": 30, "28d": 28, "7d": 7, "1d": 1, "1h": 1 / 24}


@table("availability_table")
def test_the_facts_about_availability_hold(case: dict[str, Any]) -> None:
    slo, expected = case["in"]["slo"], case["out"]
    assert budget.allowed(slo, 1) == near(expected["budget_fraction"])
    for name, days in DAYS.items():
        assert budget.seconds(slo, days * budget.DAY) == near(expected[f"per_{name}"])


@table("burn_rate_exhaustion")
def test_the_facts_about_exhaustion_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    ratio = given["burn_rate"] * budget.allowed(given["slo"], 1)
    assert ratio == near(expected["error_ratio"])
    lasts = budget.exhausted_after(given["burn_rate"], given["period"])
    assert lasts == near(expected["time_to_exhaustion_exact"])
    days = [(0.0, 1000.0)] * (given["period"] // budget.DAY)
    found = budget.exhaustion(days, Pace(1000 * ratio, 1000), given["slo"])
    # A rolling window at exactly the budget's pace fills up with it and is never overspent.
    assert (found and found * budget.DAY) == (near(lasts) if given["burn_rate"] > 1 else None)


@table("budget_state")
def test_the_facts_about_budgets_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    found = budget.state(given["slo"], given["total"], given["bad"])
    assert found.allowed == near(expected["allowed_bad"])
    assert found.consumed == near(expected["consumed_fraction"])
    assert found.remaining == near(expected["remaining_fraction"])
    assert found.sli == near(expected["sli"])
    assert found.met is expected["met"] and found.freeze is expected["freeze"]


@pytest.mark.parametrize(
    ("objective", "total", "bad"), [("0.99", 700, 7), ("0.999", 3000, 3), ("0.9999", 70_000, 7)]
)
def test_the_last_allowed_failure_is_within_the_budget(
    objective: str, total: int, bad: int
) -> None:
    assert budget.state(Decimal(objective), total, bad).met is True
    assert budget.state(float(objective), total, bad).freeze is False
    assert budget.state(Decimal(objective), total, bad + 1).freeze is True


def test_a_budget_that_is_spent_is_exhausted_now() -> None:
    assert budget.exhaustion([(3, 100), (0, 100)], Pace(0, 100), 0.99) == 0


def test_old_failures_leave_the_window_and_give_budget_back() -> None:
    days = [(9.0, 1000.0), *[(0.0, 1000.0)] * 9]  # 9 of 100 allowed bad, all on the oldest day
    calm = budget.exhaustion(days, Pace(10, 1000), 0.99)
    assert calm is None
    # 20 a day: the first takes 9 away and adds 20, then 20 a day until 100 are there
    assert budget.exhaustion(days, Pace(20, 1000), 0.99) == near(1 + (100 - 20) / 20)


def test_a_window_of_nothing_is_spent_by_its_first_failures() -> None:
    found = budget.exhaustion([(0, 0)] * 28, Pace(1, 10), 0.99)
    assert found == 0
    assert budget.exhaustion([(0, 0)] * 28, Pace(0, 0), 0.99) is None


@pytest.mark.parametrize(("burn", "lasts"), [(0, None), (2, 7.0), (0.5, 28.0)])
def test_what_does_not_burn_lasts(burn: float, lasts: float | None) -> None:
    assert budget.exhausted_after(burn, 28, remaining=0.5) == lasts


def test_an_incident_spends_its_part_of_a_budget() -> None:
    assert budget.share_of_budget(30, 120) == 0.25
    assert budget.share_of_budget(30, 0) is None
