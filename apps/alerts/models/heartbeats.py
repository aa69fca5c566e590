"""Dead man's switches: a job that says it ran, and an alert when it stays silent."""

from __future__ import annotations

import uuid

import pghistory
from django.db import models

from apps.accounts.models import Person, check_zone
from apps.alerts.models.life import Severity
from apps.alerts.querysets import HeartbeatQuerySet
from apps.intake.models import Integration
from apps.ownership.models import Surface
from apps.runbooks.models import Runbook


@pghistory.track(
    exclude=[
        *("last_ping_at", "last_start_at", "last_duration_ms", "last_remote_ip"),
        *("due_at", "since_at"),
    ]
)
class Heartbeat(models.Model):
    """A job that pings when it has run: every `period_seconds`, or by cron in its own zone."""

    class Status(models.TextChoices):
        NEW = "new", "Never pinged"
        UP = "up", "Up"
        DOWN = "down", "Down"
        PAUSED = "paused", "Paused"

    TRANSITIONS = {
        Status.NEW: frozenset({Status.UP, Status.DOWN, Status.PAUSED}),
        Status.UP: frozenset({Status.DOWN, Status.PAUSED}),
        Status.DOWN: frozenset({Status.UP, Status.PAUSED}),
        Status.PAUSED: frozenset({Status.NEW, Status.UP, Status.DOWN}),
    }

    integration = models.ForeignKey(Integration, models.PROTECT, related_name="heartbeats")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80)
    surface = models.ForeignKey(
        Surface, models.PROTECT, null=True, blank=True, related_name="heartbeats"
    )
    owner = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, related_name="heartbeats"
    )
    runbook = models.ForeignKey(
        Runbook, models.PROTECT, null=True, blank=True, related_name="heartbeats"
    )
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.ERROR)
    period_seconds = models.PositiveIntegerField("every (s)", null=True, blank=True)
    cron = models.CharField(max_length=100, blank=True, help_text="Five fields: 15 3 * * *")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_zone])
    grace_seconds = models.PositiveIntegerField("may be late by (s)", default=300)
    status = models.CharField(max_length=6, choices=Status, default=Status.NEW)
    last_ping_at = models.DateTimeField(null=True, editable=False)
    last_start_at = models.DateTimeField(null=True, editable=False)
    last_duration_ms = models.PositiveBigIntegerField(null=True, editable=False)
    last_remote_ip = models.GenericIPAddressField(null=True, editable=False)
    due_at = models.DateTimeField(null=True, editable=False)  # down when it is past, with grace
    since_at = models.DateTimeField(editable=False)  # made, resumed or given another rhythm then
    own_job = models.CharField(max_length=60, blank=True, editable=False)  # one of our schedules
    created_at = models.DateTimeField(editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["integration", "slug"], name="alerts_heartbeat_once"),
            models.CheckConstraint(
                condition=models.Q(period_seconds__gt=0, cron="")
                | (models.Q(period_seconds=None) & ~models.Q(cron="")),
                name="alerts_heartbeat_rhythm",
                violation_error_message="Give either a period or a cron line.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="alerts_heartbeat_due",
                condition=models.Q(status__in=["new", "up"]),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Ping(models.Model):
    """One ping of a heartbeat with what the job printed."""

    class Kind(models.TextChoices):
        SUCCESS = "success", "Ran"
        START = "start", "Started"
        FAIL = "fail", "Failed"
        LOG = "log", "Wrote"

    heartbeat = models.ForeignKey(Heartbeat, models.CASCADE, related_name="pings")
    at = models.DateTimeField()
    kind = models.CharField(max_length=7, choices=Kind)
    exit_status = models.PositiveSmallIntegerField(null=True)
    run_ref = models.CharField(max_length=36, blank=True)  # rid: pairs a start with its end
    duration_ms = models.PositiveBigIntegerField(null=True)
    body = models.TextField(blank=True)
    remote_ip = models.GenericIPAddressField(null=True)
    delivery_id = models.BigIntegerField(unique=True, null=True)

    class Meta:
        indexes = [models.Index(fields=["heartbeat", "-at"], name="alerts_ping_recent")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M:%S}"
