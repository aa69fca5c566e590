"""All that the dashboard says of one look back, in a number of statements that never grows.

Of 24 hours it reads the runs of 24 hours, over the index of their ends; what is older is read as
sums by day. So it costs the same however long the history is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from apps.telemetry import proportions
from apps.telemetry.models import Grain, Outcome, ProfileRun, Slo
from apps.telemetry.selectors import durations, rates
from apps.telemetry.selectors.durations import Took
from apps.telemetry.selectors.rates import Kind, Part, Reason, Released, Step, Tally
from apps.telemetry.selectors.spans import Span

USUAL_DAYS = 28
ENOUGH = 20  # runs on both sides before two rates are compared


@dataclass(frozen=True)
class Compared:
    """A part beside what it did in the four weeks before."""

    part: Part
    usual: Tally

    @property
    def is_worse(self) -> bool:
        """Surely more failures than usual: the interval of the difference lies above zero."""
        now, before = self.part.tally, self.usual
        if now.n < ENOUGH or before.n < ENOUGH:
            return False
        found = proportions.newcombe(now.bad, now.n, before.bad, before.n)
        return found.lower is not None and found.lower > 0


@dataclass(frozen=True)
class Board:
    """What ran in a span, and how it went."""

    span: Span
    total: Tally
    usual: Tally
    parts: Sequence[Compared]
    steps: Sequence[Step]
    sizes: Sequence[Took]
    trend_size: str
    trend: Sequence[Took]
    reports: Tally
    report_parts: Sequence[Part]
    packages: Sequence[Released]
    reasons: Sequence[Reason]
    running: int
    objective: float | None


def board(*, user: Any, span: Span, facet: str = "", size: str = "") -> Board:
    """Everything of `span`, of one warehouse type if one is named."""
    found = rates.cells(user=user, span=span, facet=facet)
    reports = [] if facet else rates.cells(user=user, span=span, kind=Kind.REPORT)
    usual = _usual(user, span, facet)
    sizes = durations.by_size(user=user, span=span, facet=facet)
    chosen = size if any(one.size == size for one in sizes) else durations.most_frequent(sizes)
    return Board(
        span=span,
        total=rates.total(found),
        usual=sum(usual.values(), Tally()),
        parts=[Compared(part, usual.get(part.facet, Tally())) for part in rates.by_facet(found)],
        steps=rates.over_time(found, span),
        sizes=sizes,
        trend_size=chosen,
        trend=durations.over_time(user=user, span=span, size=chosen, facet=facet) if chosen else [],
        reports=rates.total(reports),
        report_parts=rates.by_facet(reports),
        packages=rates.by_package(user=user, span=span, facet=facet),
        reasons=[] if span.grain == Grain.DAY else rates.reasons(user=user, span=span, facet=facet),
        running=_running(user, span, facet),
        objective=promised(user, facet),
    )


def _usual(user: Any, span: Span, facet: str) -> Mapping[str, Tally]:
    """The four weeks before, by warehouse type; nothing beside a look that is itself so long."""
    if span.grain == Grain.DAY:
        return {}
    until = span.start.replace(hour=0, minute=0, second=0, microsecond=0)
    days = timedelta(days=USUAL_DAYS)
    before = replace(span, start=until - days, end=until, step=days, grain=Grain.DAY)
    found = rates.cells(user=user, span=before, facet=facet)
    return {part.facet: part.tally for part in rates.by_facet(found)}


def _running(user: Any, span: Span, facet: str) -> int:
    """Runs that began in the last day and have not ended; one that never ends is older."""
    rows = ProfileRun.objects.visible_to(user).filter(
        finished_at=None, outcome=Outcome.RUNNING, received_at__gte=span.end - timedelta(days=1)
    )
    rows = rows.filter(warehouse_type=facet) if facet else rows
    return rows.count()


def promised(user: Any, facet: str = "") -> float | None:
    """The highest failure rate that an objective on profile runs allows, if there is one."""
    rows = Slo.objects.visible_to(user).filter(sli=Slo.Sli.PROFILE_RUNS, archived_at=None)
    found = {row.facet: 1 - float(row.objective) for row in rows.order_by("-objective")}
    return found.get(facet, found.get(""))
