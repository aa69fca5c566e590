"""The severity framework as data: what each level means, asks for and sets going."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q


class Severity(models.TextChoices):
    SEV1 = "SEV1", "SEV1 critical"
    SEV2 = "SEV2", "SEV2 major"
    SEV3 = "SEV3", "SEV3 minor"
    SEV4 = "SEV4", "SEV4 low"


class Role(models.TextChoices):
    """What a person does in an incident. One person a role at a time."""

    COMMANDER = "commander", "Commander"
    LEAD = "lead", "Technical lead"
    COMMS = "comms", "Communication lead"
    DEPUTY = "deputy", "Deputy"
    SUPPORT = "support", "Support liaison"
    SCRIBE = "scribe", "Scribe"


def _seconds(help_text: str) -> models.PositiveIntegerField[int | None, int | None]:
    return models.PositiveIntegerField(
        null=True, blank=True, help_text=f"{help_text} In seconds; empty: nothing is asked for."
    )


@pghistory.track()
class SeverityLevel(models.Model):
    """One level. The four keys stand fast; what they mean is the team's to say.

    Targets count from the declaration. `clock` says which hours count for all but the cadence
    of updates, which is always by the wall.
    """

    class Clock(models.TextChoices):
        ALWAYS = "always", "Around the clock"
        BUSINESS = "business", "Business hours"

    class Review(models.TextChoices):
        REQUIRED = "required", "Always"
        ON_RECURRENCE = "on_recurrence", "When it is the second on the surface within 30 days"
        NONE = "none", "Never"

    class Freeze(models.TextChoices):
        NONE = "none", "Nothing"
        SURFACE = "surface", "Its surfaces"
        DEPENDENTS = "dependents", "Its surfaces and what leans hard on them"

    key = models.CharField(max_length=5, primary_key=True, choices=Severity)
    name = models.CharField(max_length=40)  # critical
    alias = models.CharField(
        max_length=20, blank=True, help_text="What the team calls it beside the key: p0."
    )
    definition = models.TextField()
    examples = models.TextField(blank=True, help_text="One a line.")
    clock = models.CharField(max_length=8, choices=Clock, default=Clock.ALWAYS)
    acknowledge_seconds = _seconds("Until somebody has taken it.")
    commander_seconds = _seconds("Until somebody commands it.")
    internal_update_seconds = _seconds("Until the first update for people here.")
    public_update_seconds = _seconds("Until the first update for customers.")
    cadence_first_seconds = _seconds("Between updates at first.")
    cadence_after_seconds = _seconds("Between updates later.")
    cadence_switch_seconds = models.PositiveIntegerField(
        default=7200, help_text="How long “at first” lasts."
    )
    mitigate_seconds = _seconds("Until customers suffer no more.")
    review = models.CharField(max_length=13, choices=Review, default=Review.NONE)
    review_draft_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Business days from resolved to a draft in review."
    )
    review_publish_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Business days from resolved to published."
    )
    review_by_another = models.BooleanField(
        default=False, help_text="Somebody else than its author approves the review."
    )
    approve_updates = models.BooleanField(
        default=False, help_text="An update for customers waits for somebody who may approve it."
    )
    follow_up_days_p0 = models.PositiveSmallIntegerField(null=True, blank=True)
    follow_up_days_p1 = models.PositiveSmallIntegerField(null=True, blank=True)
    follow_up_days_p2 = models.PositiveSmallIntegerField(null=True, blank=True)
    freezes = models.CharField(max_length=10, choices=Freeze, default=Freeze.NONE)
    audiences = models.ManyToManyField(
        "incidents.Audience", blank=True, help_text="Who is to be told."
    )

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(review="required") | Q(review_publish_days__isnull=False),
                name="incidents_severitylevel_review",
                violation_error_message="A review that is always asked for needs its days.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"


@pghistory.track()
class IncidentType(models.Model):
    """What kind of thing went wrong; it brings its tasks and finds its runbooks."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    starts_restricted = models.BooleanField(
        default=False, help_text="Only managers and those on it see such an incident at first."
    )
    position = models.PositiveSmallIntegerField(default=0)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class TaskTemplate(models.Model):
    """A task that an incident starts with: of this severity or a higher one, of this type."""

    text = models.CharField(max_length=300)
    severity = models.CharField(
        max_length=5,
        choices=Severity,
        blank=True,
        help_text="This one and higher ones; empty: all.",
    )
    type = models.ForeignKey(
        IncidentType, models.CASCADE, null=True, blank=True, help_text="Empty: all."
    )
    role = models.CharField(max_length=9, choices=Role, blank=True)
    due_after_seconds = models.PositiveIntegerField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.text
