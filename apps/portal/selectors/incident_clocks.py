"""The clocks of an incident: what is promised, what the framework asks for, what has passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.incidents import cadence
from apps.incidents.models import Incident, SeverityLevel
from apps.incidents.selectors import updates
from apps.portal.selectors.incident_page import in_severity

TONES = {cadence.SOON: "warning", cadence.DUE: "danger", cadence.OVERDUE: "danger"}
NAMES = {
    cadence.PUBLIC: "Next update for customers",
    cadence.INTERNAL: "Next update for people here",
}
SIDES = (cadence.PUBLIC, cadence.INTERNAL)  # customers first


@dataclass(frozen=True)
class Track:
    """The next update that one side is owed; `at` is None where none is."""

    side: str
    name: str
    state: str
    at: datetime | None
    may_put_off_until: datetime | None = None

    @property
    def tone(self) -> str:
        return TONES.get(self.state, "")

    @property
    def is_late(self) -> bool:
        return self.state in {cadence.DUE, cadence.OVERDUE}


@dataclass(frozen=True)
class Clocks:
    """What stands at the top of an incident's page, the most pressing first."""

    tracks: Sequence[Track]
    severity: str
    severity_since: datetime | None
    severity_before: str
    mitigate_by: datetime | None
    acknowledge_by: datetime | None
    level: SeverityLevel | None


def alias_of(level: SeverityLevel | None) -> str:
    """What the team calls the severity beside its key."""
    return level.alias if level else ""


def tracks(incident: Incident, *, now: datetime, level: SeverityLevel | None = None) -> list[Track]:
    """Both sides while the incident stands and is declared; sides that are owed nothing are left
    out."""
    found = []
    for side in SIDES:
        standing = updates.standing(incident, side, now=now, level=level)
        if standing.due is None:
            continue
        furthest = cadence.furthest_snooze(standing.due, now)
        found.append(
            Track(
                side=side,
                name=NAMES[side],
                state=standing.state,
                at=standing.due.at,
                may_put_off_until=furthest if standing.due.at == standing.due.owed_at else None,
            )
        )
    return found


def clocks(incident: Incident, *, now: datetime) -> Clocks:
    """Everything with a time; what is over or not asked for is None."""
    level = updates.level_of(incident)
    span = in_severity(incident)
    declared = incident.declared_at if incident.is_standing else None
    return Clocks(
        tracks=tracks(incident, now=now, level=level),
        severity=incident.severity,
        severity_since=span[0] if span else None,
        severity_before=span[1] if span else "",
        mitigate_by=_target(level, "mitigate_seconds", declared)
        if incident.mitigated_at is None
        else None,
        acknowledge_by=_target(level, "acknowledge_seconds", declared)
        if incident.acknowledged_at is None
        else None,
        level=level,
    )


def _target(level: SeverityLevel | None, name: str, since: datetime | None) -> datetime | None:
    if level is None or since is None:
        return None
    return updates.target_at(level, getattr(level, name), since)
