# ruff: noqa: S608 - what is put into statements are names written in this module
"""Semantic types: labels whose truth is known, and inventories of what the detector says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import transaction

from apps.intake.models import Integration
from apps.intake.readings.shapes import LabelIn
from apps.telemetry.services import bulk, inventory, sources
from apps.telemetry.services.sources import Key, Surfaces
from apps.telemetry.services.stored import Stored

MAX_SOURCE = 120  # characters, as in the column of its name
_SENT = {
    "column_ref": "text",
    "actual_type": "text",
    "role": "text",
    "predicted": "text",
    "truth": "text",
    "truth_source": "text",
    "confidence": "double precision",
    "package": "text",
    "contract_version": "text",
    "warehouse_type": "text",
    "sampled_at": "timestamptz",
}
_COLUMNS = {
    **_SENT,
    "label_key": "text",
    "correct": "boolean",
    "stratum": "text",
    "source_id": "bigint",
    "surface_id": "bigint",
}
_sent = attrgetter(*_SENT)
_INSERT = f"""
INSERT INTO telemetry_semanticlabel (integration_id, received_at, {bulk.names(_COLUMNS)})
SELECT %s, %s, {bulk.names(_COLUMNS)} FROM {bulk.table(_COLUMNS)} ORDER BY label_key
ON CONFLICT (integration_id, label_key) DO NOTHING
"""


def source_key(label: LabelIn) -> Key:
    """The source of a label: the one named, else the first part of `source.schema.table.column`,
    unless that is longer than a source may be called."""
    parts = label.column_ref.split(".")
    named = parts[0] if len(parts) > 3 and len(parts[0]) <= MAX_SOURCE else ""
    return label.org, label.project, label.source or named


def label_key(label: LabelIn) -> str:
    """What makes a label one and the same: the sender's id, else column, detector and moment."""
    parts = (
        [label.label_id]
        if label.label_id
        else [
            label.org, label.project, label.column_ref, label.package, label.truth_source,
            label.sampled_at.isoformat(),
        ]
    )  # fmt: skip
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


@transaction.atomic
def store_labels(
    *,
    integration: Integration,
    labels: Sequence[LabelIn],
    now: datetime,
    received_at: datetime | None = None,
) -> Stored:
    """Keep what has a truth as labels; what has none is a line of an inventory.

    The first word on a label stands. Inventory lines older than what is known change nothing.
    """
    bulk.one_writer()
    judged = [label for label in labels if label.truth]
    listed = [label for label in labels if not label.truth]
    new = _store(integration, judged, received_at or now)
    lines = inventory.take(
        integration=integration, lines=[(source_key(x), x) for x in listed], now=now
    )
    return Stored(
        new=new + lines.new,
        changed=lines.changed,
        repeated=len(labels) - new - lines.new - lines.changed,
    )


def _store(integration: Integration, labels: Sequence[LabelIn], now: datetime) -> int:
    first: dict[str, LabelIn] = {}
    for label in labels:
        first.setdefault(label_key(label), label)
    if not first:
        return 0
    surfaces = Surfaces.of(integration, {one.surface for one in labels})
    known = sources.known(integration, {source_key(label) for label in first.values()})
    rows = []
    for key, label in first.items():
        source = known.get(source_key(label))
        row: dict[str, Any] = dict(zip(_SENT, _sent(label), strict=True))
        row |= {"label_key": key, "correct": label.predicted == label.truth}
        row["stratum"] = label.stratum or label.predicted
        row["source_id"] = source.pk if source else None
        row["surface_id"] = surfaces.of_row(
            label.surface, label.warehouse_type, source.surface_id if source else None
        )
        rows.append(row)
    return bulk.run(_INSERT, integration.pk, now, bulk.as_json(rows))
