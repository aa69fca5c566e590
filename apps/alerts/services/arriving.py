"""Pings as they arrive: from the door, and from OpsPortal's own jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.text import slugify

from apps.alerts.models import Heartbeat, Ping, Severity
from apps.alerts.services import heartbeats, pinging
from apps.core import heartbeats as life
from apps.core import jobs
from apps.core.transitions import move
from apps.intake import services as intake
from apps.intake.adapters import ping as wire
from apps.intake.canonical import InvalidEvent
from apps.intake.models import Delivery, Integration

Status = Heartbeat.Status
SWEEP = "heartbeats"  # the sign of life of the sweep itself
AWAY = timedelta(minutes=5)  # without a sweep: then our own jobs did not run either
MINUTELY_GRACE, CRON_GRACE = 600, 3_600  # seconds
MOST = 500  # heartbeats of one source that pings make: each that stays out pages somebody


# -- from the door


def take_delivery(*, delivery: Delivery, now: datetime) -> Ping | None:
    """A ping as the door kept it; it makes its heartbeat where its address asked for that.

    Raises InvalidEvent when there is no heartbeat for it.
    """
    ping, printed = wire.read(bytes(delivery.body))
    row = _heartbeat_of(ping, delivery.integration, now)
    return pinging.take_ping(
        heartbeat=row, at=delivery.received_at, said=ping.said, exit_status=ping.exit_status,
        run_ref=ping.run_ref, printed=printed, remote_ip=delivery.remote_ip,
        delivery_id=delivery.pk, now=now,
    )  # fmt: skip


def _heartbeat_of(ping: wire.Ping, integration: Integration, now: datetime) -> Heartbeat:
    rows = Heartbeat.objects.filter(own_job="")
    found = rows.filter(uuid=ping.uuid) if ping.uuid else rows.filter(
        integration=integration, slug=ping.slug
    )  # fmt: skip
    row = found.first()
    if row is not None and (row.archived_at is None or not ping.create):
        return row  # an archived one keeps what was on its way, and stays archived
    if row is None and not ping.create:
        raise InvalidEvent("no_heartbeat", "There is no heartbeat at this address any more.")
    return _brought_back(row, now) if row else _made(ping, integration, now)


@transaction.atomic
def _made(ping: wire.Ping, integration: Integration, now: datetime) -> Heartbeat:
    """A heartbeat by its slug, unless somebody has just made it by hand."""
    Integration.objects.select_for_update(no_key=True).get(pk=integration.pk)
    if found := Heartbeat.objects.filter(integration=integration, slug=ping.slug).first():
        return found
    if Heartbeat.objects.filter(integration=integration).count() >= MOST:
        said = f"This source has {MOST} heartbeats. Make more by hand, or use another source."
        raise InvalidEvent("too_many_heartbeats", said)
    return heartbeats.create_heartbeat(
        name=ping.slug, slug=ping.slug, integration=integration, surface=integration.surface,
        owner=integration.owner, period_seconds=heartbeats.PERIOD, grace_seconds=heartbeats.GRACE,
        actor=pinging.CLOCK, now=now,
    )  # fmt: skip


@transaction.atomic
def _brought_back(row: Heartbeat, now: datetime) -> Heartbeat:
    row.archived_at, row.since_at = None, now
    row.save(update_fields=["archived_at", "since_at"])
    due = pinging.rhythm_of(row).after(now) + timedelta(seconds=row.grace_seconds)
    return move(row, to=Status.NEW, actor=pinging.CLOCK, now=now, note="pinged", due_at=due)


# -- our own jobs


@dataclass(frozen=True)
class OwnJob:
    """A schedule of ours: cron fields in UTC, or None for every minute."""

    name: str
    cron: str | None = None


@transaction.atomic
def ensure_own_heartbeats(*, own: Sequence[OwnJob], now: datetime) -> None:
    """One heartbeat for each job of ours; those of jobs that are no more are archived."""
    home = intake.internal_integration(now=now)
    known = {row.own_job: row for row in Heartbeat.objects.exclude(own_job="")}
    for job in own:
        wanted = {
            "period_seconds": None if job.cron else 60,
            "cron": job.cron or "",
            "grace_seconds": CRON_GRACE if job.cron else MINUTELY_GRACE,
            "archived_at": None,
        }
        row = known.pop(job.name, None) or Heartbeat(
            integration=home, own_job=job.name, name=f"OpsPortal: {job.name}",
            slug=slugify(f"own-{job.name}"), created_at=now,
            severity=Severity.WARNING if job.cron else Severity.ERROR,
        )  # fmt: skip
        if row.pk and all(getattr(row, name) == value for name, value in wanted.items()):
            continue
        for name, value in wanted.items():
            setattr(row, name, value)
        row.since_at = now
        row.due_at = None if row.status in {Status.PAUSED, Status.DOWN} else pinging.next_due(row)
        row.save()
    Heartbeat.objects.filter(pk__in=[row.pk for row in known.values()]).update(archived_at=now)


def sweep_all(*, now: datetime) -> int:
    """What the minute asks for: our own jobs' runs are read as pings, and silence is raised."""
    rested = life.age(SWEEP, now=now)
    if rested is None or rested > AWAY:
        _own_clocks_begin_anew(now)
    life.beat(SWEEP, now=now)
    take_own_runs(now=now)
    return pinging.sweep_heartbeats(now=now)


def _own_clocks_begin_anew(now: datetime) -> None:
    """The cluster was away, which is told by itself: each of its jobs is not told once more."""
    waiting = Heartbeat.objects.current().exclude(own_job="").filter(due_at__lte=now)
    for pk in waiting.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            row = Heartbeat.objects.select_for_update(of=("self",)).get(pk=pk)
            row.since_at = now
            row.due_at = pinging.next_due(row)
            row.save(update_fields=["since_at", "due_at"])


def take_own_runs(*, now: datetime) -> int:
    """The last run of each job of ours since its last ping; answers how many there were."""
    rows = {row.own_job: row for row in Heartbeat.objects.current().exclude(own_job="")}
    taken = 0
    for run in jobs.last_runs(rows):
        row = rows[run.name]
        if row.last_ping_at is None or run.ended_at > row.last_ping_at:
            _take_run(row, run, now)
            taken += 1
    return taken


@transaction.atomic
def _take_run(row: Heartbeat, run: jobs.Run, now: datetime) -> None:
    said = Ping.Kind.SUCCESS if run.succeeded else Ping.Kind.FAIL
    ping = pinging.take_ping(heartbeat=row, at=run.ended_at, said=said, now=now)
    if ping is not None:
        took = round((run.ended_at - run.started_at) / timedelta(milliseconds=1))
        Ping.objects.filter(pk=ping.pk).update(duration_ms=max(0, took))
        Heartbeat.objects.filter(pk=row.pk).update(last_duration_ms=max(0, took))
