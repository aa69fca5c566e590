"""What we promise ourselves, and what happens when it is not kept."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q

from apps.accounts.models import Person
from apps.ownership.models import Surface
from apps.telemetry.querysets import OfSurfaceQuerySet


@pghistory.track()
class Slo(models.Model):
    """A share of good events over a rolling window, with the budget of bad ones that it leaves."""

    class Sli(models.TextChoices):
        PROFILE_RUNS = "profile_runs", "Profile runs"
        REPORT_RUNS = "report_runs", "Inspector reports"
        COUNTS = "counts", "Counts that a tool sends"
        FRESHNESS = "freshness", "Sources with a fresh profile"
        ACCURACY = "accuracy", "Semantic types that are right"

    class Policy(models.TextChoices):
        NONE = "none", "Tell nobody"
        WARN = "warn", "Say so at the release"
        FREEZE = "freeze", "Freeze releases, but for P0 and security"

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    surface = models.ForeignKey(Surface, models.PROTECT, null=True, blank=True, related_name="slos")
    owner = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="slos")
    sli = models.CharField("measures", max_length=12, choices=Sli)
    count_key = models.CharField(
        "counts", max_length=80, blank=True, help_text="Which of the counts that tools send."
    )
    facet = models.CharField(
        max_length=60, blank=True, help_text="One warehouse type or template. Empty: all of them."
    )
    objective = models.DecimalField(
        max_digits=7, decimal_places=6, help_text="A share between 0 and 1: 0.99"
    )
    window_days = models.PositiveSmallIntegerField("window (days)", default=28)
    policy = models.CharField("when spent", max_length=6, choices=Policy, default=Policy.FREEZE)
    created_at = models.DateTimeField(editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = OfSurfaceQuerySet["Slo"].as_manager()

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                condition=Q(objective__gt=0, objective__lt=1),
                name="telemetry_slo_objective",
                violation_error_message="An objective lies between 0 and 1, both excluded.",
            ),
            models.CheckConstraint(
                condition=Q(window_days__gte=1, window_days__lte=365),
                name="telemetry_slo_window",
                violation_error_message="A window has 1 to 365 days.",
            ),
            models.CheckConstraint(
                condition=~Q(sli="counts") | ~Q(count_key=""),
                name="telemetry_slo_counts",
                violation_error_message="Say which counts it measures.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
