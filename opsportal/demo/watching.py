"""What watches the profiler: telemetry that came in, objectives, rules, heartbeats, a silence."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from apps.accounts import services as accounts
from apps.accounts.models import ApiKey
from apps.accounts.roles import Scope
from apps.alerts import services as alerts
from apps.alerts.models import AlertRule, Heartbeat
from apps.alerts.services import heartbeats, pinging
from apps.core import audit
from apps.intake import services as intake
from apps.intake.adapters import ping as wire
from apps.intake.models import Integration
from apps.intake.readings.shapes import CountIn, MeasurementIn
from apps.runbooks.models import Runbook
from apps.telemetry import services as telemetry
from apps.telemetry.models import Slo
from apps.telemetry.seeds import ensure_codes
from apps.telemetry.services import slos
from opsportal.demo import runs, types
from opsportal.demo.stage import Beats, Stage

HOOKS = "stripe-webhooks"
SMOKE = "deploy-smoke"
# key, name, what it measures, objective, surface, owner, facet or counts
OBJECTIVES: tuple[tuple[str, str, str, str, str, str, dict[str, Any]], ...] = (
    ("snowflake-runs", "Snowflake runs succeed", "profile_runs", "0.99",
     "inspect.profiler.snowflake", "mara", {"facet": "snowflake"}),
    ("bigquery-runs", "BigQuery runs succeed", "profile_runs", "0.99",
     "inspect.profiler.bigquery", "mara", {"facet": "bigquery"}),
    ("reports-made", "Inspector reports are made", "report_runs", "0.995",
     "inspect.reports", "mara", {"policy": "warn"}),
    ("billing-webhooks", "Stripe's webhooks are answered", "counts", "0.999",
     "platform.billing", "jonas", {"count_key": HOOKS}),
    ("deploys-smoke", "Deploys pass their smoke test", "counts", "0.99",
     "platform.deploy.cloud", "jonas", {"count_key": SMOKE}),
    ("types-right", "Semantic types are right", "accuracy", "0.95",
     "inspect.semantic-types", "priya", {"policy": "warn"}),
)  # fmt: skip
# key, name, kind, params, severity, surface, owner, runbook
RULES: tuple[tuple[str, str, str, dict[str, Any], str, str, str, str], ...] = (
    ("runs-fail", "Runs fail, by warehouse", "rate",
     {"group_by": "facet", "window": 3600, "threshold": 0.1},
     "info", "inspect.profiler", "mara", "rb-snowflake-timeouts"),
    ("types-wrong", "Semantic types are confidently below 95 %", "accuracy",
     {"target": 0.95, "window": 28 * 86_400},
     "warning", "inspect.semantic-types", "priya", "rb-type-regression"),
    ("types-change", "Types change between two inventories", "inventory",
     {"window": 86_400, "min_changes": 50},
     "warning", "inspect.semantic-types", "priya", "rb-type-regression"),
    ("profile-missed", "A scheduled profile did not come", "absence",
     {}, "warning", "inspect.profiler", "tomas", "rb-snowflake-timeouts"),
    ("certificates-end", "Certificates end soon", "expiry",
     {"metric": "certificate"}, "warning", "platform.custom-domains", "jonas",
     "rb-secret-rotation"),
    ("mcp-slow", "MCP answers slowly", "threshold",
     {"metric": "mcp.latency", "agg": "avg", "op": ">", "value": "limit", "window": 3600,
      "k": 2, "m": 3},
     "warning", "agent.mcp-server", "priya", "rb-snowflake-timeouts"),
    ("corrections", "More corrections by users than usual", "count",
     {"what": "corrections", "window": 7200},
     "warning", "inspect.semantic-types", "priya", "rb-type-regression"),
    ("snowflake-slow", "Snowflake profiles are slower than on other days", "change",
     {"metric": "p95", "facet": "snowflake", "window": 86_400, "ratio": 2},
     "warning", "inspect.profiler.snowflake", "mara", "rb-snowflake-timeouts"),
)  # fmt: skip
DRAFTS = frozenset({"snowflake-slow"})  # its replay is there to be looked at
JOBS = (
    ("nightly-profile", "Nightly profile of the reference warehouse", {"cron": "30 2 * * *"}, 6,
     "inspect.profiler", "tomas"),
    ("pack-fixtures", "Weekly snapshot of pack schemas", {"period_seconds": 7 * 86_400}, 30,
     "pack.zendesk", "dele"),
    ("billing-sync", "Stripe and entitlements agree", {"period_seconds": 3600}, 0.4,
     "platform.billing", "jonas"),
    ("docs-links", "Links of the docs are alive", {"period_seconds": 86_400}, 40,
     "docs.analyst-guide", "hannah"),
)  # fmt: skip
READ_AT = (66, 54, 42, 30, 18, 6, 0)  # minutes before the present at which the rules look


def connect(stage: Stage) -> tuple[Integration, ApiKey]:
    """The key that the hosted workers and CI send telemetry with."""
    key = accounts.create_key(
        name="Profiler telemetry",
        scopes=[Scope.TELEMETRY_WRITE],
        created_by=stage.cast["mara"],
        now=stage.now,
    )
    surface = stage.surfaces["inspect.profiler"]
    return intake.native_integration(api_key=key.row, surface=surface, now=stage.now), key.row


def measure(stage: Stage, source: Integration) -> None:
    """All that was sent in the last weeks, as if it had come in then."""
    now = stage.present
    ensure_codes()
    drawn = runs.Draw(now)
    telemetry.store_runs(integration=source, runs=list(drawn.runs()), now=now)
    telemetry.store_reports(integration=source, reports=list(drawn.reports()), now=now)
    for labels in types.Draw(stage).labels():
        telemetry.store_labels(integration=source, labels=labels, now=now)
    telemetry.store_counts(integration=source, counts=list(_counts(stage)), now=now)
    readings = [*_latencies(now), *_certificates(now)]
    telemetry.store_measurements(integration=source, measurements=readings, now=now)


def _counts(stage: Stage) -> Iterator[CountIn]:
    """Webhooks answered and smoke checks passed; the bad revision twelve days ago shows."""
    dice = random.Random(99)  # noqa: S311 - a story, not a secret
    hour = stage.present.replace(minute=0)
    bad = stage.day(12, "13:00")
    for back in range(1, 28 * 24):
        at = hour - timedelta(hours=back)
        total = dice.randrange(30, 90)
        missed = 1 if dice.random() < 0.02 else 0
        yield CountIn(HOOKS, at, total - missed, total, 3600, surface="platform.billing")
        failed = 9 if bad <= at < bad + timedelta(hours=2) else 0
        yield CountIn(SMOKE, at, 12 - failed, 12, 3600, surface="platform.deploy.cloud")


def _latencies(now: datetime) -> Iterator[MeasurementIn]:
    dice = random.Random(7)  # noqa: S311 - as above
    for back in range(7 * 24):
        at = now - timedelta(hours=back)
        yield MeasurementIn(
            "mcp.latency", at, "profile_table", "agent.mcp-server",
            value=round(420 + 90 * dice.random(), 1), unit="ms", limit=800,
        )  # fmt: skip
        if back % 6 == 0:
            yield MeasurementIn(
                "context.payload", at, "bramble", "context.catalog",
                value=round(180 + back / 20 + 8 * dice.random(), 1), unit="KiB", limit=256,
            )  # fmt: skip


def _certificates(now: datetime) -> Iterator[MeasurementIn]:
    for domain, days in (
        ("boards.bramble.example", 12), ("data.ostra.example", 64), ("docs.dataface.example", 171),
    ):  # fmt: skip
        yield MeasurementIn(
            "certificate", now - timedelta(hours=5), domain, "platform.custom-domains",
            not_after=now + timedelta(days=days, hours=3),
        )  # fmt: skip


def promise(stage: Stage) -> list[int]:
    """The objectives; answers their ids."""
    made = []
    for key, name, sli, objective, surface, owner, more in OBJECTIVES:
        row = slos.create_slo(
            key=key,
            name=name,
            sli=sli,
            objective=objective,
            surface=stage.surfaces[surface],
            owner=stage.cast[owner],
            actor=audit.person(stage.cast["nora"]),
            now=stage.now,
            **more,
        )
        made.append(row.pk)
    return made


def rule(stage: Stage) -> list[int]:
    """Rules of people, switched on but for one; and those that the objectives ask for."""
    actor = audit.person(stage.cast["mara"])
    made = []
    for key, name, kind, params, severity, surface, owner, book in RULES:
        row = alerts.create_rule(
            key=key,
            name=name,
            kind=kind,
            params=params,
            severity=severity,
            surface=stage.surfaces[surface],
            owner=stage.cast[owner],
            runbook=Runbook.objects.get(key=book),
            actor=actor,
            now=stage.now,
        )
        made.append(row)
    made.append(_burning(stage))
    for row in made:
        if row.key not in DRAFTS:
            alerts.switch_on(rule=row, actor=actor, now=stage.now)
    return [row.pk for row in made]


def _burning(stage: Stage) -> AlertRule:
    return alerts.create_rule(
        key="bigquery-burn",
        name="BigQuery's budget burns too fast",
        kind="burn_rate",
        params={},
        slo=Slo.objects.get(key="bigquery-runs"),
        surface=stage.surfaces["inspect.profiler.bigquery"],
        owner=stage.cast["mara"],
        runbook=Runbook.objects.get(key="rb-bigquery-quota"),
        actor=audit.person(stage.cast["mara"]),
        now=stage.now,
    )


def beat(stage: Stage) -> tuple[Integration, list[int]]:
    """Jobs that ping; one of them has been silent for too long."""
    home = intake.create_integration(kind="heartbeat", name="Jobs", now=stage.now).row
    made = []
    for slug, name, rhythm, _, surface, owner in JOBS:
        row = heartbeats.create_heartbeat(
            name=name,
            slug=slug,
            integration=home,
            surface=stage.surfaces[surface],
            owner=stage.cast[owner],
            severity="warning",
            grace_seconds=1800,
            actor=audit.person(stage.cast["tomas"]),
            now=stage.now,
            **rhythm,
        )
        made.append(row.pk)
    return home, made


def silence(stage: Stage) -> None:
    """A staging service is rebuilt: nobody is woken for it until tomorrow."""
    alerts.create_silence(
        reason="Alie moves to a new base image",
        surface=stage.surfaces["platform.deploy.alie"],
        ends_at=stage.present + timedelta(hours=20),
        actor=audit.person(stage.cast["aiko"]),
        now=stage.now,
    )


# -- what happens while the past is played


def looks(stage: Stage) -> Beats:
    """The rules look while the incident of today grows."""
    for minutes in READ_AT:
        yield stage.ago(minutes=minutes)
        alerts.evaluate_due(now=stage.now)
        stage.run()


def quiet_hours(stage: Stage) -> Beats:
    """Somebody silences it this morning."""
    yield stage.ago(hours=4)
    silence(stage)


def pings(stage: Stage) -> Beats:
    """Each job's last ping, and the silence of one that is noticed."""
    last = sorted(JOBS, key=lambda job: -job[3])
    for slug, _, _, hours, _, _ in last:
        yield stage.ago(hours=hours)
        row = Heartbeat.objects.select_related("integration").get(slug=slug)
        _ping(row, stage.now)
        stage.run()
    yield stage.ago(minutes=5)
    pinging.sweep_heartbeats(now=stage.now)
    stage.run()


def _ping(row: Heartbeat, at: datetime) -> None:
    said = wire.Ping("success", uuid=str(row.uuid))
    body = wire.written(said, b"")
    intake.receive_hook(integration=row.integration, body=body, now=at)


STORIES = (looks, quiet_hours, pings)
