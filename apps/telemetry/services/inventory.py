# ruff: noqa: S608 - what is put into statements are names written in this module
"""What the detector says of every column: two inventories tell what changed between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.intake.models import Integration
from apps.intake.readings.shapes import LabelIn
from apps.telemetry.services import bulk, sources
from apps.telemetry.services.sources import Key, Seen, Surfaces
from apps.telemetry.services.stored import Stored

Column = tuple[int, str]  # source, column_ref
_COLUMN = {"source_id": "bigint", "column_ref": "text"}
_TYPE = {
    **_COLUMN,
    "semantic_type": "text",
    "actual_type": "text",
    "confidence": "double precision",
    "package": "text",
    "since": "timestamptz",
    "seen_at": "timestamptz",
}
_CHANGE = {
    **_COLUMN,
    "was": "text",
    "became": "text",
    "actual_type": "text",
    "package_was": "text",
    "package": "text",
    "at": "timestamptz",
}
_KEEP = f"""
INSERT INTO telemetry_columntype ({bulk.names(_TYPE)})
SELECT {bulk.names(_TYPE)} FROM {bulk.table(_TYPE)} ORDER BY source_id, column_ref
ON CONFLICT (source_id, column_ref) DO UPDATE SET
  {", ".join(f"{name} = EXCLUDED.{name}" for name in _TYPE if name not in _COLUMN)}
"""
_CHANGED = f"""
INSERT INTO telemetry_typechange ({bulk.names(_CHANGE)})
SELECT {bulk.names(_CHANGE)} FROM {bulk.table(_CHANGE)} ORDER BY source_id, column_ref, "at"
ON CONFLICT DO NOTHING
"""


@dataclass(slots=True)
class _State:
    """The type of a column as it stands while a batch is read."""

    semantic_type: str
    actual_type: str
    confidence: float | None
    package: str
    since: datetime
    seen_at: datetime


def take(
    *, integration: Integration, lines: Sequence[tuple[Key, LabelIn]], now: datetime
) -> Stored:
    """Walk the lines in order of their time. One not later than what is known
    is a repetition."""
    if not lines:
        return Stored()
    known = _sources(integration, lines, now)
    states = _standing((known[key], line.column_ref) for key, line in lines)
    before = set(states)
    touched: set[Column] = set()
    changes: list[dict[str, Any]] = []
    for key, line in sorted(lines, key=lambda pair: pair[1].sampled_at):
        column = (known[key], line.column_ref)
        state = states.get(column)
        if state is not None and line.sampled_at <= state.seen_at:
            continue
        if state is not None and state.semantic_type != line.predicted:
            changes.append(_change(column, state, line))
        states[column] = _next(state, line)
        touched.add(column)
    _write(states, touched, changes)
    new = len(touched - before)
    return Stored(new, len(touched) - new, len(lines) - len(touched))


def _sources(
    integration: Integration, lines: Iterable[tuple[Key, LabelIn]], now: datetime
) -> dict[Key, int]:
    """The sources of the lines; an inventory may speak of one that never sent a run."""
    keys = {key for key, _ in lines}
    known = sources.known(integration, keys)
    if missing := keys - set(known):
        surfaces = Surfaces.of(integration, {line.surface for _, line in lines})
        seen: dict[Key, Seen] = {}
        for key, line in lines:
            if key in missing and key not in seen:
                seen[key] = Seen(now, now, line.warehouse_type)
                seen[key].surface_id = surfaces.of_row(line.surface, line.warehouse_type)
        known |= sources.make(integration, seen)
    return {key: known[key].pk for key in keys}


def _standing(columns: Iterable[Column]) -> dict[Column, _State]:
    rows = bulk.fetch(
        "SELECT c.source_id, c.column_ref, c.semantic_type, c.actual_type, c.confidence,"
        f" c.package, c.since, c.seen_at FROM {bulk.table(_COLUMN)} JOIN telemetry_columntype c"
        " ON c.source_id = x.source_id AND c.column_ref = x.column_ref",
        bulk.as_json(dict(zip(_COLUMN, column, strict=True)) for column in set(columns)),
    )
    return {(source, ref): _State(*rest) for source, ref, *rest in rows}


def _next(state: _State | None, line: LabelIn) -> _State:
    stays = state is not None and state.semantic_type == line.predicted
    return _State(
        line.predicted,
        line.actual_type,
        line.confidence,
        line.package,
        state.since if state is not None and stays else line.sampled_at,
        line.sampled_at,
    )


def _change(column: Column, state: _State, line: LabelIn) -> dict[str, Any]:
    return {
        "source_id": column[0],
        "column_ref": column[1],
        "was": state.semantic_type,
        "became": line.predicted,
        "actual_type": line.actual_type,
        "package_was": state.package,
        "package": line.package,
        "at": line.sampled_at,
    }


def _write(
    states: dict[Column, _State], touched: set[Column], changes: list[dict[str, Any]]
) -> None:
    rows = [
        {
            "source_id": column[0],
            "column_ref": column[1],
            "semantic_type": states[column].semantic_type,
            "actual_type": states[column].actual_type,
            "confidence": states[column].confidence,
            "package": states[column].package,
            "since": states[column].since,
            "seen_at": states[column].seen_at,
        }
        for column in touched
    ]
    if rows:
        bulk.run(_KEEP, bulk.as_json(rows))
    if changes:
        bulk.run(_CHANGED, bulk.as_json(changes))
