"""How fast a budget burns, which windows see it, and when they fire and resolve."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apps.telemetry import budget, burnrate
from apps.telemetry.burnrate import DAY, HOUR, RECOMMENDED, Window
from tests.telemetry.vectors import cases, near, rules, table

BY_KEY = {rule.key: rule for rule in RECOMMENDED}


@table("burn_thresholds")
def test_the_facts_about_thresholds_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    burn = burnrate.burn_for(given["budget_fraction"], given["window"], given["period"])
    assert burn == near(expected["burn_rate_exact"])
    spent = burnrate.spent(burn, given["window"], given["period"])
    assert spent == near(given["budget_fraction"])
    if "kind" in expected:
        rule = next(rule for rule in RECOMMENDED if rule.long_seconds == given["window"])
        assert (rule.burn, rule.severity) == (near(burn), expected["kind"].partition(" ")[0])


def test_the_recommended_rules_are_the_published_ones() -> None:
    facts = rules()
    assert len(facts["rules"]) == len(RECOMMENDED)
    for fact, rule in zip(facts["rules"], RECOMMENDED, strict=True):
        assert (rule.severity, rule.long_seconds, rule.short_seconds, rule.burn) == (
            fact["severity"], fact["long"], fact["short"], fact["burn"],
        )  # fmt: skip
        spent = burnrate.spent(rule.burn, rule.long_seconds, facts["period"])
        assert spent == near(fact["budget_consumed"])


@table("alert_strategies")
def test_the_facts_about_strategies_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    if "spike" in given:
        lasts = budget.seconds(given["slo"], given["period"])
        assert given["spike"] / lasts == near(expected["budget_fraction_per_spike_exact"])
        return
    burn = given.get("burn", 1)
    found = burnrate.fires_after(given["slo"], given["error_ratio"], given["window"], burn)
    assert found == near(expected["detect_exact"])
    if "budget_fraction" in expected:
        assert burnrate.spent(burn, given["window"]) == near(expected["budget_fraction"])
        assert given["window"] == expected["reset"]  # one window remembers for all of it


@table("time_to_fire")
def test_the_facts_about_firing_hold(case: dict[str, Any]) -> None:
    given = case["in"]
    for key, expected in case["out"].items():
        rule = BY_KEY[key]
        limit = burnrate.threshold(given["slo"], rule.burn)
        assert limit == near(expected["threshold"])
        after = burnrate.fires_after(
            given["slo"], given["error_ratio"], rule.long_seconds, rule.burn
        )
        assert (after is not None) is expected["fires"]
        assert after == near(expected["seconds"])
        if after is not None:
            spent = after * given["error_ratio"] / budget.seconds(given["slo"], given["period"])
            assert spent == near(expected["budget_consumed_at_fire"])


@table("reset_times")
def test_the_facts_about_resetting_hold(case: dict[str, Any]) -> None:
    given = case["in"]
    for key, expected in case["out"].items():
        found = burnrate.reset(given["slo"], given["error_ratio"], given["outage"], BY_KEY[key])
        assert found.fires is expected["fires"]
        if found.fires:
            assert found.fire_at == near(expected["fire_at"])
            assert found.short_below == near(expected["short_below_after_end"])
            assert found.long_below == near(expected["long_below_after_end"])
            assert found.resolves == near(expected["resolves_after_end"])
        else:
            assert found.resolves is None


@table("extreme_slos")
def test_the_facts_about_extreme_objectives_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    slo = given["slo"]
    if "max_burn" in expected:
        assert burnrate.max_burn(slo) == pytest.approx(expected["max_burn"], abs=5e-5)
    if "burn_14_4_can_fire" in expected:
        assert burnrate.reachable(slo, 14.4) is expected["burn_14_4_can_fire"]
    for burn, can in expected.get("reachable", {}).items():
        assert burnrate.reachable(slo, float(burn)) is can
    if "max_budget_fraction_exact" in expected:
        burn = burnrate.burn(1, 1, slo)
        assert burn is not None
        spent = burnrate.spent(burn, given["window"], given["period"])
        assert spent == near(expected["max_budget_fraction_exact"])
    if "exhaustion_exact" in expected:
        burn = burnrate.burn(given["error_ratio"], 1, slo)
        assert burn is not None
        lasts = budget.exhausted_after(burn, given["period"])
        assert lasts == near(expected["exhaustion_exact"])


@table("low_traffic")
def test_the_facts_about_little_traffic_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    if "state" in expected:
        assert burnrate.threshold(given["slo"], given["burn"]) == near(given["threshold"])
        long, short = Window(**given["long"]), Window(**given["short"])
        look = burnrate.burn_look(
            long, short, given["slo"], given["burn"],
            given["min_total"], given["min_bad"], given["previous"],
        )  # fmt: skip
        assert look == expected["state"]
        return
    window = Window(given["failed_in_hour"], given["requests_per_hour"])
    assert window.ratio == near(expected["error_ratio"])
    assert burnrate.burn(*window, given["slo"]) == near(expected["burn_rate"])
    month = given["requests_per_hour"] * given["period"] / HOUR
    allowed = budget.allowed(given["slo"], month)
    assert allowed == near(expected["budget_events_exact"])
    assert int(allowed) == expected["budget_events_whole"]
    one = budget.share_of_budget(1, allowed)
    assert one == near(expected["budget_fraction_one_failure_exact"])


@pytest.mark.parametrize(
    ("long", "short", "previous", "look"),
    [
        ((0, 19), (0, 19), "ok", "insufficient_data"),
        ((2, 20), (2, 4), "ok", "insufficient_data"),
        ((3, 20), (3, 4), "ok", "firing"),
        ((3, 20), (0, 4), "firing", "ok"),
        ((3, 20), (0, 0), "firing", "firing"),
        ((2, 25), (2, 2), "ok", "ok"),
    ],
)
def test_few_events_neither_fire_nor_calm(
    long: tuple[int, int], short: tuple[int, int], previous: str, look: str
) -> None:
    found = burnrate.burn_look(Window(*long), Window(*short), 0.99, 9, previous=previous)
    assert found == look


@table("false_alarm")
def test_the_facts_about_false_alarms_hold(case: dict[str, Any]) -> None:
    given, expected = case["in"], case["out"]
    least = burnrate.least_bad(given["n"], given["slo"], given["burn"])
    assert least == expected["min_failures_to_exceed"]
    chance = burnrate.false_alarm(given["n"], given["true_rate"], given["slo"], given["burn"])
    assert chance == pytest.approx(expected["probability"], rel=1e-4)


@pytest.mark.parametrize("case", cases("time_series"), ids=lambda case: case["name"])
def test_the_facts_about_minutes_hold(case: dict[str, Any]) -> None:
    runs = case["in"]["buckets"]
    buckets = [(bad, total) for count, bad, total in runs for _ in range(count)]
    for key, expected in case["out"].items():
        rule = BY_KEY[key]
        found = burnrate.run(
            buckets,
            slo=case["in"]["slo"],
            long=rule.long_seconds // 60,
            short=rule.short_seconds // 60,
            burn=rule.burn,
        )
        clean = runs[0][0]
        assert [[minute - clean, state] for minute, state in found] == expected


def test_an_outage_of_half_an_hour_trips_all_four() -> None:
    buckets = [(0, 100)] * 4320 + [(100, 100)] * 30 + [(0, 100)] * 60
    for rule in RECOMMENDED:
        found = burnrate.run(
            buckets, slo=0.999, burn=rule.burn,
            long=rule.long_seconds // 60, short=rule.short_seconds // 60,
        )  # fmt: skip
        assert found[0][1] == "firing" and 4320 < found[0][0] <= 4325


def test_spikes_of_five_in_ten_minutes_flap() -> None:
    buckets = [(0, 100)] * 4320 + ([(100, 100)] * 5 + [(0, 100)] * 5) * 6 + [(0, 100)] * 60
    rule = BY_KEY["page-1h"]
    found = burnrate.run(buckets, slo=0.999, long=60, short=5, burn=rule.burn)
    assert [state for _, state in found] == ["firing", "resolved"] * 6


def test_minutes_without_any_event_hold_what_was() -> None:
    buckets = [(0, 10)] * 60 + [(10, 10)] * 10 + [(0, 0)] * 20 + [(0, 10)] * 20
    found = burnrate.run(buckets, slo=0.99, long=60, short=5, burn=14.4)
    assert [state for _, state in found] == ["firing", "resolved"]
    assert found[1][0] > 90  # only events can calm it


@pytest.mark.parametrize(
    ("per_hour", "keys", "row"),
    [
        (400, ["page-1h", "page-6h", "ticket-24h", "ticket-3d"], False),
        (20, ["page-1h", "page-6h", "ticket-24h", "ticket-3d"], False),
        (19.9, ["page-6h", "ticket-24h", "ticket-3d"], False),
        (3, ["page-6h", "ticket-24h", "ticket-3d"], False),
        (2.9, ["ticket-24h", "ticket-3d"], True),
        (0, ["ticket-24h", "ticket-3d"], True),
    ],
)
def test_windows_follow_the_volume(per_hour: float, keys: list[str], row: bool) -> None:
    windows = burnrate.windows_for(per_hour)
    assert [window.key for window in windows] == keys
    assert all((window.min_total, window.min_bad) == (20, 3) for window in windows)
    assert burnrate.by_consecutive(per_hour) is row


def test_the_short_window_of_an_hour_holds_a_quarter_of_it() -> None:
    first = burnrate.windows_for(20)[0]
    assert (first.long_seconds, first.short_seconds) == (3600, 900)


@pytest.mark.parametrize(
    ("outcomes", "look"),
    [
        ([], "no_data"),
        ([True, True], "insufficient_data"),
        ([True, True, True], "firing"),
        ([True, True, False, True], "ok"),
        ([True, True, True, False], "firing"),
    ],
)
def test_three_failures_in_a_row_page_where_little_runs(outcomes: list[bool], look: str) -> None:
    assert burnrate.consecutive_look(outcomes) == look


def test_a_window_names_itself() -> None:
    assert [rule.key for rule in RECOMMENDED] == ["page-1h", "page-6h", "ticket-24h", "ticket-3d"]
    assert replace(RECOMMENDED[0], long_seconds=7 * DAY).key == "page-7d"
