# ruff: noqa: S608 - what is put into statements are names written in this module
"""Profile runs: each attempt counts once, whatever comes twice, late or in another order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import transaction

from apps.intake.models import Integration
from apps.intake.readings.shapes import ProfileRunIn
from apps.telemetry.classify import Judgement, Rules, judge, size_of
from apps.telemetry.services import bulk, rollups, sources, tables
from apps.telemetry.services.rules import rules
from apps.telemetry.services.sources import Key, Known, Seen, Surfaces
from apps.telemetry.services.stored import KEEP_RUNS, Stored

RunKey = tuple[str, int]
_SENT = {  # columns that are stored as they were sent
    "run_id": "text",
    "attempt": "smallint",
    "command": "text",
    "trigger": "text",
    "warehouse_type": "text",
    "queued_at": "timestamptz",
    "started_at": "timestamptz",
    "finished_at": "timestamptz",
    "diagnostic_code": "text",
    "tables_attempted": "integer",
    "tables_ok": "integer",
    "tables_failed": "integer",
    "tables_skipped": "integer",
    "columns": "integer",
    "row_count_bucket": "text",
    "approximate": "boolean",
    "deep_profile": "boolean",
    "bytes_scanned": "bigint",
    "cost_usd": "numeric",
    "package": "text",
    "contract_version": "text",
}
_COLUMNS = {
    **_SENT,
    "duration_ms": "bigint",
    "sent_outcome": "text",
    "outcome": "text",
    "blame": "text",
    "verdict": "text",
    "size": "text",
    "source_id": "bigint",
    "surface_id": "bigint",
}
_sent = attrgetter(*_SENT)
_CHANGED = ", ".join(
    f'"{name}" = EXCLUDED."{name}"'
    for name in (*_COLUMNS, "received_at", "delivery_id")
    if name not in {"run_id", "attempt"}
)
_UPSERT = f"""
WITH taken AS (
  INSERT INTO telemetry_profilerun
    (integration_id, received_at, delivery_id, {bulk.names(_COLUMNS)})
  SELECT %s, %s, %s, {bulk.names(_COLUMNS)} FROM {bulk.table(_COLUMNS)} ORDER BY run_id, attempt
  ON CONFLICT (integration_id, run_id, attempt) DO UPDATE SET {_CHANGED}
  WHERE telemetry_profilerun.outcome = 'running' AND EXCLUDED.outcome <> 'running'
  RETURNING id, outcome)
SELECT id FROM taken WHERE outcome <> 'running'
"""


@transaction.atomic
def store_runs(
    *,
    integration: Integration,
    runs: Sequence[ProfileRunIn],
    now: datetime,
    received_at: datetime | None = None,
    delivery_id: int | None = None,
) -> Stored:
    """Keep a batch of runs, and count those that ended and had not been counted.

    One attempt is one row: the first end of it stands, an end replaces the row of a beginning,
    and a beginning that comes late changes nothing. One that ended before what is kept of runs is
    left out: whether it has been counted, nobody could say any more.
    """
    bulk.one_writer()
    kept = [run for run in runs if not run.finished_at or run.finished_at >= now - KEEP_RUNS]
    standing = _standing(integration, kept)
    fresh = _fresh(kept, standing)
    if fresh:
        surfaces = Surfaces.of(integration, {run.surface for run in fresh.values()})
        judged, known = _judged(integration, fresh, surfaces, now)
        sent = bulk.as_json(one.row(known[one.key].pk) for one in judged)
        ended = [
            pk
            for (pk,) in bulk.fetch(_UPSERT, integration.pk, received_at or now, delivery_id, sent)
        ]
        seen = _seen(judged, now)
        sources.note(surfaces=surfaces, seen=seen, known=known)
        tables.keep((known[one.key].pk, one.run) for one in judged if one.run.tables)
        rollups.add_runs(ended)
    changed = sum(1 for key in fresh if key in standing)
    return Stored(len(fresh) - changed, changed, len(kept) - len(fresh), len(runs) - len(kept))


def _standing(integration: Integration, runs: Iterable[ProfileRunIn]) -> dict[RunKey, ProfileRunIn]:
    """The rows that these runs have already, as far as a later one can add to them."""
    keys = {"run_id": "text", "attempt": "smallint"}
    found = bulk.fetch(
        "SELECT r.run_id, r.attempt, r.outcome, s.org, s.project, s.name, r.warehouse_type,"
        f" r.queued_at, r.started_at FROM {bulk.table(keys)}"
        " JOIN telemetry_profilerun r ON r.run_id = x.run_id AND r.attempt = x.attempt"
        " JOIN telemetry_profiledsource s ON s.id = r.source_id WHERE r.integration_id = %s",
        bulk.as_json({"run_id": run.run_id, "attempt": run.attempt} for run in runs),
        integration.pk,
    )
    return {
        (run_id, attempt): ProfileRunIn(
            run_id, attempt, outcome, org=org, project=project, source=source,
            warehouse_type=warehouse, queued_at=queued, started_at=started,
        )
        for run_id, attempt, outcome, org, project, source, warehouse, queued, started in found
    }  # fmt: skip


def _fresh(
    runs: Iterable[ProfileRunIn], standing: Mapping[RunKey, ProfileRunIn]
) -> dict[RunKey, ProfileRunIn]:
    """What a batch adds: for each attempt its first end, or else its first beginning."""
    fresh: dict[RunKey, ProfileRunIn] = {}
    for run in runs:
        key = (run.run_id, run.attempt)
        before = fresh.get(key) or standing.get(key)
        if before is None:
            fresh[key] = run
        elif before.outcome == "running" and run.outcome != "running":
            fresh[key] = _ended(before, run)
    return fresh


def _ended(began: ProfileRunIn, run: ProfileRunIn) -> ProfileRunIn:
    """An end, with what only its beginning said."""
    named = run if run.org or run.project or run.source else began
    return replace(
        run,
        org=named.org,
        project=named.project,
        source=named.source,
        warehouse_type=run.warehouse_type or began.warehouse_type,
        queued_at=run.queued_at or began.queued_at,
        started_at=run.started_at or began.started_at,
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """A run with what we make of it."""

    run: ProfileRunIn
    key: Key
    judgement: Judgement
    duration_ms: int | None
    size: str
    surface_id: int | None

    def row(self, source_id: int) -> dict[str, Any]:
        row: dict[str, Any] = dict(zip(_SENT, _sent(self.run), strict=True))
        row["duration_ms"] = self.duration_ms
        row["sent_outcome"] = self.run.outcome
        row["outcome"] = self.judgement.outcome
        row["blame"] = self.judgement.blame
        row["verdict"] = self.judgement.verdict
        row["size"] = self.size
        row["source_id"] = source_id
        row["surface_id"] = self.surface_id
        return row


def _judged(
    integration: Integration,
    fresh: Mapping[RunKey, ProfileRunIn],
    surfaces: Surfaces,
    now: datetime,
) -> tuple[list[_Judged], dict[Key, Known]]:
    """Every run judged, and the sources that they are of; new sources are made."""
    runs = fresh.values()
    known = sources.known(integration, {_key(run) for run in runs})
    by = rules()
    judged = [_judge(run, surfaces, known, by) for run in runs]
    missing = _seen([one for one in judged if one.key not in known], now)
    if missing:
        known |= sources.make(integration, missing)
    return judged, known


def _key(run: ProfileRunIn) -> Key:
    return run.org, run.project, run.source


def _judge(run: ProfileRunIn, surfaces: Surfaces, known: Mapping[Key, Known], by: Rules) -> _Judged:
    key = _key(run)
    size = size_of(run.row_count_bucket, run.tables_attempted)
    duration = run.duration_ms
    if duration is None and run.started_at and run.finished_at:
        duration = max(0, round((run.finished_at - run.started_at).total_seconds() * 1000))
    return _Judged(
        run,
        key,
        judge(run.outcome, code=run.diagnostic_code, duration_ms=duration, size=size, rules=by),
        duration,
        size,
        surfaces.of_row(
            run.surface, run.warehouse_type, known[key].surface_id if key in known else None
        ),
    )


def _seen(judged: Iterable[_Judged], now: datetime) -> dict[Key, Seen]:
    """What the runs of a batch say of each source, the latest one last."""
    seen: dict[Key, Seen] = {}
    for one in judged:
        run = one.run
        end = run.finished_at
        at = min(end or run.started_at or run.queued_at or now, now)
        about = seen.get(one.key)
        if about is None:
            about = seen[one.key] = Seen(at, at)
        about.at = min(about.at, at)
        if at >= about.latest:
            about.latest = at
            about.warehouse_type = run.warehouse_type or about.warehouse_type
            about.connection = run.connection or about.connection
            about.surface_id = one.surface_id or about.surface_id
        if end is None:
            continue
        if about.last_finished_at is None or end >= about.last_finished_at:
            about.last_finished_at, about.last_outcome = end, one.judgement.outcome
        if run.outcome == "succeeded":
            about.last_success_at = max(end, about.last_success_at or end)
    return seen
