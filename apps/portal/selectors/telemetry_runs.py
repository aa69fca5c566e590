"""Lists of runs and reports, one run, and one source with its days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDay

from apps.accounts.models import Person
from apps.portal import formats
from apps.portal import telemetry_plots as plots
from apps.telemetry.models import (
    Outcome,
    ProfiledSource,
    ProfiledTable,
    ProfileRun,
    ReportRun,
    Verdict,
)
from apps.telemetry.selectors.spans import Span

SHOW = {
    "all": "All",
    "bad": "Bad",
    "timed_out": "Timed out",
    "excluded": "Left out",
    "running": "Running",
}
DAYS = 28
TABLES = 60
RECENT = 12
STRIPS = 60  # sources whose days are drawn on one page


@dataclass(frozen=True)
class Wanted:
    """What a list of runs is narrowed to; empty: everything."""

    show: str = "all"
    warehouse: str = ""
    size: str = ""
    source: int | None = None
    code: str | None = None
    package: str = ""
    template: str = ""


def _shown(rows: QuerySet[Any], show: str) -> QuerySet[Any]:
    if show == "bad":
        return rows.filter(verdict=Verdict.BAD)
    if show == "timed_out":
        return rows.filter(outcome=Outcome.TIMED_OUT, verdict=Verdict.BAD)
    if show == "excluded":
        return rows.filter(verdict=Verdict.EXCLUDED)
    return rows


def runs(person: Person, span: Span, wanted: Wanted) -> QuerySet[ProfileRun]:
    """Runs that ended in the span; running ones have no end and are those that began in it."""
    rows: QuerySet[ProfileRun] = ProfileRun.objects.visible_to(person).select_related("source")
    if wanted.show == "running":
        rows = rows.filter(finished_at=None, outcome=Outcome.RUNNING)
    else:
        rows = _shown(rows, wanted.show).filter(
            finished_at__gte=span.start, finished_at__lt=span.end
        )
    exact: Mapping[str, object] = {
        "warehouse_type": wanted.warehouse,
        "size": wanted.size,
        "source_id": wanted.source,
        "package": wanted.package,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    return rows if wanted.code is None else rows.filter(diagnostic_code=wanted.code)


def reports(person: Person, span: Span, wanted: Wanted) -> QuerySet[ReportRun]:
    rows: QuerySet[ReportRun] = _shown(ReportRun.objects.visible_to(person), wanted.show)
    rows = rows.filter(finished_at__gte=span.start, finished_at__lt=span.end)
    rows = rows.filter(template=wanted.template) if wanted.template else rows
    return rows if wanted.code is None else rows.filter(diagnostic_code=wanted.code)


def choices(person: Person) -> dict[str, list[str]]:
    """What the sources that there are offer to filter by."""
    rows = ProfiledSource.objects.visible_to(person).exclude(warehouse_type="").order_by()
    return {"warehouses": sorted(rows.values_list("warehouse_type", flat=True).distinct())}


# -- one run


def attempts(run: ProfileRun, person: Person) -> list[ProfileRun]:
    """The other attempts of a run."""
    rows = ProfileRun.objects.visible_to(person).filter(
        integration_id=run.integration_id, run_id=run.run_id
    )
    return list(rows.exclude(pk=run.pk).order_by("attempt"))


@dataclass(frozen=True)
class TableRow:
    """The newest word on a table, and whether it is this run's."""

    row: ProfiledTable
    is_here: bool


def tables(source: ProfiledSource, run: ProfileRun | None = None) -> tuple[list[TableRow], int]:
    """Tables of a source: those that failed first, then by age; and how many there are."""
    rows = ProfiledTable.objects.filter(source=source)
    ordered = sorted(
        rows.order_by("profiled_at")[: 20 * TABLES],
        key=lambda row: (
            row.outcome == Outcome.SUCCEEDED,
            row.profiled_at or datetime.min.replace(tzinfo=UTC),
            row.schema,
            row.table,
        ),
    )
    end = run.finished_at if run else None
    shown = [TableRow(row, end is not None and row.tried_at == end) for row in ordered]
    if run is not None:
        shown = [one for one in shown if one.is_here] or shown
    return shown[:TABLES], len(shown)


def is_changed_after(row: ProfiledTable) -> bool:
    """Whether what a table is made of changed after its profile was taken."""
    changed, taken = row.upstream_changed_at, row.profiled_at
    return changed is not None and taken is not None and changed > taken


# -- sources


def days_of(sources: Sequence[int], now: datetime) -> dict[int, list[plots.Day]]:
    """The last four weeks of some sources, day by day in UTC, in one statement."""
    first = now.astimezone(UTC).date() - timedelta(days=DAYS - 1)
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    rows = ProfileRun.objects.filter(
        source_id__in=list(sources)[:STRIPS], finished_at__gte=start, finished_at__lt=now
    )
    found = (
        rows.order_by()
        .annotate(day=TruncDay("finished_at", tzinfo=UTC))
        .values_list("source_id", "day")
        .annotate(
            good=Count("pk", filter=Q(outcome=Outcome.SUCCEEDED)),
            n=Count("pk", filter=~Q(outcome=Outcome.CANCELED)),
        )
    )
    known: dict[tuple[int, date], tuple[int, int]] = {
        (source, day.date()): (good, n) for source, day, good, n in found
    }
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return {
        source: [
            plots.Day(formats.plain_day(day), *known.get((source, day), (0, 0))) for day in days
        ]
        for source in list(sources)[:STRIPS]
    }


def strip_words(name: str, days: Sequence[plots.Day]) -> str:
    """A strip for who cannot see it."""
    ran = [day for day in days if day.n]
    good = sum(1 for day in ran if day.good)
    return (
        f"{name}, {len(days)} days: {good} with a success, {len(ran) - good} with failures only,"
        f" {len(days) - len(ran)} without a run"
    )


def recent(source: ProfiledSource, person: Person) -> list[ProfileRun]:
    rows = ProfileRun.objects.visible_to(person).filter(source=source)
    return list(rows.exclude(finished_at=None).order_by("-finished_at")[:RECENT])
