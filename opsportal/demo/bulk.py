"""The large demo's past: thousands of alerts, written as rows by a fast path.

The services take about 60 ms for an alert with its page, messages and incident, so five thousand
would take minutes. Here lives of alerts are drawn first (`Life`), and `bulk_rows` then writes every
row that the services would have written for each: delivery, event, group, alert, page, steps,
messages, incident, timeline, links, notes and status history. Only the messages' words are shorter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from apps.accounts.models import Person
from apps.intake.models import Integration
from apps.ownership import selectors as ownership
from apps.ownership.models import Surface
from apps.paging.models import EscalationPolicy
from apps.rotations import selectors as rotations
from apps.rotations.models import Schedule, Shift

ALERTS = 5_000
INCIDENTS = 400
DAYS = 90
_STEPS = (0, 5, 15)  # minutes after the opening at which the standard policy tells somebody
_WHAT = {
    "critical": ("is down", "answers nothing", "loses writes"),
    "error": ("fails for 1 in 20", "errors above 2 %", "times out", "refuses new sessions"),
    "warning": ("is slower than usual", "uses 85 % of its quota", "is behind by an hour"),
    "info": ("was refreshed", "has a newer template", "finished its reference run"),
}
_ENDS = ("closed", "closed", "closed", "resolved", "resolved", "in_review", "declined", "quiet")


@dataclass(frozen=True)
class Told:
    """One step of a page: when, which, and who was told."""

    at: datetime
    step: int
    people: tuple[Person, ...]


@dataclass(frozen=True)
class Life:
    """One alert group from its first trigger to its end, drawn before any row is written.

    `severities` has one entry for each alert of the group, the first the highest. `incident` says
    how the incident ended: closed, resolved, in_review, declined, quiet (in triage, by itself), or
    empty without one.
    """

    number: int
    surface: Surface
    severities: tuple[str, ...]
    summary: str
    start: datetime
    end: datetime
    told: tuple[Told, ...]
    taken_at: datetime | None
    taken_by: Person | None
    incident: str


@dataclass(frozen=True)
class Source:
    """What all lives share: where they come from and by which policy they page."""

    integration: Integration
    policy: EscalationPolicy
    snapshot: Mapping[str, object]


class Draw:
    """Draws lives over the last ninety days, the same ones every time."""

    def __init__(self, *, now: datetime, surfaces: Sequence[Surface]) -> None:
        self.random = Random(2026)  # noqa: S311 - invented data, meant to repeat
        self.now = now
        self.surfaces = list(surfaces)
        self.owners = ownership.owners_of(surfaces, at=now)
        self.cover = _Cover(surfaces)

    def lives(self, *, alerts: int, incidents: int) -> list[Life]:
        """As many lives as have `alerts` alerts together; `incidents` of them open an incident."""
        found: list[Life] = []
        left = alerts
        for number in range(incidents):
            size = min(self.random.choice((1, 1, 1, 2, 3)), left - (incidents - number - 1))
            found.append(self._loud(number, size))
            left -= size
        for number in range(incidents, incidents + left):
            found.append(self._calm(number))
        return sorted(found, key=lambda life: life.start)

    def _loud(self, number: int, size: int) -> Life:
        first = "critical" if number % 6 == 0 else "error"
        rest = [self.random.choice(("error", "warning")) for _ in range(size - 1)]
        start, surface = self._when(), self._where()
        wait = timedelta(minutes=self.random.choice((1, 2, 3, 4, 7, 9, 18)))
        told = self._told(surface, start, start + wait)
        taken_by = told[-1].people[0]
        end = start + wait + timedelta(minutes=self.random.randint(10, 240))
        ended = "quiet" if number % 4 == 1 else self.random.choice(_ENDS)
        return self._life(number, surface, (first, *rest), start, end, told, wait, taken_by, ended)

    def _calm(self, number: int) -> Life:
        """A warning, taken or over before its steps run again; or an info, which wakes nobody."""
        severity = "warning" if number % 3 == 0 else "info"
        start, surface = self._when(), self._where()
        wait = timedelta(minutes=self.random.randint(2, 12))
        if severity == "info":
            end = start + timedelta(minutes=self.random.randint(3, 90))
            return self._life(number, surface, (severity,), start, end, (), None, None, "")
        if self.random.random() < 0.6:
            told = self._told(surface, start, start + wait)
            end, by = start + wait + timedelta(minutes=self.random.randint(3, 90)), told[-1]
            return self._life(
                number, surface, (severity,), start, end, told, wait, by.people[0], ""
            )
        end = start + timedelta(minutes=self.random.randint(3, 24))
        told = self._told(surface, start, end)
        return self._life(number, surface, (severity,), start, end, told, None, None, "")

    def _life(
        self,
        number: int,
        surface: Surface,
        severities: tuple[str, ...],
        start: datetime,
        end: datetime,
        told: tuple[Told, ...],
        wait: timedelta | None,
        taken_by: Person | None,
        incident: str,
    ) -> Life:
        what = self.random.choice(_WHAT[severities[0]])
        return Life(
            number=number,
            surface=surface,
            severities=severities,
            summary=f"{surface.name} {what}",
            start=start,
            end=end,
            told=told,
            taken_at=None if wait is None else start + wait,
            taken_by=taken_by,
            incident=incident,
        )

    def _when(self) -> datetime:
        """Any minute of the ninety days that leaves time for an end before the present."""
        minutes = self.random.randint(8 * 60, DAYS * 24 * 60)
        return self.now - timedelta(minutes=minutes)

    def _where(self) -> Surface:
        return self.random.choice(self.surfaces)

    def _told(self, surface: Surface, start: datetime, until: datetime) -> tuple[Told, ...]:
        """The steps of the standard policy up to an instant; a gap is filled by the owners."""
        pair = self.owners[surface.pk]
        owners = tuple(person for person in (pair.primary, pair.backup) if person)
        lead = surface.team.lead if surface.team else None
        on_call = self.cover.on_call(surface, start)
        groups = (on_call or owners, owners, (lead,) if lead else owners)
        return tuple(
            Told(start + timedelta(minutes=minutes), step, people)
            for step, (minutes, people) in enumerate(zip(_STEPS, groups, strict=True))
            if people and (step == 0 or start + timedelta(minutes=minutes) < until)
        )


class _Cover:
    """Who was on call for a surface at an instant, from the shift rows, without more queries."""

    def __init__(self, surfaces: Sequence[Surface]) -> None:
        self.schedules: dict[int, Schedule | None] = {
            surface.pk: rotations.schedule_of(surface) for surface in surfaces
        }
        self.shifts: dict[int, list[Shift]] = {}
        rows = Shift.objects.filter(role="primary").select_related("person").order_by("start_at")
        for row in rows:
            self.shifts.setdefault(row.schedule_id, []).append(row)

    def on_call(self, surface: Surface, at: datetime) -> tuple[Person, ...]:
        schedule = self.schedules[surface.pk]
        rows = self.shifts.get(schedule.pk, []) if schedule else []
        place = bisect_right(rows, at, key=lambda row: row.start_at) - 1
        return (rows[place].person,) if place >= 0 and at < rows[place].end_at else ()
