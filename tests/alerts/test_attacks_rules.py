"""Hostile rules and hostile telemetry under rules: no look breaks, no replay holds a worker up."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from apps.alerts.models import AlertRule, Heartbeat
from apps.alerts.rules import params as parameters
from apps.alerts.rules import recorded
from apps.alerts.rules.facts import Reading
from apps.alerts.services import arriving, evaluation, heartbeats, replaying
from apps.core import audit, clock
from apps.intake import services as intake
from apps.intake.adapters import ping as wire
from apps.intake.models import Delivery, Integration
from apps.intake.readings import sift
from apps.telemetry.services.slos import create_slo
from tests import builders as build
from tests.alerts.rulekit import NOON, groups, look, rule
from tests.calls import tool
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
HOSTILE: list[Any] = [
    True, -1, 10**12, 2**63, 1e308, float("nan"), float("inf"), "x", "\x00", "nan", [], {}, [[]],
    [None], {"a": 1}, ["audit", []], "9" * 400, [{"long": 10**12, "short": 300, "burn": 1}],
    [{"long": 3600, "short": 300, "burn": float("nan")}],
    [{"long": 3600, "short": 300, "burn": 1, "severity": []}], [{"long": [], "short": {}}],
]  # fmt: skip
NEEDED: dict[str, dict[str, Any]] = {"threshold": {"metric": "m"}, "age": {"max_business_days": 3}}


@pytest.mark.parametrize("kind", parameters.KINDS)
def test_any_value_of_any_parameter_is_taken_or_refused_in_words(kind: str) -> None:
    for param in parameters.KINDS[kind].params:
        for value in HOSTILE:
            try:
                kept = parameters.check(kind, {**NEEDED.get(kind, {}), param.name: value})
            except parameters.BadParams as error:
                assert all(said and all(said) for said in error.fields.values())
            else:
                json.dumps(kept, allow_nan=False)


def _sent(source: Integration, kind: str, *rows: dict[str, Any]) -> None:
    """As it comes through the door: what that refuses is not there."""
    now = clock.now()
    raw = b"\n".join(json.dumps(row).encode() for row in rows)
    _, body, _ = sift(kind, raw, received_at=now)
    Delivery.objects.create(
        integration=source, adapter=kind, received_at=now, body=body, status="received"
    )
    intake.normalise_due(now=now)


def test_readings_at_the_edge_of_numbers_break_no_look_and_no_answer(cast: Cast) -> None:
    now = clock.now()
    at = [(now - timedelta(seconds=30 + n)).isoformat() for n in range(6)]
    values = [1e308, 1e308, 1.7e308, -1.7e308, 5e-324, 1e15]
    rows = [{"metric": "m", "value": v, "limit": v, "at": at[n]} for n, v in enumerate(values)]
    _sent(build.native(), "measurements", *rows)
    for agg in ("avg", "min", "max", "last", "p95"):
        made = rule("threshold", cast.maya, key=f"m-{agg}", metric="m", agg=agg, value=1, k=1, m=1)
        AlertRule.objects.filter(pk=made.pk).update(next_at=now)
    look(now + timedelta(seconds=10))
    assert set(AlertRule.objects.values_list("error", flat=True)) == {""}
    bot = tool("events:read", "incidents:write")
    for row in bot.get("alert-rules")["results"]:
        assert bot.get(f"alert-rules/{row['key']}").status == 200


def test_counts_at_the_edge_of_numbers_break_no_look_of_a_budget(cast: Cast) -> None:
    now = clock.now()
    slo = create_slo(
        key="smoke", name="Smoke", sli="counts", count_key="smoke", objective="0.99",
        actor=audit.SYSTEM, now=now,
    )  # fmt: skip
    for most in (2**63 - 1, 10**12):
        rows = [
            {"sli": "smoke", "good": 0, "total": most, "part": f"{most}-{n}",
             "starts_at": (now - timedelta(minutes=n + 1)).isoformat()}
            for n in range(3)
        ]  # fmt: skip
        _sent(build.native(), "sli_counts", *rows)
    made = rule("burn_rate", cast.maya, slo=slo)
    AlertRule.objects.update(next_at=now)
    look(now)
    made.refresh_from_db()
    assert made.error == "" and groups(made)[""].look == "firing"
    bot = tool("incidents:read", "events:read")
    assert bot.get("slos/smoke").status == 200 and bot.get(f"alert-rules/{made.key}").status == 200


# -- keys of a team


def test_a_key_of_a_team_touches_no_heartbeat_of_the_site_or_of_another_team(cast: Cast) -> None:
    mine, now = build.team("mine"), clock.now()
    own = build.surface("mine.jobs", team=mine)
    given = {"period_seconds": 3600, "actor": audit.SYSTEM, "now": now}
    everybody = heartbeats.create_heartbeat(name="Site backup", **given)
    arriving.ensure_own_heartbeats(own=[arriving.OwnJob("tick")], now=now)
    ours = Heartbeat.objects.exclude(own_job="").get()
    bot = tool("events:read", "events:write", team=mine)
    for row in (everybody, ours):
        assert bot.get(f"heartbeats/{row.pk}")["ping_url"] is None
        for path in ("pause", "resume"):
            assert bot.post(f"heartbeats/{row.pk}/{path}").status == 403
        assert bot.patch(f"heartbeats/{row.pk}", {"severity": "info"}).status == 403
        assert bot.call("DELETE", f"heartbeats/{row.pk}").status == 403
        row.refresh_from_db()
        assert (row.status, row.archived_at) == ("new", None)
    assert bot.post("heartbeats", {"name": "Anybody's", "period_seconds": 60}).status == 403
    made = bot.post("heartbeats", {"name": "Own", "period_seconds": 60, "surface": own.key})
    assert made.status == 201 and made["ping_url"]
    assert bot.patch(f"heartbeats/{made['id']}", {"surface": None}).status == 403
    assert bot.post(f"heartbeats/{made['id']}/pause").status == 200


# -- replays


def _recorded(groups: int, each: int) -> recorded.Recorded:
    at = [NOON - timedelta(minutes=n) for n in range(each)]
    return recorded.Recorded(values={f"s{n}": [Reading(t, 1.0, 2.0) for t in at]
                                     for n in range(groups)})  # fmt: skip


@pytest.mark.parametrize(
    ("groups", "each", "minutes"), [(1, 1, 1), (10, 10, 5), (100, 1, 45), (10, 2_000, 10)]
)
def test_a_replay_over_many_groups_looks_less_often(groups: int, each: int, minutes: int) -> None:
    params = parameters.check("threshold", {"metric": "m", "window": 60, "k": 1, "m": 1})
    step = replaying._affordable(params, _recorded(groups, each), timedelta(days=90))
    assert timedelta(0) < step <= timedelta(minutes=minutes)


def test_a_replay_that_would_hold_up_a_worker_is_refused_in_words() -> None:
    params = parameters.check("threshold", {"metric": "m", "window": 3600, "k": 30, "m": 60})
    with pytest.raises(replaying.NotReplayable, match="fewer groups"):
        replaying._affordable(params, _recorded(2_000, 1), timedelta(days=90))


# -- pings


def _pinged(home: Integration, slug: str, *, create: bool) -> Delivery:
    ping = wire.Ping("success", key="secret", slug=slug, create=create)
    row = Delivery.objects.create(
        integration=home, adapter=wire.KIND, received_at=clock.now(), status="received",
        body=wire.written(ping, b""),
    )  # fmt: skip
    intake.normalise_due(now=clock.now())
    row.refresh_from_db()
    return row


def test_a_ping_key_makes_no_more_heartbeats_than_somebody_can_look_after(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "MOST", 2)
    home = build.integration("heartbeat").row
    said = [_pinged(home, f"job-{n}", create=True).status for n in range(3)]
    assert said == ["normalised", "normalised", "quarantined"]
    assert _pinged(home, "job-0", create=True).status == "normalised"
    assert Heartbeat.objects.count() == 2


def test_a_ping_that_was_on_its_way_brings_no_archived_heartbeat_back(db: None) -> None:
    home = build.integration("heartbeat").row
    _pinged(home, "job", create=True)
    row = Heartbeat.objects.get()
    heartbeats.archive_heartbeat(heartbeat=row, actor=audit.SYSTEM, now=clock.now())
    assert _pinged(home, "job", create=False).status == "normalised"
    row.refresh_from_db()
    assert row.archived_at is not None and row.pings.count() == 2
    _pinged(home, "job", create=True)
    row.refresh_from_db()
    assert row.archived_at is None


def test_names_that_a_sender_makes_up_hold_up_no_other_rule_and_are_told(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "MOST_GROUPS", 3)
    now = clock.now()
    at = (now - timedelta(seconds=30)).isoformat()
    rows = [{"metric": "m", "subject": f"s{n}", "value": 5, "limit": 1, "at": at} for n in range(5)]
    _sent(build.native(), "measurements", *rows)
    made = rule("threshold", cast.maya, metric="m", k=1, m=1)
    AlertRule.objects.update(next_at=now)
    assert len(look(now)) == 3 and len(groups(made)) == 3
    made.refresh_from_db()
    assert "2 more are left out" in made.error
    assert len(look(now + timedelta(minutes=1))) == 3
