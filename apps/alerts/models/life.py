"""Alerts, the groups that are paged as one, how one gets its surface, and announced work."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Person
from apps.alerts.querysets import AlertQuerySet, MaintenanceQuerySet
from apps.core.audit import ActorStamped
from apps.core.models import Kind
from apps.intake.models import Integration
from apps.ownership.models import Surface
from apps.paging.models import Page


class Severity(models.TextChoices):
    CRITICAL = "critical", "Critical"
    ERROR = "error", "Error"
    WARNING = "warning", "Warning"
    INFO = "info", "Info"


RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2, Severity.CRITICAL: 3}


class AlertGroup(models.Model):
    """What is paged as one: an integration's group key, or a single alert without one."""

    integration = models.ForeignKey(Integration, models.PROTECT, related_name="groups")
    key = models.CharField(max_length=80)  # SHA-256 of the group key, or alert:<sha> without one
    page = models.ForeignKey(
        Page, models.SET_NULL, null=True, blank=True, related_name="alert_groups"
    )
    severity = models.CharField(max_length=10, choices=Severity)  # the highest seen while open
    incident_ref = models.CharField(max_length=40, blank=True)
    incident_url = models.CharField(max_length=200, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    muted_at = models.DateTimeField(null=True)  # nobody is paged, though somebody should be
    muted_by = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "key"],
                condition=Q(closed_at=None),
                name="alerts_group_one_open",
            )
        ]
        indexes = [
            models.Index(fields=["integration", "key", "-opened_at"], name="alerts_group_last"),
            models.Index(
                fields=["muted_at"],
                name="alerts_group_muted",
                condition=Q(closed_at=None, muted_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Group {self.pk}"


class Alert(models.Model):
    """One thing that is wrong, from its first trigger to its resolve."""

    class Status(models.TextChoices):
        FIRING = "firing", "Firing"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        RESOLVED = "resolved", "Resolved"

    TRANSITIONS = {
        Status.FIRING: frozenset({Status.ACKNOWLEDGED, Status.RESOLVED}),
        Status.ACKNOWLEDGED: frozenset({Status.FIRING, Status.RESOLVED}),
        Status.RESOLVED: frozenset(),
    }

    integration = models.ForeignKey(Integration, models.PROTECT, related_name="alerts")
    group = models.ForeignKey(
        AlertGroup, models.PROTECT, null=True, blank=True, related_name="alerts"
    )
    dedup_key = models.CharField(max_length=300)
    status = models.CharField(max_length=12, choices=Status, default=Status.FIRING)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.REAL)
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.ERROR)
    summary = models.CharField(max_length=1024)
    source = models.CharField(max_length=255, blank=True)
    component = models.CharField(max_length=255, blank=True)
    class_name = models.CharField("class", max_length=255, blank=True)
    surface = models.ForeignKey(
        Surface, models.PROTECT, null=True, blank=True, related_name="alerts"
    )
    wanted_surface = models.CharField(max_length=120, blank=True)  # the unknown name it asked for
    routed_by = models.CharField(max_length=120, blank=True)
    count = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    occurred_at = models.DateTimeField(null=True)
    source_ts = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    links = models.JSONField(default=list)
    details = models.JSONField(default=dict)

    objects = AlertQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "dedup_key", "kind"],
                condition=~Q(status="resolved"),
                name="alerts_alert_one_open",
            )
        ]
        indexes = [
            models.Index(fields=["-last_seen_at"], name="alerts_alert_recent"),
            models.Index(
                fields=["-last_seen_at"],
                name="alerts_alert_standing",
                condition=~Q(status="resolved"),
            ),
            models.Index(fields=["dedup_key"], name="alerts_alert_dedup"),
            models.Index(fields=["surface", "-last_seen_at"], name="alerts_alert_surface"),
        ]

    def __str__(self) -> str:
        return self.summary


class SourceClock(models.Model):
    """The newest source time seen for a key, so that a late, older trigger opens nothing."""

    integration = models.ForeignKey(Integration, models.CASCADE, related_name="+")
    dedup_key = models.CharField(max_length=300)
    resolved_ts = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "dedup_key"], name="alerts_source_clock_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.dedup_key} resolved {self.resolved_ts:%Y-%m-%d %H:%M:%S}"


class AlertNote(ActorStamped):
    """An alert's own timeline: triggered, repeated, routed, acknowledged, commented, resolved."""

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="notes")
    at = models.DateTimeField()
    what = models.CharField(max_length=30)
    text = models.TextField()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.text[:80]


@pghistory.track()
class RoutingRule(models.Model):
    """First match by position gives an alert its surface. Globs only: `*` and `?`, no regex."""

    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=80)
    integration = models.ForeignKey(
        Integration,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="rules",
        help_text="Empty: events of every integration.",
    )
    source = models.CharField(max_length=120, blank=True, help_text="Glob: worker-*")
    component = models.CharField(max_length=120, blank=True, help_text="Glob")
    class_name = models.CharField("class", max_length=120, blank=True, help_text="Glob")
    summary = models.CharField(max_length=200, blank=True, help_text="Glob: *snowflake*")
    label = models.CharField(
        max_length=120, blank=True, help_text="name=glob, looked up in the event's details"
    )
    surface = models.ForeignKey(Surface, models.CASCADE, related_name="routing_rules")
    active = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class MaintenanceWindow(models.Model):
    """Work that was announced. The status page shows those marked public."""

    class Status(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        IN_PROGRESS = "in_progress", "In progress"
        COMPLETED = "completed", "Completed"
        CANCELED = "canceled", "Canceled"

    TRANSITIONS = {
        Status.SCHEDULED: frozenset({Status.IN_PROGRESS, Status.CANCELED}),
        Status.IN_PROGRESS: frozenset({Status.COMPLETED, Status.CANCELED}),
        Status.COMPLETED: frozenset(),
        Status.CANCELED: frozenset(),
    }

    title = models.CharField(max_length=160)
    description = models.TextField(blank=True, help_text="Markdown. Customers read it.")
    surfaces = models.ManyToManyField(Surface, related_name="maintenance")
    starts_at = models.DateTimeField("from")
    ends_at = models.DateTimeField("until")
    is_public = models.BooleanField(default=True, help_text="Shown on the status page.")
    status = models.CharField(max_length=11, choices=Status, default=Status.SCHEDULED)
    created_by = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = MaintenanceQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["status", "starts_at"], name="alerts_maintenance_due"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="alerts_maintenance_order",
                violation_error_message="The end must come after the start.",
            )
        ]

    def __str__(self) -> str:
        return self.title
