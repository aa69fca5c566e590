"""A rule over recorded history: what it would have said at each moment. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from apps.alerts.rules import lifecycle, looks
from apps.alerts.rules.facts import Reader
from apps.alerts.rules.seen import FIRING, WORST, Asked, Seen

POINTS = 400  # of a plot
NEAR = timedelta(hours=24)  # a firing that ended longer before a moment was about something else
_GRAVE = ("info", "warning", "error", "critical")


@dataclass(frozen=True, slots=True)
class Replayed:
    """One time that the rule would have fired; `resolved_at` None: it still would. `severity` is
    the gravest that it rose to."""

    group: str
    label: str
    fired_at: datetime
    resolved_at: datetime | None
    severity: str
    text: str

    def minutes(self, until: datetime) -> float:
        return ((self.resolved_at or until) - self.fired_at).total_seconds() / 60


@dataclass(frozen=True, slots=True)
class Point:
    """The worst group at one moment."""

    at: datetime
    value: float | None
    limit: float | None
    look: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """A moment at which somebody else noticed. `minutes`: how much earlier the rule would have
    fired, negative when later, None when it would not have."""

    moment: datetime
    fired_at: datetime | None
    minutes: float | None


@dataclass(frozen=True)
class Replay:
    """What the rule would have done from `since` to `until`, looking every `step`."""

    since: datetime
    until: datetime
    step: timedelta
    firings: Sequence[Replayed]
    pages: int  # groups of a rule join a page that stands; info pages nobody
    looks: Mapping[str, int]  # how many looks of groups said what
    points: Sequence[Point]

    @property
    def minutes(self) -> float:
        """Spent firing, summed over groups."""
        return sum(one.minutes(self.until) for one in self.firings)

    @property
    def step_seconds(self) -> int:
        return int(self.step.total_seconds())

    def ahead_of(self, moments: Sequence[datetime]) -> list[Ahead]:
        """For each moment the earliest firing that stood then, ended less than a day before, or
        began within a day after it."""
        return [self._ahead(moment) for moment in moments]

    def _ahead(self, moment: datetime) -> Ahead:
        near = [
            one.fired_at
            for one in self.firings
            if one.fired_at <= moment + NEAR and (one.resolved_at or self.until) >= moment - NEAR
        ]
        first = min(near, default=None)
        minutes = None if first is None else (moment - first).total_seconds() / 60
        return Ahead(moment, first, minutes)


@dataclass(slots=True)
class _Group:
    standing: lifecycle.Standing
    memory: Mapping[str, Any] = field(default_factory=dict)
    open: Replayed | None = None


def play(
    kind: str,
    params: Mapping[str, Any],
    reader: Reader,
    *,
    since: datetime,
    until: datetime,
    step: timedelta,
    severity: str = "error",
    objective: float | None = None,
    for_seconds: int = 0,
    keep_seconds: int = 900,
) -> Replay:
    """Look at `since`, then every `step` until `until`, by the rules that hold when it is live."""
    groups: dict[str, _Group] = {}
    done: list[Replayed] = []
    said: dict[str, int] = {}
    points: list[Point] = []
    paging = pages = 0
    now = since
    while now <= until:
        asked = Asked(objective, memory={name: one.memory for name, one in groups.items()})
        seen = looks.judge(kind, params, reader, now, asked)
        for one in _whole(kind, seen, groups):
            if one.look != "gone":
                said[one.look] = said.get(one.look, 0) + 1
            _step(one, groups, done, now, for_seconds, keep_seconds, severity)
        if seen:
            worst = min(seen, key=lambda one: WORST.index(one.look))
            points.append(Point(now, worst.value, worst.limit, worst.look))
        standing = sum(one.open is not None and one.open.severity != "info"
                       for one in groups.values())  # fmt: skip
        pages += standing > 0 and paging == 0
        paging = standing
        now += step
    firings = sorted(
        [*done, *(one.open for one in groups.values() if one.open)], key=lambda one: one.fired_at
    )
    return Replay(since, until, step, firings, pages, said, _thinned(points))


def _whole(kind: str, seen: Sequence[Seen], groups: Mapping[str, _Group]) -> list[Seen]:
    """With the groups of before that there are no more."""
    here = {one.group for one in seen}
    return [*seen, *(looks.absent(kind, name) for name in groups if name not in here)]


def _step(
    seen: Seen,
    groups: dict[str, _Group],
    done: list[Replayed],
    now: datetime,
    for_seconds: int,
    keep_seconds: int,
    severity: str,
) -> None:
    group = groups.get(seen.group)
    was = group.standing if group else lifecycle.Standing(lifecycle.OK, now)
    step = lifecycle.step(
        was, seen.look, now=now, for_seconds=for_seconds, keep_seconds=keep_seconds
    )
    if group is None:
        group = groups[seen.group] = _Group(step.standing)
    group.standing, group.memory = step.standing, seen.memory
    if step.event == "fired":
        group.open = Replayed(
            seen.group, seen.label or seen.group, now, None, seen.severity or severity, seen.text
        )
    elif seen.look == FIRING and group.open:
        grave = max(group.open.severity, seen.severity or severity, key=_GRAVE.index)
        group.open = replace(group.open, severity=grave)
    elif step.event and group.open:
        done.append(replace(group.open, resolved_at=now))
        group.open = None
    if seen.look == "gone" and group.open is None:
        del groups[seen.group]


def _thinned(points: Sequence[Point]) -> list[Point]:
    """So many that a plot can show; of each stretch the worst."""
    size = -(-len(points) // POINTS) or 1
    parts = [points[start : start + size] for start in range(0, len(points), size)]
    return [min(part, key=_rank) for part in parts]


def _rank(point: Point) -> tuple[int, float]:
    return WORST.index(point.look), -(point.value or 0.0)
