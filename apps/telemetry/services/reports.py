# ruff: noqa: S608 - what is put into statements are names written in this module
"""Inspector reports: each attempt counts once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import transaction

from apps.intake.models import Integration
from apps.intake.readings.shapes import ReportRunIn
from apps.telemetry.classify import Rules, judge
from apps.telemetry.services import bulk, rollups
from apps.telemetry.services.rules import rules
from apps.telemetry.services.sources import Surfaces
from apps.telemetry.services.stored import KEEP_RUNS, Stored

_SENT = {
    "run_id": "text",
    "attempt": "smallint",
    "template": "text",
    "template_version": "text",
    "table": "text",
    "ejected": "boolean",
    "finished_at": "timestamptz",
    "duration_ms": "bigint",
    "diagnostic_code": "text",
    "package": "text",
}
_COLUMNS = {
    **_SENT,
    "sent_outcome": "text",
    "outcome": "text",
    "blame": "text",
    "verdict": "text",
    "surface_id": "bigint",
}
_sent = attrgetter(*_SENT)
_INSERT = f"""
INSERT INTO telemetry_reportrun (integration_id, received_at, {bulk.names(_COLUMNS)})
SELECT %s, %s, {bulk.names(_COLUMNS)} FROM {bulk.table(_COLUMNS)} ORDER BY run_id, attempt
ON CONFLICT (integration_id, run_id, attempt) DO NOTHING RETURNING id
"""


@transaction.atomic
def store_reports(
    *,
    integration: Integration,
    reports: Sequence[ReportRunIn],
    now: datetime,
    received_at: datetime | None = None,
) -> Stored:
    """Keep a batch of reports, and count those that are new; the first word on one stands."""
    bulk.one_writer()
    fresh: dict[tuple[str, int], ReportRunIn] = {}
    kept = [report for report in reports if report.finished_at >= now - KEEP_RUNS]
    for report in kept:
        fresh.setdefault((report.run_id, report.attempt), report)
    surfaces = Surfaces.of(integration, {report.surface for report in fresh.values()})
    by = rules()
    sent = bulk.as_json(_row(report, surfaces, by) for report in fresh.values())
    new = [pk for (pk,) in bulk.fetch(_INSERT, integration.pk, received_at or now, sent)]
    rollups.add_reports(new)
    return Stored(len(new), 0, len(kept) - len(new), len(reports) - len(kept))


def _row(report: ReportRunIn, surfaces: Surfaces, by: Rules) -> dict[str, Any]:
    """A report as its row; reports have no size, and no duration is too long for one."""
    said = judge(report.outcome, code=report.diagnostic_code, duration_ms=None, size="", rules=by)
    row: dict[str, Any] = dict(zip(_SENT, _sent(report), strict=True))
    row |= {
        "sent_outcome": report.outcome,
        "outcome": said.outcome,
        "blame": said.blame,
        "verdict": said.verdict,
    }
    row["surface_id"] = surfaces.of_row(report.surface)
    return row
