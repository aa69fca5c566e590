"""Promises: who gets which, the clocks that measure them, and what happened to each clock."""

from __future__ import annotations

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.calendars.models import BusinessCalendar, CalendarVersion
from apps.core.audit import ActorStamped
from apps.customers.models import Account
from apps.support.models.setup import Priority, Queue, RequestType
from apps.support.models.tickets import Ticket
from apps.support.querysets import ClockQuerySet


class Metric(models.TextChoices):
    TRIAGE = "triage", "Triage"
    FIRST_REPLY = "first_reply", "First reply"
    NEXT_REPLY = "next_reply", "Next reply"
    PERIODIC_UPDATE = "periodic_update", "Periodic update"
    RESOLUTION = "resolution", "Resolution"


def default_warnings() -> list[int]:
    return [50, 80]


@pghistory.track()
class SlaPolicy(models.Model):
    """A grid of targets for the tickets that it matches. The first match by position counts.

    What is left empty matches everything; the default policy matches what no other does.
    """

    name = models.CharField(max_length=80, unique=True)
    position = models.PositiveSmallIntegerField(default=0)
    is_default = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    match_queue = models.ForeignKey(Queue, models.PROTECT, null=True, blank=True, related_name="+")
    match_type = models.ForeignKey(
        RequestType, models.PROTECT, null=True, blank=True, related_name="+"
    )
    match_tier = models.CharField(max_length=8, choices=Account.Tier, blank=True)
    match_account = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="+"
    )
    match_tag = models.CharField(max_length=40, blank=True)
    calendar = models.ForeignKey(BusinessCalendar, models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = "SLA policy"
        verbose_name_plural = "SLA policies"
        ordering = ["is_default", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="support_policy_one_default",
            )
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class SlaTarget(models.Model):
    """One cell of the grid: a metric at a priority. `seconds` null promises nothing.

    Seconds are working seconds of the target's calendar (the policy's when empty).
    """

    policy = models.ForeignKey(SlaPolicy, models.CASCADE, related_name="targets")
    metric = models.CharField(max_length=16, choices=Metric)
    priority = models.CharField(max_length=2, choices=Priority)
    seconds = models.PositiveIntegerField(null=True, blank=True)
    calendar = models.ForeignKey(
        BusinessCalendar, models.PROTECT, null=True, blank=True, related_name="+"
    )
    pause_third_party = models.BooleanField(
        "pauses for third parties",
        default=False,
        help_text="Waiting for the customer always pauses where the metric can pause.",
    )
    warn_percents = ArrayField(
        models.PositiveSmallIntegerField(), default=default_warnings, blank=True
    )
    steps_while_paused = models.BooleanField("escalates while paused", default=False)

    class Meta:
        verbose_name = "SLA target"
        ordering = ["policy", "metric", "priority"]
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "metric", "priority"], name="support_target_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_metric_display()} {self.priority}"


@pghistory.track()
class EscalationStep(models.Model):
    """What happens so many seconds after a target was missed (elapsed, not working seconds)."""

    class Notify(models.TextChoices):
        OWNER = "owner", "Owner"
        BACKUP = "backup", "Backup"
        LEAD = "lead", "Team lead"
        PAGE = "page", "Page on call, backup, manager"

    target = models.ForeignKey(SlaTarget, models.CASCADE, related_name="steps")
    after_seconds = models.PositiveIntegerField(default=0)
    notify = models.CharField(max_length=6, choices=Notify, default=Notify.OWNER)
    raise_priority = models.BooleanField(default=False)

    class Meta:
        ordering = ["target", "after_seconds", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["target", "after_seconds", "notify"], name="support_step_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_notify_display()} after {self.after_seconds} s"


class TicketClock(models.Model):
    """One promise of one ticket: a metric, and for those that repeat, the how-manieth.

    `consumed_seconds` were used up to `anchor_at`; while it runs, the promise ends at `due_at`,
    which is deadline(anchor, target - consumed). `next_check_at` is the next instant at which
    anything can happen by itself. A breach is a fact: `breached_at` is the true due time.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        MET = "met", "Met"
        BREACHED = "breached", "Breached"
        CANCELLED = "cancelled", "Cancelled"

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="clocks")
    metric = models.CharField(max_length=16, choices=Metric)
    cycle = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)
    policy = models.ForeignKey(SlaPolicy, models.PROTECT, null=True, related_name="+")
    policy_version = models.PositiveIntegerField(default=0)
    target = models.ForeignKey(SlaTarget, models.SET_NULL, null=True, related_name="+")
    target_seconds = models.PositiveIntegerField()
    calendar_version = models.ForeignKey(CalendarVersion, models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    anchor_at = models.DateTimeField(null=True)
    consumed_seconds = models.PositiveIntegerField(default=0)
    is_paused = models.BooleanField(default=False)  # also a breached clock can stand still
    due_at = models.DateTimeField(null=True)
    next_check_at = models.DateTimeField(null=True)
    warned_percent = models.PositiveSmallIntegerField(default=0)
    steps_taken = models.PositiveSmallIntegerField(default=0)
    generation = models.PositiveIntegerField(default=0)
    stopped_at = models.DateTimeField(null=True)
    breached_at = models.DateTimeField(null=True)
    breach_cause = models.CharField(max_length=12, blank=True)  # time, retarget
    without_reply = models.BooleanField(default=False)
    waived_at = models.DateTimeField(null=True)
    waived_reason = models.CharField(max_length=300, blank=True)
    reopened_count = models.PositiveSmallIntegerField(default=0)
    cancel_cause = models.CharField(max_length=20, blank=True)
    worked_seconds_final = models.PositiveIntegerField(null=True)

    objects = ClockQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "metric", "cycle"], name="support_clock_cycle_once"
            ),
            models.UniqueConstraint(
                fields=["ticket", "metric"],
                condition=Q(stopped_at=None) & ~Q(state="cancelled"),
                name="support_clock_one_open",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | (Q(due_at__isnull=False, anchor_at__isnull=False)),
                name="support_clock_running_has_due",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["paused", "met", "cancelled"]) | Q(next_check_at=None),
                name="support_clock_at_rest_is_not_checked",
            ),
            models.CheckConstraint(
                condition=~Q(state="breached") | Q(breached_at__isnull=False),
                name="support_clock_breach_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_check_at"],
                name="support_clock_next_check",
                condition=Q(next_check_at__isnull=False),
            ),
            models.Index(fields=["due_at"], name="support_clock_due", condition=Q(state="running")),
            models.Index(fields=["metric", "stopped_at"], name="support_clock_report"),
            models.Index(
                fields=["calendar_version"],
                name="support_clock_calendar",
                condition=Q(stopped_at=None) & ~Q(state="cancelled"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_metric_display()} of TCK-{self.ticket_id}"

    @property
    def is_open(self) -> bool:
        """Whether the promise is still to be kept (a missed one, too, until it is stopped)."""
        return self.stopped_at is None and self.state != self.State.CANCELLED


class ClockEvent(ActorStamped):
    """What happened to a clock, once by its key. Append-only: the audit and the reports' source."""

    class What(models.TextChoices):
        START = "start", "Started"
        PAUSE = "pause", "Paused"
        RESUME = "resume", "Resumed"
        RETARGET = "retarget", "New target"
        RECALENDAR = "recalendar", "New calendar"
        WARN = "warn", "Warned"
        BREACH = "breach", "Breached"
        UNBREACH = "unbreach", "Breach corrected"
        STEP = "step", "Escalated"
        STOP = "stop", "Stopped"
        REOPEN = "reopen", "Runs again"
        CANCEL = "cancel", "Cancelled"
        RESTORE = "restore", "Restored"
        WAIVE = "waive", "Waived"

    clock = models.ForeignKey(TicketClock, models.CASCADE, related_name="events")
    what = models.CharField(max_length=10, choices=What)
    key = models.CharField(max_length=60)  # breach:0, warn:50:2, step:1:2 …: once for each clock
    at = models.DateTimeField()  # when it was true, which may be before it was noticed
    noted_at = models.DateTimeField()
    due_before = models.DateTimeField(null=True)
    due_after = models.DateTimeField(null=True)
    consumed_seconds = models.PositiveIntegerField(default=0)
    target_seconds = models.PositiveIntegerField(default=0)
    cause = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clock", "key"], name="support_clock_event_once")
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"{self.what} at {self.at:%H:%M:%S}"
