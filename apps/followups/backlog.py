"""How the backlog grows or shrinks, from when follow-ups were opened and ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

WEEKS = 12


@dataclass(frozen=True)
class Week:
    """A week by its Monday: what came, what ended (less what was opened again), what stood at
    its end."""

    monday: date
    opened: int
    ended: int
    standing: int


def mondays(now: datetime, weeks: int = WEEKS) -> list[date]:
    """The Mondays of the last weeks in UTC, the present one last."""
    today = now.astimezone(UTC).date()
    this = today - timedelta(days=today.weekday())
    return [this - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]


def weekly(
    opened: Iterable[datetime], steps: Iterable[tuple[datetime, int]], starts: Sequence[date]
) -> list[Week]:
    """The backlog by week. `steps` are (when, +1) for one that ended, (when, -1) for one that was
    opened again; `starts` are consecutive Mondays."""
    came, went = sorted(opened), sorted(steps)
    found = []
    for monday in starts:
        start = datetime.combine(monday, time(), UTC)
        end = start + timedelta(weeks=1)
        found.append(
            Week(
                monday,
                opened=sum(start <= at < end for at in came),
                ended=sum(step for at, step in went if start <= at < end),
                standing=sum(at < end for at in came) - sum(s for at, s in went if at < end),
            )
        )
    return found
