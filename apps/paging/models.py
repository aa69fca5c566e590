"""Escalation policies, and pages: one run of a policy each, until somebody acknowledges."""

from __future__ import annotations

import pghistory
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from apps.accounts.models import Person, Team, check_zone
from apps.core.audit import ActorStamped
from apps.core.models import Kind
from apps.ownership.models import Surface
from apps.paging.querysets import PageQuerySet
from apps.rotations.models import Role, Schedule


@pghistory.track()
class EscalationPolicy(models.Model):
    """Whom to wake, in which order, how long apart, how often over."""

    name = models.CharField(max_length=80, unique=True)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_zone])
    repeats = models.PositiveSmallIntegerField(
        default=2,
        validators=[MaxValueValidator(9)],
        help_text="How often the steps are run again when nobody acknowledges.",
    )
    working_hours = models.JSONField(
        default=list,
        blank=True,
        help_text="Weekly windows that steps marked “in working hours” wait for.",
    )
    is_default = models.BooleanField(
        default=False, help_text="Used by surfaces that name no policy, and by unrouted alerts."
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "escalation policies"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="paging_policy_one_default",
                violation_error_message="Another policy is the default already.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class EscalationStep(models.Model):
    """One step: wait, then tell these targets."""

    policy = models.ForeignKey(EscalationPolicy, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(default=0)
    delay_minutes = models.PositiveSmallIntegerField(
        "wait (minutes)",
        default=5,
        validators=[MaxValueValidator(1440)],
        help_text="After the step before; the first step's wait counts from the page's opening.",
    )
    only_in_working_hours = models.BooleanField("in working hours", default=False)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return f"Step {self.position + 1}"


class StepTarget(models.Model):
    """Whom a step tells."""

    class Kind(models.TextChoices):
        SURFACE_ON_CALL = "surface_on_call", "On call for the surface"
        SURFACE_PRIMARY = "surface_primary", "The surface's primary owner"
        SURFACE_BACKUP = "surface_backup", "The surface's backup owner"
        SURFACE_LEAD = "surface_lead", "The lead of the surface's team"
        PERSON = "person", "A person"
        TEAM = "team", "Everybody in a team"
        TEAM_LEAD = "team_lead", "A team's lead"
        SCHEDULE = "schedule", "On call in a schedule"
        MANAGERS = "managers", "All managers"

    step = models.ForeignKey(EscalationStep, models.CASCADE, related_name="targets")
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.SURFACE_ON_CALL)
    person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+")
    schedule = models.ForeignKey(Schedule, models.PROTECT, null=True, blank=True, related_name="+")
    role = models.CharField(
        "role in the schedule", max_length=10, choices=Role, default=Role.PRIMARY
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=(~Q(kind="person") | Q(person__isnull=False))
                & (~Q(kind__in=["team", "team_lead"]) | Q(team__isnull=False))
                & (~Q(kind="schedule") | Q(schedule__isnull=False)),
                name="paging_target_named",
                violation_error_message="Name the person, team or schedule of this target.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.person or self.team or self.schedule or ''}"


class SurfacePolicy(models.Model):
    """Which policy a surface uses."""

    surface = models.OneToOneField(Surface, models.CASCADE, related_name="paging_policy")
    policy = models.ForeignKey(EscalationPolicy, models.PROTECT, related_name="surfaces")

    def __str__(self) -> str:
        return f"{self.surface}: {self.policy}"


class Urgency(models.TextChoices):
    HIGH = "high", "Urgent"
    LOW = "low", "Low"


class Page(models.Model):
    """Waking somebody until they acknowledge. The policy is frozen when the page opens."""

    class Status(models.TextChoices):
        OPEN = "open", "Waiting"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        EXHAUSTED = "exhausted", "Nobody answered"
        RESOLVED = "resolved", "Resolved"

    TRANSITIONS = {
        Status.OPEN: frozenset({Status.ACKNOWLEDGED, Status.EXHAUSTED, Status.RESOLVED}),
        Status.ACKNOWLEDGED: frozenset({Status.OPEN, Status.RESOLVED}),
        Status.EXHAUSTED: frozenset({Status.OPEN, Status.ACKNOWLEDGED, Status.RESOLVED}),
        Status.RESOLVED: frozenset(),
    }

    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.REAL)
    urgency = models.CharField(max_length=4, choices=Urgency, default=Urgency.HIGH)
    summary = models.CharField(max_length=1024)
    label = models.CharField(max_length=20, blank=True)  # SEV2: given by the opener or incidents
    surface = models.ForeignKey(
        Surface, models.PROTECT, null=True, blank=True, related_name="pages"
    )
    opener_kind = models.CharField(max_length=30)
    opener_ref = models.CharField(max_length=60)
    opener_url = models.CharField(max_length=300, blank=True)
    thread_key = models.CharField(max_length=120)
    policy = models.ForeignKey(
        EscalationPolicy, models.SET_NULL, null=True, blank=True, related_name="pages"
    )
    policy_snapshot = models.JSONField()
    round = models.PositiveSmallIntegerField(default=0)  # how often the escalation was restarted
    loop = models.PositiveSmallIntegerField(default=0)
    step = models.PositiveSmallIntegerField(default=0)  # the next step to take
    next_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    acknowledged_label = models.CharField(max_length=200, blank=True)
    resolved_at = models.DateTimeField(null=True)
    links = models.JSONField(default=list, blank=True)  # [{"href", "text"}]: dashboards, runbooks
    recipients = models.JSONField(default=list, blank=True)  # person ids a page not real may reach

    objects = PageQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["next_at"], name="paging_page_due", condition=Q(status="open")),
            models.Index(fields=["status", "-opened_at"], name="paging_page_status"),
            models.Index(fields=["opener_kind", "opener_ref"], name="paging_page_opener"),
        ]

    def __str__(self) -> str:
        return f"Page {self.pk}: {self.summary}"

    @property
    def is_waiting(self) -> bool:
        return self.status in {self.Status.OPEN, self.Status.EXHAUSTED}


class PageStep(models.Model):
    """A step that was taken, once for each round, loop and position."""

    page = models.ForeignKey(Page, models.CASCADE, related_name="steps_taken")
    round = models.PositiveSmallIntegerField()
    loop = models.PositiveSmallIntegerField()
    step = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    taken_at = models.DateTimeField()
    people = models.ManyToManyField(Person, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["round", "loop", "step"]
        constraints = [
            models.UniqueConstraint(
                fields=["page", "round", "loop", "step"], name="paging_step_once"
            )
        ]

    def __str__(self) -> str:
        return f"Step {self.step + 1} of page {self.page_id}"


class PageNote(ActorStamped):
    """What happened to a page: opened, told, joined, raised, acknowledged. Append-only."""

    page = models.ForeignKey(Page, models.CASCADE, related_name="notes")
    at = models.DateTimeField()
    what = models.CharField(max_length=30)
    text = models.CharField(max_length=500)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.text
