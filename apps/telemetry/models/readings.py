"""Whatever else a tool counts or reads: good of total, and single values with a unit."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apps.intake.models import Integration
from apps.ownership.models import Surface
from apps.telemetry.querysets import CountQuerySet, OfSurfaceQuerySet


class SliCount(models.Model):
    """How many events of a window were good, out of how many."""

    integration = models.ForeignKey(Integration, models.PROTECT, related_name="+")
    surface = models.ForeignKey(Surface, models.SET_NULL, null=True, related_name="sli_counts")
    sli = models.CharField(max_length=80)
    part = models.CharField(max_length=80, blank=True)  # what a rule may group by
    starts_at = models.DateTimeField()
    seconds = models.PositiveIntegerField(default=60)
    good = models.PositiveBigIntegerField()
    total = models.PositiveBigIntegerField()
    received_at = models.DateTimeField()

    objects = CountQuerySet["SliCount"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "sli", "part", "starts_at", "seconds"],
                name="telemetry_count_once",
            ),
            models.CheckConstraint(condition=Q(good__lte=F("total")), name="telemetry_count_whole"),
        ]
        indexes = [
            models.Index(
                fields=["sli", "starts_at"],
                include=["part", "seconds", "good", "total"],
                name="telemetry_count_sli",
            )
        ]

    def __str__(self) -> str:
        return f"{self.sli}: {self.good} of {self.total}"


class Measurement(models.Model):
    """One reading: a value with its unit and the limit it should keep, or an end date."""

    integration = models.ForeignKey(Integration, models.PROTECT, related_name="+")
    surface = models.ForeignKey(Surface, models.SET_NULL, null=True, related_name="measurements")
    metric = models.CharField(max_length=80)  # mcp.latency, certificate
    subject = models.CharField(max_length=160, blank=True)  # the domain, the board
    value = models.FloatField(null=True)
    unit = models.CharField(max_length=20, blank=True)
    limit = models.FloatField(null=True)
    not_after = models.DateTimeField(null=True)
    at = models.DateTimeField()
    received_at = models.DateTimeField()

    objects = OfSurfaceQuerySet["Measurement"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "metric", "subject", "at"],
                name="telemetry_measurement_once",
            ),
            models.CheckConstraint(
                condition=Q(value__isnull=False) | Q(not_after__isnull=False),
                name="telemetry_measurement_says_something",
            ),
        ]
        indexes = [
            models.Index(fields=["metric", "subject", "-at"], name="telemetry_measurement_last"),
            models.Index(fields=["metric", "at"], name="telemetry_measurement_at"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.subject}".strip()
