"""What was learned: the review of an incident, drafted from its timeline."""

from __future__ import annotations

from typing import Any

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Person
from apps.core.audit import ActorStamped
from apps.followups.models import Factor
from apps.incidents.models.incident import Incident


class ReviewQuerySet(models.QuerySet["Review"]):
    def visible_to(self, user: Any) -> ReviewQuerySet:
        """Whoever sees the incident sees its review, as a draft too."""
        return self.filter(incident__in=Incident.objects.visible_to(user))

    def published(self) -> ReviewQuerySet:
        return self.filter(status="published")

    def under_way(self) -> ReviewQuerySet:
        """Not published, of an incident that is over: somebody still has to do something."""
        return self.exclude(status="published").filter(
            incident__status__in=["resolved", "in_review", "closed"]
        )


@pghistory.track()
class Review(models.Model):
    """One review an incident. Its figures are computed while it is written and kept with it when
    it is published."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        IN_REVIEW = "in_review", "In review"
        APPROVED = "approved", "Approved"
        PUBLISHED = "published", "Published"

    TRANSITIONS = {
        Status.DRAFT: frozenset({Status.IN_REVIEW}),
        Status.IN_REVIEW: frozenset({Status.DRAFT, Status.APPROVED}),
        Status.APPROVED: frozenset({Status.PUBLISHED, Status.DRAFT}),
        Status.PUBLISHED: frozenset({Status.DRAFT}),  # the incident was opened again
    }

    incident = models.OneToOneField(Incident, models.PROTECT, related_name="review")
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    author = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="reviews"
    )
    approver = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    is_required = models.BooleanField(default=True)
    draft_due_at = models.DateTimeField(null=True)
    publish_due_at = models.DateTimeField(null=True)
    what_happened = models.TextField(blank=True)
    impact = models.TextField(blank=True)
    detection = models.TextField(blank=True)
    went_well = models.TextField(blank=True)
    went_badly = models.TextField(blank=True)
    lucky = models.TextField(blank=True)
    external_message = models.TextField(blank=True)
    facts = models.JSONField(default=dict, blank=True)  # as computed when it was published
    version = models.PositiveIntegerField(default=1)  # against lost edits
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(published_at=None)
                | Q(approved_at__isnull=False) & Q(published_at__gte=F("approved_at")),
                name="incidents_review_order",
            )
        ]

    def __str__(self) -> str:
        return f"Review of {self.incident}"


class ReviewFactor(models.Model):
    """What contributed, by its class, in the words of this incident."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="factors")
    factor = models.ForeignKey(Factor, models.PROTECT, related_name="review_factors")
    note = models.TextField(blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "factor"], name="incidents_reviewfactor_once")
        ]

    def __str__(self) -> str:
        return str(self.factor)


class ReviewComment(ActorStamped):
    """What a reader says to the author. Append-only."""

    review = models.ForeignKey(Review, models.PROTECT, related_name="comments")
    at = models.DateTimeField()
    section = models.CharField(max_length=20, blank=True)
    text = models.TextField()

    class Meta:
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return self.text[:80]
