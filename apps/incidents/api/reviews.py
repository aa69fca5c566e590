"""The review of an incident: opened, written by section, approved by another, published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import PersonField, person_of
from apps.changes.models import Change
from apps.core import clock
from apps.core.api.fields import InstantField
from apps.core.api.views import View, find, idempotent
from apps.core.text import clip, one_line
from apps.followups.models import Factor
from apps.incidents.api.inputs import (
    ReviewCommentIn,
    ReviewFactorIn,
    ReviewPatch,
    ReviewStepIn,
)
from apps.incidents.api.rows import SCOPES, by, incident_by
from apps.incidents.models import Review, ReviewComment, ReviewFactor
from apps.incidents.review_facts import Facts
from apps.incidents.review_sections import SECTIONS
from apps.incidents.selectors import review as selectors
from apps.incidents.services import review as opening
from apps.incidents.services import review_steps as steps
from apps.incidents.services import review_text as writing


class ReviewFactorSerializer(serializers.ModelSerializer[ReviewFactor]):
    factor = serializers.CharField(source="factor.key", help_text="A factor's key.")
    name = serializers.CharField(source="factor.name")

    class Meta:
        model = ReviewFactor
        fields = ["factor", "name", "note"]


class ReviewCommentSerializer(serializers.ModelSerializer[ReviewComment]):
    at = InstantField()
    by = serializers.CharField(source="actor_label")

    class Meta:
        model = ReviewComment
        fields = ["at", "by", "section", "text"]


class IncidentReviewSerializer(serializers.ModelSerializer[Review]):
    """A review: its sections in Markdown, what contributed, and the facts behind it."""

    author = PersonField(allow_null=True)
    approver = PersonField(allow_null=True)
    draft_due_at = InstantField(allow_null=True)
    publish_due_at = InstantField(allow_null=True)
    submitted_at = InstantField(allow_null=True)
    approved_at = InstantField(allow_null=True)
    published_at = InstantField(allow_null=True)
    factors = serializers.SerializerMethodField()
    comments = serializers.SerializerMethodField()
    percent = serializers.SerializerMethodField(help_text="How complete it is, 0 to 100.")
    missing = serializers.SerializerMethodField(help_text="What keeps it from being published.")
    follow_ups = serializers.SerializerMethodField(help_text="References: FUP-7.")
    facts = serializers.SerializerMethodField(help_text="As published, else as they are now.")

    class Meta:
        model = Review
        fields = ["status", "version", "author", "approver", "is_required", "draft_due_at"]
        fields += ["publish_due_at", "submitted_at", "approved_at", "published_at", "percent"]
        fields += ["missing", *(section.key for section in SECTIONS), "factors", "follow_ups"]
        fields += ["comments", "facts"]

    @extend_schema_field(ReviewFactorSerializer(many=True))
    def get_factors(self, review: Review) -> list[Any]:
        rows = review.factors.select_related("factor").order_by("position", "pk")
        return list(ReviewFactorSerializer(rows, many=True).data)

    @extend_schema_field(ReviewCommentSerializer(many=True))
    def get_comments(self, review: Review) -> list[Any]:
        return list(ReviewCommentSerializer(review.comments.order_by("at", "pk"), many=True).data)

    def get_percent(self, review: Review) -> int:
        return steps.meter_of(review).percent

    def get_missing(self, review: Review) -> list[str]:
        return [item.key for item in steps.meter_of(review).missing]

    def get_follow_ups(self, review: Review) -> list[str]:
        return [row.ref for row in selectors.follow_ups(review.incident)]

    def get_facts(self, review: Review) -> dict[str, Any]:
        found = selectors.facts_of(review, now=self.context["now"])
        return _readable(found, self.context["user"]).to_json()


def _readable(facts: Facts, user: Any) -> Facts:
    """The facts without the changes that a key of a team may not see: those of other teams."""
    if not getattr(user, "team_id", None):
        return facts
    rows = Change.objects.visible_to(user).filter(occurred_at__in=[one.at for one in facts.changes])
    seen = {(one.occurred_at, clip(one_line(one.summary), 200)) for one in rows}
    kept = tuple(one for one in facts.changes if (one.at, one.summary) in seen)
    return replace(facts, changes=kept)


def _shown(review: Review, user: Any) -> dict[str, Any]:
    row = Review.objects.select_related("incident", "author", "approver").get(pk=review.pk)
    context = {"now": clock.now(), "user": user}
    return dict(IncidentReviewSerializer(row, context=context).data)


def _review(user: Any, ref: str) -> Review:
    """The review of an incident that the asker may see; 404 while there is none."""
    rows = Review.objects.select_related("incident", "author", "approver")
    row = rows.filter(incident=incident_by(user, ref)).first()
    if row is None:
        raise Http404
    return row


class IncidentReview(View):
    scopes = SCOPES

    @extend_schema(responses=IncidentReviewSerializer)
    def get(self, request: Request, ref: str) -> Response:
        """The review of an incident; 404 while nobody has opened one."""
        return Response(_shown(_review(request.user, ref), request.user))

    @extend_schema(
        operation_id="incidents_review_open",
        request=None,
        responses={200: IncidentReviewSerializer},
    )
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Open the review, drafted from the facts; the one that stands when there is one."""
        incident = incident_by(request.user, ref)
        made = opening.open_review(incident=incident, **by(request))
        return Response(_shown(made, request.user))

    @extend_schema(request=ReviewPatch, responses=IncidentReviewSerializer)
    def patch(self, request: Request, ref: str) -> Response:
        """Write the sections that are named, all or none, as they were begun at `version`."""
        review = _review(request.user, ref)
        given = self.body(ReviewPatch)
        version, author = given.pop("version"), given.pop("author", None)
        with transaction.atomic():
            for section, text in given.items():
                writing.save_section(
                    review=review, section=section, text=text, version=version, **by(request)
                )
            if author is not None:
                opening.set_author(review=review, person=author, **by(request))
        return Response(_shown(review, request.user))


class IncidentReviewTransition(View):
    scopes = SCOPES

    @extend_schema(request=ReviewStepIn, responses={200: IncidentReviewSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Hand it in, send it back with a note, approve it, publish it."""
        review = _review(request.user, ref)
        given, who = self.body(ReviewStepIn), by(request)
        note = given.get("note", "")
        match given["to"]:
            case "in_review":
                steps.submit(review=review, note=note, **who)
            case "draft":
                steps.send_back(review=review, note=note, **who)
            case "approved":
                person = person_of(request.user)
                steps.approve(review=review, person=person, note=note, **who)
            case _:
                steps.publish(review=review, **who)
        return Response(_shown(review, request.user))


class IncidentReviewFactor(View):
    scopes = SCOPES

    @extend_schema(request=ReviewFactorIn, responses=IncidentReviewSerializer)
    def put(self, request: Request, ref: str, key: str) -> Response:
        """Say that a factor contributed, and how here. Follow-ups that were verified against it on
        the surface within 90 days are open again: the fix did not hold."""
        review = _review(request.user, ref)
        factor = find(Factor.objects.current(), key, by="key")
        note = self.body(ReviewFactorIn).get("note", "")
        writing.add_factor(review=review, factor=factor, note=note, **by(request))
        return Response(_shown(review, request.user))

    @extend_schema(responses=IncidentReviewSerializer)
    def delete(self, request: Request, ref: str, key: str) -> Response:
        """Take a factor off."""
        review = _review(request.user, ref)
        factor = find(Factor.objects.get_queryset(), key, by="key")
        writing.remove_factor(review=review, factor=factor, **by(request))
        return Response(_shown(review, request.user))


class IncidentReviewComments(View):
    scopes = SCOPES

    @extend_schema(request=ReviewCommentIn, responses={201: ReviewCommentSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Say something about a section, or the whole; the author is told."""
        review = _review(request.user, ref)
        made = writing.comment(review=review, **self.body(ReviewCommentIn), **by(request))
        return Response(ReviewCommentSerializer(made).data, status=201)
