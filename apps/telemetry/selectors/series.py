# ruff: noqa: S608 - what is put into statements are names written in this module
"""What rules look at: counts and times of any stretch [since, until), exactly.

A stretch of many hours adds the daily and hourly sums, which are kept as runs come in, to the runs
of its two ragged ends: what a look costs depends on what ran lately and not on how much history
there is. Nobody is asked for here: rules see everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Count, F, Min, Q, Sum

from apps.ownership.models import Surface
from apps.telemetry.classify import TIMED
from apps.telemetry.models import (
    ColumnType,
    ProfiledSource,
    RunRollup,
    SemanticLabel,
    SliCount,
    Slo,
    StratumWeight,
    TypeChange,
)
from apps.telemetry.proportions import shares

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RAGGED = 3 * HOUR  # up to here the runs themselves are counted
NOWHERE = "no surface"
T = TypeVar("T")
PROFILE, REPORT = "profile_runs", "report_runs"
ALL = "''"


class Tally(NamedTuple):
    bad: int
    total: int


@dataclass(frozen=True, slots=True)
class _Table:
    """Where the runs of one kind stand, and how a rule's groups are called there."""

    name: str
    rollup: str
    facet: str


_TABLES = {
    PROFILE: _Table("telemetry_profilerun", "profile", "warehouse_type"),
    REPORT: _Table("telemetry_reportrun", "report", "template"),
}


def table_of(kind: str) -> tuple[str, str]:
    """The table of runs of a kind, and its column that facets stand in."""
    return _TABLES[kind].name, _TABLES[kind].facet


def tallies(
    *,
    kind: str,
    since: datetime,
    until: datetime,
    by: str = "",
    facet: str = "",
    surfaces: Collection[int] | None = None,
) -> dict[str, Tally]:
    """Bad runs of those that count, by "" (all), facet, surface or source.

    `surfaces` narrows to these ids. A source is keyed by `key_of`.
    """
    table = _TABLES[kind]
    cut = _cut(since, until) if by != "source" else _Cut([(since, until)], [], [])
    group = {"facet": table.facet, "surface": "surface_id::text", "source": "source_id::text"}
    where, values = narrowed(table.facet, facet, surfaces)
    one = (
        f"SELECT {group.get(by, ALL)} AS g, count(*) FILTER (WHERE verdict = 'bad') AS bad,"
        f" count(*) AS total FROM {table.name} WHERE finished_at >= %s AND finished_at < %s"
        f" AND verdict IN ('good', 'bad'){where} GROUP BY 1"
    )
    parts = [one] * len(cut.runs)
    given: list[Any] = [value for pair in cut.runs for value in (*pair, *values)]
    where, values = narrowed("facet", facet, surfaces)
    group |= {"facet": "facet"}
    for grain, pairs in (("hour", cut.hours), ("day", cut.days)):
        for pair in pairs:
            parts.append(
                f"SELECT {group.get(by, ALL)} AS g, sum(bad) AS bad, sum(good + bad) AS total"
                " FROM telemetry_runrollup WHERE kind = %s AND grain = %s AND starts_at >= %s"
                f" AND starts_at < %s{where} GROUP BY 1"
            )
            given += [table.rollup, grain, *pair, *values]
    rows = rows_of(
        f"SELECT g, sum(bad)::bigint, sum(total)::bigint FROM ({' UNION ALL '.join(parts)}) t"
        " GROUP BY g HAVING sum(total) > 0",
        given,
    )
    found = {str(g or ""): Tally(int(bad), int(total)) for g, bad, total in rows}
    return named(found, by)


class _Cut(NamedTuple):
    """A stretch in parts: what is counted run by run, by hours, and by days."""

    runs: list[tuple[datetime, datetime]]
    hours: list[tuple[datetime, datetime]]
    days: list[tuple[datetime, datetime]]


def _cut(since: datetime, until: datetime) -> _Cut:
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    if until - since <= RAGGED:
        return _Cut([(since, until)], [], [])
    first, last = _whole(since, until, HOUR)
    ragged = _parts(since, first, last, until)
    dawn, dusk = _whole(first, last, DAY)
    if dawn >= dusk:
        return _Cut(ragged, [(first, last)], [])
    return _Cut(ragged, _parts(first, dawn, dusk, last), [(dawn, dusk)])


def _whole(since: datetime, until: datetime, size: timedelta) -> tuple[datetime, datetime]:
    """The first and the last edge of whole hours or days (UTC) inside."""
    day = since.replace(hour=0, minute=0, second=0, microsecond=0)
    first = day + -(-(since - day) // size) * size
    day = until.replace(hour=0, minute=0, second=0, microsecond=0)
    return first, day + (until - day) // size * size


def _parts(
    since: datetime, first: datetime, last: datetime, until: datetime
) -> list[tuple[datetime, datetime]]:
    """What is left over on both sides."""
    return [pair for pair in ((since, first), (last, until)) if pair[0] < pair[1]]


def narrowed(column: str, facet: str, surfaces: Collection[int] | None) -> tuple[str, list[Any]]:
    where, values = "", list[Any]()
    if facet:
        where, values = f" AND {column} = %s", [facet]
    if surfaces is not None:
        where, values = f"{where} AND surface_id = ANY(%s)", [*values, list(surfaces)]
    return where, values


def rows_of(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def named(found: dict[str, T], by: str) -> dict[str, T]:
    """Ids become what people read."""
    if by == "surface":
        ids = [int(key) for key in found if key]
        keys = dict(Surface.objects.filter(pk__in=ids).values_list("pk", "key"))
        return {keys[int(key)] if key else NOWHERE: one for key, one in found.items()}
    if by == "source":
        rows = ProfiledSource.objects.filter(pk__in=[int(key) for key in found])
        return {key_of(row): found[str(row.pk)] for row in rows}
    return found


def key_of(source: ProfiledSource) -> str:
    """A source's name with its number: readable, and never another's."""
    return f"{str(source)[:150]}#{source.pk}"


# -- labels


def labels(*, truths: Sequence[str], by: str, since: datetime, until: datetime) -> dict[str, Tally]:
    """Wrong labels of all that were checked, by stratum or by predicted type."""
    rows = SemanticLabel.objects.filter(
        truth_source__in=list(truths), sampled_at__gte=since, sampled_at__lt=until
    )
    found = rows.order_by().values_list(by)
    counted = found.annotate(bad=Count("pk", filter=Q(correct=False)), total=Count("pk"))
    return {str(key): Tally(bad, total) for key, bad, total in counted}


def weights() -> dict[str, float]:
    """Shares of production by stratum: what somebody set, the rest as in the inventories."""
    fixed = {row.stratum: float(row.weight) for row in StratumWeight.objects.all()}
    rows = ColumnType.objects.filter(source__archived_at=None).order_by()
    counted = dict(rows.values_list("semantic_type").annotate(n=Count("pk")))
    return shares(counted, fixed)


# -- objectives


def below(surface: Surface | None) -> list[int] | None:
    """A surface with all that hang below it; None for everything."""
    if surface is None:
        return None
    parents = dict(Surface.objects.values_list("pk", "parent_id"))
    found = [surface.pk]
    for pk in found:
        found += [one for one, parent in parents.items() if parent == pk and one not in found]
    return found


def slo_tally(
    *, slo: Slo, since: datetime, until: datetime, surfaces: Collection[int] | None
) -> Tally:
    """Bad events of all that an objective speaks of; `surfaces` are `below(slo.surface)`."""
    if slo.sli in {Slo.Sli.PROFILE_RUNS, Slo.Sli.REPORT_RUNS}:
        found = tallies(kind=slo.sli, since=since, until=until, facet=slo.facet, surfaces=surfaces)
        return found.get("", Tally(0, 0))
    if slo.sli == Slo.Sli.COUNTS:
        counts = counts_of(slo=slo, since=since, until=until, surfaces=surfaces)
        sums = counts.aggregate(of_all=Sum("total"), of_bad=Sum(F("total") - F("good")))
        return Tally(sums["of_bad"] or 0, sums["of_all"] or 0)
    rows = SemanticLabel.objects.filter(
        truth_source__in=("audit", "fixture"), sampled_at__gte=since, sampled_at__lt=until
    )
    rows = rows.filter(warehouse_type=slo.facet) if slo.facet else rows
    rows = rows.filter(surface__in=surfaces) if surfaces is not None else rows
    return Tally(
        *rows.aggregate(bad=Count("pk", filter=Q(correct=False)), total=Count("pk")).values()
    )


def counts_of(
    *, slo: Slo, since: datetime, until: datetime, surfaces: Collection[int] | None
) -> Any:
    """The counts that an objective speaks of, each with the moment `at` that it counts at."""
    rows = SliCount.objects.filter(sli=slo.count_key).counting_between(since, until)
    rows = rows.filter(part=slo.facet) if slo.facet else rows
    return rows.filter(surface__in=surfaces) if surfaces is not None else rows


def newest_first(
    *, slo: Slo, count: int, until: datetime, surfaces: Collection[int] | None
) -> list[bool]:
    """Whether each of the last events was bad, of four weeks at most; counts name no single one."""
    table = _TABLES.get(slo.sli)
    if table is None:
        return []
    where, values = narrowed(table.facet, slo.facet, surfaces)
    rows = rows_of(
        f"SELECT verdict = 'bad' FROM {table.name} WHERE finished_at >= %s AND finished_at < %s"
        f" AND verdict IN ('good', 'bad'){where} ORDER BY finished_at DESC, id DESC LIMIT %s",
        [until - timedelta(days=28), until, *values, count],
    )
    return [bool(bad) for (bad,) in rows]


# -- durations


class Duration(NamedTuple):
    p95: float | None
    n: int


def durations(*, facet: str, by: str, since: datetime, until: datetime) -> dict[str, Duration]:
    """The exact 95th percentile in seconds, each size by itself; what was cut off counts with the
    time it got."""
    where, values = narrowed("warehouse_type", facet, None)
    name = "warehouse_type || ' ' || size" if by == "facet" else "size"
    rows = rows_of(
        f"SELECT {name}, percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) / 1000.0,"
        " count(*) FROM telemetry_profilerun WHERE finished_at >= %s AND finished_at < %s"
        " AND verdict IN ('good', 'bad') AND duration_ms IS NOT NULL AND outcome = ANY(%s)"
        f"{where} GROUP BY 1",
        [since, until, list(TIMED), *values],
    )
    return {str(key): Duration(float(p95), int(n)) for key, p95, n in rows}


# -- counts


def counted(*, what: str, since: datetime, until: datetime) -> int:
    """How many came: corrections, type_changes, runs_bad or reports_bad."""
    if what == "corrections":
        rows = SemanticLabel.objects.filter(truth_source="user_correction", correct=False)
        return rows.filter(sampled_at__gte=since, sampled_at__lt=until).count()
    if what == "type_changes":
        return TypeChange.objects.filter(at__gte=since, at__lt=until).count()
    kind = PROFILE if what == "runs_bad" else REPORT
    return tallies(kind=kind, since=since, until=until).get("", Tally(0, 0)).bad


def history_from(*, what: str) -> datetime | None:
    """Since when anything is known that could have been counted."""
    kind = RunRollup.Kind.REPORT if what == "reports_bad" else RunRollup.Kind.PROFILE
    rollups = RunRollup.objects.filter(kind=kind, grain="day")
    found = [rollups.aggregate(first=Min("starts_at"))["first"]]
    if what in {"corrections", "type_changes"}:
        found.append(ProfiledSource.objects.aggregate(first=Min("first_seen_at"))["first"])
    if what == "corrections":
        found += [
            SemanticLabel.objects.filter(truth_source=truth).aggregate(first=Min("sampled_at"))[
                "first"
            ]
            for truth in SemanticLabel.TruthSource.values
        ]
    if what == "type_changes":
        found.append(TypeChange.objects.aggregate(first=Min("at"))["first"])
    return min(_known(found), default=None)


def _known(found: Iterable[datetime | None]) -> list[datetime]:
    return [one for one in found if one is not None]
