"""Runbooks: what to do, in versions that never change once approved, and what came of doing it."""

from __future__ import annotations

import pghistory
import pgtrigger
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Person
from apps.core.audit import ActorStamped
from apps.core.models import Kind
from apps.ownership.models import Surface
from apps.runbooks.querysets import ExecutionQuerySet, RunbookQuerySet

runbook_key = RegexValidator(
    r"^[a-z0-9]+(-[a-z0-9]+)*$",
    "Use lower-case words joined by hyphens: rb-snowflake-timeouts.",
)


@pghistory.track()
class Runbook(models.Model):
    """A named procedure with an owner; what it says stands in its versions."""

    key = models.CharField(max_length=60, unique=True, validators=[runbook_key])
    title = models.CharField(max_length=120)
    summary = models.TextField(blank=True, help_text="When to use it, in one or two sentences.")
    owner = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="runbooks"
    )
    backup = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="runbooks_backed"
    )
    cadence_days = models.PositiveSmallIntegerField(
        default=90, help_text="Days after which it counts as stale unless used or reviewed."
    )
    surfaces = models.ManyToManyField(Surface, blank=True, related_name="runbooks")
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = RunbookQuerySet.as_manager()

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                condition=Q(owner=None) | Q(backup=None) | ~Q(owner=F("backup")),
                name="runbooks_runbook_two_people",
                violation_error_message="Owner and backup are two people.",
            ),
            models.CheckConstraint(
                condition=Q(cadence_days__gte=7) & Q(cadence_days__lte=730),
                name="runbooks_runbook_cadence",
                violation_error_message="Between 7 and 730 days.",
            ),
        ]

    def __str__(self) -> str:
        return self.key


@pghistory.track()
class Trigger(models.Model):
    """What brings a runbook up: an alert whose summary or key holds a text, a type, a factor."""

    class By(models.TextChoices):
        ALERT = "alert", "An alert whose summary or name holds the words"
        CODE = "code", "A diagnostic code"
        INCIDENT_TYPE = "incident_type", "An incident type"
        REQUEST_TYPE = "request_type", "A request type of tickets"
        FACTOR = "factor", "A contributing factor"

    runbook = models.ForeignKey(Runbook, models.CASCADE, related_name="triggers")
    by = models.CharField(max_length=14, choices=By)
    value = models.CharField(max_length=120)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["runbook", "by", "value"], name="runbooks_trigger_once")
        ]

    def __str__(self) -> str:
        return f"{self.get_by_display()}: {self.value}"


@pghistory.track()
class RunbookVersion(models.Model):
    """What a runbook says. A draft may change; from review on it is what was reviewed."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        IN_REVIEW = "in_review", "In review"
        APPROVED = "approved", "Approved"
        SUPERSEDED = "superseded", "Superseded"
        RETIRED = "retired", "Retired"

    TRANSITIONS = {
        Status.DRAFT: frozenset({Status.IN_REVIEW, Status.RETIRED}),
        Status.IN_REVIEW: frozenset({Status.APPROVED, Status.DRAFT}),
        Status.APPROVED: frozenset({Status.SUPERSEDED, Status.RETIRED}),
        Status.SUPERSEDED: frozenset(),
        Status.RETIRED: frozenset(),
    }

    runbook = models.ForeignKey(Runbook, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    change_note = models.CharField(max_length=300, blank=True)
    author = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="runbook_versions"
    )
    approved_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    digest = models.CharField(max_length=64, blank=True)  # of the steps, from review on
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    suspect_at = models.DateTimeField(null=True)  # somebody said that a step was wrong
    suspect_note = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["runbook", "number"], name="runbooks_version_number"),
            models.UniqueConstraint(
                fields=["runbook"],
                condition=Q(status="approved"),
                name="runbooks_version_one_approved",
            ),
            models.UniqueConstraint(
                fields=["runbook"],
                condition=Q(status__in=["draft", "in_review"]),
                name="runbooks_version_one_at_work",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | Q(author=None) | ~Q(approved_by=F("author")),
                name="runbooks_version_four_eyes",
                violation_error_message="Somebody else than its author approves a version.",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="stays",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status__in=["approved", "superseded", "retired"]),
                func="""
                    IF NEW.status IN ('draft', 'in_review')
                       OR (NEW.runbook_id, NEW.number, NEW.digest, NEW.change_note)
                          IS DISTINCT FROM
                          (OLD.runbook_id, OLD.number, OLD.digest, OLD.change_note)
                       OR (NEW.author_id, NEW.approved_by_id, NEW.approved_at)
                          IS DISTINCT FROM (OLD.author_id, OLD.approved_by_id, OLD.approved_at) THEN
                      RAISE EXCEPTION 'A version that was approved or retired stays as it is.'
                        USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                    """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.runbook} v{self.number}"


class RunbookStep(models.Model):
    """One thing to do or to look at. Frozen by a trigger once its version left the draft."""

    class Kind(models.TextChoices):
        CHECK = "check", "Check"
        ACTION = "action", "Action"
        DECISION = "decision", "Decision"
        COMMS = "comms", "Communication"
        ROLLBACK = "rollback", "Rollback"
        VERIFY = "verify", "Verify"

    class OnFail(models.TextChoices):
        NOTE = "note", "Note it and go on"
        GOTO = "goto", "Go to another step"
        ESCALATE = "escalate", "Escalate"
        STOP = "stop", "Stop here"

    version = models.ForeignKey(RunbookVersion, models.PROTECT, related_name="steps")
    position = models.PositiveSmallIntegerField()  # 1, 2, 3 …
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.ACTION)
    title = models.CharField(max_length=160)
    instruction = models.TextField(blank=True)  # Markdown
    expected = models.TextField(blank=True)  # what one sees when it went well
    on_fail = models.CharField(max_length=8, choices=OnFail, default=OnFail.NOTE)
    on_fail_step = models.PositiveSmallIntegerField(null=True, blank=True)  # a position
    on_fail_text = models.TextField(blank=True)
    minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    role = models.CharField(max_length=20, blank=True)  # which incident role does it
    is_irreversible = models.BooleanField(default=False)

    class Meta:
        ordering = ["version", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="runbooks_step_position"),
            models.CheckConstraint(
                condition=~Q(on_fail="goto") | Q(on_fail_step__isnull=False),
                name="runbooks_step_goto",
                violation_error_message="Say which step to go to.",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                declare=[("state", "TEXT")],
                func="""
                    SELECT status INTO state FROM runbooks_runbookversion
                     WHERE id = COALESCE(NEW.version_id, OLD.version_id);
                    IF state IS DISTINCT FROM 'draft' THEN
                      RAISE EXCEPTION 'A step of a version that is no draft does not change.'
                        USING ERRCODE = 'check_violation';
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                    """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.title}"


@pghistory.track()
class Execution(models.Model):
    """One run of one version, inside an incident or alone."""

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        COMPLETED = "completed", "Completed"
        ABANDONED = "abandoned", "Abandoned"

    TRANSITIONS = {
        Status.RUNNING: frozenset({Status.PAUSED, Status.COMPLETED, Status.ABANDONED}),
        Status.PAUSED: frozenset({Status.RUNNING, Status.ABANDONED}),
        Status.COMPLETED: frozenset(),
        Status.ABANDONED: frozenset(),
    }

    version = models.ForeignKey(RunbookVersion, models.PROTECT, related_name="executions")
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.REAL)
    context_kind = models.CharField(max_length=30, blank=True)  # incident, drill, ticket
    context_ref = models.CharField(max_length=60, blank=True)
    context_url = models.CharField(max_length=300, blank=True)
    is_restricted = models.BooleanField(default=False)
    watchers = models.ManyToManyField(Person, blank=True, related_name="+")  # who may see it then
    started_by = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="executions"
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.TextField(blank=True)

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["context_kind", "context_ref"], name="runbooks_execution_context"),
            models.Index(fields=["version", "-started_at"], name="runbooks_execution_recent"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
                name="runbooks_execution_order",
            )
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.version}"

    @property
    def ref(self) -> str:
        """The human reference: RUN-7."""
        return f"RUN-{self.pk}"


@pghistory.track()
class StepResult(models.Model):
    """What came out of one step in one run; the history table keeps every change of mind."""

    class Status(models.TextChoices):
        PENDING = "pending", "To do"
        IN_PROGRESS = "in_progress", "In progress"
        DONE = "done", "Done"
        FAILED = "failed", "Not as expected"
        SKIPPED = "skipped", "Skipped"

    TRANSITIONS = {
        Status.PENDING: frozenset({Status.IN_PROGRESS, Status.DONE, Status.FAILED, Status.SKIPPED}),
        Status.IN_PROGRESS: frozenset({Status.PENDING, Status.DONE, Status.FAILED, Status.SKIPPED}),
        Status.DONE: frozenset({Status.IN_PROGRESS, Status.FAILED}),
        Status.FAILED: frozenset({Status.IN_PROGRESS, Status.DONE, Status.SKIPPED}),
        Status.SKIPPED: frozenset({Status.IN_PROGRESS, Status.DONE, Status.FAILED}),
    }

    execution = models.ForeignKey(Execution, models.CASCADE, related_name="results")
    step = models.ForeignKey(RunbookStep, models.PROTECT, related_name="results")
    status = models.CharField(max_length=11, choices=Status, default=Status.PENDING)
    by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    by_label = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField(null=True)
    output = models.TextField(blank=True)  # what was seen, decided, pasted
    evidence_url = models.CharField(max_length=500, blank=True)
    confirmed_at = models.DateTimeField(null=True)  # the second yes of an irreversible step
    was_wrong = models.BooleanField(default=False)
    follow_up_ref = models.CharField(max_length=20, blank=True)  # opened because it was wrong

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["execution", "step"], name="runbooks_result_once")
        ]

    def __str__(self) -> str:
        return f"{self.step}: {self.get_status_display()}"


class RunbookReview(ActorStamped):
    """Somebody read a version and says what they found; a date alone cannot be bumped."""

    class Outcome(models.TextChoices):
        CONFIRMED = "confirmed", "Read and right"
        CHANGED = "changed", "Changed in a new version"
        NEEDS_WORK = "needs_work", "Needs work"
        RETIRE = "retire", "Should go"

    runbook = models.ForeignKey(Runbook, models.PROTECT, related_name="reviews")
    version = models.ForeignKey(RunbookVersion, models.PROTECT, related_name="reviews")
    outcome = models.CharField(max_length=10, choices=Outcome)
    note = models.TextField()
    digest = models.CharField(max_length=64)  # of the steps that were read
    at = models.DateTimeField()

    class Meta:
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.get_outcome_display()}"


class Chase(models.Model):
    """A reminder about a stale runbook that went out; once per slot."""

    runbook = models.ForeignKey(Runbook, models.CASCADE, related_name="chases")
    slot = models.CharField(max_length=40)  # the day it went stale and the week since: 2026-03-09:2
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["runbook", "slot"], name="runbooks_chase_once")
        ]

    def __str__(self) -> str:
        return f"{self.runbook_id} {self.slot}"
