"""How long runs took, by how much they had to look at: percentiles of runs, never of percentiles.

Looks of up to a week take them exactly, of the runs themselves. Longer ones read the daily
histograms, whose error is stated. A run that was cut off enters with the time it was cut off at:
a percentile that lies at or above one is a lower bound, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Aggregate,
    Count,
    FloatField,
    Min,
    Q,
    QuerySet,
    Sum,
)

from apps.accounts.roles import Grant
from apps.telemetry import histogram
from apps.telemetry.classify import TIMED
from apps.telemetry.models import (
    DurationObjective,
    Grain,
    Outcome,
    ProfileRun,
    RunHistogram,
    Size,
    Verdict,
)
from apps.telemetry.percentile import enough
from apps.telemetry.selectors.rates import binned
from apps.telemetry.selectors.spans import Span

SHARES = (0.5, 0.95, 0.99)
ORDER = {
    size: number for number, size in enumerate(("small", "medium", "large", "huge", "unknown"))
}


Percentiles3 = tuple["Percentile | None", "Percentile | None", "Percentile | None"]


class Percentiles(Aggregate):
    """The percentiles of SHARES in one pass."""

    name = "Percentiles"
    template = "percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = ArrayField(FloatField())


@dataclass(frozen=True)
class Percentile:
    """Seconds; `at_least`: runs that were cut off lie at or below it, the truth is not shorter."""

    seconds: float
    at_least: bool


@dataclass(frozen=True)
class Took:
    """Runs of one size. A percentile of too few runs is None: p95 needs 20, p99 100."""

    size: str
    n: int
    censored: int
    p50: Percentile | None
    p95: Percentile | None
    p99: Percentile | None
    objective: int | None = None  # s
    starts_at: datetime | None = None

    @property
    def label(self) -> str:
        return str(Size(self.size).label)


def error(span: Span) -> float:
    """How far a percentile may be off, relatively; nothing where runs are read."""
    return histogram.ERROR if _is_summed(span) else 0.0


def _is_summed(span: Span) -> bool:
    return span.grain == Grain.DAY


def _runs(user: Any, span: Span, facet: str) -> QuerySet[ProfileRun]:
    rows = ProfileRun.objects.visible_to(user).filter(
        finished_at__gte=span.start,
        finished_at__lt=span.end,
        verdict__in=(Verdict.GOOD, Verdict.BAD),
        outcome__in=TIMED,
        duration_ms__isnull=False,
    )
    return rows.filter(warehouse_type=facet) if facet else rows


def _histograms(user: Any, span: Span, facet: str) -> QuerySet[RunHistogram]:
    """Histograms know no surface: whoever sees only a team's rows sees none of them."""
    if not user.may(Grant.SEE) or getattr(user, "team_id", None):
        return RunHistogram.objects.none()
    rows = RunHistogram.objects.filter(
        grain=Grain.DAY, starts_at__gte=span.start, starts_at__lt=span.end
    )
    return rows.filter(facet=facet) if facet else rows


_OF_RUNS: dict[str, Any] = {
    "n": Count("*"),
    "cut": Count("verdict", filter=Q(outcome=Outcome.TIMED_OUT)),
    "least": Min("duration_ms", filter=Q(outcome=Outcome.TIMED_OUT)),
    "found": Percentiles("duration_ms"),
}


def by_size(*, user: Any, span: Span, facet: str = "") -> list[Took]:
    """One row for each size that ran, the smallest first."""
    if _is_summed(span):
        rows = _histograms(user, span, facet).order_by().values_list("size", "bucket")
        found = _of_histogram(rows.annotate(n=Sum("count"), cut=Sum("censored")))
    else:
        grouped = _runs(user, span, facet).order_by().values("size").annotate(**_OF_RUNS)
        found = [_of_runs(row["size"], dict(row)) for row in grouped]
    promised = dict(DurationObjective.objects.values_list("size", "seconds"))
    rows_ = [_promised(one, promised.get(one.size)) for one in found]
    return sorted(rows_, key=lambda one: ORDER.get(one.size, 9))


def over_time(*, user: Any, span: Span, size: str, facet: str = "") -> list[Took]:
    """One size step by step; steps without a run are left out."""
    if _is_summed(span):
        summed = _histograms(user, span, facet).filter(size=size).order_by()
        counted = summed.annotate(step=binned("starts_at", span)).values_list("step", "bucket")
        by_step: dict[datetime, list[tuple[str, int, int, int]]] = {}
        for at, bucket, n, cut in counted.annotate(n=Sum("count"), cut=Sum("censored")):
            by_step.setdefault(at, []).append((size, bucket, n, cut))
        return [_at(_of_histogram(by_step[at])[0], at) for at in sorted(by_step)]
    rows = _runs(user, span, facet).filter(size=size).order_by()
    rows = rows.annotate(step=binned("finished_at", span))
    found = rows.values("step").annotate(**_OF_RUNS)
    return sorted(
        (_at(_of_runs(size, dict(row)), row["step"]) for row in found),
        key=lambda one: one.starts_at or span.start,
    )


def _of_runs(size: str, row: dict[str, Any]) -> Took:
    least = row["least"]
    told = [
        Percentile(value / 1000, least is not None and value >= least)
        if enough(share, row["n"])
        else None
        for share, value in zip(SHARES, row["found"], strict=True)
    ]
    return Took(size, row["n"], row["cut"], *_three(told))


def _of_histogram(rows: Iterable[tuple[str, int, int, int]]) -> list[Took]:
    """Rows of (size, bucket, count, censored)."""
    counts: dict[str, dict[int, int]] = {}
    cut: dict[str, dict[int, int]] = {}
    for size, bucket, n, censored in rows:
        counts.setdefault(size, {})[bucket] = n
        if censored:
            cut.setdefault(size, {})[bucket] = censored
    return [_told(size, buckets, cut.get(size, {})) for size, buckets in counts.items()]


def _told(size: str, buckets: dict[int, int], cut: dict[int, int]) -> Took:
    n = sum(buckets.values())
    least = min(cut, default=None)
    told: list[Percentile | None] = []
    for share in SHARES:
        value = histogram.quantile(buckets, share)
        if value is None or not enough(share, n):
            told.append(None)
            continue
        at_least = least is not None and value >= histogram.value_of(least)
        told.append(Percentile(value / 1000, at_least))
    return Took(size, n, sum(cut.values()), *_three(told))


def _three(told: Sequence[Percentile | None]) -> Percentiles3:
    p50, p95, p99 = told
    return p50, p95, p99


def _promised(one: Took, seconds: int | None) -> Took:
    return Took(one.size, one.n, one.censored, one.p50, one.p95, one.p99, seconds)


def _at(one: Took, at: datetime) -> Took:
    return Took(one.size, one.n, one.censored, one.p50, one.p95, one.p99, None, at)


def most_frequent(found: Sequence[Took]) -> str:
    """The size that ran most often; empty of none."""
    return max(found, key=lambda one: one.n).size if found else ""
