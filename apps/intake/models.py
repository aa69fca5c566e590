"""What came in, exactly as it came, and the canonical events it became."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q

from apps.accounts.models import ApiKey, Person, Team
from apps.intake.querysets import DeliveryQuerySet
from apps.ownership.models import Surface


@pghistory.track(
    exclude=["digest", "secret_sealed", "secret_old_sealed", "config_sealed", "told_at"]
)
class Integration(models.Model):
    """A source of events: its address, its credentials, the surface it speaks for."""

    class Kind(models.TextChoices):
        NATIVE = "native", "Native events API"
        PAGERDUTY = "pagerduty", "PagerDuty Events API v2"
        ALERTMANAGER = "alertmanager", "Prometheus Alertmanager"
        GCP = "gcp", "Google Cloud Monitoring"
        GITHUB = "github", "GitHub"
        MAIL = "mail", "Mail (raw)"
        GRAFANA = "grafana", "Grafana"
        STRIPE = "stripe", "Stripe"
        FIVETRAN = "fivetran", "Fivetran"
        SENTRY = "sentry", "Sentry"
        OPSGENIE = "opsgenie", "Opsgenie-compatible"
        HEARTBEAT = "heartbeat", "Heartbeats"
        SLACK = "slack", "Slack"
        INTERNAL = "internal", "OpsPortal itself"

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=Kind)
    surface = models.ForeignKey(
        Surface,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="integrations",
        help_text="Events go here when no rule says otherwise.",
    )
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+")
    owner = models.ForeignKey(
        Person,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="integrations",
        help_text="Told when a delivery of it cannot be read.",
    )
    api_key = models.OneToOneField(
        ApiKey,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="integration",
        help_text="The key, or the first of its rotations, that posts to this native integration.",
    )
    digest = models.CharField(max_length=64, unique=True, null=True, editable=False)
    token_hint = models.CharField(max_length=12, blank=True, editable=False)
    secret_sealed = models.TextField(blank=True, editable=False)
    secret_old_sealed = models.TextField(blank=True, editable=False)
    config_sealed = models.TextField(
        blank=True, default="", db_default="", editable=False
    )  # JSON: what calls out need, such as Slack's bot token
    told_at = models.DateTimeField(null=True, editable=False)  # its owner, of deliveries set aside
    rate = models.PositiveIntegerField(
        null=True, blank=True, help_text="Events a second. Empty: the site's default."
    )
    created_at = models.DateTimeField(editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def speaks_for(self, surface: Surface) -> bool:
        """Whether its events may name this surface: a key of a team has its own team's alone."""
        bound = self.api_key_id is not None and self.team_id is not None
        return not bound or surface.team_id == self.team_id


class Delivery(models.Model):
    """One request body, committed before it was answered. The raw bytes are never changed."""

    class Status(models.TextChoices):
        RECEIVED = "received", "Received"
        NORMALISED = "normalised", "Normalised"
        IGNORED = "ignored", "Ignored"
        QUARANTINED = "quarantined", "Quarantined"

    TRANSITIONS = {
        Status.RECEIVED: frozenset({Status.NORMALISED, Status.IGNORED, Status.QUARANTINED}),
        Status.QUARANTINED: frozenset({Status.RECEIVED}),
        Status.IGNORED: frozenset({Status.RECEIVED}),
    }

    integration = models.ForeignKey(Integration, models.PROTECT, related_name="deliveries")
    adapter = models.CharField(max_length=16)  # which reading: native, cloudevents, pd_change, …
    received_at = models.DateTimeField()
    remote_ip = models.GenericIPAddressField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    delivery_key = models.CharField(max_length=300, null=True)
    dedup_key = models.CharField(max_length=300, blank=True)  # what the sender was answered
    status = models.CharField(max_length=12, choices=Status, default=Status.RECEIVED)
    error = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    normalised_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "delivery_key"],
                condition=Q(delivery_key__isnull=False),
                name="intake_delivery_key_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["integration", "id"],
                name="intake_delivery_waiting",
                condition=Q(status="received"),
            ),
            models.Index(
                fields=["received_at"],
                name="intake_delivery_quarantine",
                condition=Q(status="quarantined"),
            ),
            models.Index(fields=["received_at"], name="intake_delivery_received"),
        ]

    def __str__(self) -> str:
        return f"Delivery {self.pk}"


class Event(models.Model):
    """A delivery's meaning in the product's own words; one delivery may hold many."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=12)
    action = models.CharField(max_length=12)
    dedup_key = models.CharField(max_length=300, blank=True)
    group_key = models.TextField(blank=True)
    severity = models.CharField(max_length=10, blank=True)
    summary = models.CharField(max_length=1024, blank=True)
    source = models.CharField(max_length=255, blank=True)
    component = models.CharField(max_length=255, blank=True)
    class_name = models.CharField(max_length=255, blank=True)
    surface_key = models.CharField(max_length=255, blank=True)  # as the sender wrote it
    occurred_at = models.DateTimeField(null=True)
    source_ts = models.DateTimeField(null=True)  # the source's own clock, where it has one
    links = models.JSONField(default=list)
    details = models.JSONField(default=dict)
    test = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "seq"], name="intake_event_once")
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.summary}"
