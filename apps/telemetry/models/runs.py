"""What is profiled, the runs that did it, the reports made of them, and how a run is judged."""

from __future__ import annotations

from datetime import timedelta

import pghistory
from django.db import models
from django.db.models import Q

from apps.customers.models import Connection
from apps.intake.models import Integration
from apps.ownership.models import Surface
from apps.telemetry.querysets import OfSourceQuerySet, OfSurfaceQuerySet


class Outcome(models.TextChoices):
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    PARTIAL = "partial", "Partly failed"
    FAILED = "failed", "Failed"
    TIMED_OUT = "timed_out", "Timed out"
    CANCELED = "canceled", "Canceled"


class Blame(models.TextChoices):
    """Whose fault a failure is. Unknown counts as bad: a guess must not hide a fault of ours."""

    US = "us", "Us"
    CUSTOMER = "customer", "Customer"
    VENDOR = "vendor", "Vendor"
    UNKNOWN = "unknown", "Unknown"


class Verdict(models.TextChoices):
    """What a run counts as. Excluded ones are shown beside the others and never hidden."""

    OPEN = "open", "Not finished"
    GOOD = "good", "Good"
    BAD = "bad", "Bad"
    EXCLUDED = "excluded", "Excluded"


class Size(models.TextChoices):
    """How much a run had to look at; durations are only compared within one size."""

    UNKNOWN = "unknown", "Unknown size"
    SMALL = "small", "Small"
    MEDIUM = "medium", "Medium"
    LARGE = "large", "Large"
    HUGE = "huge", "Huge"


@pghistory.track()
class DiagnosticCode(models.Model):
    """Whom a failure with this code is blamed on, and whether it means that time ran out."""

    code = models.CharField(max_length=60, unique=True)
    blame = models.CharField(max_length=8, choices=Blame, default=Blame.UNKNOWN)
    is_timeout = models.BooleanField(
        default=False, help_text="The run was cut off: its duration is a lower bound."
    )
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


@pghistory.track()
class DurationObjective(models.Model):
    """How long a run of one size may take and still be good. No row: any duration is good."""

    size = models.CharField(max_length=7, choices=Size, unique=True)
    seconds = models.PositiveIntegerField()

    class Meta:
        ordering = ["seconds"]

    def __str__(self) -> str:
        return f"{self.get_size_display()}: {self.seconds} s"


@pghistory.track(
    exclude=[  # what moves with every run
        "warehouse_type",
        "first_seen_at",
        "last_finished_at",
        "last_outcome",
        "last_success_at",
    ]
)
class ProfiledSource(models.Model):
    """A warehouse that somebody profiles, named as the sender names it; one row for each.

    Kept as runs come in, so that "when did this last succeed" never scans runs.
    """

    integration = models.ForeignKey(Integration, models.PROTECT, related_name="profiled_sources")
    org = models.CharField(max_length=120, blank=True)
    project = models.CharField(max_length=120, blank=True)
    name = models.CharField("source", max_length=120, blank=True)
    warehouse_type = models.CharField(max_length=40, blank=True)
    connection = models.ForeignKey(
        Connection,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="profiled_sources",
        help_text="Its cadence says how often a run is expected.",
    )
    surface = models.ForeignKey(
        Surface, models.SET_NULL, null=True, blank=True, related_name="profiled_sources"
    )
    cadence_seconds = models.PositiveIntegerField(
        "cadence (s)",
        null=True,
        blank=True,
        help_text="How often it should run. Empty: the connection's, or none is known.",
    )
    max_age_seconds = models.PositiveIntegerField(
        "oldest profile (s)", null=True, blank=True, help_text="Empty: a day, where no cadence is."
    )
    first_seen_at = models.DateTimeField(editable=False)
    last_finished_at = models.DateTimeField(null=True, editable=False)
    last_outcome = models.CharField(max_length=10, choices=Outcome, blank=True, editable=False)
    last_success_at = models.DateTimeField(null=True, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = OfSurfaceQuerySet["ProfiledSource"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "org", "project", "name"], name="telemetry_source_once"
            )
        ]
        indexes = [models.Index(fields=["last_success_at"], name="telemetry_source_success")]

    def __str__(self) -> str:
        return " / ".join(part for part in (self.org, self.project, self.name) if part) or "?"

    @property
    def cadence(self) -> timedelta | None:
        """How often it is known to run; None where nothing runs by itself."""
        seconds = self.cadence_seconds
        if seconds is None and self.connection is not None:
            seconds = self.connection.cadence_seconds
        return timedelta(seconds=seconds) if seconds else None


class ProfileRun(models.Model):
    """One attempt of a profiling run. A failed connection fails all tables of it: runs are what
    is counted, tables are detail.
    """

    integration = models.ForeignKey(Integration, models.PROTECT, related_name="+")
    source = models.ForeignKey(ProfiledSource, models.PROTECT, related_name="runs")
    surface = models.ForeignKey(Surface, models.SET_NULL, null=True, related_name="profile_runs")
    run_id = models.CharField(max_length=120)
    attempt = models.PositiveSmallIntegerField(default=1)
    command = models.CharField(max_length=60, blank=True)
    trigger = models.CharField(max_length=20, blank=True)
    warehouse_type = models.CharField(max_length=40, blank=True)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    duration_ms = models.PositiveBigIntegerField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome)
    sent_outcome = models.CharField(  # before its code was looked up
        max_length=10, choices=Outcome, default="", db_default=""
    )
    diagnostic_code = models.CharField(max_length=60, blank=True)
    blame = models.CharField(max_length=8, choices=Blame, blank=True)
    verdict = models.CharField(max_length=8, choices=Verdict)
    size = models.CharField(max_length=7, choices=Size, default=Size.UNKNOWN)
    tables_attempted = models.PositiveIntegerField(null=True)
    tables_ok = models.PositiveIntegerField(null=True)
    tables_failed = models.PositiveIntegerField(null=True)
    tables_skipped = models.PositiveIntegerField(null=True)
    columns = models.PositiveIntegerField(null=True)
    row_count_bucket = models.CharField(max_length=20, blank=True)
    approximate = models.BooleanField(null=True)
    deep_profile = models.BooleanField(null=True)
    bytes_scanned = models.PositiveBigIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    package = models.CharField(max_length=60, blank=True)
    contract_version = models.CharField(max_length=40, blank=True)
    received_at = models.DateTimeField()
    delivery_id = models.BigIntegerField(null=True)  # its delivery, which may be gone

    objects = OfSurfaceQuerySet["ProfileRun"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "run_id", "attempt"], name="telemetry_run_once"
            ),
            models.CheckConstraint(
                condition=Q(outcome="running") | Q(finished_at__isnull=False),
                name="telemetry_run_ended",
            ),
        ]
        indexes = [
            models.Index(
                fields=["finished_at"],
                include=["warehouse_type", "verdict", "outcome", "size", "duration_ms"],
                name="telemetry_run_finished",
            ),
            models.Index(fields=["source", "-finished_at"], name="telemetry_run_source"),
            models.Index(
                fields=["warehouse_type", "finished_at"],
                include=["verdict"],
                name="telemetry_run_warehouse",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} #{self.attempt}"


class ProfiledTable(models.Model):
    """The latest profile of one table. It says how fresh a profile is, and counts for nothing."""

    source = models.ForeignKey(ProfiledSource, models.CASCADE, related_name="tables")
    schema = models.CharField(max_length=160, blank=True)
    table = models.CharField(max_length=255)
    profiled_at = models.DateTimeField(null=True)  # of the last success
    tried_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    duration_ms = models.PositiveBigIntegerField(null=True)
    model_file_hash = models.CharField(max_length=64, blank=True)
    upstream_changed_at = models.DateTimeField(null=True)  # the model or what it reads changed

    objects = OfSourceQuerySet["ProfiledTable"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "schema", "table"], name="telemetry_table_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}" if self.schema else self.table


class ReportRun(models.Model):
    """One inspector report that was made, or was not."""

    integration = models.ForeignKey(Integration, models.PROTECT, related_name="+")
    surface = models.ForeignKey(Surface, models.SET_NULL, null=True, related_name="report_runs")
    run_id = models.CharField(max_length=120)
    attempt = models.PositiveSmallIntegerField(default=1)
    template = models.CharField(max_length=60)
    template_version = models.CharField(max_length=60, blank=True)
    table = models.CharField(max_length=400, blank=True)
    ejected = models.BooleanField(null=True)
    finished_at = models.DateTimeField()
    duration_ms = models.PositiveBigIntegerField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome)
    sent_outcome = models.CharField(  # before its code was looked up
        max_length=10, choices=Outcome, default="", db_default=""
    )
    diagnostic_code = models.CharField(max_length=60, blank=True)
    blame = models.CharField(max_length=8, choices=Blame, blank=True)
    verdict = models.CharField(max_length=8, choices=Verdict)
    package = models.CharField(max_length=60, blank=True)
    received_at = models.DateTimeField()

    objects = OfSurfaceQuerySet["ReportRun"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "run_id", "attempt"], name="telemetry_report_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["finished_at"],
                include=["template", "verdict"],
                name="telemetry_report_finished",
            )
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.run_id}"
