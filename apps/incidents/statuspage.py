"""The public status page as data, and the arithmetic of its history. Pure.

How a component is, from well to worst, in Statuspage's words. Where several things are true of a
component at once, the worst counts. Its uptime is, as Statuspage counts it, the time since it is
shown without `major_outage` (counts whole) and `partial_outage` (counts three tenths); degraded
service and announced maintenance are shown and cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

OPERATIONAL, MAINTENANCE = "operational", "under_maintenance"
DEGRADED, PARTIAL, MAJOR = "degraded_performance", "partial_outage", "major_outage"
WELL_TO_WORST = (OPERATIONAL, MAINTENANCE, DEGRADED, PARTIAL, MAJOR)
LABELS = {
    OPERATIONAL: "Operational",
    MAINTENANCE: "Under maintenance",
    DEGRADED: "Degraded",
    PARTIAL: "Partly down",
    MAJOR: "Down",
}
COSTS = {PARTIAL: 0.3, MAJOR: 1.0}  # of its seconds, what counts as not up
DAYS = 90
IMPACTS = {OPERATIONAL: "none", MAINTENANCE: "maintenance", DEGRADED: "minor", PARTIAL: "major",
           MAJOR: "critical"}  # fmt: skip
INVESTIGATING, IDENTIFIED, MONITORING = "investigating", "identified", "monitoring"
RESOLVED, POSTMORTEM = "resolved", "postmortem"
_PUBLIC = {  # the incident's own state → what the public reads
    "triage": INVESTIGATING,
    "investigating": INVESTIGATING,
    "identified": IDENTIFIED,
    "mitigated": MONITORING,
}
_STATUS_LABELS = {
    INVESTIGATING: "Investigating",
    IDENTIFIED: "Identified",
    MONITORING: "Monitoring",
    RESOLVED: "Resolved",
    POSTMORTEM: "What we learned",
}


def public_status(status: str) -> str:
    """The incident's state as the page tells it: whatever has ended reads as resolved."""
    return _PUBLIC.get(status, RESOLVED)


def update_status(stage: str, incident_status: str) -> str:
    """What one update says: its stage where that decides, else how the incident was then."""
    if stage in (RESOLVED, POSTMORTEM):
        return stage
    return _PUBLIC.get(incident_status, INVESTIGATING)


def stage_label(stage: str, incident_status: str) -> str:
    """The same in words: “Identified”."""
    return _STATUS_LABELS[update_status(stage, incident_status)]


def tick(now: datetime, *, moving: bool) -> str:
    """What time alone changes: while something stands it gets longer each minute; else only
    midnight does, which some zones have at a quarter of UTC's hours."""
    return f"{now:%Y-%m-%dT%H}:{now.minute if moving else now.minute // 15}"


# -- the history of a component


@dataclass(frozen=True)
class Span:
    """One thing that was true of a component from `from_at` until `to_at` (None: still)."""

    state: str
    from_at: datetime
    to_at: datetime | None


@dataclass(frozen=True)
class Day:
    """A calendar day of the page's zone; `seconds` of each state but operational."""

    on: date
    state: str  # the worst of it; empty before the component was shown
    seconds: Mapping[str, float] = field(default_factory=dict)


def worst(states: Iterable[str]) -> str:
    return max(states, key=WELL_TO_WORST.index, default=OPERATIONAL)


def days(
    spans: Sequence[Span], *, started_on: date, now: datetime, zone: ZoneInfo, count: int = DAYS
) -> tuple[Day, ...]:
    """The last `count` days up to today, oldest first, each with the worst that was true."""
    today = now.astimezone(zone).date()
    first = today - timedelta(days=count - 1)
    edges = [_midnight(first + timedelta(days=n), zone) for n in range(count)] + [now]
    found = []
    for number, (start, end) in enumerate(pairwise(edges)):
        on = first + timedelta(days=number)
        if on < started_on:
            found.append(Day(on, ""))
            continue
        seconds = _seconds(spans, start, end, now)
        found.append(Day(on, worst(seconds), seconds))
    return tuple(found)


def _midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, time(), zone).astimezone(UTC)


def _seconds(
    spans: Sequence[Span], start: datetime, end: datetime, now: datetime
) -> dict[str, float]:
    """Seconds of each state between two instants; where several hold, the worst one has it."""
    inside = [
        (max(one.from_at, start), min(one.to_at or now, end), one.state)
        for one in spans
        if one.from_at < end and (one.to_at or now) > start and one.state != OPERATIONAL
    ]
    edges = sorted({edge for begin, over, _ in inside for edge in (begin, over)})
    found: dict[str, float] = {}
    for begin, over in pairwise(edges):
        state = worst(s for b, o, s in inside if b <= begin and o >= over)
        if state != OPERATIONAL:
            found[state] = found.get(state, 0.0) + (over - begin).total_seconds()
    return found


def uptime(shown: Sequence[Day], *, now: datetime, zone: ZoneInfo) -> float | None:
    """Percent of the time shown, cut to two places, never rounded up; None before its first day."""
    known = [one for one in shown if one.state]
    if not known:
        return None
    begun = _midnight(known[0].on, zone)
    total = max((now.astimezone(UTC) - begun).total_seconds(), 1.0)
    lost = sum(COSTS.get(s, 0.0) * n for one in known for s, n in one.seconds.items())
    return int((1 - lost / total) * 10_000) / 100


# -- the page


@dataclass(frozen=True, kw_only=True)
class Component:
    key: str
    name: str
    group: str
    description: str
    state: str
    days: tuple[Day, ...]
    uptime: float | None
    started_on: date
    position: int

    @property
    def label(self) -> str:
        return LABELS[self.state]

    @property
    def troubled(self) -> tuple[Day, ...]:
        """The days on which something was wrong, newest first."""
        return tuple(one for one in reversed(self.days) if one.seconds)


@dataclass(frozen=True, kw_only=True)
class Update:
    id: int
    status: str
    title: str
    body: str  # Markdown
    at: datetime
    states: Mapping[str, str]  # component key → state, as of this update
    next_at: datetime | None

    @property
    def label(self) -> str:
        return _STATUS_LABELS[self.status]


@dataclass(frozen=True, kw_only=True)
class Incident:
    """A public incident with its updates, newest first; there is at least one."""

    ref: str
    title: str  # the subject of the first update: the internal title never leaves
    status: str
    impact: str  # none, minor, major, critical
    started_at: datetime
    resolved_at: datetime | None
    updates: tuple[Update, ...]
    components: tuple[str, ...]  # keys

    @property
    def label(self) -> str:
        return _STATUS_LABELS[self.status]

    @property
    def is_standing(self) -> bool:
        return self.status != RESOLVED

    @property
    def next_at(self) -> datetime | None:
        """When the next update is promised, while the incident stands."""
        return self.updates[0].next_at if self.is_standing else None


@dataclass(frozen=True, kw_only=True)
class Work:
    """Announced maintenance."""

    ref: str
    title: str
    body: str  # Markdown
    status: str  # scheduled, in_progress, completed
    starts_at: datetime
    ends_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    said_at: datetime  # when it was announced
    changed_at: datetime  # when anything of it last changed
    components: tuple[str, ...]  # keys


@dataclass(frozen=True, kw_only=True)
class Page:
    """Everything that is shown, newest first, as of `built_at`."""

    name: str
    url: str  # of the site, without a slash at its end
    zone: ZoneInfo
    built_at: datetime
    components: tuple[Component, ...]
    incidents: tuple[Incident, ...]
    works: tuple[Work, ...]
    merged: Mapping[str, str] = field(default_factory=dict)  # reference → the one it went into

    @property
    def standing(self) -> tuple[Incident, ...]:
        return tuple(one for one in self.incidents if one.is_standing)

    @property
    def under_way(self) -> tuple[Work, ...]:
        return tuple(one for one in self.works if one.status == "in_progress")

    @property
    def upcoming(self) -> tuple[Work, ...]:
        """The next one first."""
        found = [one for one in self.works if one.status == "scheduled"]
        return tuple(sorted(found, key=lambda one: one.starts_at))

    @property
    def state(self) -> str:
        """The worst of all components; a standing incident that names none counts as degraded."""
        states = [one.state for one in self.components]
        if self.standing:
            states.append(DEGRADED)
        elif self.under_way:
            states.append(MAINTENANCE)
        return worst(states)

    @property
    def indicator(self) -> str:
        return IMPACTS[self.state]

    @property
    def sentence(self) -> str:
        """How it is, in one line."""
        state = self.state
        if state == OPERATIONAL:
            return "Everything is working"
        if state == MAINTENANCE:
            return "Maintenance is under way"
        hurt = [one for one in self.components if one.state not in (OPERATIONAL, MAINTENANCE)]
        if len(hurt) == 1:
            return f"{hurt[0].name}: {hurt[0].label.lower()}"
        if state == DEGRADED:
            return "Some parts are degraded" if hurt else "We are looking into a problem"
        if state == PARTIAL:
            return "Some parts are partly down"
        return "Everything is down" if _all_down(self.components) else "Some parts are down"

    def names(self, keys: Iterable[str]) -> tuple[str, ...]:
        """The names of components, in the page's order."""
        wanted = set(keys)
        return tuple(one.name for one in self.components if one.key in wanted)

    def find(self, ref: str) -> Incident | None:
        return next((one for one in self.incidents if one.ref == ref), None)


def _all_down(components: Sequence[Component]) -> bool:
    return len(components) > 1 and all(one.state == MAJOR for one in components)
