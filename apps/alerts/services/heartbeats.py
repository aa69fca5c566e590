"""Heartbeats as people set them up: made, changed, paused, resumed, archived."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from apps.accounts.models import Person, check_zone
from apps.alerts.models import Heartbeat, Severity
from apps.alerts.rhythm import LONGEST, bad_cron, bad_period
from apps.alerts.services import pinging
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.text import one_line
from apps.core.transitions import move
from apps.intake import services as intake
from apps.intake.models import Integration
from apps.ownership.models import Surface
from apps.runbooks.models import Runbook

Status = Heartbeat.Status
PERIOD, GRACE = 86_400, 3_600  # seconds: of a heartbeat that its first ping makes
RHYTHM = ("period_seconds", "cron", "time_zone", "grace_seconds")
FIELDS = ("name", "surface", "owner", "runbook", "severity", *RHYTHM)


def heartbeat_integration(*, now: datetime) -> Integration:
    """Where heartbeats belong whose maker names no source: the oldest one of their kind."""
    mine = Integration.objects.filter(kind=Integration.Kind.HEARTBEAT, archived_at=None)
    found = mine.order_by("pk").first()
    return found or intake.create_integration(kind="heartbeat", name="Heartbeats", now=now).row


@transaction.atomic
def create_heartbeat(
    *,
    name: str,
    slug: str = "",
    integration: Integration | None = None,
    surface: Surface | None = None,
    owner: Person | None = None,
    runbook: Runbook | None = None,
    severity: str = Severity.ERROR,
    period_seconds: int | None = None,
    cron: str = "",
    time_zone: str = "UTC",
    grace_seconds: int = 300,
    actor: Actor,
    now: datetime,
) -> Heartbeat:
    """Wait for a job from now on: its first ping is due after one period, or by its cron line.

    Raises Invalid by field, and when the slug is taken in its integration.
    """
    home = integration or heartbeat_integration(now=now)
    # One at a time in a source, so that two cannot take the same slug; deliveries go on meanwhile.
    Integration.objects.select_for_update(no_key=True).get(pk=home.pk)
    row = Heartbeat(
        integration=home, name=name, surface=surface, owner=owner, runbook=runbook,
        severity=severity, period_seconds=period_seconds, cron=cron, time_zone=time_zone,
        grace_seconds=grace_seconds, created_at=now, since_at=now,
    )  # fmt: skip
    _check(row)
    row.slug = _free_slug(row, slug)
    row.due_at = pinging.next_due(row)
    row.save()
    return row


@transaction.atomic
def change_heartbeat(
    *, heartbeat: Heartbeat, fields: Mapping[str, Any], actor: Actor, now: datetime
) -> Heartbeat:
    """Change any of `FIELDS`; another rhythm or grace is waited for from now on.

    Raises Invalid by field, Conflict for one of OpsPortal's own jobs or an archived one.
    """
    row = pinging.locked(heartbeat)
    _still_there(row)
    if row.own_job and set(fields) - {"surface", "owner", "runbook", "severity"}:
        raise Conflict("The rhythm of OpsPortal's own jobs is part of its release.")
    before = [getattr(row, name) for name in RHYTHM]
    for name in FIELDS:
        if name in fields:
            setattr(row, name, fields[name])
    _check(row)
    if [getattr(row, name) for name in RHYTHM] != before:
        row.since_at = now
        if row.due_at is not None:
            row.due_at = pinging.next_due(row)
    row.save()
    return row


@transaction.atomic
def pause_heartbeat(*, heartbeat: Heartbeat, actor: Actor, now: datetime) -> Heartbeat:
    """Wait for nothing: pings are kept, silence and failures tell nobody; an alert of it ends."""
    row = pinging.locked(heartbeat)
    _still_there(row)
    was_down = row.status == Status.DOWN
    move(row, to=Status.PAUSED, actor=actor, now=now, due_at=None)
    if was_down:
        pinging.all_clear(
            row, f"Paused by {actor.label}.", key=f"paused:{now.isoformat()}", now=now
        )
    return row


@transaction.atomic
def resume_heartbeat(*, heartbeat: Heartbeat, actor: Actor, now: datetime) -> Heartbeat:
    """Wait again, from now on; a job whose last run failed is down again until one runs well."""
    row = pinging.locked(heartbeat)
    _still_there(row)
    if row.status != Status.PAUSED:
        raise Conflict("This heartbeat is not paused.")
    row.since_at = now
    row.save(update_fields=["since_at"])
    pinging.settle_status(
        row, actor=actor, note="resumed", key=f"resumed:{now.isoformat()}", now=now
    )
    return row


@transaction.atomic
def archive_heartbeat(*, heartbeat: Heartbeat, actor: Actor, now: datetime) -> Heartbeat:
    """Its address is gone at once; an alert of it ends. What it said stays."""
    row = pinging.locked(heartbeat)
    if row.own_job:
        raise Conflict("OpsPortal watches its own jobs as long as it has them.")
    if row.archived_at is not None:
        return row
    was_down = row.status == Status.DOWN
    if row.status != Status.PAUSED:
        move(row, to=Status.PAUSED, actor=actor, now=now, note="archived", due_at=None)
    row.archived_at = now
    row.save(update_fields=["archived_at"])
    if was_down:
        pinging.all_clear(
            row, f"Archived by {actor.label}.", key=f"archived:{now.isoformat()}", now=now
        )
    return row


def _still_there(row: Heartbeat) -> None:
    if row.archived_at is not None:
        raise Conflict("This heartbeat is archived. Make a new one.")


def _check(row: Heartbeat) -> None:
    wrong: dict[str, list[str]] = {}
    row.name = one_line(row.name)
    row.cron = " ".join(row.cron.split())
    if not 0 < len(row.name) <= 120:
        wrong["name"] = ["A name has 1 to 120 characters: what runs, as people call it."]
    if row.severity not in Severity.values:
        wrong["severity"] = [f"One of {', '.join(Severity.values)}."]
    try:
        check_zone(row.time_zone)
    except ValidationError as error:
        wrong["time_zone"] = list(error.messages)
    if (row.period_seconds is None) == (row.cron == ""):
        wrong["period_seconds"] = ["Give either a period or a cron line."]
    elif row.period_seconds is not None and (said := bad_period(row.period_seconds)):
        wrong["period_seconds"] = [said]
    elif row.cron and (said := bad_cron(row.cron)):
        wrong["cron"] = [said]
    if not 0 <= row.grace_seconds <= LONGEST.total_seconds():
        wrong["grace_seconds"] = [f"From 0 seconds to {LONGEST.days} days."]
    if wrong:
        raise Invalid("This heartbeat is not complete.", fields=wrong)


def _free_slug(row: Heartbeat, wanted: str) -> str:
    """The slug that was asked for, or one from the name with a number when that is taken."""
    taken = set(
        Heartbeat.objects.filter(integration=row.integration).values_list("slug", flat=True)
    )
    if wanted:
        slug = slugify(wanted)[:80]
        if slug != wanted.strip().lower() or not slug:
            said = "Small letters, digits, - and _, at most 80."
            raise Invalid(said, fields={"slug": [said]})
        if slug in taken:
            said = f"{slug} is another heartbeat's already."
            raise Invalid(said, fields={"slug": [said]})
        return slug
    base = slugify(row.name)[:70] or "heartbeat"
    return next(
        name
        for n in range(1, len(taken) + 3)
        if (name := base if n == 1 else f"{base}-{n}") not in taken
    )


def rhythm_in_words(row: Heartbeat) -> str:
    """As in "every 5 minutes" or "15 3 * * * in Europe/Berlin"."""
    if row.cron:
        return f"{row.cron} in {row.time_zone}"
    return f"every {length(row.period_seconds or 0).removeprefix('1 ')}"


def length(seconds: int) -> str:
    """A length in its largest whole unit: "90 seconds", "1 hour", "7 days"."""
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            count = seconds // size
            return f"{count} {word}" if count == 1 else f"{count} {word}s"
    return f"{seconds} seconds"
