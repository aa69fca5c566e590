"""The demo world: an invented team, its surfaces and rotations, and three months of its past.

Everything is made through the services, at instants in the past, so that every table tells the
same story. Nothing is ever sent outside: demo people are told in the in-app mailbox.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from apps.accounts.models import Person, Team
from apps.alerts.models import Alert, MaintenanceWindow
from apps.core import heartbeats, jobs
from apps.core.errors import Conflict, Invalid
from apps.core.jobs import Waiting
from apps.core.models import Heartbeat
from apps.incidents.models import Incident
from apps.notifications import services as notifications
from apps.notifications.models import Site
from apps.notifications.services.site import read_once
from apps.ownership.models import Surface
from apps.paging.models import EscalationPolicy
from apps.paging.services import snapshot_for
from opsportal.demo import (
    books,
    bulk,
    bulk_rows,
    crowd,
    customers,
    desk,
    helped,
    led,
    outward,
    past,
    people,
    present,
    rotations,
    routine,
    sources,
    surfaces,
    watching,
)
from opsportal.demo.stage import Stage, play, whole_hour
from opsportal.preset import Loaded

MARKER = "demo"
SIZES = ("small", "large")
_LOCK = 0x4F50_0009


def logins() -> list[tuple[str, str, str]]:
    """Role, e-mail address and password of one demo person for each role."""
    return [(part.login, part.email, people.password()) for part in people.CAST if part.login]


def is_loaded() -> bool:
    return Heartbeat.objects.filter(name=MARKER).exclude(detail={}).exists()  # emptied: removed


def load(*, now: datetime, size: str = "small") -> None:
    """Load the demo world as it would stand at `now`; a second load changes nothing.

    All or nothing, in one transaction. The marker (`Heartbeat` named demo) keeps the ids of what
    was made, so that it can be taken away again. Raises Conflict when real people are here: their
    managers would be told of invented pages.
    """
    if size not in SIZES:
        raise Invalid(f"There is no size {size}. Sizes: {', '.join(SIZES)}.")
    with transaction.atomic(), read_once(), _quietly():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if is_loaded():
            return
        if Person.objects.get_queryset().filter(is_demo=False).exists():
            raise Conflict("There are real people here. The demo world needs an empty database.")
        with jobs.held() as waiting:
            made = _load(now.replace(second=0, microsecond=0), size, waiting)
        for task, arguments in waiting:
            jobs.enqueue(task, **arguments)
        heartbeats.beat(MARKER, now=now, **made)


@dataclass(frozen=True)
class Extent:
    """How far back a size goes: everything since `history`, the schedules since `rotations`."""

    history: timedelta
    rotations: timedelta


EXTENTS = {
    "small": Extent(timedelta(days=96), timedelta(days=28)),
    "large": Extent(timedelta(days=100), timedelta(days=96)),
}


def _load(now: datetime, size: str, waiting: Waiting) -> dict[str, list[int]]:
    extent = EXTENTS[size]
    since = whole_hour(now - extent.history)
    if not Site.objects.exists():
        notifications.save_site(values={"time_zone": rotations.BERLIN}, now=since)
    cast = people.hire(now=since)
    teams = people.form_teams(cast)
    people.give_methods(cast, now=since)
    owned = surfaces.settle(cast, teams, since=since)
    schedules = rotations.arrange(
        cast,
        teams,
        owned.surfaces,
        since=whole_hour(now - extent.rotations),
        crisis=now - timedelta(minutes=present.CRISIS_MINUTES),
    )
    policies = rotations.set_policies(owned.surfaces)
    connected = sources.connect(cast, teams, owned.surfaces, now=since)
    settled = customers.settle(cast, since=since)
    furnished = desk.furnish(cast, teams, settled.contacts, since=since)
    stage = Stage(
        present=now,
        now=since,
        cast=cast,
        surfaces=owned.surfaces,
        schedules=schedules,
        sources=connected,
        support=furnished,
        waiting=waiting,
    )
    shown = outward.open_up(cast, owned.surfaces, since=since)
    shelved = books.shelve(stage)
    telemetry, key = watching.connect(stage)
    objectives = watching.promise(stage)
    home, beats = watching.beat(stage)
    watching.measure(stage, telemetry)
    watched = watching.rule(stage)
    stories = [*routine.STORIES, *past.STORIES, *present.STORIES, *led.STORIES]
    play(stage, [*stories, outward.maintenance_work, *helped.STORIES, *watching.STORIES])
    rotations.to_present(schedules, now=now)
    if size == "large":
        more = _enlarge(stage, teams, policies[0], since)
        owned.made["surfaces"] += more.made["surfaces"]
    return {
        "teams": [team.pk for team in teams.values()],
        **owned.made,
        "schedules": [schedule.pk for schedule in schedules.values()],
        "policies": [policy.pk for policy in policies],
        "components": shown,
        "runbooks": shelved,
        "maintenance": list(MaintenanceWindow.objects.values_list("pk", flat=True)),
        "integrations": [row.pk for row in (*connected.integrations, telemetry, home)],
        "api_keys": [row.pk for row in (*connected.keys, key)],
        "objectives": objectives,
        "alert_rules": watched,
        "heartbeats": beats,
        "rules": [rule.pk for rule in connected.rules],
        **settled.made,
        **furnished.made,
        "tickets": [ticket.pk for ticket in furnished.tickets.values()],
    }


def _enlarge(
    stage: Stage, teams: Mapping[str, Team], policy: EscalationPolicy, since: datetime
) -> Loaded:
    """Forty people, 120 surfaces, and ninety days of alerts and incidents by the fast path."""
    crowd.hire_more(stage.cast, teams, now=since)
    loaded = crowd.add_surfaces(stage.cast, teams, stage.schedules, since=since)
    everything = list(Surface.objects.current().select_related("team__lead"))
    lives = bulk.Draw(now=stage.present, surfaces=everything).lives(
        alerts=bulk.ALERTS - Alert.objects.count(),
        incidents=bulk.INCIDENTS - Incident.objects.count(),
    )
    source = bulk.Source(stage.sources.hook, policy, snapshot_for(policy))
    bulk_rows.write(lives, source)
    return loaded


@contextmanager
def _quietly() -> Iterator[None]:
    """The play quarantines a delivery on purpose; the log need not warn of it."""
    logger = logging.getLogger("opsportal.intake")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
