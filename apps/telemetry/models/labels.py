"""Semantic types: what the detector says now, what it said before, and what is true."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q

from apps.intake.models import Integration
from apps.ownership.models import Surface
from apps.telemetry.models.runs import ProfiledSource
from apps.telemetry.querysets import OfSourceQuerySet, OfSurfaceQuerySet


class SemanticLabel(models.Model):
    """A prediction whose truth is known. Corrections by users are a biased sample: they are
    counted, and are no part of an accuracy.
    """

    class TruthSource(models.TextChoices):
        FIXTURE = "fixture", "Fixture"
        AUDIT = "audit", "Audit"
        USER_CORRECTION = "user_correction", "User's correction"
        DBT_META = "dbt_meta", "dbt meta"

    integration = models.ForeignKey(Integration, models.PROTECT, related_name="+")
    source = models.ForeignKey(ProfiledSource, models.SET_NULL, null=True, related_name="labels")
    surface = models.ForeignKey(Surface, models.SET_NULL, null=True, related_name="semantic_labels")
    label_key = models.CharField(max_length=64)  # SHA-256 of what makes it one and the same
    column_ref = models.CharField(max_length=400)
    actual_type = models.CharField(max_length=60, blank=True)
    role = models.CharField(max_length=40, blank=True)
    predicted = models.CharField(max_length=60)
    truth = models.CharField(max_length=60)
    truth_source = models.CharField(max_length=15, choices=TruthSource)
    correct = models.BooleanField()
    confidence = models.FloatField(null=True)
    package = models.CharField(max_length=60, blank=True)
    contract_version = models.CharField(max_length=40, blank=True)
    warehouse_type = models.CharField(max_length=40, blank=True)
    stratum = models.CharField(max_length=60)  # the predicted type unless the sender says
    sampled_at = models.DateTimeField()
    received_at = models.DateTimeField()

    objects = OfSurfaceQuerySet["SemanticLabel"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "label_key"], name="telemetry_label_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["truth_source", "sampled_at"],
                include=["stratum", "predicted", "truth", "correct", "package"],
                name="telemetry_label_sampled",
            ),
            models.Index(
                fields=["package", "column_ref"],
                name="telemetry_label_fixture",
                condition=Q(truth_source="fixture"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.column_ref}: {self.predicted}"


class ColumnType(models.Model):
    """The semantic type that the detector gives a column now. Rows without a truth end here."""

    source = models.ForeignKey(ProfiledSource, models.CASCADE, related_name="columns_seen")
    column_ref = models.CharField(max_length=400)
    semantic_type = models.CharField(max_length=60)
    actual_type = models.CharField(max_length=60, blank=True)
    confidence = models.FloatField(null=True)
    package = models.CharField(max_length=60, blank=True)
    since = models.DateTimeField()  # the type has been this since then
    seen_at = models.DateTimeField()

    objects = OfSourceQuerySet["ColumnType"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "column_ref"], name="telemetry_column_once")
        ]
        indexes = [models.Index(fields=["semantic_type"], name="telemetry_column_type")]

    def __str__(self) -> str:
        return f"{self.column_ref}: {self.semantic_type}"


class TypeChange(models.Model):
    """A column whose semantic type is another than in the inventory before."""

    source = models.ForeignKey(ProfiledSource, models.CASCADE, related_name="type_changes")
    column_ref = models.CharField(max_length=400)
    was = models.CharField(max_length=60)
    became = models.CharField(max_length=60)
    actual_type = models.CharField(max_length=60, blank=True)
    package_was = models.CharField(max_length=60, blank=True)
    package = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField()

    objects = OfSourceQuerySet["TypeChange"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "column_ref", "at"], name="telemetry_type_change_once"
            )
        ]
        indexes = [models.Index(fields=["at"], name="telemetry_type_change_at")]

    def __str__(self) -> str:
        return f"{self.column_ref}: {self.was} → {self.became}"


@pghistory.track()
class StratumWeight(models.Model):
    """A share of production columns that somebody set; without one the inventory's share counts."""

    stratum = models.CharField(max_length=60, unique=True)
    weight = models.DecimalField(max_digits=9, decimal_places=6)

    class Meta:
        ordering = ["stratum"]
        constraints = [
            models.CheckConstraint(
                condition=Q(weight__gt=0),
                name="telemetry_weight_positive",
                violation_error_message="A weight is more than nothing.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.stratum}: {self.weight}"
