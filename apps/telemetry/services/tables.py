# ruff: noqa: S608 - what is put into statements are names written in this module
"""The latest profile of each table: detail of runs that says how fresh a profile is."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from apps.intake.readings.shapes import ProfileRunIn
from apps.telemetry.services import bulk

_COLUMNS = {
    "source_id": "bigint",
    "schema": "text",
    "table": "text",
    "profiled_at": "timestamptz",
    "tried_at": "timestamptz",
    "outcome": "text",
    "duration_ms": "bigint",
    "model_file_hash": "text",
    "upstream_changed_at": "timestamptz",
}
_KEEP = f"""
INSERT INTO telemetry_profiledtable AS t ({bulk.names(_COLUMNS)})
SELECT {bulk.names(_COLUMNS)} FROM {bulk.table(_COLUMNS)} ORDER BY source_id, "schema", "table"
ON CONFLICT (source_id, "schema", "table") DO UPDATE SET
  profiled_at = GREATEST(t.profiled_at, EXCLUDED.profiled_at),
  upstream_changed_at = GREATEST(t.upstream_changed_at, EXCLUDED.upstream_changed_at),
  tried_at = GREATEST(t.tried_at, EXCLUDED.tried_at),
  outcome = CASE WHEN EXCLUDED.tried_at >= t.tried_at THEN EXCLUDED.outcome ELSE t.outcome END,
  duration_ms = CASE WHEN EXCLUDED.tried_at >= t.tried_at
    THEN COALESCE(EXCLUDED.duration_ms, t.duration_ms) ELSE t.duration_ms END,
  model_file_hash = CASE WHEN EXCLUDED.tried_at >= t.tried_at AND EXCLUDED.model_file_hash <> ''
    THEN EXCLUDED.model_file_hash ELSE t.model_file_hash END
"""


def keep(runs: Iterable[tuple[int, ProfileRunIn]]) -> None:
    """Keep the newest word on every table of these runs, each with the id of its source."""
    rows = [row for source_id, run in runs for row in _rows(source_id, run)]
    latest: dict[tuple[int, str, str], dict[str, Any]] = {}
    for row in sorted(rows, key=itemgetter("tried_at")):
        key = (row["source_id"], row["schema"], row["table"])
        latest[key] = _merged(latest[key], row) if key in latest else row
    if latest:
        bulk.run(_KEEP, bulk.as_json(latest.values()))


def _rows(source_id: int, run: ProfileRunIn) -> Iterable[dict[str, Any]]:
    for table in run.tables:
        tried = run.finished_at or table.profiled_at
        if tried is None:
            continue  # a run that goes on has profiled nothing yet
        done = table.profiled_at or (tried if table.outcome == "succeeded" else None)
        yield {
            "source_id": source_id,
            "schema": table.schema,
            "table": table.table,
            "profiled_at": done,
            "tried_at": tried,
            "outcome": table.outcome,
            "duration_ms": table.duration_ms,
            "model_file_hash": table.model_file_hash,
            "upstream_changed_at": table.upstream_changed_at,
        }


def _merged(before: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The later of two tries of one table, with what only the one before said."""
    newest = {name: before[name] if value in (None, "") else value for name, value in row.items()}
    for name in ("profiled_at", "upstream_changed_at"):
        known = [value for value in (before[name], row[name]) if value is not None]
        newest[name] = max(known, default=None)
    return newest
