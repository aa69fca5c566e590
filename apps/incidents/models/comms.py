"""Telling people: audiences, templates, updates, the status page and who follows it."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Person, Team
from apps.core.audit import ActorStamped
from apps.incidents.models.framework import IncidentType
from apps.incidents.models.incident import Incident
from apps.ownership.models import Surface


@pghistory.track()
class Audience(models.Model):
    """Who is told, and by which ways. Public ones see no internal names and may need a yes."""

    class Side(models.TextChoices):
        INTERNAL = "internal", "People here"
        PUBLIC = "public", "People outside"

    key = models.SlugField(max_length=30, unique=True)  # public, customers, support, internal, exec
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    side = models.CharField(max_length=8, choices=Side)
    on_status_page = models.BooleanField(default=False)
    to_subscribers = models.BooleanField(default=False)  # mail and webhooks of the status page
    to_tickets = models.BooleanField(default=False)  # answers every linked ticket
    to_participants = models.BooleanField(default=False)  # everybody on the incident
    people = models.ManyToManyField(Person, blank=True, related_name="+")
    teams = models.ManyToManyField(Team, blank=True, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["position", "key"]
        constraints = [
            models.CheckConstraint(
                condition=Q(side="public") | Q(on_status_page=False, to_subscribers=False),
                name="incidents_audience_inside_stays_inside",
                violation_error_message="What is for people here does not go on the status page.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Stage(models.TextChoices):
    INITIAL = "initial", "First message"
    SCOPE = "scope", "What is affected"
    UPDATE = "update", "Update"
    LONG = "long", "Long incident"
    RESOLVED = "resolved", "Over"
    POSTMORTEM = "postmortem", "What we learned"
    MAINTENANCE = "maintenance", "Maintenance"


@pghistory.track()
class CommsTemplate(models.Model):
    """Prepared words with {{ placeholders }}; an unknown or empty one stops the message."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    stage = models.CharField(max_length=11, choices=Stage)
    audience = models.ForeignKey(Audience, models.PROTECT, related_name="templates")
    type = models.ForeignKey(
        IncidentType, models.SET_NULL, null=True, blank=True, help_text="Empty: for all types."
    )
    subject = models.CharField(max_length=200)
    body = models.TextField()
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["audience", "stage", "key"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class StatusUpdate(models.Model):
    """One message to one audience. A published one is not edited: the next one corrects it."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PENDING = "pending", "Waits for approval"
        PUBLISHED = "published", "Published"
        WITHDRAWN = "withdrawn", "Thrown away"

    TRANSITIONS = {
        Status.DRAFT: frozenset({Status.PENDING, Status.PUBLISHED, Status.WITHDRAWN}),
        Status.PENDING: frozenset({Status.DRAFT, Status.PUBLISHED, Status.WITHDRAWN}),
        Status.PUBLISHED: frozenset(),
        Status.WITHDRAWN: frozenset(),
    }

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="updates")
    audience = models.ForeignKey(Audience, models.PROTECT, related_name="updates")
    stage = models.CharField(max_length=11, choices=Stage, default=Stage.UPDATE)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    subject = models.CharField(max_length=200)
    body = models.TextField()  # Markdown
    states = models.JSONField(default=dict, blank=True)  # component key → state, as of this update
    next_update_at = models.DateTimeField(null=True, blank=True)  # what the message promises
    incident_status = models.CharField(max_length=14, blank=True)  # as it was when published
    author = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="status_updates"
    )
    approver = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    author_label = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)  # of the draft, against lost edits

    class Meta:
        indexes = [
            models.Index(fields=["incident", "-published_at"], name="incidents_update_recent"),
            models.Index(
                fields=["-published_at"],
                condition=Q(status="published"),
                name="incidents_update_published",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="published") | Q(published_at__isnull=False),
                name="incidents_update_published_when",
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class Snooze(ActorStamped):
    """A reminder of an update put off, at most by one interval and with a reason."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="snoozes")
    side = models.CharField(max_length=8, choices=Audience.Side)
    due_at = models.DateTimeField()  # of the update that was put off
    until_at = models.DateTimeField()
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(until_at__gt=F("at")) & ~Q(reason=""), name="incidents_snooze_forward"
            ),
            models.UniqueConstraint(
                fields=["incident", "side", "due_at"], name="incidents_snooze_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} until {self.until_at}"


class State(models.TextChoices):
    """Statuspage's words, from well to worst."""

    OPERATIONAL = "operational", "Operational"
    MAINTENANCE = "under_maintenance", "Under maintenance"
    DEGRADED = "degraded_performance", "Degraded"
    PARTIAL = "partial_outage", "Partly down"
    MAJOR = "major_outage", "Down"


@pghistory.track()
class Component(models.Model):
    """A part of the product by the name that customers know it by."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    group = models.CharField(max_length=80, blank=True)
    description = models.CharField(max_length=300, blank=True)
    surfaces = models.ManyToManyField(Surface, blank=True, related_name="components")
    position = models.PositiveSmallIntegerField(default=0)
    started_on = models.DateField()  # before it, the history shows nothing
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class ComponentImpact(models.Model):
    """How an incident has hurt a component since when; several incidents may at once."""

    component = models.ForeignKey(Component, models.PROTECT, related_name="impacts")
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="component_impacts")
    state = models.CharField(max_length=20, choices=State)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["component", "-from_at"], name="incidents_componentimpact_when")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["component", "incident"],
                condition=Q(to_at=None),
                name="incidents_componentimpact_one_open",
            ),
            models.CheckConstraint(
                condition=Q(to_at=None) | Q(to_at__gte=F("from_at")),
                name="incidents_componentimpact_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.component}: {self.state}"


class Subscription(models.Model):
    """Somebody who follows the status page, by mail or webhook, once they have said yes."""

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Webhook"

    channel = models.CharField(max_length=7, choices=Channel)
    address_sealed = models.TextField()  # an address or a URL
    address_digest = models.CharField(max_length=64)  # keyed; finds it again without showing it
    hint = models.CharField(max_length=80)
    secret_sealed = models.TextField(blank=True)  # signs a webhook
    components = models.ManyToManyField(Component, blank=True, related_name="subscriptions")
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField()  # when the last request for a yes went out
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=80, blank=True)  # unsubscribed, bounced, …
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address_digest"], name="incidents_subscription_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["channel"],
                condition=Q(confirmed_at__isnull=False, ended_at=None),
                name="incidents_subscription_live",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {self.hint}"
