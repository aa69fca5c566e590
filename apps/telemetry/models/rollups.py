"""Sums kept as runs come in, so that a long look back reads hours and days instead of runs."""

from __future__ import annotations

from django.db import models

from apps.ownership.models import Surface


class Grain(models.TextChoices):
    HOUR = "hour", "Hour"
    DAY = "day", "Day"  # in UTC


class RunRollup(models.Model):
    """How many runs of one hour or day ended how. `facet` is a warehouse type or a template."""

    class Kind(models.TextChoices):
        PROFILE = "profile", "Profile run"
        REPORT = "report", "Report"

    kind = models.CharField(max_length=7, choices=Kind)
    grain = models.CharField(max_length=4, choices=Grain)
    starts_at = models.DateTimeField()
    surface = models.ForeignKey(Surface, models.CASCADE, null=True, related_name="+")
    facet = models.CharField(max_length=60, blank=True)
    size = models.CharField(max_length=7, blank=True)
    package = models.CharField(max_length=60, blank=True)
    good = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0)
    excluded = models.PositiveIntegerField(default=0)
    canceled = models.PositiveIntegerField(default=0)
    timed_out = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "grain", "starts_at", "facet", "size", "package", "surface"],
                nulls_distinct=False,
                name="telemetry_rollup_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.facet} {self.starts_at:%Y-%m-%d %H:%M}"


class RunHistogram(models.Model):
    """How many runs of one day took about how long; only days are kept.

    `bucket` is a log bucket of `telemetry.histogram`; `censored` counts runs that were cut off.
    """

    grain = models.CharField(max_length=4, choices=Grain)
    starts_at = models.DateTimeField()
    facet = models.CharField(max_length=60, blank=True)
    size = models.CharField(max_length=7, blank=True)
    bucket = models.PositiveSmallIntegerField()
    count = models.PositiveIntegerField(default=0)
    censored = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["grain", "starts_at", "facet", "size", "bucket"],
                name="telemetry_histogram_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.facet} {self.starts_at:%Y-%m-%d %H:%M} #{self.bucket}"
