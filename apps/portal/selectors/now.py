"""The home page: what waits for somebody, what is open, who is there, whether we are alive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.alerts.models import Alert
from apps.incidents.models import Incident
from apps.intake.models import Integration
from apps.ownership.models import Surface
from apps.portal.selectors import oncall, paged, system
from apps.rotations.models import Schedule

SHOWN = 10


@dataclass(frozen=True)
class Now:
    now: datetime
    waiting: Sequence[paged.Paged]
    answers: paged.Answers
    incidents: Sequence[Incident]
    open_by_severity: dict[str, int]
    unrouted: Sequence[Alert]
    unrouted_count: system.Count
    cover: oncall.Cover
    engine: system.Engine
    surfaces: Sequence[Surface]  # to route to; empty where nothing is to route

    @property
    def open_incidents(self) -> int:
        return sum(self.open_by_severity.values())

    def duties_of(self, person: Person) -> list[oncall.Duty]:
        return [
            duty
            for duty in self.cover.duties
            if any(shift.person_id == person.pk for shift in duty.shifts)
        ]

    def waits_for(self, person: Person) -> int:
        """How many waiting pages this person was the last to be told of."""
        return sum(1 for row in self.waiting if row.told and person in row.told.people)


def read(viewer: Person, *, now: datetime, today: datetime, vitals: system.Vitals) -> Now:
    """Everything on the page; `today` is the viewer's midnight."""
    unrouted, unrouted_count = _unrouted(viewer)
    return Now(
        now=now,
        waiting=paged.waiting(viewer, now=now),
        answers=paged.answers(viewer, now=now),
        incidents=_open_incidents(viewer),
        open_by_severity=open_by_severity(viewer),
        unrouted=unrouted,
        unrouted_count=unrouted_count,
        cover=oncall.cover_of(oncall.schedules_of(viewer), now=now),
        engine=system.engine(viewer=viewer, vitals=vitals, today=today),
        surfaces=surfaces_to_route_to(viewer) if unrouted and viewer.may(Grant.ROUTE) else [],
    )


def _open_incidents(viewer: Person) -> list[Incident]:
    return list(
        Incident.objects.visible_to(viewer)
        .standing()
        .select_related("surface", "commander")
        .order_by("severity", "-detected_at", "-pk")[:SHOWN]
    )


def open_by_severity(viewer: Person) -> dict[str, int]:
    rows = Incident.objects.visible_to(viewer).standing().values("severity").order_by("severity")
    return {row["severity"]: row["n"] for row in rows.annotate(n=Count("pk"))}


def _unrouted(viewer: Person) -> tuple[list[Alert], system.Count]:
    alerts = list(
        Alert.objects.visible_to(viewer)
        .unrouted()
        .select_related("integration")
        .order_by("first_seen_at", "pk")[: system.MANY + 1]
    )
    return alerts[:SHOWN], system.Count(len(alerts[: system.MANY]), len(alerts) > system.MANY)


def surfaces_to_route_to(viewer: Person) -> list[Surface]:
    return list(Surface.objects.visible_to(viewer).current().only("key", "name").order_by("key"))


@dataclass(frozen=True)
class Started:
    """How far a new site is, for its managers."""

    people: bool
    surfaces: bool
    schedules: bool
    integrations: bool

    @property
    def done(self) -> bool:
        return self.people and self.surfaces and self.schedules and self.integrations


def started(viewer: Person) -> Started:
    """Whether there are other people, surfaces, schedules and sources; one query."""
    others = Person.objects.active().exclude(pk=viewer.pk)
    sources = Integration.objects.filter(archived_at=None).exclude(kind=Integration.Kind.INTERNAL)
    found = (
        Person.objects.get_queryset()
        .filter(pk=viewer.pk)
        .values_list(
            Exists(others),
            Exists(Surface.objects.current()),
            Exists(Schedule.objects.current()),
            Exists(sources),
        )
        .get()
    )
    return Started(*found)
