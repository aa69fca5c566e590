"""The one ledger of what was promised after something went wrong, whoever's idea it was."""

from __future__ import annotations

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Person
from apps.core.audit import ActorStamped
from apps.core.models import Kind
from apps.followups.querysets import EvidenceQuerySet, FactorQuerySet, FollowUpQuerySet
from apps.ownership.models import Surface


@pghistory.track()
class Factor(models.Model):
    """A class of contributing factors; reviews, follow-ups and defects speak of the same ones."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = FactorQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class FollowUp(models.Model):
    """Something that somebody will do by a day, and how we shall know that it worked.

    Done is not verified: somebody looks at evidence in between. What comes back within 90 days
    of being verified is opened again.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        IN_PROGRESS = "in_progress", "In progress"
        DONE = "done", "Done, to be verified"
        VERIFIED = "verified", "Verified"
        WONT_DO = "wont_do", "Won't be done"

    TRANSITIONS = {
        Status.OPEN: frozenset({Status.IN_PROGRESS, Status.DONE, Status.WONT_DO}),
        Status.IN_PROGRESS: frozenset({Status.OPEN, Status.DONE, Status.WONT_DO}),
        Status.DONE: frozenset({Status.VERIFIED, Status.OPEN, Status.IN_PROGRESS}),
        Status.VERIFIED: frozenset({Status.OPEN}),
        Status.WONT_DO: frozenset({Status.OPEN}),
    }

    class Aim(models.TextChoices):
        PREVENT = "prevent", "Prevent: it cannot happen again"
        DETECT = "detect", "Detect: we notice before customers do"
        MITIGATE = "mitigate", "Mitigate: it hurts less"
        PROCESS = "process", "Process: we work better"
        DOCS = "docs", "Docs: it is written down right"
        COMMS = "comms", "Communication: people are told better"

    class Priority(models.TextChoices):
        P0 = "P0", "P0, before anything else"
        P1 = "P1", "P1, soon"
        P2 = "P2", "P2, in turn"

    title = models.CharField(max_length=200)
    details = models.TextField(blank=True)
    acceptance = models.TextField(help_text="How somebody else can see that it works.")
    aim = models.CharField(max_length=8, choices=Aim)
    priority = models.CharField(max_length=2, choices=Priority, default=Priority.P1)
    status = models.CharField(max_length=11, choices=Status, default=Status.OPEN)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.REAL)
    owner = models.ForeignKey(Person, models.PROTECT, related_name="follow_ups")
    due_on = models.DateField()
    source_kind = models.CharField(max_length=30)  # incident, runbook, drill, risk, decision, hand
    source_ref = models.CharField(max_length=60, blank=True)
    source_url = models.CharField(max_length=300, blank=True)
    source_label = models.CharField(max_length=200, blank=True)
    surface = models.ForeignKey(
        Surface, models.PROTECT, null=True, blank=True, related_name="follow_ups"
    )
    factor = models.ForeignKey(
        Factor, models.PROTECT, null=True, blank=True, related_name="follow_ups"
    )
    is_restricted = models.BooleanField(
        default=False, help_text="Only managers, its owner and those on its incident see it."
    )
    reopened_count = models.PositiveSmallIntegerField(default=0)
    did_not_hold = models.BooleanField(default=False)  # it came back after it was verified
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    verified_at = models.DateTimeField(null=True)
    verified_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    ended_reason = models.TextField(blank=True)  # why it won't be done; who said so is in the log
    version = models.PositiveIntegerField(default=1)  # grows with each change: who read what

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["owner", "status", "due_on"], name="followups_followup_owner"),
            models.Index(fields=["source_kind", "source_ref"], name="followups_followup_source"),
            models.Index(
                fields=["due_on"],
                condition=Q(status__in=["open", "in_progress"]),
                name="followups_followup_due",
            ),
            models.Index(fields=["surface", "factor"], name="followups_followup_cause"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(title="") & ~Q(acceptance=""), name="followups_followup_says_what"
            ),
            models.CheckConstraint(
                condition=Q(verified_at=None) | Q(verified_at__gte=F("done_at")),
                name="followups_followup_order",
            ),
            models.CheckConstraint(
                condition=~Q(status="verified") | Q(verified_at__isnull=False),
                name="followups_followup_verified",
            ),
            models.CheckConstraint(
                condition=~Q(status="wont_do") | ~Q(ended_reason=""),
                name="followups_followup_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.title}"

    @property
    def ref(self) -> str:
        """The human reference: FUP-7."""
        return f"FUP-{self.pk}"

    @property
    def is_active(self) -> bool:
        """Somebody still has to do it."""
        return self.status in {self.Status.OPEN, self.Status.IN_PROGRESS}


class Evidence(ActorStamped):
    """What shows that a follow-up holds: a run of a runbook, a test, a release, a page."""

    class Type(models.TextChoices):
        REGRESSION = "regression", "A test that failed before and passes now"
        RELEASE = "release", "A release that carries it"
        ALERT = "alert", "An alert that fired when it should"
        DRILL = "drill", "A drill that it passed"
        EXECUTION = "execution", "A completed run of a runbook"
        URL = "url", "Something to open and read"

    follow_up = models.ForeignKey(FollowUp, models.PROTECT, related_name="evidence")
    type = models.CharField(max_length=10, choices=Type)
    ref = models.CharField(max_length=120, blank=True)
    url = models.CharField(max_length=500, blank=True)
    label = models.CharField(max_length=200, blank=True)
    note = models.TextField(blank=True)
    at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)  # a fix that did not hold takes it back

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            models.CheckConstraint(
                condition=~(Q(ref="") & Q(url="")), name="followups_evidence_of_something"
            )
        ]

    def __str__(self) -> str:
        return self.label or self.url or self.ref


class FollowUpNote(ActorStamped):
    """What happened to a follow-up, in order: reminders too. Append-only."""

    follow_up = models.ForeignKey(FollowUp, models.PROTECT, related_name="notes")
    at = models.DateTimeField()
    what = models.CharField(max_length=30)
    text = models.TextField()
    is_markdown = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["follow_up", "at"], name="followups_note_order")]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return self.text[:80]


class Reminder(models.Model):
    """A reminder that was sent or passed over; a slot is used once, however often the job runs."""

    follow_up = models.ForeignKey(FollowUp, models.CASCADE, related_name="reminders")
    slot = models.CharField(max_length=40)  # due day and step: 2026-03-09:due, 2026-03-09:week2
    at = models.DateTimeField()
    was_sent = models.BooleanField()  # False: an older one that a later one made pointless

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["follow_up", "slot"], name="followups_reminder_once")
        ]

    def __str__(self) -> str:
        return f"{self.follow_up_id} {self.slot}"
