"""Tables that no single app owns: status history, heartbeats, idempotency keys."""

from __future__ import annotations

import pgtrigger
from django.db import models

from apps.core.audit import ActorStamped


class Kind(models.TextChoices):
    """What a row is for; figures count `real` only, through the queryset's `.real()`."""

    REAL = "real", "Real"
    DRILL = "drill", "Drill"
    TEST = "test", "Test"
    BACKFILLED = "backfilled", "Backfilled"


class StatusChange(ActorStamped):
    """One step of one state machine: what, from where to where, who, when. Append-only."""

    kind = models.CharField(max_length=60)
    ref = models.CharField(max_length=40)
    was = models.CharField(max_length=30)
    became = models.CharField(max_length=30)
    note = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["kind", "ref", "at"], name="core_status_change_subject")]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}: {self.was} → {self.became}"


class Heartbeat(models.Model):
    """When a part of the system was last seen alive."""

    name = models.CharField(max_length=60, primary_key=True)
    beat_at = models.DateTimeField()
    detail = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"{self.name} at {self.beat_at:%H:%M:%S}"


class IdempotencyKey(models.Model):
    """The first answer to a POST that a tool may retry, kept for a day."""

    key = models.CharField(max_length=255)
    principal = models.CharField(max_length=100)
    route = models.CharField(max_length=300)
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)  # null while the first is in flight
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["principal", "route", "key"], name="core_idempotency_key_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
