# ruff: noqa: S608 - what is put into statements are names written in this module
"""Telemetry of a long stretch, summed up by the minute: what a replay of a rule plays over.

The questions are those of `series` and `watched`; the answers are rows instead of one number.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncMinute

from apps.telemetry.classify import TIMED
from apps.telemetry.models import (
    ColumnType,
    Measurement,
    ProfiledSource,
    SemanticLabel,
    Slo,
    TypeChange,
)
from apps.telemetry.selectors import readings, series

Minute = tuple[float, int, int]  # epoch second, bad, total
Minutes = dict[str, list[Minute]]


def runs(
    *,
    kind: str,
    since: datetime,
    until: datetime,
    by: str = "",
    facet: str = "",
    surfaces: Collection[int] | None = None,
) -> Minutes:
    """As `series.tallies`."""
    name, column = series.table_of(kind)
    where, values = series.narrowed(column, facet, surfaces)
    groups = {"facet": column, "surface": "surface_id::text", "source": "source_id::text"}
    rows = series.rows_of(
        f"SELECT {groups.get(by, series.ALL)}, extract(epoch FROM date_trunc('minute',"
        f" finished_at))::float8, count(*) FILTER (WHERE verdict = 'bad'), count(*) FROM {name}"
        f" WHERE finished_at >= %s AND finished_at < %s AND verdict IN ('good', 'bad'){where}"
        " GROUP BY 1, 2",
        [since, until, *values],
    )
    found: Minutes = {}
    for group, at, bad, total in rows:
        found.setdefault(str(group or ""), []).append((at, bad, total))
    return series.named(found, by)


def are_readings_over(
    most: int, *, metric: str, subject: str, since: datetime, until: datetime
) -> bool:
    """Whether `readings.readings` of the same would be more than `most`."""
    rows = Measurement.objects.filter(metric=metric, at__gte=since, at__lt=until)
    rows = rows.filter(subject=subject) if subject else rows
    return rows.order_by()[most : most + 1].exists()


def labels(*, truths: Sequence[str], by: str, since: datetime, until: datetime) -> Minutes:
    """As `series.labels`."""
    rows = SemanticLabel.objects.filter(
        truth_source__in=list(truths), sampled_at__gte=since, sampled_at__lt=until
    )
    counted = _by_minute(rows, "sampled_at", by)
    found: Minutes = {}
    for group, at, bad, total in counted:
        found.setdefault(str(group), []).append((at.timestamp(), bad, total))
    return found


def _by_minute(rows: Any, when: str, by: str) -> Any:
    minutes = rows.order_by().annotate(minute=TruncMinute(when)).values_list(by, "minute")
    return minutes.annotate(bad=Count("pk", filter=Q(correct=False)), total=Count("pk"))


def slo(*, slo: Slo, since: datetime, until: datetime, surfaces: Collection[int] | None) -> Minutes:
    """As `series.slo_tally`, under the one group ""."""
    if slo.sli in {Slo.Sli.PROFILE_RUNS, Slo.Sli.REPORT_RUNS}:
        return runs(kind=slo.sli, since=since, until=until, facet=slo.facet, surfaces=surfaces)
    if slo.sli == Slo.Sli.COUNTS:
        counts = series.counts_of(slo=slo, since=since, until=until, surfaces=surfaces)
        sums = counts.order_by().values_list("at")
        found = sums.annotate(bad=Sum(F("total") - F("good")), total_=Sum("total"))
        return {"": [(at.timestamp(), bad, total) for at, bad, total in found]}
    rows = SemanticLabel.objects.filter(
        truth_source__in=("audit", "fixture"), sampled_at__gte=since, sampled_at__lt=until
    )
    rows = rows.filter(warehouse_type=slo.facet) if slo.facet else rows
    rows = rows.filter(surface__in=surfaces) if surfaces is not None else rows
    minutes = _by_minute(rows, "sampled_at", "truth_source")
    return {"": [(at.timestamp(), bad, total) for _, at, bad, total in minutes]}


def singles(
    *, slo: Slo, since: datetime, until: datetime, surfaces: Collection[int] | None, most: int
) -> list[tuple[datetime, bool]]:
    """Ends of single runs and whether they were bad, in order; nothing where there are more."""
    if slo.sli not in {Slo.Sli.PROFILE_RUNS, Slo.Sli.REPORT_RUNS}:
        return []
    name, column = series.table_of(slo.sli)
    where, values = series.narrowed(column, slo.facet, surfaces)
    rows = series.rows_of(
        f"SELECT finished_at, verdict = 'bad' FROM {name} WHERE finished_at >= %s"
        f" AND finished_at < %s AND verdict IN ('good', 'bad'){where}"
        " ORDER BY finished_at, id LIMIT %s",
        [since, until, *values, most + 1],
    )
    return [(at, bool(bad)) for at, bad in rows] if len(rows) <= most else []


def endings(
    *, metric: str, subject: str, since: datetime, until: datetime
) -> dict[str, list[readings.Ending]]:
    """Every reading of an end, by subject, oldest first."""
    rows = Measurement.objects.filter(
        metric=metric, at__gte=since, at__lte=until, not_after__isnull=False
    )
    rows = rows.filter(subject=subject) if subject else rows
    found: dict[str, list[readings.Ending]] = {}
    for of, not_after, at in rows.order_by("at", "pk").values_list("subject", "not_after", "at"):
        assert not_after is not None
        found.setdefault(of, []).append(readings.Ending(not_after, at))
    return found


def successes(
    *, since: datetime, until: datetime, start: datetime, step: timedelta
) -> dict[int, list[datetime]]:
    """By source, the last success before each moment of a grid that begins at `start`."""
    rows = series.rows_of(
        "SELECT source_id, max(finished_at) FROM telemetry_profilerun WHERE finished_at >= %s"
        " AND finished_at <= %s AND outcome = 'succeeded'"
        " GROUP BY source_id, ceil(extract(epoch FROM finished_at - %s) / %s) ORDER BY 2",
        [since, until, start, step.total_seconds()],
    )
    found: dict[int, list[datetime]] = {}
    for source, at in rows:
        found.setdefault(source, []).append(at)
    return found


def changes(*, by: str, since: datetime, until: datetime) -> dict[str, Changes]:
    """As `watched.inventory`; how many columns a source has is known as of now."""
    rows = TypeChange.objects.filter(at__gte=since, at__lt=until, source__archived_at=None)
    found: dict[int, list[tuple[datetime, str]]] = {}
    for source, at, column in rows.order_by("at", "pk").values_list(
        "source_id", "at", "column_ref"
    ):
        found.setdefault(source, []).append((at, f"{source} {column}"))
    counted = ColumnType.objects.filter(source__in=list(found)).order_by()
    columns = dict(counted.values_list("source_id").annotate(n=Count("pk")))
    if not by:
        every = sorted(one for part in found.values() for one in part)
        return {"": (every, sum(columns.values()), "")} if every else {}
    named = ProfiledSource.objects.filter(pk__in=list(found))
    return {series.key_of(row): (found[row.pk], columns.get(row.pk, 0), str(row)) for row in named}


Changes = tuple[list[tuple[datetime, str]], int, str]


def durations(
    *, facet: str, by: str, since: datetime, until: datetime, most: int
) -> dict[str, list[tuple[datetime, float]]] | None:
    """As `series.durations`: ends and seconds of single runs, in order; None where there are more
    than `most`."""
    where, values = series.narrowed("warehouse_type", facet, None)
    name = "warehouse_type || ' ' || size" if by == "facet" else "size"
    rows = series.rows_of(
        f"SELECT {name}, finished_at, duration_ms / 1000.0::float8 FROM telemetry_profilerun"
        " WHERE finished_at >= %s AND finished_at < %s AND verdict IN ('good', 'bad')"
        f" AND duration_ms IS NOT NULL AND outcome = ANY(%s){where}"
        " ORDER BY finished_at LIMIT %s",
        [since, until, list(TIMED), *values, most + 1],
    )
    if len(rows) > most:
        return None
    found: dict[str, list[tuple[datetime, float]]] = {}
    for key, at, seconds in rows:
        found.setdefault(str(key), []).append((at, float(seconds)))
    return found


def counted(*, what: str, since: datetime, until: datetime) -> Minutes:
    """As `series.counted`: each counts as bad, under the one group ""."""
    if what in {"runs_bad", "reports_bad"}:
        kind = series.PROFILE if what == "runs_bad" else series.REPORT
        return runs(kind=kind, since=since, until=until)
    if what == "corrections":
        rows = SemanticLabel.objects.filter(truth_source="user_correction", correct=False)
        moments = list(
            rows.filter(sampled_at__gte=since, sampled_at__lt=until).values_list(
                "sampled_at", flat=True
            )
        )
    else:
        changed = TypeChange.objects.filter(at__gte=since, at__lt=until)
        moments = list(changed.values_list("at", flat=True))
    return {"": [(at.timestamp(), 1, 1) for at in moments]}
