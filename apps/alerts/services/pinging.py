"""What pings mean: a job is up, failed, or is silent for too long; one alert while it is not up.

The alert goes the way of all others (`intake.receive`), so one engine raises, pages and resolves.
Whatever is late, repeated or read twice leads to the same state: it is read from the pings.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.alerts.models import Heartbeat, Ping
from apps.alerts.pulse import Beat, Pulse, read
from apps.alerts.rhythm import Rhythm
from apps.core import audit
from apps.core.audit import Actor
from apps.core.transitions import move
from apps.intake import services as intake
from apps.intake.adapters import ping as wire
from apps.intake.models import Delivery
from apps.intake.redaction import redact_text
from apps.notifications import services as notifications

Status = Heartbeat.Status
CLOCK = audit.system("Heartbeats")
KEPT_PINGS = 500  # of each heartbeat: its log is bounded, whatever is sent
LOOKED_AT = 200  # pings that the state is read from; no more runs of a job are under way at once
SHOWN_BODY = 1_000  # characters of what a job printed that go into its alert


def locked(heartbeat: Heartbeat) -> Heartbeat:
    rows = Heartbeat.objects.select_for_update(of=("self",)).select_related("surface", "runbook")
    return rows.get(pk=heartbeat.pk)


def rhythm_of(row: Heartbeat) -> Rhythm:
    period = None if row.period_seconds is None else timedelta(seconds=row.period_seconds)
    return Rhythm(period, row.cron, row.time_zone)


def pulse_of(row: Heartbeat) -> Pulse:
    if row._state.adding:
        return Pulse()
    newest = row.pings.exclude(kind=Ping.Kind.LOG).order_by("-at", "-pk")[:LOOKED_AT]
    facts = newest.values_list("at", "pk", "kind", "run_ref", "exit_status")
    return read([Beat(*found) for found in facts], since=row.since_at)


def next_due(row: Heartbeat) -> datetime:
    """When silence would be too long."""
    grace = timedelta(seconds=row.grace_seconds)
    return pulse_of(row).due(rhythm_of(row), grace, row.since_at)


# -- pings


@transaction.atomic
def take_ping(
    *,
    heartbeat: Heartbeat,
    at: datetime,
    said: str,
    now: datetime,
    exit_status: int | None = None,
    run_ref: str = "",
    printed: str = "",
    remote_ip: str | None = None,
    delivery_id: int | None = None,
) -> Ping | None:
    """Keep a ping that came at `at`, and what follows from it; None when it was taken before."""
    row = locked(heartbeat)
    if delivery_id is not None and Ping.objects.filter(delivery_id=delivery_id).exists():
        return None
    ping = Ping.objects.create(
        heartbeat=row, at=at, kind=said, exit_status=exit_status, run_ref=run_ref,
        body=redact_text(printed), remote_ip=remote_ip, delivery_id=delivery_id,
    )  # fmt: skip
    _forget_old(row)
    pulse = pulse_of(row)
    _write_down(row, ping, pulse)
    watched = row.archived_at is None and row.status != Status.PAUSED
    if watched and ping.kind != Ping.Kind.LOG:
        settle_status(row, actor=CLOCK, note="", key=f"ping:{ping.pk}", now=now, ping=ping)
    return ping


def _write_down(row: Heartbeat, ping: Ping, pulse: Pulse) -> None:
    """The figures that lists show, from the pings in order."""
    if (took := pulse.lengths.get(ping.pk)) is not None:
        ping.duration_ms = round(took / timedelta(milliseconds=1))
        ping.save(update_fields=["duration_ms"])
    if row.last_ping_at is None or ping.at >= row.last_ping_at:
        row.last_ping_at, row.last_remote_ip = ping.at, ping.remote_ip
        if ping.duration_ms is not None:
            row.last_duration_ms = ping.duration_ms
    row.last_start_at = pulse.running_since
    row.save(update_fields=["last_ping_at", "last_remote_ip", "last_duration_ms", "last_start_at"])


def _forget_old(row: Heartbeat) -> None:
    """The log keeps the newest; one that is beyond them goes with all that are older."""
    beyond = row.pings.order_by("-at", "-pk").values_list("pk", flat=True)[KEPT_PINGS:]
    if old := list(beyond[:1000]):
        Ping.objects.filter(pk__in=old).delete()


def settle_status(
    row: Heartbeat,
    *,
    actor: Actor,
    note: str,
    key: str,
    now: datetime,
    ping: Ping | None = None,
) -> None:
    """Bring the state of a locked row to what its pings say, and its alert with it."""
    pulse = pulse_of(row)
    if pulse.failed:
        if row.status != Status.DOWN:
            move(row, to=Status.DOWN, actor=actor, now=now, note=note or "failed", due_at=None)
        if ping is None or ping.kind == Ping.Kind.FAIL:
            last = ping or row.pings.filter(kind=Ping.Kind.FAIL).order_by("-at", "-pk").first()
            _raise(row, _failure(last), key=key, now=now, ping=last)
        return
    ran = pulse.ended is not None and (ping is None or ping.kind == Ping.Kind.SUCCESS)
    if row.status == Status.DOWN and not ran:
        return  # a start promises a run, and shows none
    due_at = next_due(row)
    was = Status(row.status)
    to = Status.UP if pulse.ended else Status.NEW if was == Status.PAUSED else was
    if was == to:
        row.due_at = due_at
        row.save(update_fields=["due_at"])
    else:
        move(row, to=to, actor=actor, now=now, note=note or "ran", due_at=due_at)
    if was == Status.DOWN:
        all_clear(row, "It ran.", key=key, now=now)


def _failure(ping: Ping | None) -> str:
    if ping is not None and ping.exit_status is not None:
        return f"exit status {ping.exit_status}"
    return "reported failure"


# -- silence


def sweep_heartbeats(*, now: datetime, limit: int = 500) -> int:
    """Raise whatever is silent for too long; answers how many. Any number may sweep at once."""
    rows = Heartbeat.objects.current().filter(status__in=[Status.NEW, Status.UP], due_at__lte=now)
    ids = list(rows.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])
    return sum(_fell_silent(pk, now) for pk in ids)


@transaction.atomic
def _fell_silent(pk: int, now: datetime) -> bool:
    rows = Heartbeat.objects.current().select_for_update(of=("self",), skip_locked=True)
    row = rows.filter(pk=pk).select_related("surface", "runbook").first()
    if row is None or row.due_at is None or row.due_at > now:
        return False
    if row.status not in {Status.NEW, Status.UP} or _is_unread(row):
        return False
    due_at, said = row.due_at, _silence(row)
    move(row, to=Status.DOWN, actor=CLOCK, now=now, note=said, due_at=None)
    _raise(row, said, key=f"due:{due_at.isoformat()}", now=now)
    return True


def _is_unread(row: Heartbeat) -> bool:
    """Whether pings of it wait for the engine: it was away, and the job may well be up."""
    mine = [wire.dedup_key(row.uuid), f"hb:new:{row.slug}"]
    waiting = Delivery.objects.filter(integration_id=row.integration_id, dedup_key__in=mine)
    return waiting.filter(status=Delivery.Status.RECEIVED).exists()


def _silence(row: Heartbeat) -> str:
    if row.last_start_at is not None:
        return f"started {row.last_start_at:%Y-%m-%d %H:%M} UTC and has not ended"
    if row.last_ping_at is None:
        return f"has not pinged since it was set up, {row.since_at:%Y-%m-%d %H:%M} UTC"
    return f"is silent, last ping {row.last_ping_at:%Y-%m-%d %H:%M} UTC"


# -- the alert


def _raise(row: Heartbeat, said: str, *, key: str, now: datetime, ping: Ping | None = None) -> None:
    links = [{"href": notifications.absolute(f"/heartbeats/{row.pk}/"), "text": "Its pings"}]
    if row.runbook is not None:
        url = notifications.absolute(f"/runbooks/{row.runbook.key}/")
        links.append({"href": url, "text": f"Runbook: {row.runbook.title}"})
    details: dict[str, Any] = {
        "heartbeat": row.name,
        "last_ping_at": row.last_ping_at.isoformat() if row.last_ping_at else None,
        "grace_seconds": row.grace_seconds,
        "owner": row.owner.name if row.owner else None,
    }
    if ping is not None and ping.body:
        details["printed"] = ping.body[-SHOWN_BODY:]
    surface = {"surface": row.surface.key} if row.surface and not row.surface.archived_at else {}
    _tell(
        row, key, now, action="trigger", summary=f"Heartbeat {row.name}: {said}",
        severity=row.severity, component=row.slug, links=links, details=details,
        **{"class": "Heartbeat", "source": "heartbeat", **surface},
    )  # fmt: skip


def all_clear(row: Heartbeat, said: str, *, key: str, now: datetime) -> None:
    _tell(row, key, now, action="resolve", summary=said)


def _tell(row: Heartbeat, key: str, now: datetime, **body: Any) -> None:
    """One native event; the key says which step it tells, so that no step is told twice."""
    named = wire.dedup_key(row.uuid)
    intake.receive(
        integration=intake.internal_integration(now=now),
        body={**body, "dedup_key": named},
        delivery_key=f"{named}:{key}",
        now=now,
    )
    intake.wake()
