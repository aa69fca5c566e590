"""The strip of figures on top of the dashboard, and what it counts of sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from apps.accounts.models import Person
from apps.portal import telemetry_plots as plots
from apps.portal.context import link
from apps.telemetry.judging import rate_look
from apps.telemetry.models import ProfiledSource, TypeChange
from apps.telemetry.selectors import accuracy, freshness
from apps.telemetry.selectors.accuracy import Accuracy
from apps.telemetry.selectors.dashboard import Board
from apps.telemetry.selectors.freshness import Freshness
from apps.telemetry.selectors.rates import Tally
from apps.telemetry.selectors.spans import Span

WORST = 8  # sources on the dashboard
AUDITED = timedelta(days=90)
TROUBLE = ("stale", "never", "late")


def fresh_rows(person: Person, now: datetime) -> list[Freshness]:
    """Every source that is expected to be fresh, the worst first."""
    return freshness.sources(now=now, user=person)


@dataclass(frozen=True)
class FreshCount:
    total: int
    trouble: int
    late: int
    paused: int


def fresh_count(rows: Sequence[Freshness]) -> FreshCount:
    states = [row.state for row in rows]
    return FreshCount(
        total=len(states) - states.count("suppressed"),
        trouble=states.count("stale") + states.count("never"),
        late=states.count("late"),
        paused=states.count("suppressed"),
    )


def figures(
    board: Board, fresh: FreshCount, changed: int, types: Accuracy, address: str
) -> list[dict[str, Any]]:
    """The strip at the top: each figure with what it is of."""
    total, reports = board.total, board.reports
    look = rate_look(total.bad, total.n, board.objective) if board.objective is not None else "ok"
    runs = link("telemetry_runs")
    return [
        {
            "label": "Runs that failed",
            "value": _told(total, "No runs"),
            "note": _of(total) if total.n else "that is no good news by itself",
            "tone": {"firing": "danger", "warning": "warning"}.get(look, "") if total.n
            else "warning",
            "glyph": "tri" if look == "firing" and total.n else "",
            "url": f"{runs}{address}&show=bad",
        },
        {
            "label": "Timed out",
            "value": f"{total.timed_out:,}",
            "note": "cut off, so their durations are lower bounds" if total.timed_out
            else "none was cut off",
            "tone": "",
            "url": f"{runs}{address}&show=timed_out",
        },
        {
            "label": "Sources without a fresh profile",
            "value": f"{fresh.trouble} of {fresh.total}" if fresh.total else "No sources",
            "note": _fresh_note(fresh),
            "tone": "danger" if fresh.trouble else ("warning" if fresh.late else ""),
            "glyph": "over" if fresh.trouble else "",
            "url": link("telemetry_sources"),
        },
        {
            "label": "Reports that failed",
            "value": _told(reports, "No reports"),
            "note": _of(reports) if reports.n else "",
            "tone": "",
            "url": "#h-reports",
        },
        _types_right(types),
        {
            "label": "Columns of another type",
            "value": f"{changed:,}",
            "note": "than in the inventory before",
            "tone": "",
            "url": f"{link('telemetry_types')}{address}",
        },
    ]  # fmt: skip


def _types_right(found: Accuracy) -> dict[str, Any]:
    overall = found.overall
    if overall.p is None:
        value, note = "No audit", f"in {AUDITED.days} days"
    else:
        value = plots.percent(overall.p)
        note = f"{plots.bounds(overall.lower, overall.upper)}, {found.n:,} audited"
    return {
        "label": "Semantic types right",
        "value": value,
        "note": note,
        "tone": {"firing": "danger", "warning": "warning"}.get(found.look, ""),
        "glyph": "tri" if found.look == "firing" else "",
        "url": link("telemetry_accuracy"),
    }


def audited(person: Person, span: Span) -> Accuracy:
    """Audits are seldom: of the ninety days before the end of a look back, however short it is."""
    return accuracy.accuracy(
        user=person, since=span.end - AUDITED, until=span.end, source=accuracy.Truth.AUDIT
    )


def _told(tally: Tally, none: str) -> str:
    """A share, or of too few to be one what it would be of."""
    if not tally.n:
        return none
    if tally.n < plots.FEW:
        return f"{tally.bad:,} of {tally.n:,}"
    return plots.percent(tally.rate.p)


def _of(tally: Tally) -> str:
    if tally.n < plots.FEW:
        return "too few to judge"
    rate = tally.rate
    return f"{tally.bad:,} of {tally.n:,}, interval {plots.bounds(rate.lower, rate.upper)}"


def _fresh_note(fresh: FreshCount) -> str:
    parts = [f"{fresh.late} late" if fresh.late else "", f"{fresh.paused} paused" if fresh.paused
             else ""]  # fmt: skip
    return ", ".join(part for part in parts if part) or "none late, none paused"


def changed_types(person: Person, span: Span) -> int:
    rows: QuerySet[TypeChange] = TypeChange.objects.visible_to(person)
    return rows.filter(at__gte=span.start, at__lt=span.end).count()


def is_anything_sent(board: Board, person: Person) -> bool:
    """Whether a page of figures says more than one that teaches how they come about."""
    if board.total.finished or board.reports.finished:
        return True
    return ProfiledSource.objects.visible_to(person).exists()
