"""Running an incident: who does what, what is to do, who suffers."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Person
from apps.customers.models import Account
from apps.incidents.models.framework import Role, TaskTemplate
from apps.incidents.models.incident import Incident


class RoleAssignment(models.Model):
    """Who had a role from when to when, and what they handed over."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="roles")
    role = models.CharField(max_length=9, choices=Role)
    person = models.ForeignKey(Person, models.PROTECT, related_name="incident_roles")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)
    handover_note = models.TextField(blank=True)  # written by whoever hands over
    why = models.CharField(max_length=60, blank=True)  # on call, primary owner, chosen …

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "role"],
                condition=Q(to_at=None),
                name="incidents_role_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(to_at=None) | Q(to_at__gte=F("from_at")), name="incidents_role_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.person}"


@pghistory.track()
class IncidentTask(models.Model):
    """Something to do while the incident lasts; what outlives it is a follow-up."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        DROPPED = "dropped", "Not needed"

    TRANSITIONS = {
        Status.OPEN: frozenset({Status.DONE, Status.DROPPED}),
        Status.DONE: frozenset({Status.OPEN}),
        Status.DROPPED: frozenset({Status.OPEN}),
    }

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="tasks")
    text = models.CharField(max_length=300)
    status = models.CharField(max_length=7, choices=Status, default=Status.OPEN)
    role = models.CharField(max_length=9, choices=Role, blank=True)
    assignee = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="incident_tasks"
    )
    template = models.ForeignKey(
        TaskTemplate, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    position = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by_label = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "template"], name="incidents_task_template_once"
            )
        ]

    def __str__(self) -> str:
        return self.text


@pghistory.track()
class Impact(models.Model):
    """A customer that an incident hurt, from when to when. What no list knows has a label only."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="impacts")
    account = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="impacts"
    )
    label = models.CharField(max_length=160, blank=True)
    from_at = models.DateTimeField(null=True, blank=True)
    to_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "account"], name="incidents_impact_account_once"
            ),
            models.CheckConstraint(
                condition=Q(account__isnull=False) | ~Q(label=""), name="incidents_impact_of_whom"
            ),
            models.CheckConstraint(
                condition=Q(from_at=None) | Q(to_at=None) | Q(to_at__gte=F("from_at")),
                name="incidents_impact_order",
            ),
        ]

    def __str__(self) -> str:
        return self.account.name if self.account else self.label


class Mark(models.Model):
    """A reminder of an incident that was sent or passed over; a slot is used once.

    A slot names what was due, when and for whom (`update:public:2026-03-09T06:30Z:late1`), so
    that a worker that slept sends what is due now, and nothing twice.
    """

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="marks")
    slot = models.CharField(max_length=120)
    at = models.DateTimeField()
    was_sent = models.BooleanField()  # False: an older one that a later one made pointless

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incident", "slot"], name="incidents_mark_once")
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.slot}"
