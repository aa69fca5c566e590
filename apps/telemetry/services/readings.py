# ruff: noqa: S608 - what is put into statements are names written in this module
"""Counts and measurements that tools send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import transaction

from apps.intake.models import Integration
from apps.intake.readings.shapes import CountIn, MeasurementIn
from apps.telemetry.services import bulk
from apps.telemetry.services.sources import Surfaces
from apps.telemetry.services.stored import Stored

_COUNT = {
    "sli": "text",
    "part": "text",
    "starts_at": "timestamptz",
    "seconds": "integer",
    "good": "bigint",
    "total": "bigint",
}
_MEASURED = {
    "metric": "text",
    "subject": "text",
    "value": "double precision",
    "unit": "text",
    "limit": "double precision",
    "not_after": "timestamptz",
    "at": "timestamptz",
}
_count = attrgetter(*_COUNT)
_measured = attrgetter(*_MEASURED)
_with_surface = {"surface_id": "bigint"}
_COUNTS = f"""
INSERT INTO telemetry_slicount AS t
  (integration_id, received_at, {bulk.names({**_COUNT, **_with_surface})})
SELECT %s, %s, {bulk.names({**_COUNT, **_with_surface})}
FROM {bulk.table({**_COUNT, **_with_surface})} ORDER BY sli, part, starts_at, seconds
ON CONFLICT (integration_id, sli, part, starts_at, seconds) DO UPDATE SET
  good = EXCLUDED.good, total = EXCLUDED.total, surface_id = EXCLUDED.surface_id,
  received_at = EXCLUDED.received_at
WHERE (t.good, t.total, t.surface_id) IS DISTINCT FROM
  (EXCLUDED.good, EXCLUDED.total, EXCLUDED.surface_id)
RETURNING (xmax = 0)
"""
_MEASUREMENTS = f"""
INSERT INTO telemetry_measurement
  (integration_id, received_at, {bulk.names({**_MEASURED, **_with_surface})})
SELECT %s, %s, {bulk.names({**_MEASURED, **_with_surface})}
FROM {bulk.table({**_MEASURED, **_with_surface})} ORDER BY metric, subject, "at"
ON CONFLICT (integration_id, metric, subject, "at") DO NOTHING
"""


@transaction.atomic
def store_counts(
    *,
    integration: Integration,
    counts: Sequence[CountIn],
    now: datetime,
    received_at: datetime | None = None,
) -> Stored:
    """Keep counts. Other numbers for the same window replace those before: the sender's last word.

    Nothing is summed up from them in advance, so nothing has to be mended.
    """
    bulk.one_writer()
    latest = {(one.sli, one.part, one.starts_at, one.seconds): one for one in counts}
    surfaces = Surfaces.of(integration, {one.surface for one in counts})
    rows = [_row(_COUNT, _count(one), surfaces.of_row(one.surface)) for one in latest.values()]
    touched = bulk.fetch(_COUNTS, integration.pk, received_at or now, bulk.as_json(rows))
    new = sum(1 for (fresh,) in touched if fresh)
    return Stored(new, len(touched) - new, len(counts) - len(touched))


@transaction.atomic
def store_measurements(
    *,
    integration: Integration,
    measurements: Sequence[MeasurementIn],
    now: datetime,
    received_at: datetime | None = None,
) -> Stored:
    """Keep readings; the first one of a metric, subject and moment stands."""
    bulk.one_writer()
    first: dict[tuple[str, str, datetime], MeasurementIn] = {}
    for one in measurements:
        first.setdefault((one.metric, one.subject, one.at), one)
    surfaces = Surfaces.of(integration, {one.surface for one in measurements})
    rows = [_row(_MEASURED, _measured(one), surfaces.of_row(one.surface)) for one in first.values()]
    new = bulk.run(_MEASUREMENTS, integration.pk, received_at or now, bulk.as_json(rows))
    return Stored(new=new, repeated=len(measurements) - new)


def _row(
    columns: dict[str, str], values: tuple[Any, ...], surface_id: int | None
) -> dict[str, Any]:
    return {**dict(zip(columns, values, strict=True)), "surface_id": surface_id}
