"""Incidents and their append-only timeline."""

from __future__ import annotations

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Person
from apps.core.audit import ActorStamped
from apps.core.models import Kind
from apps.incidents.models.framework import IncidentType, Severity
from apps.incidents.querysets import IncidentQuerySet
from apps.ownership.models import Surface


@pghistory.track()
class Incident(models.Model):
    """Something that hurts customers or would; triage until somebody declares it."""

    class Status(models.TextChoices):
        TRIAGE = "triage", "Triage"
        INVESTIGATING = "investigating", "Investigating"
        IDENTIFIED = "identified", "Identified"
        MITIGATED = "mitigated", "Mitigated"
        RESOLVED = "resolved", "Resolved"
        IN_REVIEW = "in_review", "In review"
        CLOSED = "closed", "Closed"
        DECLINED = "declined", "Declined"
        MERGED = "merged", "Merged"

    TRANSITIONS = {
        Status.TRIAGE: frozenset(
            {Status.INVESTIGATING, Status.RESOLVED, Status.DECLINED, Status.MERGED}
        ),
        Status.INVESTIGATING: frozenset(
            {Status.IDENTIFIED, Status.MITIGATED, Status.RESOLVED, Status.MERGED}
        ),
        Status.IDENTIFIED: frozenset({Status.MITIGATED, Status.RESOLVED, Status.MERGED}),
        Status.MITIGATED: frozenset({Status.RESOLVED, Status.INVESTIGATING, Status.MERGED}),
        Status.RESOLVED: frozenset(
            {Status.IN_REVIEW, Status.CLOSED, Status.INVESTIGATING, Status.TRIAGE}
        ),
        Status.IN_REVIEW: frozenset({Status.CLOSED, Status.INVESTIGATING}),
        Status.CLOSED: frozenset({Status.INVESTIGATING}),
        Status.DECLINED: frozenset({Status.TRIAGE}),
        # Undoing a merge puts it back where it was; nothing else leads out.
        Status.MERGED: frozenset(
            {Status.TRIAGE, Status.INVESTIGATING, Status.IDENTIFIED, Status.MITIGATED}
        ),
    }

    class Visibility(models.TextChoices):
        OPEN = "open", "Everybody here"
        RESTRICTED = "restricted", "Managers and people on it"

    class Detection(models.TextChoices):
        ALERT = "alert", "Alert"
        TICKET = "ticket", "Ticket"
        CUSTOMER = "customer", "Customer"
        INTERNAL = "internal", "Somebody here"
        DRILL = "drill", "Drill"

    class Named(models.TextChoices):
        """How the first commander came about."""

        ON_CALL = "on_call", "On call for the surface"
        PRIMARY = "primary", "Primary owner of the surface"
        BACKUP = "backup", "Backup owner of the surface"
        LEAD = "lead", "Lead of the team"
        CHOSEN = "chosen", "Chosen"

    title = models.CharField(max_length=200)
    type = models.ForeignKey(
        IncidentType, models.PROTECT, null=True, blank=True, related_name="incidents"
    )
    summary = models.TextField(blank=True)
    status = models.CharField(max_length=14, choices=Status, default=Status.TRIAGE)
    severity = models.CharField(max_length=5, choices=Severity, default=Severity.SEV3)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.REAL)
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.OPEN)
    detection_source = models.CharField(max_length=10, choices=Detection, blank=True)
    surface = models.ForeignKey(
        Surface, models.PROTECT, null=True, blank=True, related_name="incidents"
    )
    commander = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="commands"
    )
    participants = models.ManyToManyField(Person, blank=True, related_name="incidents")
    group_integration_id = models.BigIntegerField(null=True)  # which alert group opened it
    group_key = models.CharField(max_length=80, blank=True)
    impact_summary = models.TextField(blank=True)
    mitigation_note = models.TextField(blank=True)
    public_silence = models.TextField(blank=True)  # why the public is not told
    commander_named = models.CharField(max_length=8, choices=Named, blank=True)
    suggested_severity = models.CharField(max_length=5, choices=Severity, blank=True)
    severity_answers = models.JSONField(default=dict, blank=True)  # what the suggestion came from
    severity_reason = models.TextField(blank=True)  # why another one than suggested
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged"
    )
    impact_started_at = models.DateTimeField(null=True)
    detected_at = models.DateTimeField()
    declared_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    mitigated_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["status", "-detected_at"], name="incidents_incident_status"),
            models.Index(fields=["-detected_at"], name="incidents_incident_recent"),
            models.Index(
                fields=["group_integration_id", "group_key", "-detected_at"],
                name="incidents_incident_group",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=(Q(impact_started_at=None) | Q(detected_at__gte=F("impact_started_at")))
                & (Q(declared_at=None) | Q(declared_at__gte=F("detected_at")))
                & (Q(acknowledged_at=None) | Q(acknowledged_at__gte=F("detected_at")))
                & (Q(resolved_at=None) | Q(resolved_at__gte=F("detected_at")))
                & (
                    Q(resolved_at=None)
                    | Q(mitigated_at=None)
                    | Q(resolved_at__gte=F("mitigated_at"))
                )
                & (
                    Q(mitigated_at=None)
                    | Q(declared_at=None)
                    | Q(mitigated_at__gte=F("declared_at"))
                )
                & (Q(closed_at=None) | Q(resolved_at=None) | Q(closed_at__gte=F("resolved_at"))),
                name="incidents_incident_order",
            ),
            models.CheckConstraint(
                condition=Q(status="merged", merged_into__isnull=False)
                | (~Q(status="merged") & Q(merged_into=None)),
                name="incidents_incident_merged_into",
            ),
            models.CheckConstraint(
                condition=~Q(merged_into=F("id")), name="incidents_incident_not_into_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.title}"

    @property
    def ref(self) -> str:
        """The human reference: INC-42."""
        return f"INC-{self.pk}"

    @property
    def is_standing(self) -> bool:
        return self.status not in {
            self.Status.RESOLVED,
            self.Status.IN_REVIEW,
            self.Status.CLOSED,
            self.Status.DECLINED,
            self.Status.MERGED,
        }


class TimelineEntry(ActorStamped):
    """What happened in an incident, in the order it happened. Corrections are new rows."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="timeline")
    at = models.DateTimeField()  # when it happened
    recorded_at = models.DateTimeField()
    what = models.CharField(max_length=30)
    text = models.TextField()
    is_markdown = models.BooleanField(default=False)
    subject_kind = models.CharField(max_length=30, blank=True)
    subject_ref = models.CharField(max_length=60, blank=True)
    subject_url = models.CharField(max_length=300, blank=True)
    corrects = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="corrections"
    )

    class Meta:
        verbose_name_plural = "timeline entries"
        indexes = [models.Index(fields=["incident", "at"], name="incidents_timeline_order")]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return self.text[:80]


class IncidentLink(models.Model):
    """A thing that belongs to an incident, by reference: alert, page, ticket, change, release,
    defect, pack, surface, runbook, incident."""

    class Relation(models.TextChoices):
        SYMPTOM = "symptom", "Shows it"
        CAUSED_BY = "caused_by", "Caused it"
        SUSPECT = "suspect", "May have caused it"
        REPORTED_BY = "reported_by", "Reported it"
        RELATED = "related", "Has to do with it"
        DUPLICATE = "duplicate", "Is the same"
        FIXED_BY = "fixed_by", "Fixed it"
        AFFECTS = "affects", "Suffers from it"

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="links")
    kind = models.CharField(max_length=30)
    ref = models.CharField(max_length=60)
    url = models.CharField(max_length=300, blank=True)
    label = models.CharField(max_length=300, blank=True)
    relation = models.CharField(max_length=20, choices=Relation, default=Relation.SYMPTOM)
    added_by_label = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incident", "kind", "ref"], name="incidents_link_once")
        ]
        indexes = [models.Index(fields=["kind", "ref"], name="incidents_link_subject")]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}"


class SeveritySpan(models.Model):
    """How long an incident had a severity, and why it got it. Written with each change."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="spans")
    severity = models.CharField(max_length=5, choices=Severity)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    by_label = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident"], condition=Q(to_at=None), name="incidents_span_one_open"
            ),
            models.CheckConstraint(
                condition=Q(to_at=None) | Q(to_at__gte=F("from_at")), name="incidents_span_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.severity}"


class Merge(ActorStamped):
    """One incident taken into another, and all that moved with it: enough to undo it."""

    child = models.ForeignKey(Incident, models.PROTECT, related_name="merges")
    into = models.ForeignKey(Incident, models.PROTECT, related_name="+")
    was = models.CharField(max_length=14)  # the child's state before
    moved = models.JSONField(default=dict)  # ids by kind: links, impacts, tasks, updates
    reason = models.TextField(blank=True)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["child"], condition=Q(undone_at=None), name="incidents_merge_one_standing"
            )
        ]

    def __str__(self) -> str:
        return f"{self.child_id} into {self.into_id}"
