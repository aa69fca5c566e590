"""What managers set up: queues, request types with their fields, macros, and a few numbers."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from apps.accounts.models import Person, Team
from apps.ownership.models import Surface
from apps.support.querysets import QueueQuerySet

type_key = RegexValidator(
    r"^[a-z][a-z0-9_]*$", "Use lower-case words joined by underscores: stale_profile."
)


class Priority(models.TextChoices):
    P1 = "P1", "P1"
    P2 = "P2", "P2"
    P3 = "P3", "P3"
    P4 = "P4", "P4"


class Level(models.TextChoices):
    HIGH = "high", "High"
    MEDIUM = "medium", "Medium"
    LOW = "low", "Low"


@pghistory.track()
class Queue(models.Model):
    """A pile of tickets that one team works through. A private one is seen by that team only."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="queues")
    is_private = models.BooleanField(
        "private", default=False, help_text="Only the team and managers see its tickets."
    )
    is_default = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = QueueQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="support_queue_one_default",
            ),
            models.CheckConstraint(
                condition=Q(is_private=False) | Q(team__isnull=False),
                name="support_queue_private_has_team",
                violation_error_message="A private queue needs the team that sees it.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class RequestType(models.Model):
    """A kind of report: decides queue, surface, first impact and urgency, and what to ask."""

    key = models.CharField(max_length=40, unique=True, validators=[type_key])
    name = models.CharField(max_length=80)
    public_name = models.CharField(
        max_length=120, blank=True, help_text="What customers read: “My profile is out of date”."
    )
    help_text = models.CharField(max_length=200, blank=True)
    icon = models.CharField(max_length=30, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="request_types")
    surface = models.ForeignKey(
        Surface,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="request_types",
        help_text="Where such a ticket goes when it names no surface of its own.",
    )
    owner = models.ForeignKey(
        Person,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: the owner of the surface.",
    )
    impact = models.CharField(max_length=6, choices=Level, default=Level.MEDIUM)
    urgency = models.CharField(max_length=6, choices=Level, default=Level.MEDIUM)
    is_public = models.BooleanField(
        "offered to customers", default=True, help_text="Shown in the “Report a problem” form."
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class RequestField(models.Model):
    """A fact that a request type asks for. Agents may leave all of them empty."""

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        CHOICE = "choice", "Choice"
        TIME = "time", "Time"
        COLUMN = "column", "schema.table.column"
        NUMBER = "number", "Number"

    request_type = models.ForeignKey(RequestType, models.CASCADE, related_name="fields")
    key = models.CharField(max_length=40, validators=[type_key])
    label = models.CharField(max_length=80)
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.TEXT)
    choices = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    help_text = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    is_public = models.BooleanField("asked of customers", default=True)
    is_required = models.BooleanField("required of customers", default=False)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["request_type", "key"], name="support_field_once")
        ]

    def __str__(self) -> str:
        return self.label


@pghistory.track()
class Macro(models.Model):
    """A prepared reply or note, and what happens to the ticket with it."""

    class Then(models.TextChoices):
        NOTHING = "", "Nothing"
        WAIT = "wait", "Wait for customer"
        RESOLVE = "resolve", "Resolve"

    name = models.CharField(max_length=80, unique=True)
    body = models.TextField(
        help_text="Markdown. {requester}, {ref}, {subject}, {agent} and {surface} are filled in."
    )
    is_public = models.BooleanField("public reply", default=True)
    then = models.CharField(max_length=8, choices=Then, default=Then.NOTHING, blank=True)
    resolution_code = models.CharField(max_length=20, blank=True)
    add_tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    request_types = models.ManyToManyField(RequestType, blank=True, related_name="macros")
    position = models.PositiveSmallIntegerField(default=0)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class SupportSettings(models.Model):
    """The one row of numbers that are the same for every queue."""

    reopen_days = models.PositiveSmallIntegerField(
        default=14, help_text="A reply within so many days reopens; later it opens a follow-up."
    )
    close_after_days = models.PositiveSmallIntegerField(
        default=4, help_text="Working days from resolved to closed."
    )
    remind_after_days = models.PositiveSmallIntegerField(
        default=3,
        help_text="Working days after which a ticket that waits for its customer returns.",
    )
    undo_seconds = models.PositiveSmallIntegerField(
        default=15, help_text="How long a reply can be taken back."
    )
    sender_name = models.CharField(
        max_length=80, default="Support", help_text="Replies come from “Sam at” this name."
    )
    form_is_open = models.BooleanField("“Report a problem” is open", default=True)
    form_secret_sealed = models.TextField(blank=True, editable=False)

    class Meta:
        verbose_name = "support settings"
        verbose_name_plural = "support settings"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="support_settings_one")]

    def __str__(self) -> str:
        return "Support settings"
