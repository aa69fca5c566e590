"""Profile runs, 10,000 a day, with the rules that watch them, for `benchmarks.telemetry`.

The same numbers always give the same runs. Whatever is stored goes through the product's own
services, so that sums and histograms are those of a real site.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

DAILY = 10_000
STEP = timedelta(days=1) / DAILY
BATCH = 10_000
WAREHOUSES = ("snowflake", "bigquery", "postgres", "redshift", "databricks")
TABLES = (4, 8, 30, 45, 120, 600)
ORGS, SOURCES = 40, 5
METRICS, SUBJECTS = ("mcp.latency", "render.time"), 10
RULES: tuple[tuple[str, int, dict[str, Any]], ...] = (
    ("rate", 25, {"group_by": "facet", "window": 3600, "threshold": 0.2}),
    ("rate", 25, {"group_by": "source", "window": 86_400, "threshold": 0.2}),
    ("burn_rate", 20, {}),
    ("threshold", 40, {"metric": METRICS[0], "value": 900, "window": 300}),
    ("absence", 20, {}),
    ("stale", 20, {}),
    ("inventory", 10, {}),
    ("accuracy", 10, {"window": 86_400 * 7}),
    ("change", 15, {}),
    ("count", 15, {"what": "runs_bad"}),
)


def run(number: int, now: datetime) -> Any:
    """Run `number` before `now`, counted backwards: 0 ended just now."""
    from apps.intake.readings.shapes import ProfileRunIn

    dice = random.Random(number)
    finished = now - number * STEP
    org, source = dice.randrange(ORGS), dice.randrange(SOURCES)
    outcome = dice.choices(("succeeded", "failed", "timed_out", "canceled"), (960, 25, 10, 5))[0]
    duration = int(dice.lognormvariate(10.5, 1.0)) if outcome != "timed_out" else 1_800_000
    return ProfileRunIn(
        run_id=f"run-{number}",
        attempt=1,
        outcome=outcome,
        org=f"org-{org}",
        project="main",
        source=f"warehouse-{source}",
        warehouse_type=WAREHOUSES[source],
        command="dft inspect",
        trigger="ci",
        started_at=finished - timedelta(milliseconds=duration),
        finished_at=finished,
        duration_ms=duration,
        diagnostic_code="ERR-WAREHOUSE-AUTH" if outcome == "failed" and number % 4 == 0 else "",
        tables_attempted=dice.choice(TABLES),
        row_count_bucket="",
        package=f"0.{9 - number // DAILY // 20}.0",  # a release every 20 days
        contract_version="4",
    )


def furnish(now: datetime) -> None:
    """Whom and what runs refer to, readings of two days, labels, and 200 rules that are on."""
    from apps.core import audit
    from apps.telemetry import seeds
    from apps.telemetry.models import Slo
    from apps.telemetry.services import slos
    from tests import builders as build

    maya = build.person("Maya", "manager", email="maya@bench.example")
    parent = build.surface("inspect.profiler", primary=maya, now=now)
    for warehouse in WAREHOUSES:
        build.surface(f"inspect.profiler.{warehouse}", parent=parent, primary=maya, now=now)
    seeds.ensure_codes()
    slo = slos.create_slo(
        key="profile-runs", name="Profile runs", sli=Slo.Sli.PROFILE_RUNS,
        objective=Decimal("0.99"), owner=maya, actor=audit.SYSTEM, now=now,
    )  # fmt: skip
    readings(now)
    rules(maya, slo, now)


def readings(now: datetime) -> None:
    """What rules of other kinds read: latencies of two days, audited labels, an inventory."""
    from apps.intake.readings.shapes import LabelIn, MeasurementIn
    from apps.telemetry import services
    from tests.builders import telemetry as measured

    tool, dice = measured.profiler(), random.Random(1)
    values = [
        MeasurementIn(
            metric, now - timedelta(minutes=minute), subject=f"board-{subject}",
            value=dice.lognormvariate(5, 0.5), unit="ms", limit=900.0,
        )
        for metric in METRICS
        for subject in range(SUBJECTS)
        for minute in range(0, 2 * 24 * 60, 5)
    ]  # fmt: skip
    services.store_measurements(integration=tool, measurements=values, now=now)
    labels = [
        LabelIn(
            f"warehouse-0.shop.t{number // 20}.c{number}",
            "email",
            now - timedelta(hours=number % 160),
            truth="email" if number % 2 else "",
            truth_source="audit" if number % 2 else "",
        )
        for number in range(4_000)
    ]
    services.store_labels(integration=tool, labels=labels, now=now)


def rules(owner: Any, slo: Any, now: datetime) -> None:
    from apps.alerts import services as alerts
    from apps.core import audit
    from apps.runbooks import services as runbooks

    runbook = runbooks.create(key="rb-bench", title="Bench", actor=audit.SYSTEM, now=now)
    for kind, count, params in RULES:
        for number in range(count):
            window = params.get("window", 0)
            made = alerts.create_rule(
                key=f"{kind.replace('_', '-')}-{window}-{number}", name=f"{kind} {number}",
                kind=kind, params=params, owner=owner, runbook=runbook, actor=audit.SYSTEM,
                slo=slo if kind == "burn_rate" else None, now=now,
            )  # fmt: skip
            alerts.switch_on(rule=made, actor=audit.SYSTEM, now=now)


def fill(total: int, now: datetime) -> None:
    """Runs up to `total`, the latest first; what is there already stays."""
    from django.db import connection

    from apps.intake.models import Integration
    from apps.ownership.models import Surface
    from apps.telemetry import services
    from apps.telemetry.models import ProfileRun
    from tests.builders import telemetry as measured

    surface = Surface.objects.get(key="inspect.profiler")
    profiler = Integration.objects.filter(surface=surface).first()
    profiler = profiler or measured.profiler(surface=surface)
    for first in range(ProfileRun.objects.count(), total, BATCH):
        runs = [run(number, now) for number in range(first, min(first + BATCH, total))]
        # As of their own day: nothing is too old on the day on which it ended.
        services.store_runs(integration=profiler, runs=runs, now=now - first * STEP)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def lines(tag: str, count: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Runs as a sender writes them, each under an id of its own."""
    for number in range(count):
        shape = run(number * 31 % 9_000, now)
        yield {
            "run_id": f"{tag}-{number}",
            "attempt": 1,
            "result": {"succeeded": "ok", "failed": "error"}.get(shape.outcome, shape.outcome),
            "org": shape.org,
            "project": shape.project,
            "source": shape.source,
            "warehouse_type": shape.warehouse_type,
            "command": shape.command,
            "trigger": shape.trigger,
            "started_at": shape.started_at.isoformat(),
            "finished_at": shape.finished_at.isoformat(),
            "duration_ms": shape.duration_ms,
            "diagnostic_code": shape.diagnostic_code,
            "package": shape.package,
            "contract_version": shape.contract_version,
        }
