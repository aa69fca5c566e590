"""Good and bad events of each thing that an objective may measure, by day and of the last hours.

Runs and reports come from the daily sums, counts from what tools sent, labels from audits and
fixtures alone: corrections by users are a biased sample. A source counts once a day: as good when
its last success was not too old when the day ended, or is not now. Pauses are known only as they
are now, so a paused source is no part of its past days either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.db import connection
from django.db.models import Count, F, Max, Q, Sum
from django.db.models.functions import TruncDay

from apps.accounts.roles import Grant
from apps.telemetry import staleness
from apps.telemetry.burnrate import Window
from apps.telemetry.models import (
    Grain,
    Outcome,
    ProfiledSource,
    ProfileRun,
    ReportRun,
    RunRollup,
    SemanticLabel,
    SliCount,
    Slo,
    Verdict,
)
from apps.telemetry.selectors import freshness
from apps.telemetry.selectors.rates import Tally

DAY = timedelta(days=1)
AUDITED = (SemanticLabel.TruthSource.AUDIT, SemanticLabel.TruthSource.FIXTURE)


@dataclass(frozen=True)
class Cell:
    """The events of one day (UTC midnight), surface and facet; `key` names counts."""

    at: datetime
    surface_id: int | None
    facet: str
    tally: Tally
    key: str = ""


@dataclass(frozen=True)
class Recent:
    """The same for the last hours: one window for each of `HOURS`."""

    HOURS: ClassVar[tuple[int, ...]] = (1, 6, 24, 72)

    surface_id: int | None
    facet: str
    windows: tuple[Window, ...]
    key: str = ""


def days_of(
    sli: str, *, since: datetime, now: datetime, counted: Collection[str] = ()
) -> list[Cell]:
    """Events from a midnight (UTC) on; of counts those of the names in `counted`."""
    if sli == Slo.Sli.COUNTS:
        return _count_days(since, now, counted)
    return _DAYS[Slo.Sli(sli)](since, now)


def recent_of(sli: str, *, now: datetime, counted: Collection[str] = ()) -> list[Recent]:
    """Events of the last three days and less."""
    if sli == Slo.Sli.COUNTS:
        return _recent_counts(now, counted)
    return _RECENT[Slo.Sli(sli)](now)


def bad_of(
    slo: Slo, spans: Sequence[tuple[datetime, datetime]], surfaces: Collection[int] | None
) -> list[int]:
    """Bad events of an objective in each [start, end], in one statement; none of sources, which
    count by the day."""
    if not spans or slo.sli == Slo.Sli.FRESHNESS:
        return [0] * len(spans)
    rows, when, facet, how_many = _single(slo)
    if slo.facet:
        rows = rows.filter(**{facet: slo.facet})
    if surfaces is not None:
        rows = rows.filter(surface_id__in=surfaces)
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    wanted = {
        f"span_{number}": how_many(Q(**{f"{when}__gte": start, f"{when}__lte": end}))
        for number, (start, end) in enumerate(spans)
    }
    found = rows.filter(**{f"{when}__gte": first, f"{when}__lte": last}).aggregate(**wanted)
    return [int(found[name] or 0) for name in wanted]


def _single(slo: Slo) -> tuple[Any, str, str, Callable[[Q], Any]]:
    """Where an objective's bad events lie: rows, their time, their facet, how they are counted."""

    def rows_of(within: Q) -> Any:
        return Count("pk", filter=within)

    if slo.sli == Slo.Sli.COUNTS:
        rows: Any = SliCount.objects.filter(sli=slo.count_key)
        return rows, "starts_at", "part", lambda within: Sum(F("total") - F("good"), filter=within)
    if slo.sli == Slo.Sli.ACCURACY:
        rows = SemanticLabel.objects.filter(truth_source__in=AUDITED, correct=False)
        return rows, "sampled_at", "warehouse_type", rows_of
    if slo.sli == Slo.Sli.REPORT_RUNS:
        rows = ReportRun.objects.filter(verdict=Verdict.BAD)
        return rows, "finished_at", "template", rows_of
    return (
        ProfileRun.objects.filter(verdict=Verdict.BAD), "finished_at", "warehouse_type", rows_of
    )  # fmt: skip


# -- runs and reports


def _rolled(kind: str) -> Callable[[datetime, datetime], list[Cell]]:
    def read(since: datetime, now: datetime) -> list[Cell]:
        rows = RunRollup.objects.filter(kind=kind, grain=Grain.DAY, starts_at__gte=since)
        grouped = rows.filter(starts_at__lte=now).order_by()
        sums = grouped.values("starts_at", "surface_id", "facet").annotate(
            sum_good=Sum("good"), sum_bad=Sum("bad"), sum_excluded=Sum("excluded"),
            sum_canceled=Sum("canceled"), sum_timed_out=Sum("timed_out"),
        )  # fmt: skip
        return [
            Cell(
                row["starts_at"], row["surface_id"], row["facet"],
                Tally(row["sum_good"], row["sum_bad"], row["sum_excluded"],
                      row["sum_canceled"], row["sum_timed_out"]),
            )
            for row in sums
        ]  # fmt: skip

    return read


def _recent_runs(now: datetime) -> list[Recent]:
    rows = ProfileRun.objects.filter(verdict__in=(Verdict.GOOD, Verdict.BAD))
    return _recent_events(rows, now, "finished_at", "warehouse_type", Q(verdict=Verdict.BAD))


def _recent_reports(now: datetime) -> list[Recent]:
    rows = ReportRun.objects.filter(verdict__in=(Verdict.GOOD, Verdict.BAD))
    return _recent_events(rows, now, "finished_at", "template", Q(verdict=Verdict.BAD))


def _recent_events(rows: Any, now: datetime, when: str, facet: str, bad: Q) -> list[Recent]:
    """Rows that are one event each, counted in one statement."""
    longest = now - timedelta(hours=Recent.HOURS[-1])
    wanted: dict[str, Any] = {}
    for hours in Recent.HOURS:
        within = Q(**{f"{when}__gt": now - timedelta(hours=hours)})
        wanted[f"total_{hours}"] = Count("pk", filter=within)
        wanted[f"bad_{hours}"] = Count("pk", filter=within & bad)
    grouped = rows.filter(**{f"{when}__gt": longest, f"{when}__lte": now}).order_by()
    return [
        Recent(row["surface_id"], row[facet], _windows(row))
        for row in grouped.values("surface_id", facet).annotate(**wanted)
    ]


def _windows(row: Any) -> tuple[Window, ...]:
    return tuple(
        Window(row[f"bad_{hours}"] or 0, row[f"total_{hours}"] or 0) for hours in Recent.HOURS
    )


# -- counts that tools send


def _count_days(since: datetime, now: datetime, counted: Collection[str]) -> list[Cell]:
    rows = SliCount.objects.filter(sli__in=counted, starts_at__gte=since, starts_at__lte=now)
    grouped = (
        rows.order_by()
        .annotate(day=TruncDay("starts_at", tzinfo=UTC))
        .values("day", "surface_id", "part", "sli")
    )
    return [
        Cell(
            row["day"], row["surface_id"], row["part"],
            Tally(row["sum_good"], row["sum_total"] - row["sum_good"]), row["sli"],
        )
        for row in grouped.annotate(sum_good=Sum("good"), sum_total=Sum("total"))
    ]  # fmt: skip


def _recent_counts(now: datetime, counted: Collection[str]) -> list[Recent]:
    wanted: dict[str, Any] = {}
    for hours in Recent.HOURS:
        within = Q(at__gt=now - timedelta(hours=hours))
        wanted[f"total_{hours}"] = Sum("total", filter=within)
        wanted[f"bad_{hours}"] = Sum(F("total") - F("good"), filter=within)
    longest = now - timedelta(hours=Recent.HOURS[-1])
    rows = SliCount.objects.filter(sli__in=counted).counting_between(
        longest,
        now + timedelta(microseconds=1),  # with now, as runs and labels
    )
    grouped = rows.order_by().values("surface_id", "part", "sli")
    return [
        Recent(row["surface_id"], row["part"], _windows(row), row["sli"])
        for row in grouped.annotate(**wanted)
    ]


# -- labels with a truth


def _label_days(since: datetime, now: datetime) -> list[Cell]:
    rows = SemanticLabel.objects.filter(truth_source__in=AUDITED, sampled_at__gte=since)
    days = (
        rows.filter(sampled_at__lte=now).order_by().annotate(day=TruncDay("sampled_at", tzinfo=UTC))
    )
    grouped = days.values("day", "surface_id", "warehouse_type")
    return [
        Cell(row["day"], row["surface_id"], row["warehouse_type"], Tally(row["good"], row["bad"]))
        for row in grouped.annotate(
            good=Count("pk", filter=Q(correct=True)), bad=Count("pk", filter=Q(correct=False))
        )
    ]


def _recent_labels(now: datetime) -> list[Recent]:
    rows = SemanticLabel.objects.filter(truth_source__in=AUDITED)
    return _recent_events(rows, now, "sampled_at", "warehouse_type", Q(correct=False))


# -- sources with a fresh profile


@dataclass(frozen=True)
class _Sample:
    """Whether one source was fresh when a day ended, or is now."""

    day: datetime
    source: ProfiledSource
    is_fresh: bool


def _samples(since: datetime, now: datetime) -> list[_Sample]:
    sources = [one for one in freshness.sending() if not freshness.is_resting(one)]
    successes = _successes(since - max((_limit(one) for one in sources), default=DAY), now)
    result = []
    for source in sources:
        last, of_day = None, successes.get(source.pk, {})
        for day in sorted({*of_day, *_midnights(since, now)}):
            last = of_day.get(day, last)
            end = min(day + DAY, now)
            if day >= since and source.first_seen_at <= end:
                fresh = end - (last or source.first_seen_at) <= _limit(source)
                result.append(_Sample(day, source, fresh))
    return result


def _successes(since: datetime, now: datetime) -> dict[int, dict[datetime, datetime]]:
    """The last success of each source on each day."""
    rows = ProfileRun.objects.filter(
        outcome=Outcome.SUCCEEDED, finished_at__gte=since, finished_at__lte=now
    )
    days = (
        rows.order_by().annotate(day=TruncDay("finished_at", tzinfo=UTC)).values("source_id", "day")
    )
    found: dict[int, dict[datetime, datetime]] = {}
    for row in days.annotate(last=Max("finished_at")):
        found.setdefault(row["source_id"], {})[row["day"]] = row["last"]
    return found


def _limit(source: ProfiledSource) -> timedelta:
    """How old its last success may be before it counts as stale."""
    if source.cadence is not None:
        return timedelta(seconds=staleness.limit(source.cadence.total_seconds()))
    return timedelta(seconds=source.max_age_seconds or staleness.MAX_AGE)


def _midnights(since: datetime, now: datetime) -> list[datetime]:
    return [since + number * DAY for number in range((now - since) // DAY + 1)]


def _source_days(since: datetime, now: datetime) -> list[Cell]:
    return [
        Cell(
            one.day, one.source.surface_id, one.source.warehouse_type,
            Tally(good=int(one.is_fresh), bad=int(not one.is_fresh)),
        )
        for one in _samples(since, now)
    ]  # fmt: skip


def _recent_sources(now: datetime) -> list[Recent]:
    """A day has one sample, so hours have none."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    result = []
    for one in _samples(today - 2 * DAY, now):
        seen = Window(int(not one.is_fresh), 1)
        windows = (Window(0, 0), Window(0, 0), seen if one.day == today else Window(0, 0), seen)
        result.append(Recent(one.source.surface_id, one.source.warehouse_type, windows))
    return result


_DAYS: dict[str, Callable[[datetime, datetime], list[Cell]]] = {
    Slo.Sli.PROFILE_RUNS: _rolled(RunRollup.Kind.PROFILE),
    Slo.Sli.REPORT_RUNS: _rolled(RunRollup.Kind.REPORT),
    Slo.Sli.ACCURACY: _label_days,
    Slo.Sli.FRESHNESS: _source_days,
}
_RECENT: dict[str, Callable[[datetime], list[Recent]]] = {
    Slo.Sli.PROFILE_RUNS: _recent_runs,
    Slo.Sli.REPORT_RUNS: _recent_reports,
    Slo.Sli.ACCURACY: _recent_labels,
    Slo.Sli.FRESHNESS: _recent_sources,
}


def count_keys(user: Any) -> list[str]:
    """The names of counts that tools send, for whoever chooses one; a hundred at most."""
    if not user.may(Grant.SEE):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_NAMES)
        return [row[0] for row in cursor.fetchall()]


# From name to name along the index, however many counts each has.
_NAMES = """
WITH RECURSIVE names(sli) AS (
    (SELECT sli FROM telemetry_slicount ORDER BY sli LIMIT 1)
    UNION ALL
    SELECT (SELECT c.sli FROM telemetry_slicount c WHERE c.sli > names.sli ORDER BY c.sli LIMIT 1)
    FROM names WHERE names.sli IS NOT NULL
)
SELECT sli FROM names WHERE sli IS NOT NULL LIMIT 100
"""
