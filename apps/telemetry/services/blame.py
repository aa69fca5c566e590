# ruff: noqa: S608 - what is put into statements are names written in this module
"""Who is to blame is said by a table; when that changes, what it judged is judged again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models, transaction

from apps.core.errors import Invalid
from apps.telemetry.classify import Rules, judge
from apps.telemetry.models import (
    Blame,
    DiagnosticCode,
    DurationObjective,
    ProfileRun,
    ReportRun,
    Size,
)
from apps.telemetry.services import bulk, rollups
from apps.telemetry.services.rules import rules
from apps.telemetry.services.stored import KEEP_RUNS

_JUDGED = {"id": "bigint", "outcome": "text", "blame": "text", "verdict": "text"}


@transaction.atomic
def save_code(
    *, code: str, blame: str, is_timeout: bool = False, note: str = "", now: datetime
) -> DiagnosticCode:
    """Say what a diagnostic code means, and judge the runs of the last 90 days by it."""
    if not code.strip() or blame not in Blame.values:
        raise Invalid("Name the code, and whom its failures are blamed on.")
    values = {"blame": blame, "is_timeout": is_timeout, "note": note}
    row, _ = DiagnosticCode.objects.update_or_create(code=code.strip(), defaults=values)
    reclassify(code=row.code, now=now)
    return row


@transaction.atomic
def save_objective(*, size: str, seconds: int, now: datetime) -> DurationObjective:
    """Say how long a run of a size may take, and judge the runs of the last 90 days by it."""
    if size not in Size.values or not 1 <= seconds <= 86_400 * 7:
        raise Invalid(
            "A duration lies between a second and a week.",
            fields={"seconds": ["Between a second and a week."]},
        )
    row, _ = DurationObjective.objects.update_or_create(size=size, defaults={"seconds": seconds})
    _rejudge_runs(ProfileRun.objects.filter(size=size, outcome="succeeded"), now)
    return row


@transaction.atomic
def drop_objective(*, objective: DurationObjective, now: datetime) -> None:
    """Let runs of a size take as long as they like again."""
    size = objective.size
    objective.delete()
    _rejudge_runs(ProfileRun.objects.filter(size=size, outcome="succeeded"), now)


@transaction.atomic
def reclassify(*, code: str, now: datetime) -> int:
    """Judge the failures with a code anew, those of the last 90 days, and mend the sums.

    Answers how many runs and reports count as something else now.
    """
    touched = _rejudge_runs(ProfileRun.objects.filter(diagnostic_code=code), now)
    return touched + _rejudge_reports(ReportRun.objects.filter(diagnostic_code=code), now)


def _rejudge_runs(rows: models.QuerySet[Any], now: datetime) -> int:
    bulk.one_writer()
    changed = _changed(rows, now, rules())
    ids = [row["id"] for row in changed]
    rollups.take_runs(ids)
    _write("telemetry_profilerun", changed)
    rollups.add_runs(ids)
    _mend_sources(ids)
    return len(ids)


def _rejudge_reports(rows: models.QuerySet[Any], now: datetime) -> int:
    bulk.one_writer()
    changed = _changed(rows, now, rules())
    ids = [row["id"] for row in changed]
    rollups.take_reports(ids)
    _write("telemetry_reportrun", changed)
    rollups.add_reports(ids)
    return len(ids)


def _changed(rows: models.QuerySet[Any], now: datetime, by: Rules) -> list[dict[str, Any]]:
    """What is judged otherwise than it stands. A report has no size, and none is too slow."""
    sized = rows.model is ProfileRun
    recent = rows.filter(finished_at__gte=now - KEEP_RUNS).exclude(outcome="running")
    names = ["pk", "sent_outcome", "outcome", "blame", "verdict", "diagnostic_code", "duration_ms"]
    changed = []
    for pk, sent, outcome, blame, verdict, code, duration, *size in recent.values_list(
        *names, *(["size"] if sized else [])
    ).iterator(5000):
        said = judge(
            sent,
            code=code,
            duration_ms=duration if sized else None,
            size=size[0] if sized else "",
            rules=by,
        )
        if (said.outcome, said.blame, said.verdict) != (outcome, blame, verdict):
            changed.append(
                {"id": pk, "outcome": said.outcome, "blame": said.blame, "verdict": said.verdict}
            )
    return changed


def _write(table: str, changed: list[dict[str, Any]]) -> None:
    bulk.run(
        f"UPDATE {table} t SET outcome = x.outcome, blame = x.blame, verdict = x.verdict"
        f" FROM {bulk.table(_JUDGED)} WHERE t.id = x.id",
        bulk.as_json(changed),
    )


def _mend_sources(ids: list[int]) -> None:
    """The last outcome of a source is that of its last run, whatever that is called now."""
    bulk.run(
        "UPDATE telemetry_profiledsource s SET last_outcome = r.outcome"
        " FROM telemetry_profilerun r WHERE r.id = ANY(%s) AND s.id = r.source_id"
        " AND s.last_finished_at = r.finished_at",
        ids,
    )
