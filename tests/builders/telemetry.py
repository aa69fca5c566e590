"""Builders of telemetry: runs, reports, labels, counts and readings, stored as the door stores
what was read. Shapes come from `run`, `label` and the like; plurals store what they make."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from apps.accounts.models import Team
from apps.intake.models import Integration
from apps.intake.readings.shapes import (
    CountIn,
    LabelIn,
    MeasurementIn,
    ProfileRunIn,
    ReportRunIn,
)
from apps.ownership.models import Surface
from apps.telemetry import seeds, services
from apps.telemetry.services import Stored
from tests import builders as build

_numbers = count(1)
NOON = datetime(2026, 9, 7, 12, 0, tzinfo=UTC)  # a Monday
BAD = "ERR-INTERNAL"  # ours
THEIRS = "ERR-WAREHOUSE-AUTH"  # the customer's
CUT_OFF = "ERR-QUERY-DURATION-EXCEEDED"  # a time-out of unknown blame


def codes() -> None:
    """The table of diagnostic codes that a new site has; runs are judged by it."""
    seeds.ensure_codes()


def profiler(*, surface: Surface | None = None, team: Team | None = None) -> Integration:
    """The source that a profiler's sender posts to, with its key."""
    return build.native(surface=surface, team=team)


def run(at: datetime = NOON, outcome: str = "succeeded", **fields: Any) -> ProfileRunIn:
    """One run of ten tables that ended at `at` after a minute, with an id of its own."""
    values: dict[str, Any] = {
        "run_id": f"run-{next(_numbers)}",
        "attempt": 1,
        "source": "warehouse",
        "warehouse_type": "snowflake",
        "duration_ms": 60_000,
        "tables_attempted": 10,
        "package": "0.9.1",
        **fields,
    }
    if outcome == "running":
        values.setdefault("started_at", at)
        values["duration_ms"] = None
    else:
        values.setdefault("finished_at", at)
    return ProfileRunIn(outcome=outcome, **values)


def runs(
    integration: Integration,
    good: int = 1,
    *,
    bad: int = 0,
    timed_out: int = 0,
    at: datetime = NOON,
    every: timedelta = timedelta(minutes=1),
    now: datetime | None = None,
    **fields: Any,
) -> Stored:
    """Store runs `every` so often, the last at `at`: first good ones, then bad, then time-outs."""
    outcomes = ["succeeded"] * good + ["failed"] * bad + ["timed_out"] * timed_out
    made = [
        run(at - every * (len(outcomes) - 1 - index), outcome, **fields)
        for index, outcome in enumerate(outcomes)
    ]
    return keep(integration, made, now=now or at)


def keep(
    integration: Integration, shapes: Sequence[ProfileRunIn], *, now: datetime = NOON
) -> Stored:
    """Store these very runs."""
    return services.store_runs(integration=integration, runs=shapes, now=now)


def report(at: datetime = NOON, outcome: str = "succeeded", **fields: Any) -> ReportRunIn:
    """One report of the template `model`."""
    values: dict[str, Any] = {
        "run_id": f"report-{next(_numbers)}",
        "attempt": 1,
        "template": "model",
        **fields,
    }
    return ReportRunIn(outcome=outcome, finished_at=at, **values)


def reports(
    integration: Integration,
    good: int = 1,
    *,
    bad: int = 0,
    at: datetime = NOON,
    every: timedelta = timedelta(minutes=1),
    now: datetime | None = None,
    **fields: Any,
) -> Stored:
    """Store reports `every` so often, the last at `at`: first good ones, then bad."""
    outcomes = ["succeeded"] * good + ["failed"] * bad
    made = [
        report(at - every * (len(outcomes) - 1 - index), outcome, **fields)
        for index, outcome in enumerate(outcomes)
    ]
    return services.store_reports(integration=integration, reports=made, now=now or at)


def label(
    column: str = "warehouse.shop.users.email",
    predicted: str = "email",
    truth: str = "",
    at: datetime = NOON,
    **fields: Any,
) -> LabelIn:
    """What the detector says of a column; with a truth it is an audit unless said otherwise."""
    values: dict[str, Any] = {"package": "0.9.1", "warehouse_type": "snowflake", **fields}
    if truth:
        values.setdefault("truth_source", "audit")
    return LabelIn(column_ref=column, predicted=predicted, sampled_at=at, truth=truth, **values)


def labels(
    integration: Integration,
    right: int = 1,
    *,
    wrong: int = 0,
    predicted: str = "email",
    truth: str = "string",
    at: datetime = NOON,
    now: datetime | None = None,
    prefix: str = "warehouse.shop.audited",
    **fields: Any,
) -> Stored:
    """Store audited labels of as many columns; wrong ones are truly `truth`."""
    truths = [predicted] * right + [truth] * wrong
    made = [
        label(f"{prefix}.c{index}", predicted, true, at, **fields)
        for index, true in enumerate(truths)
    ]
    return services.store_labels(integration=integration, labels=made, now=now or at)


def inventory(
    integration: Integration,
    types: dict[str, str],
    *,
    at: datetime = NOON,
    now: datetime | None = None,
    **fields: Any,
) -> Stored:
    """Store an inventory: what the detector says of each column at that moment."""
    made = [label(column, kind, at=at, **fields) for column, kind in types.items()]
    return services.store_labels(integration=integration, labels=made, now=now or at)


def counts(
    integration: Integration,
    sli: str,
    *pairs: tuple[int, int],
    at: datetime = NOON,
    seconds: int = 60,
    now: datetime | None = None,
    **fields: Any,
) -> Stored:
    """Store (good, total) of windows one after another, the last beginning at `at`."""
    step = timedelta(seconds=seconds)
    made = [
        CountIn(sli, at - step * (len(pairs) - 1 - index), good, total, seconds, **fields)
        for index, (good, total) in enumerate(pairs)
    ]
    return services.store_counts(integration=integration, counts=made, now=now or at)


def measurements(
    integration: Integration,
    metric: str,
    *values: float,
    at: datetime = NOON,
    every: timedelta = timedelta(minutes=1),
    now: datetime | None = None,
    **fields: Any,
) -> Stored:
    """Store values `every` so often, the last at `at`."""
    made = [
        MeasurementIn(metric, at - every * (len(values) - 1 - index), value=value, **fields)
        for index, value in enumerate(values)
    ]
    return services.store_measurements(integration=integration, measurements=made, now=now or at)


def certificate(
    integration: Integration, subject: str, *, not_after: datetime, at: datetime = NOON
) -> Stored:
    """Store until when a certificate is valid."""
    one = MeasurementIn("certificate", at, subject=subject, not_after=not_after)
    return services.store_measurements(integration=integration, measurements=[one], now=at)
