"""How many runs were good and how many were not, by what they ran against and by when.

A run counts once, at its end. Excluded ones (the customer's own fault) and canceled ones are no
part of a rate; their numbers stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from django.db.models import (
    Aggregate,
    Count,
    DateTimeField,
    DurationField,
    F,
    Func,
    Max,
    Q,
    QuerySet,
    Sum,
    Value,
)

from apps.accounts.roles import Grant
from apps.telemetry import proportions
from apps.telemetry.models import Outcome, ProfileRun, ReportRun, RunRollup, Verdict
from apps.telemetry.selectors.spans import Span

Kind = RunRollup.Kind
MANY_EXCLUDED = 0.2  # of all that was judged: then somebody should look at the table of codes


@dataclass(frozen=True)
class Tally:
    """Runs by what they count as; `timed_out` ones are among `bad`."""

    good: int = 0
    bad: int = 0
    excluded: int = 0
    canceled: int = 0
    timed_out: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def n(self) -> int:
        """What a rate is of."""
        return self.good + self.bad

    @property
    def finished(self) -> int:
        return self.n + self.excluded + self.canceled

    @property
    def rate(self) -> proportions.Interval:
        """The share of bad runs with its Wilson interval at 95 %; all None of none."""
        return proportions.wilson(self.bad, self.n)

    @property
    def excluded_share(self) -> float:
        judged = self.n + self.excluded
        return self.excluded / judged if judged else 0.0

    @property
    def is_much_excluded(self) -> bool:
        return self.excluded_share > MANY_EXCLUDED


@dataclass(frozen=True)
class Cell:
    """The runs of one step against one warehouse type, or of one template."""

    starts_at: datetime
    facet: str
    tally: Tally


@dataclass(frozen=True)
class Part:
    facet: str
    tally: Tally


@dataclass(frozen=True)
class Step:
    starts_at: datetime
    ends_at: datetime
    tally: Tally


COUNTS: Mapping[str, Aggregate] = {
    "good": Count("verdict", filter=Q(verdict=Verdict.GOOD)),
    "bad": Count("verdict", filter=Q(verdict=Verdict.BAD)),
    "excluded": Count("verdict", filter=Q(verdict=Verdict.EXCLUDED) & ~Q(outcome=Outcome.CANCELED)),
    "canceled": Count("verdict", filter=Q(outcome=Outcome.CANCELED)),
    "timed_out": Count("verdict", filter=Q(outcome=Outcome.TIMED_OUT, verdict=Verdict.BAD)),
}


def binned(column: str, span: Span) -> Func:
    """The beginning of the step that an instant falls into."""
    return Func(
        Value(span.step, output_field=DurationField()),
        F(column),
        Value(span.start, output_field=DateTimeField()),
        function="date_bin",
        output_field=DateTimeField(),
    )


def _runs(user: Any, kind: str) -> QuerySet[Any]:
    if kind == Kind.REPORT:
        return ReportRun.objects.visible_to(user)
    return ProfileRun.objects.visible_to(user)


def rollups(user: Any) -> QuerySet[RunRollup]:
    """Sums that somebody may see: as the runs behind them."""
    if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
        return RunRollup.objects.none()
    rows = RunRollup.objects.all()
    team = getattr(user, "team_id", None)
    return rows.filter(Q(surface__team_id=team) | Q(surface=None)) if team else rows


def cells(*, user: Any, span: Span, kind: str = Kind.PROFILE, facet: str = "") -> list[Cell]:
    """All that a look back needs to know of rates, in one statement."""
    rows, sums, when, name = _counted(user, span, kind)
    rows = rows.filter(**{name: facet}) if facet else rows
    grouped = rows.order_by().annotate(step=binned(when, span)).values("step", name)
    return [
        Cell(row["step"], row[name], Tally(*(row[key] for key in sums)))
        for row in grouped.annotate(**sums)
    ]


def _counted(
    user: Any, span: Span, kind: str
) -> tuple[QuerySet[Any], dict[str, Aggregate], str, str]:
    """The rows of a span with what sums them up, their time and what they are grouped by."""
    if span.grain is None:
        rows = _runs(user, kind).filter(finished_at__gte=span.start, finished_at__lt=span.end)
        name = "template" if kind == Kind.REPORT else "warehouse_type"
        return rows, _named(COUNTS), "finished_at", name
    summed = rollups(user).filter(
        kind=kind, grain=span.grain, starts_at__gte=span.start, starts_at__lt=span.end
    )
    return summed, _named({one.name: Sum(one.name) for one in fields(Tally)}), "starts_at", "facet"


def _named(sums: Mapping[str, Aggregate]) -> dict[str, Aggregate]:
    """Names of their own: one of a column would be taken for the column that is counted."""
    return {f"sum_{name}": one for name, one in sums.items()}


def total(found: Iterable[Cell]) -> Tally:
    return sum((cell.tally for cell in found), Tally())


def by_facet(found: Iterable[Cell]) -> list[Part]:
    """One row for each warehouse type or template, what is surely worst first."""
    sums: dict[str, Tally] = {}
    for cell in found:
        sums[cell.facet] = sums.get(cell.facet, Tally()) + cell.tally
    rows = [Part(facet, tally) for facet, tally in sums.items()]
    return sorted(rows, key=_how_bad)


def _how_bad(row: Part) -> tuple[float, int, str]:
    lower = row.tally.rate.lower
    return (1.0 if lower is None else -lower, -row.tally.n, row.facet)


def over_time(found: Iterable[Cell], span: Span) -> list[Step]:
    """Every step of the span, also those in which nothing ran."""
    sums: dict[datetime, Tally] = {}
    for cell in found:
        sums[cell.starts_at] = sums.get(cell.starts_at, Tally()) + cell.tally
    return [Step(at, min(at + span.step, span.end), sums.get(at, Tally())) for at in span.starts]


@dataclass(frozen=True)
class Reason:
    """Runs that did not count as good, by their diagnostic code; where none was sent, by how
    they ended."""

    code: str
    blame: str
    verdict: str
    outcome: str
    n: int


def reasons(*, user: Any, span: Span, facet: str = "", most: int = 12) -> list[Reason]:
    """Why runs were not good, the most frequent first. Reads runs: only for short looks back."""
    rows = ProfileRun.objects.visible_to(user).filter(
        finished_at__gte=span.start,
        finished_at__lt=span.end,
        verdict__in=(Verdict.BAD, Verdict.EXCLUDED),
    )
    rows = rows.filter(warehouse_type=facet) if facet else rows
    names = ("diagnostic_code", "blame", "verdict", "outcome")
    sums: dict[Reason, int] = {}
    for *said, n in rows.order_by().values_list(*names).annotate(n=Count("*")):
        code, blame, verdict, outcome = said
        one = Reason(code, blame, verdict, "" if code else outcome, 0)
        sums[one] = sums.get(one, 0) + n
    found = [replace(one, n=n) for one, n in sums.items()]
    return sorted(found, key=lambda one: (-one.n, one.code, one.outcome))[:most]


@dataclass(frozen=True)
class Released:
    """The runs of one release of the profiler; an empty name: it was not sent."""

    package: str
    tally: Tally
    last_at: datetime


def by_package(*, user: Any, span: Span, facet: str = "", most: int = 6) -> list[Released]:
    """Releases of the profiler, the one that ran last first."""
    rows, sums, when, name = _counted(user, span, Kind.PROFILE)
    rows = rows.filter(**{name: facet}) if facet else rows
    grouped = rows.order_by().values("package").annotate(last=Max(when), **sums)
    found = [
        Released(row["package"], Tally(*(row[key] for key in sums)), row["last"]) for row in grouped
    ]
    return sorted(found, key=lambda one: (one.last_at, one.package), reverse=True)[:most]
