"""Rules that look at telemetry and raise alerts, and what each of them has said so far."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q

from apps.accounts.models import Person
from apps.alerts.models.life import Severity
from apps.alerts.querysets import RuleQuerySet
from apps.ownership.models import Surface
from apps.runbooks.models import Runbook
from apps.telemetry.models import Slo


@pghistory.track(exclude=["next_at", "evaluated_at", "error", "last_fired_at"])
class AlertRule(models.Model):
    """One condition with its owner and its runbook. `params` are those of its kind.

    A rule raises one alert for each group of it that fires, under `rule:<key>:<group>`.
    """

    class Kind(models.TextChoices):
        RATE = "rate", "Failure rate, confidently above"
        ACCURACY = "accuracy", "Accuracy, confidently below"
        BURN_RATE = "burn_rate", "Budget burns too fast"
        THRESHOLD = "threshold", "A value over its limit, k of m times"
        ABSENCE = "absence", "A known schedule was missed"
        STALE = "stale", "Too old, or changed since"
        EXPIRY = "expiry", "Something ends soon"
        AGE = "age", "Something has been open too long"
        INVENTORY = "inventory", "Types changed between two runs"
        CHANGE = "change", "Other than the same weekday and hour"
        COUNT = "count", "More than usual"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ON = "on", "On"
        OFF = "off", "Off"

    TRANSITIONS = {
        Status.DRAFT: frozenset({Status.ON}),
        Status.ON: frozenset({Status.OFF}),
        Status.OFF: frozenset({Status.ON}),
    }

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    kind = models.CharField(max_length=9, choices=Kind)
    surface = models.ForeignKey(
        Surface, models.PROTECT, null=True, blank=True, related_name="alert_rules"
    )
    owner = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, related_name="alert_rules"
    )
    runbook = models.ForeignKey(
        Runbook, models.PROTECT, null=True, blank=True, related_name="alert_rules"
    )
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.ERROR)
    slo = models.ForeignKey(Slo, models.PROTECT, null=True, blank=True, related_name="alert_rules")
    tier = models.PositiveSmallIntegerField(
        default=0, help_text="Of one SLO's rules, the firing one with the lowest number is heard."
    )
    params = models.JSONField(default=dict)
    every_seconds = models.PositiveIntegerField("looks every (s)", default=60)
    for_seconds = models.PositiveIntegerField("pending for (s)", default=0)
    keep_firing_seconds = models.PositiveIntegerField("keeps firing for (s)", default=900)
    status = models.CharField(max_length=5, choices=Status, default=Status.DRAFT)
    created_by = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(editable=False)
    next_at = models.DateTimeField(null=True, editable=False)
    evaluated_at = models.DateTimeField(null=True, editable=False)
    error = models.CharField(max_length=300, blank=True, editable=False)  # of the last look
    last_fired_at = models.DateTimeField(null=True, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = RuleQuerySet.as_manager()

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="on") | Q(owner__isnull=False, runbook__isnull=False),
                name="alerts_rule_on_has_owner_and_runbook",
                violation_error_message="A rule that is on has an owner and a runbook.",
            )
        ]
        indexes = [
            models.Index(fields=["next_at"], name="alerts_rule_due", condition=Q(status="on"))
        ]

    def __str__(self) -> str:
        return self.name


class Look(models.TextChoices):
    """What one look at a group says. No data is not OK."""

    OK = "ok", "OK"
    WARNING = "warning", "Warning"
    FIRING = "firing", "Firing"
    PROVEN = "proven", "Proven"
    INSUFFICIENT = "insufficient_data", "Not enough data"
    NO_DATA = "no_data", "No data"
    SUPPRESSED = "suppressed", "Suppressed"


class RuleGroup(models.Model):
    """Where a rule stands for one group: a warehouse type, a connection, a type; "" for all."""

    class State(models.TextChoices):
        OK = "ok", "OK"
        PENDING = "pending", "Pending"
        FIRING = "firing", "Firing"

    rule = models.ForeignKey(AlertRule, models.CASCADE, related_name="groups")
    group = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=7, choices=State, default=State.OK)
    look = models.CharField(max_length=17, choices=Look, default=Look.NO_DATA)
    since = models.DateTimeField()  # of the state
    last_true_at = models.DateTimeField(null=True)  # when a look last said firing
    is_inhibited = models.BooleanField(default=False)  # a higher tier is heard instead
    value = models.FloatField(null=True)
    limit = models.FloatField(null=True)
    n = models.BigIntegerField(null=True)
    text = models.CharField(max_length=400, blank=True)
    memory = models.JSONField(default=dict)  # what its kind must remember from look to look
    looked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "group"], name="alerts_rule_group_once")
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.group}"


class Firing(models.Model):
    """One time that a group of a rule fired, for the reports about rules."""

    rule = models.ForeignKey(AlertRule, models.CASCADE, related_name="firings")
    group = models.CharField(max_length=200, blank=True)
    fired_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    value = models.FloatField(null=True)
    text = models.CharField(max_length=400, blank=True)
    was_inhibited = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "group"],
                condition=Q(resolved_at=None),
                name="alerts_firing_one_open",
            )
        ]
        indexes = [models.Index(fields=["rule", "-fired_at"], name="alerts_firing_recent")]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.group} {self.fired_at:%Y-%m-%d %H:%M}"
