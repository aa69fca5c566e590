"""One look of each kind, over facts that were written down."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.alerts.rules import looks, words
from apps.alerts.rules.facts import Aged, Ending, Reading, SourceFact
from apps.alerts.rules.params import check
from apps.alerts.rules.recorded import (
    Counts,
    PastChanges,
    PastSource,
    PastTimes,
    Recorded,
)
from apps.alerts.rules.seen import Asked, Seen

NOON = datetime(2026, 9, 7, 12, tzinfo=UTC)  # a Monday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "slo.json").read_text())


def counts(*rows: tuple[timedelta, int, int]) -> Counts:
    """(how long before noon, bad, total)"""
    return Counts(((NOON - ago).timestamp(), bad, total) for ago, bad, total in rows)


def look(kind: str, reader: Recorded, *, at: datetime = NOON, **params: Any) -> dict[str, Seen]:
    asked = params.pop("asked", Asked())
    seen = looks.judge(kind, check(kind, params), reader, at, asked)
    return {one.group: one for one in seen}


# -- rates


@pytest.mark.parametrize("case", VECTORS["rate_rules"], ids=lambda case: str(case["name"]))
def test_rates_are_judged_as_the_vectors_say(case: dict[str, Any]) -> None:
    given, out = case["in"], case["out"]
    reader = Recorded(counts={"": counts((MINUTE, given["failed"], given["total"]))})
    seen = look(
        "rate", reader, threshold=given["threshold"], min_n=given["min_n"],
        confidence=given["confidence"],
    )[""]  # fmt: skip
    assert seen.look == out["state"]
    assert seen.lower == pytest.approx(out["lower"], abs=1e-6)
    assert seen.upper == pytest.approx(out["upper"], abs=1e-6)


@pytest.mark.parametrize(
    ("bad", "total", "expected"),
    [(0, 0, "no_data"), (9, 9, "insufficient_data"), (2, 12, "warning"), (12, 12, "firing")],
)
def test_a_rate_of_few_says_so(bad: int, total: int, expected: str) -> None:
    rows = {"": counts((MINUTE, bad, total))} if total else {}
    assert look("rate", Recorded(counts=rows))[""].look == expected


def test_the_snowflake_morning_fires_for_snowflake_alone() -> None:
    reader = Recorded(
        counts={
            "snowflake": counts((MINUTE, 38, 112)),
            "bigquery": counts((MINUTE, 2, 140)),
            "postgres": counts((MINUTE, 0, 61)),
        }
    )
    seen = look("rate", reader, group_by="facet")
    assert {group: one.look for group, one in seen.items()} == {
        "snowflake": "firing", "bigquery": "ok", "postgres": "ok",
    }  # fmt: skip
    assert "38 of 112 runs failed in 1 h: 33.9%" in seen["snowflake"].text
    assert seen["snowflake"].path == "/telemetry/runs/?show=bad&span=1h&warehouse=snowflake"


def test_a_window_ends_before_now_and_begins_with_its_first_moment() -> None:
    reader = Recorded(counts={"": counts((timedelta(), 1, 1), (HOUR, 1, 1), (HOUR + MINUTE, 1, 1))})
    assert look("rate", reader, window=3600)[""].n == 1


# -- accuracy


@pytest.mark.parametrize("case", VECTORS["accuracy_rules"], ids=lambda case: str(case["name"]))
def test_accuracies_are_judged_as_the_vectors_say(case: dict[str, Any]) -> None:
    given, out = case["in"], case["out"]
    wrong = given["audited"] - given["correct"]
    reader = Recorded(counts={"email": counts((MINUTE, wrong, given["audited"]))})
    seen = look(
        "accuracy", reader, target=given["target"], min_n=given["min_n"],
        confidence=given["confidence"],
    )[""]  # fmt: skip
    assert seen.look == out["state"]
    assert seen.value == pytest.approx(out["accuracy"])


def test_over_all_types_each_counts_by_its_share_in_production() -> None:
    case = VECTORS["stratified"][0]
    strata = case["in"]["strata"]
    reader = Recorded(
        counts={
            one["type"]: counts((MINUTE, one["n"] - one["correct"], one["n"])) for one in strata
        },
        shares={one["type"]: one["weight"] for one in strata},
    )
    seen = look("accuracy", reader, target=0.96)[""]
    assert seen.value == pytest.approx(case["out"]["p"])
    assert seen.upper == pytest.approx(case["out"]["upper95"], abs=1e-6)
    assert seen.look == "firing"


def test_a_handful_of_columns_whose_share_is_known_does_not_speak_for_all() -> None:
    reader = Recorded(
        counts={
            "email": counts((MINUTE, 3, 4)), "phone": counts((MINUTE, 2, 3)),
            "unheard of": counts((MINUTE, 0, 200)),
        },
        shares={"email": 0.5, "phone": 0.5},
    )  # fmt: skip
    seen = look("accuracy", reader)[""]
    assert (seen.look, seen.n, seen.value) == ("ok", 207, pytest.approx(202 / 207))


def test_one_type_by_itself_must_be_bad_in_two_windows_in_a_row() -> None:
    week = timedelta(days=7)
    once = {"email": counts((DAY, 30, 100))}
    twice = {"email": counts((DAY, 30, 100), (week + DAY, 30, 100))}
    assert look("accuracy", Recorded(counts=once), group_by="predicted")["email"].look == "warning"
    assert look("accuracy", Recorded(counts=twice), group_by="predicted")["email"].look == "firing"


def test_what_is_surely_right_is_proven_and_what_nobody_checked_is_no_data() -> None:
    assert look("accuracy", Recorded(counts={"x": counts((DAY, 0, 500))}))[""].look == "proven"
    assert look("accuracy", Recorded(counts={}))[""].look == "no_data"


# -- budgets


def burn(reader: Recorded, objective: float, memory: Any = None, **params: Any) -> Seen:
    asked = Asked(objective, "/slos/snowflake/", memory or {})
    return look("burn_rate", reader, asked=asked, **params)[""]


@pytest.mark.parametrize("number", range(1, 5))
def test_a_budget_is_judged_as_the_vectors_of_little_traffic_say(number: int) -> None:
    case = VECTORS["low_traffic"][number]
    given = case["in"]
    long, short = given["long"], given["short"]
    older = (30 * MINUTE, long["bad"] - short["bad"], long["total"] - short["total"])
    reader = Recorded(counts={"": counts(older, (MINUTE, short["bad"], short["total"]))})
    windows = [{"long": 3600, "short": 300, "burn": given["burn"]}]
    memory = {"": {"windows": {"page-1h": given["previous"]}}}
    seen = burn(
        reader, given["slo"], memory, windows=windows, min_bad=given["min_bad"],
        min_total=given["min_total"],
    )  # fmt: skip
    assert seen.look == case["out"]["state"]


def test_the_gravest_window_that_fires_is_what_is_said() -> None:
    outage = Recorded(counts={"": counts(*((n * MINUTE, 3, 3) for n in range(1, 240)))})
    seen = burn(outage, 0.99)
    assert (seen.look, seen.severity, seen.limit) == ("firing", "critical", 14.4)
    slow = Recorded(counts={"": counts(*((n * HOUR, 1, 20) for n in range(1, 80)))})
    seen = burn(slow, 0.99)
    assert (seen.look, seen.severity, seen.path) == ("firing", "warning", "/slos/snowflake/")


def test_where_little_runs_three_failures_in_a_row_wake_somebody() -> None:
    rows = [(n * 4 * HOUR, 0, 1) for n in range(1, 40)]
    singles = [(NOON - n * HOUR, n <= 3) for n in range(9, 0, -1)]
    reader = Recorded(counts={"": counts(*rows)}, singles=singles)
    seen = burn(reader, 0.99)
    assert (seen.look, seen.severity, seen.n) == ("firing", "critical", 3)
    calm = Recorded(counts={"": counts(*rows)}, singles=[*singles[:-1], (NOON - HOUR, False)])
    assert burn(calm, 0.99).look != "firing"


# -- values


def readings(*values: float, limit: float | None = None, of: str = "docs") -> Recorded:
    """A minute apart, the last a minute ago."""
    rows = [
        Reading(NOON - (len(values) - index) * MINUTE, value, limit)
        for index, value in enumerate(values)
    ]
    return Recorded(values={of: rows} if rows else {})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), "no_data"),
        ((900, 900), "insufficient_data"),
        ((100, 100, 100, 100, 100), "ok"),
        ((900, 100, 100, 900, 100), "ok"),
        ((100, 100, 100, 900, 900), "warning"),
        ((100, 900, 100, 900, 900), "firing"),
    ],
)
def test_three_of_the_last_five_windows_over_a_limit_fire(
    values: tuple[float, ...], expected: str
) -> None:
    params: dict[str, Any] = {"metric": "mcp.latency", "value": 500, "window": 60}
    seen = look("threshold", readings(*values), **params)
    if not values:
        seen = look("threshold", readings(), **params, group_by="")
    assert next(iter(seen.values())).look == expected


def test_a_reading_is_held_against_the_limit_that_it_brings() -> None:
    params: dict[str, Any] = {"metric": "m", "window": 60, "k": 1, "m": 1}
    assert look("threshold", readings(11, limit=10), **params)["docs"].look == "firing"
    assert look("threshold", readings(9, limit=10), **params)["docs"].look == "ok"
    assert look("threshold", readings(9), **params)["docs"].look == "ok"
    below = look("threshold", readings(9, limit=10), **params, op="<")
    assert below["docs"].look == "firing"


@pytest.mark.parametrize(
    ("agg", "expected"), [("last", 2), ("avg", 4), ("min", 1), ("max", 9), ("p95", 8.25)]
)
def test_a_window_is_summed_up_as_asked(agg: str, expected: float) -> None:
    params: dict[str, Any] = {"metric": "m", "window": 600, "k": 1, "m": 1, "value": 0, "agg": agg}
    seen = look("threshold", readings(1, 9, 4, 2), **params)["docs"]
    assert seen.value == pytest.approx(expected)


# -- counts


def corrections(recent: int, per_day: int = 1, days: int = 20) -> Recorded:
    before = [(n * DAY, per_day, per_day) for n in range(1, days)]
    return Recorded(counts={"": counts(*before, (HOUR, recent, recent))}, first=NOON - days * DAY)


@pytest.mark.parametrize(
    ("recent", "days", "expected"),
    [(14, 20, "firing"), (1, 20, "ok"), (2, 20, "ok"), (14, 6, "insufficient_data")],
)
def test_more_corrections_than_chance_brings_fire(recent: int, days: int, expected: str) -> None:
    assert look("count", corrections(recent, days=days))[""].look == expected


def test_one_after_a_month_of_none_is_no_proof_of_anything() -> None:
    reader = Recorded(counts={"": counts((HOUR, 1, 1))}, first=NOON - 30 * DAY)
    assert look("count", reader, min_count=1)[""].look == "ok"
    assert look("count", Recorded(counts={}))[""].look == "no_data"


# -- inventories


def changed(n: int, columns: int = 1000) -> Recorded:
    rows = [(NOON - HOUR, f"column{number}") for number in range(n)]
    return Recorded(changes={"": PastChanges([*rows, *rows], columns)})


@pytest.mark.parametrize(
    ("n", "expected"), [(0, "ok"), (9, "ok"), (15, "warning"), (20, "firing"), (312, "firing")]
)
def test_columns_that_change_their_type_fire_by_number_and_share(n: int, expected: str) -> None:
    seen = look("inventory", changed(n))[""]
    assert seen.look == expected
    assert seen.value == n  # each column once, however often it changed


def test_where_nobody_took_an_inventory_nothing_was_compared() -> None:
    assert look("inventory", Recorded(changes={}))[""].look == "no_data"


def test_many_columns_of_very_many_are_a_warning() -> None:
    assert look("inventory", changed(20, columns=100_000))[""].look == "warning"


# -- against other weeks


def times(seconds: float, n: int, weeks: Iterable[int] = range(5), usual: float = 60) -> Recorded:
    rows = sorted(
        (NOON - week * 7 * DAY - number * MINUTE, seconds if not week else usual)
        for week in weeks
        for number in range(1, n + 1)
    )
    return Recorded(times={"large": PastTimes([at for at, _ in rows], [s for _, s in rows])})


@pytest.mark.parametrize(
    ("reader", "expected"),
    [
        (times(100, 20), "firing"),
        (times(89, 20), "ok"),
        (times(100, 19), "insufficient_data"),
        (times(100, 20, weeks=(0, 1)), "insufficient_data"),
        (times(100, 20, weeks=(0, 2, 4)), "firing"),
    ],
)
def test_slower_than_at_the_same_hour_of_other_weeks(reader: Recorded, expected: str) -> None:
    assert look("change", reader)["large"].look == expected


@pytest.mark.parametrize(
    ("bad", "usual", "expected"),
    [(20, 1, "firing"), (3, 1, "warning"), (1, 1, "ok"), (0, 0, "ok")],
)
def test_a_rate_that_rose_must_have_risen_surely(bad: int, usual: int, expected: str) -> None:
    weeks = [(week * 7 * DAY + MINUTE, usual, 50) for week in range(1, 5)]
    reader = Recorded(counts={"": counts((MINUTE, bad, 50), *weeks)})
    assert look("change", reader, metric="rate")[""].look == expected


# -- ages


def source(
    key: str = "kite / nightly#1", *, cadence: int | None = 86_400, paused: bool = False,
    max_age: int | None = None, known: timedelta = 400 * DAY, changed: datetime | None = None,
) -> SourceFact:  # fmt: skip
    return SourceFact(
        key, key.partition("#")[0], NOON - known, None, cadence, max_age, paused, changed
    )


def past(fact: SourceFact, *ago: timedelta) -> PastSource:
    return PastSource(fact, sorted(NOON - one for one in ago))


@pytest.mark.parametrize("case", VECTORS["staleness_rules"], ids=lambda case: str(case["name"]))
def test_a_missed_schedule_is_judged_as_the_vectors_say(case: dict[str, Any]) -> None:
    given = case["in"]
    created = given["created_age_hours"] or 10_000
    fact = source(cadence=given["cadence_hours"] * 3600, known=timedelta(hours=created))
    ago = [] if given["age_hours"] is None else [timedelta(hours=given["age_hours"])]
    reader = Recorded(past_sources=[past(fact, *ago)])
    seen = look("absence", reader, grace=given["grace"])[fact.key]
    expected = {"fresh": "ok", "late": "warning"}
    assert seen.look == expected.get(case["out"]["state"], case["out"]["state"])
    assert seen.limit == pytest.approx(case["out"]["limit_hours"] * 3600)


def test_what_is_paused_is_suppressed_and_what_has_no_rhythm_is_no_business_of_absence() -> None:
    rows = [past(source("a#1", paused=True), 9 * DAY), past(source("b#2", cadence=None), 9 * DAY)]
    seen = look("absence", Recorded(past_sources=rows))
    assert {group: one.look for group, one in seen.items()} == {"a#1": "suppressed"}


@pytest.mark.parametrize(
    ("fact", "ago", "given", "expected"),
    [
        (source(cadence=None), 23 * HOUR, {}, "ok"),
        (source(cadence=None), 25 * HOUR, {}, "firing"),
        (source(cadence=None), 25 * HOUR, {"max_age": 172_800}, "ok"),
        (source(cadence=None, max_age=3600), 2 * HOUR, {"max_age": 172_800}, "firing"),
        (source(cadence=86_400), 9 * DAY, {}, None),
        (source(cadence=86_400, max_age=3600), 2 * HOUR, {}, "firing"),
        (source(cadence=None, paused=True), 9 * DAY, {}, "suppressed"),
    ],
)
def test_without_a_rhythm_age_decides(
    fact: SourceFact, ago: timedelta, given: dict[str, Any], expected: str | None
) -> None:
    seen = look("stale", Recorded(past_sources=[past(fact, ago)]), **given)
    assert (seen[fact.key].look if fact.key in seen else None) == expected


def test_many_sources_in_one_sentence_name_the_oldest() -> None:
    rows = [past(source(f"s{n}#{n}"), (n + 1) * DAY) for n in range(6)]
    seen = look("absence", Recorded(past_sources=rows), group_by="")[""]
    assert seen.look == "firing"
    assert seen.text.startswith("5 of 6 sources late: s5, s4, s3 and 2 more.")
    assert look("absence", Recorded(past_sources=[]), group_by="")[""].look == "no_data"


@pytest.mark.parametrize(
    ("left", "expected", "severity"),
    [
        (31 * DAY, "ok", ""),
        (30 * DAY, "firing", "info"),
        (14 * DAY, "firing", "warning"),
        (3 * DAY, "firing", "critical"),
        (-HOUR, "firing", "critical"),
    ],
)
def test_the_end_of_a_certificate_is_told_ever_louder(
    left: timedelta, expected: str, severity: str
) -> None:
    ends = {"app.example.com": [Ending(NOON + left, NOON - 40 * DAY)]}
    seen = look("expiry", Recorded(ends=ends))["app.example.com"]
    assert (seen.look, seen.severity) == (expected, severity)


def test_a_renewed_certificate_is_judged_by_its_last_reading() -> None:
    rows = [Ending(NOON + DAY, NOON - 2 * DAY), Ending(NOON + 90 * DAY, NOON - DAY)]
    assert look("expiry", Recorded(ends={"x": rows}))["x"].look == "ok"
    earlier = look("expiry", Recorded(ends={"x": rows}), at=NOON - 36 * HOUR)
    assert earlier["x"].look == "firing"


class Open(Recorded):
    """A reader that knows one old ticket."""

    def aged(self, **_: Any) -> list[Aged]:
        return [Aged("TCK-7", "TCK-7 (P1)", "/tickets/TCK-7/", 170_000, 162_000, "core.render")]


def test_what_is_open_too_long_fires_by_its_reference() -> None:
    seen = look("age", Open(), max_business_days=5)["TCK-7"]
    assert (seen.look, seen.surface, seen.path) == ("firing", "core.render", "/tickets/TCK-7/")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.84, "0.84 s"), (14.2, "14 s"), (89, "1 min 29 s"), (600, "10 min"), (9000, "2 h 30 min")],
)
def test_two_lengths_that_differ_do_not_read_alike(seconds: float, said: str) -> None:
    assert words.length(seconds) == said
