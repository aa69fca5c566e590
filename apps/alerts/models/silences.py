"""Silences: alerts go on, nobody is paged for them, until the end that each of them has."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Person
from apps.alerts.models.rules import AlertRule
from apps.alerts.querysets import SilenceQuerySet
from apps.intake.models import Integration
from apps.ownership.models import Surface


@pghistory.track()
class Silence(models.Model):
    """Which alerts page nobody, why, and until when. What it names must all fit; globs only."""

    reason = models.CharField(max_length=300)
    surface = models.ForeignKey(
        Surface,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="silences",
        help_text="With all surfaces below it.",
    )
    integration = models.ForeignKey(
        Integration, models.CASCADE, null=True, blank=True, related_name="silences"
    )
    rule = models.ForeignKey(
        AlertRule, models.CASCADE, null=True, blank=True, related_name="silences"
    )
    dedup_key = models.CharField(max_length=300, blank=True, help_text="Glob: rule:*:snowflake")
    class_name = models.CharField("class", max_length=120, blank=True, help_text="Glob")
    starts_at = models.DateTimeField("from")
    ends_at = models.DateTimeField("until")
    created_by = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)  # earlier than planned

    objects = SilenceQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="alerts_silence_order",
                violation_error_message="The end must come after the start.",
            ),
            models.CheckConstraint(
                condition=~Q(reason=""),
                name="alerts_silence_reason",
                violation_error_message="Say why nobody is to be paged.",
            ),
        ]
        indexes = [models.Index(fields=["ends_at"], name="alerts_silence_ends")]

    def __str__(self) -> str:
        return self.reason
