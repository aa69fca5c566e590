"""A replay says what the live rule would have said: the same code over stored history."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.alerts import services
from apps.alerts.models import Firing
from apps.alerts.rules.params import check
from apps.alerts.rules.playing import Replay, play
from apps.alerts.rules.recorded import Counts, Recorded
from apps.alerts.services import Draft, NotReplayable
from apps.core.errors import Invalid
from tests.alerts.rulekit import DAY, HOUR, MINUTE, NOON, look, rule
from tests.builders import telemetry as told
from tests.conftest import Cast

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "slo.json").read_text())
START = datetime(2026, 9, 1, tzinfo=UTC)
WINDOWS = {
    "page-1h": {"long": 3600, "short": 300, "burn": 14.4},
    "page-6h": {"long": 21_600, "short": 1800, "burn": 6},
    "ticket-24h": {"long": 86_400, "short": 7200, "burn": 3, "severity": "ticket"},
    "ticket-3d": {"long": 259_200, "short": 21_600, "burn": 1, "severity": "ticket"},
}


def played(case: dict[str, Any], name: str) -> list[list[Any]]:
    """Minutes after the first, clean stretch at which the rule fired and resolved."""
    rows = [(bad, total) for count, bad, total in case["in"]["buckets"] for _ in range(count)]
    clean = case["in"]["buckets"][0][0]
    series = Counts(
        ((START + number * MINUTE).timestamp(), bad, total)
        for number, (bad, total) in enumerate(rows)
    )
    params = check("burn_rate", {"windows": [WINDOWS[name]], "min_total": 1, "min_bad": 1})
    done = play(
        "burn_rate", params, Recorded(counts={"": series}), since=START + clean * MINUTE,
        until=START + len(rows) * MINUTE, step=MINUTE, objective=case["in"]["slo"], keep_seconds=0,
    )  # fmt: skip
    found: list[list[Any]] = []
    for one in done.firings:
        found.append([(one.fired_at - START) // MINUTE - clean, "firing"])
        if one.resolved_at:
            found.append([(one.resolved_at - START) // MINUTE - clean, "resolved"])
    return found


@pytest.mark.parametrize("name", sorted(WINDOWS))
@pytest.mark.parametrize("case", VECTORS["time_series"], ids=lambda case: str(case["name"]))
def test_a_replay_fires_and_resolves_at_the_minutes_of_the_vectors(
    case: dict[str, Any], name: str
) -> None:
    assert played(case, name) == case["out"][name]


def morning() -> Replay:
    """Twenty runs an hour; from 06:00 a third fails for three hours."""
    rows = [
        (
            (START + 3 * number * MINUTE).timestamp(),
            int(360 <= 3 * number < 540 and number % 3 == 0),
            1,
        )
        for number in range(480)
    ]
    return play(
        "rate", check("rate", {}), Recorded(counts={"": Counts(rows)}), since=START,
        until=START + DAY, step=MINUTE,
    )  # fmt: skip


def test_it_says_how_much_earlier_than_the_customer() -> None:
    done = morning()
    (one,) = done.firings
    fired = (one.fired_at - START) // MINUTE
    assert 360 < fired < 420
    noticed = START + timedelta(minutes=fired + 41)
    ahead, before, unrelated = done.ahead_of([noticed, START + 355 * MINUTE, START + 9 * DAY])
    assert ahead.minutes == 41
    assert before.minutes is not None and before.minutes < 0
    assert (unrelated.fired_at, unrelated.minutes) == (None, None)
    assert done.pages == 1
    assert 100 < done.minutes < 260
    assert len(done.points) <= 400
    assert {point.look for point in done.points} >= {"ok", "firing"}


def test_groups_that_fire_together_are_one_page() -> None:
    bad = Counts([((START + number * MINUTE).timestamp(), 1, 1) for number in range(60)])
    done = play(
        "rate", check("rate", {"group_by": "facet"}),
        Recorded(counts={"snowflake": bad, "bigquery": bad}), since=START, until=START + DAY,
        step=MINUTE,
    )  # fmt: skip
    assert (len(done.firings), done.pages) == (2, 1)


def test_ninety_days_in_looks_of_nine_minutes_are_played_in_seconds() -> None:
    dice = random.Random(7)
    rows = [
        ((START + number * MINUTE).timestamp(), int(dice.random() < 0.05), 3)
        for number in range(90 * 1440)
    ]
    kinds = {name: Counts(rows) for name in ("snowflake", "bigquery", "postgres")}
    import time

    began = time.perf_counter()
    done = play(
        "rate", check("rate", {"group_by": "facet"}), Recorded(counts=kinds), since=START,
        until=START + 90 * DAY, step=9 * MINUTE,
    )  # fmt: skip
    assert sum(done.looks.values()) >= 3 * 14_400
    assert time.perf_counter() - began < 5


# -- stored history


@pytest.mark.django_db
def test_a_replay_finds_what_the_live_rule_did(cast: Cast) -> None:
    source = told.profiler()
    dice = random.Random(11)
    rated = rule("rate", cast.maya, window=1800, min_n=5, keep_firing_seconds=300)
    for minute in range(0, 240, 5):
        share = 0.6 if 60 <= minute < 120 else 0.02
        outcome = "failed" if dice.random() < share else "succeeded"
        at = NOON + minute * MINUTE
        runs = [told.run(at - number * MINUTE, outcome) for number in (1, 2, 3)]
        told.keep(source, runs, now=at)
        services.evaluate_due(now=at)
    done = services.replay(
        draft=services.draft_of(rated), since=NOON, until=NOON + 235 * MINUTE, step=5 * MINUTE
    )
    live = [(one.fired_at, one.resolved_at) for one in Firing.objects.order_by("fired_at")]
    assert live
    assert [(one.fired_at, one.resolved_at) for one in done.firings] == live


@pytest.mark.django_db
def test_a_source_that_fell_silent_is_found_in_history(cast: Cast) -> None:
    source = told.profiler()
    for day in range(10, 4, -1):
        told.runs(source, at=NOON - day * DAY)
    from apps.telemetry.models import ProfiledSource

    ProfiledSource.objects.update(cadence_seconds=86_400, first_seen_at=NOON - 20 * DAY)
    draft = Draft(kind="absence", keep_firing_seconds=0)
    done = services.replay(draft=draft, since=NOON - 10 * DAY, until=NOON)
    last = NOON - 5 * DAY
    assert [one.fired_at for one in done.firings][-1] == last + 36 * HOUR + MINUTE
    assert done.firings[-1].resolved_at is None
    age = Draft(kind="stale", params={"max_age": 172_800})
    ProfiledSource.objects.update(cadence_seconds=None)
    older = services.replay(draft=age, since=NOON - 10 * DAY, until=NOON)
    assert older.firings[-1].fired_at == last + 2 * DAY + MINUTE


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("accuracy", {}),
        ("accuracy", {"group_by": "predicted"}),
        ("threshold", {"metric": "mcp.latency", "value": 5, "window": 60}),
        ("expiry", {}),
        ("inventory", {"group_by": "source"}),
        ("inventory", {}),
        ("change", {}),
        ("change", {"metric": "rate", "group_by": "facet"}),
        ("count", {}),
        ("count", {"what": "type_changes"}),
        ("count", {"what": "reports_bad"}),
        ("rate", {"source": "report_runs", "group_by": "facet"}),
        ("rate", {"group_by": "source"}),
        ("rate", {"group_by": "surface"}),
    ],
)
def test_every_kind_says_in_a_replay_what_it_says_live(
    cast: Cast, kind: str, params: dict[str, Any]
) -> None:
    """The last look of a replay against one live look, over the same rows."""
    history()
    made = rule(kind, cast.maya, on=False, **params)
    live = {one.group: (one.look, one.text) for one in services.look_now(rule=made, now=NOON)}
    done = services.replay(
        draft=services.draft_of(made), since=NOON - MINUTE, until=NOON, step=MINUTE
    )
    assert set(done.looks) <= {*(look_ for look_, _ in live.values()), "ok", "no_data", "warning"}
    assert done.points[-1].look == worst(look_ for look_, _ in live.values())


def worst(looks: Any) -> str:
    from apps.alerts.rules.seen import WORST

    return min(looks, key=WORST.index)


def history() -> None:
    source = told.profiler()
    for week in range(1, 5):
        told.runs(source, 25, at=NOON - week * 7 * DAY - MINUTE)
    told.runs(source, 2, bad=28, at=NOON - MINUTE, duration_ms=600_000)
    told.reports(source, 2, bad=20, at=NOON - MINUTE)
    told.labels(source, 60, wrong=40, at=NOON - HOUR)
    told.labels(source, 60, wrong=40, at=NOON - 8 * DAY, prefix="warehouse.shop.earlier")
    told.labels(
        source, 0, wrong=14, at=NOON - HOUR, truth_source="user_correction", prefix="w.s.corrected"
    )
    columns = {f"warehouse.shop.t.c{number}": "email" for number in range(40)}
    told.inventory(source, columns, at=NOON - 2 * DAY)
    told.inventory(source, dict.fromkeys(columns, "string"), at=NOON - HOUR)
    told.measurements(source, "mcp.latency", *[9.0] * 10, at=NOON - MINUTE)
    told.certificate(source, "app.example.com", not_after=NOON + 2 * DAY, at=NOON - DAY)


@pytest.mark.django_db
def test_what_cannot_be_replayed_says_why() -> None:
    with pytest.raises(NotReplayable, match="open now"):
        services.replay(
            draft=Draft(kind="age", params={"max_business_days": 5}), since=NOON - DAY, until=NOON
        )
    with pytest.raises(NotReplayable, match="models changed"):
        services.replay(
            draft=Draft(kind="stale", params={"rule": "changed"}), since=NOON - DAY, until=NOON
        )
    for draft, since in [
        (Draft(kind="rate"), NOON),
        (Draft(kind="rate"), NOON - 91 * DAY),
        (Draft(kind="rate", params={"window": "soon"}), NOON - DAY),
        (Draft(kind="burn_rate"), NOON - DAY),
    ]:
        with pytest.raises(Invalid) as refused:
            services.replay(draft=draft, since=since, until=NOON)
        assert refused.value.fields


@pytest.mark.django_db
def test_a_replay_writes_nothing(cast: Cast) -> None:
    history()
    made = rule("rate", cast.maya, on=False)
    services.replay(draft=services.draft_of(made), since=NOON - DAY, until=NOON)
    assert not Firing.objects.exists()
    assert not look(NOON)
