"""The ledger of what changed where; everyone reports down, incidents and releases read it."""

from __future__ import annotations

from django.db import models

from apps.changes.querysets import ChangeQuerySet
from apps.ownership.models import Surface


class Change(models.Model):
    """A deployment, release, schema or flag change, named by the source's own reference."""

    class Kind(models.TextChoices):
        DEPLOYMENT = "deployment", "Deployment"
        RELEASE = "release", "Release"
        PACK_VERSION = "pack_version", "Pack version"
        SCHEMA = "schema", "Schema"
        FLAG = "flag", "Flag"
        OTHER = "other", "Other"

    kind = models.CharField(max_length=12, choices=Kind, default=Kind.OTHER)
    ref = models.CharField(max_length=300)
    url = models.URLField(max_length=500, blank=True)
    summary = models.CharField(max_length=1024)
    surface = models.ForeignKey(
        Surface, models.PROTECT, null=True, blank=True, related_name="changes"
    )
    source = models.CharField(max_length=255, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    details = models.JSONField(default=dict)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "ref", "occurred_at"], name="changes_change_once"
            )
        ]
        indexes = [
            models.Index(fields=["surface", "-occurred_at"], name="changes_change_surface"),
            models.Index(fields=["-occurred_at"], name="changes_change_recent"),
        ]

    def __str__(self) -> str:
        return self.summary
