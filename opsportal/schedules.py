"""The code-owned django-q2 schedules, synced on migrate and read-only in the admin.

No schedule has arguments: one row with bad arguments would stop them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A task and its rhythm: cron in UTC, or None for every minute."""

    name: str
    task: str
    cron: str | None = None
    why: str = ""


SCHEDULES = [
    Entry("canary", "opsportal.tasks.canary", why="shows that the cluster works"),
    Entry("watch engine", "opsportal.tasks.watch_engine", why="an engine that is late is told"),
    Entry("handoffs", "apps.rotations.tasks.handoffs", why="tells who comes on and who goes off"),
    Entry("promises", "apps.support.tasks.sweep", why="warnings, breaches and their steps"),
    Entry("updates", "apps.incidents.tasks.cadence", why="who owes an update is reminded"),
    Entry("maintenance", "apps.alerts.tasks.maintenance", why="announced work; muted alerts page"),
    Entry("alert rules", "apps.alerts.tasks.evaluate", why="rules look at telemetry"),
    Entry("heartbeats", "apps.alerts.tasks.heartbeats", why="jobs that fell silent are raised"),
    Entry("own jobs", "opsportal.tasks.own_jobs", "*/10 * * * *", "a heartbeat for each of these"),
    Entry("slack groups", "apps.alerts.tasks.slack_sync", why="groups follow who is on call"),
    Entry("tickets", "apps.support.tasks.wake", why="reminders, expected dates, closing"),
    Entry("mail", "apps.support.tasks.fetch_mail", why="reads the mailboxes"),
    Entry("reviews", "apps.incidents.tasks.reviews", "*/15 * * * *", "asks for what was learned"),
    Entry(
        "follow-ups", "apps.followups.tasks.remind", "*/15 * * * *", "at nine in the owner's zone"
    ),
    Entry("runbooks", "apps.runbooks.tasks.chase", "43 7 * * *", "stale ones are chased"),
    Entry("support upkeep", "apps.support.tasks.upkeep", "13 3 * * *", "old raw mails, surfaces"),
    Entry("cover", "apps.rotations.tasks.extend", "17 2 * * *", "shifts for 400 days ahead"),
    Entry("shift audit", "apps.rotations.tasks.audit", "41 2 * * *", "rows equal computation"),
    Entry("reachability", "apps.rotations.tasks.reachability", "5 8 * * *", "e-mail only on call"),
    Entry("calendars", "apps.calendars.tasks.refresh", "29 2 * * *", "holidays and zone data"),
    Entry("clocks", "apps.support.tasks.check_promises", "51 2 * * *", "history equals rows"),
    Entry(
        "retention",
        "opsportal.tasks.retention",
        "23 3 * * *",
        "old raw deliveries, firings and keys",
    ),
    Entry("telemetry", "apps.telemetry.tasks.purge", "7 4 * * *", "old runs, labels and readings"),
    Entry("sums", "apps.telemetry.tasks.check_sums", "57 4 * * *", "hours and days equal the runs"),
    Entry("webhook log", "apps.notifications.tasks.purge_webhooks", "37 3 * * *", "old log rows"),
]


def sync() -> None:
    """Make the rows of `django_q_schedule` equal to this page; what is not here goes."""
    from django_q.models import Schedule

    Schedule.objects.exclude(name__in=[entry.name for entry in SCHEDULES]).delete()
    for entry in SCHEDULES:
        kind = Schedule.CRON if entry.cron else Schedule.MINUTES
        wanted: dict[str, Any] = {
            "func": entry.task,
            "schedule_type": kind,
            "cron": entry.cron,
            "minutes": None if entry.cron else 1,
            "repeats": -1,
            "args": None,
            "kwargs": None,
        }
        row, fresh = Schedule.objects.get_or_create(name=entry.name, defaults=wanted)
        if not fresh and any(getattr(row, field) != value for field, value in wanted.items()):
            Schedule.objects.filter(pk=row.pk).update(**wanted)


def sync_after_migrate(**_: Any) -> None:
    """Signal door for `sync`."""
    sync()
