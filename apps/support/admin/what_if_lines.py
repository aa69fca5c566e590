"""The answer of a replay as lines of a table."""

from __future__ import annotations

from dataclasses import dataclass

from apps.support.models import Metric
from apps.support.selectors.what_if import Changed, Row, Tally

FEW = 20  # below it, a share says little
OUTCOMES = {"met": "kept", "breached": "missed", "open": "open", "none": "nothing promised"}


@dataclass(frozen=True)
class Line:
    """A metric at a priority: how many, what was kept, what would be."""

    label: str
    priority: str
    before: str
    after: str
    missed: str
    n: int
    few: bool
    better: bool
    worse: bool


def outcome_line(row: Row) -> Line:
    """Shares are of the promises that are judged; n counts the open ones, too."""
    judged = max(row.before.met + row.before.breached, row.after.met + row.after.breached)
    return Line(
        label=str(Metric(row.metric).label),
        priority=row.priority,
        before=_share(row.before),
        after=_share(row.after),
        missed=f"{row.before.breached:,} → {row.after.breached:,}",
        n=judged + max(row.before.open, row.after.open),
        few=judged < FEW,
        better=row.after.breached < row.before.breached,
        worse=row.after.breached > row.before.breached,
    )


def _share(tally: Tally) -> str:
    return "–" if tally.ratio is None else f"{tally.ratio:.0%}"


def changed_line(row: Changed) -> dict[str, str]:
    return {
        "ref": row.ref,
        "url": f"/tickets/{row.ref}/",
        "subject": row.subject,
        "promise": f"{Metric(row.metric).label} {row.priority}",
        "was": OUTCOMES[row.was],
        "becomes": OUTCOMES[row.becomes],
    }
