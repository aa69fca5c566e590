"""Is everybody there: stretches with too few people, and why nobody is on call in them.

Reads only; the rows that the answers come from are the shifts themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from apps.rotations.models import LayerVersion, Override, Role, Schedule, Shift
from apps.rotations.selectors import Gap, gaps

Cause = Literal["no_schedule", "no_layer", "override", "outside_windows", "empty_turn"]


@dataclass(frozen=True)
class ExplainedGap:
    """Nobody is on call in [start, end), and what makes it so.

    `no_layer`: no layer is in force; `override`: somebody was taken off; `outside_windows`: the
    layers' weekly windows leave it out; `empty_turn`: the turn belongs to nobody.
    """

    start: datetime
    end: datetime
    cause: Cause


def explained_gaps(schedule: Schedule, start: datetime, end: datetime) -> list[ExplainedGap]:
    """The gaps of a window with their causes; three queries whatever their number."""
    found = gaps(schedule, start, end)
    if not found:
        return []
    versions = list(LayerVersion.objects.filter(layer__schedule=schedule).overlapping(start, end))
    removals = list(
        schedule.overrides.standing().overlapping(start, end).filter(kind=Override.Kind.REMOVE)
    )
    return [ExplainedGap(gap.start, gap.end, _cause(gap, versions, removals)) for gap in found]


def _cause(gap: Gap, versions: Iterable[LayerVersion], removals: Iterable[Override]) -> Cause:
    if any(row.start_at < gap.end and row.end_at > gap.start for row in removals):
        return "override"
    inside = [
        version
        for version in versions
        if version.effective_from < gap.end
        and (version.effective_to is None or version.effective_to > gap.start)
    ]
    if not inside:
        return "no_layer"
    return "outside_windows" if any(version.windows for version in inside) else "empty_turn"


@dataclass(frozen=True)
class Thin:
    """Fewer people than the schedule wants, but not nobody, in [start, end)."""

    start: datetime
    end: datetime
    people: int


def thin_stretches(
    schedule: Schedule, shifts: Sequence[Shift], start: datetime, end: datetime
) -> list[Thin]:
    """Where somebody is on call, but fewer than `min_people`; shadows do not count."""
    if schedule.min_people <= 1:
        return []
    rows = [shift for shift in shifts if shift.role != Role.SHADOW]
    edges = {at for shift in rows for at in (shift.start_at, shift.end_at) if start < at < end}
    found: list[Thin] = []
    for low, high in pairwise([start, *sorted(edges), end]):
        people = len({s.person_id for s in rows if s.start_at <= low and s.end_at >= high})
        if not 0 < people < schedule.min_people:
            continue
        if found and found[-1].end == low and found[-1].people == people:
            found[-1] = Thin(found[-1].start, high, people)
        else:
            found.append(Thin(low, high, people))
    return found


def total(stretches: Iterable[ExplainedGap]) -> timedelta:
    """How long they are together."""
    return sum((one.end - one.start for one in stretches), timedelta())
