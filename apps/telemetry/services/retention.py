"""What is kept how long. Rows go in small batches, each in a transaction of its own, oldest first
along an index, so that nobody waits for a deletion.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from apps.telemetry.models import (
    ColumnType,
    Grain,
    Measurement,
    ProfiledTable,
    ProfileRun,
    ReportRun,
    RunRollup,
    SemanticLabel,
    SliCount,
    TypeChange,
)
from apps.telemetry.services.stored import KEEP_RUNS

BATCH = 2_000
MOST = 2_000_000  # rows a night: a night ends
# A day longer than a run may be sent again, so that none is counted which has just been deleted.
RUNS = KEEP_RUNS + timedelta(days=1)
KEEP_LONG = timedelta(days=400)


def purge(*, now: datetime, batch: int = BATCH, most: int = MOST) -> dict[str, int]:
    """Delete what is older than its time: runs, reports and measurements after 91 days; labels,
    counts, type changes and sums by hour after 400, and so columns and tables that nobody has seen
    for so long. Sums by day stay.

    Answers how many rows went, by table. Call it outside a transaction.
    """
    gone: dict[str, int] = {}
    for rows in _old(now):
        name = str(rows.model._meta.verbose_name_plural)
        left = most - sum(gone.values())
        gone[name] = gone.get(name, 0) + _drop(rows, batch=batch, most=left)
    return {name: number for name, number in gone.items() if number}


def _old(now: datetime) -> Iterator[QuerySet[Any]]:
    raw, long = now - RUNS, now - KEEP_LONG
    yield ProfileRun.objects.filter(finished_at__lt=raw).order_by("finished_at")
    # What began and never ended: few rows, and no index of their own.
    began = Coalesce("started_at", "queued_at", "received_at")
    yield (
        ProfileRun.objects.filter(Q(finished_at=None), outcome="running")
        .alias(began=began)
        .filter(began__lt=raw)
    )
    yield ReportRun.objects.filter(finished_at__lt=raw).order_by("finished_at")
    yield from _of_each("metric", Measurement.objects.filter(at__lt=raw), "at")
    yield from _of_each(
        "truth_source", SemanticLabel.objects.filter(sampled_at__lt=long), "sampled_at"
    )
    yield from _of_each("sli", SliCount.objects.filter(starts_at__lt=long), "starts_at")
    yield TypeChange.objects.filter(at__lt=long).order_by("at")
    hours = {"grain": Grain.HOUR, "starts_at__lt": long}
    for kind in RunRollup.Kind.values:
        yield RunRollup.objects.filter(kind=kind, **hours).order_by("starts_at")
    # The last word on each, and so few of them old that they need no index.
    yield ColumnType.objects.filter(seen_at__lt=long)
    yield ProfiledTable.objects.filter(tried_at__lt=long)


def _of_each(name: str, rows: QuerySet[Any], when: str) -> Iterator[QuerySet[Any]]:
    """The old rows of one name after the other, since their index begins with it."""
    for one in list(rows.order_by().values_list(name, flat=True).distinct()):
        yield rows.filter(**{name: one}).order_by(when)


def _drop(rows: QuerySet[Any], *, batch: int, most: int) -> int:
    """Delete a batch at a time until none is left; a row that somebody holds waits a night."""
    gone = 0
    while gone < most:
        with transaction.atomic():
            some = rows.select_for_update(skip_locked=True)
            ids = list(some.values_list("pk", flat=True)[: min(batch, most - gone)])
            if ids:
                rows.model._default_manager.filter(pk__in=ids).delete()
        gone += len(ids)
        if len(ids) < batch:
            break
    return gone
