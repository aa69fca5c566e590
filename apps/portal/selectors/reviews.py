"""Reviews as their pages show them: one review with its facts, and the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet

from apps.accounts.models import Person
from apps.core.text import clip, one_line
from apps.followups.models import Factor, FollowUp
from apps.incidents.models import Incident, Review, ReviewComment
from apps.incidents.review_facts import Facts
from apps.incidents.review_sections import SECTIONS, Fill, Meter, Section
from apps.incidents.selectors import review as facts
from apps.incidents.services import reviews
from apps.ownership.models import Surface

STATES = {
    "due": "To do",
    "overdue": "Overdue",
    "drafts": "Drafts",
    "published": "Published",
}
SHOWN = 100
LESSON = 240


@dataclass(frozen=True)
class Part:
    """A section as it stands, with what was said about it."""

    section: Section
    text: str
    fill: Fill
    comments: Sequence[ReviewComment]


@dataclass(frozen=True)
class Whole:
    """One review with all that its page shows."""

    review: Review
    parts: Sequence[Part]
    general: Sequence[ReviewComment]
    meter: Meter
    facts: Facts
    follow_ups: Sequence[FollowUp]
    why: str  # why it is asked for; empty when it is not


def of(incident: Incident) -> Review | None:
    """The incident's review; None while there is none."""
    found = Review.objects.filter(incident=incident).select_related("author", "approver").first()
    if found is not None:
        found.incident = incident
    return found


def whole(review: Review, viewer: Person, *, now: datetime) -> Whole:
    """What the page of one review shows."""
    meter = reviews.meter_of(review)
    fills = {item.key: item.fill for item in meter.items}
    comments: dict[str, list[ReviewComment]] = {}
    for one in ReviewComment.objects.filter(review=review).select_related("actor").order_by("pk"):
        comments.setdefault(one.section, []).append(one)
    return Whole(
        review=review,
        parts=[
            Part(one, getattr(review, one.key), fills[one.key], comments.get(one.key, []))
            for one in SECTIONS
        ],
        general=comments.get("", []),
        meter=meter,
        facts=facts.facts_of(review, now=now),
        follow_ups=list(_promised([review.incident.ref], viewer)),
        why=reviews.why_required(review.incident),
    )


def _promised(refs: Sequence[str], viewer: Person) -> QuerySet[FollowUp]:
    seen = FollowUp.objects.visible_to(viewer).filter(source_kind="incident", source_ref__in=refs)
    return seen.select_related("owner", "factor").order_by("priority", "due_on", "pk")


# -- the list


@dataclass(frozen=True)
class Row:
    """A review in a list. `due_at` is its next day; `lesson` a first line to read on from."""

    review: Review
    due_at: datetime | None
    is_draft_due: bool
    factors: Sequence[str]
    promised: int
    kept: int
    lesson: str


@dataclass(frozen=True)
class Asked:
    """Which reviews are looked for."""

    state: str = "due"
    mine: bool = False
    surface: str = ""
    factor: str = ""
    text: str = ""


def listed(viewer: Person, asked: Asked, *, now: datetime) -> QuerySet[Review]:
    """The reviews of a list. Under way: the first due first; published: by the page's cursor."""
    found = Review.objects.visible_to(viewer).select_related(
        "incident__surface", "incident__commander", "author"
    )
    if asked.surface:
        found = found.filter(incident__surface__key=asked.surface)
    if asked.factor:
        found = found.filter(factors__factor__key=asked.factor)
    if asked.mine:
        found = found.filter(Q(author=viewer) | Q(incident__commander=viewer))
    if asked.text:
        found = found.filter(_says(asked.text))
    if asked.state == "published":
        return found.filter(status=Review.Status.PUBLISHED)
    found = found.filter(pk__in=Review.objects.under_way().values("pk"))
    late = Q(publish_due_at__lte=now) | Q(draft_due_at__lte=now, status=Review.Status.DRAFT)
    if asked.state == "overdue":
        found = found.filter(late)
    elif asked.state == "drafts":
        found = found.filter(status=Review.Status.DRAFT)
    return found.order_by(F("publish_due_at").asc(nulls_last=True), "-pk")


def _says(text: str) -> Q:
    found = Q(incident__title__icontains=text)
    for one in SECTIONS:
        found |= Q(**{f"{one.key}__icontains": text})
    return found


def counts(viewer: Person, *, now: datetime) -> dict[str, int]:
    """How many are in each list of what is under way."""
    return {
        state: listed(viewer, Asked(state=state), now=now).count()
        for state in ("due", "overdue", "drafts")
    }


def rows(found: Sequence[Review], viewer: Person) -> list[Row]:
    """The rows of a list, in two more queries whatever their number."""
    pks = [review.pk for review in found]
    names: dict[int, list[str]] = {}
    chosen = Factor.objects.filter(review_factors__review__in=pks)
    for pk, name in chosen.values_list("review_factors__review", "name").order_by(
        "review_factors__position"
    ):
        if pk in pks:
            names.setdefault(pk, []).append(name)
    counted = {
        row["source_ref"]: (row["all"], row["kept"])
        for row in FollowUp.objects.visible_to(viewer)
        .filter(source_kind="incident", source_ref__in=[one.incident.ref for one in found])
        .order_by()
        .values("source_ref")
        .annotate(all=Count("pk"), kept=Count("pk", filter=Q(status__in=["verified", "wont_do"])))
    }
    return [
        _row(one, names.get(one.pk, []), counted.get(one.incident.ref, (0, 0))) for one in found
    ]


def _row(review: Review, factors: Sequence[str], counted: tuple[int, int]) -> Row:
    draft_due = review.status == Review.Status.DRAFT and review.draft_due_at is not None
    said = next(
        (text for text in (review.went_badly, review.lucky, review.impact) if text.strip()), ""
    )
    return Row(
        review=review,
        due_at=review.draft_due_at if draft_due else review.publish_due_at,
        is_draft_due=draft_due,
        factors=factors,
        promised=counted[0],
        kept=counted[1],
        lesson=clip(one_line(said), LESSON),
    )


def surfaces(viewer: Person) -> list[Surface]:
    """The surfaces that have had a review, for the filter."""
    seen = Review.objects.visible_to(viewer).values("incident__surface")
    return list(Surface.objects.visible_to(viewer).filter(pk__in=seen).order_by("key"))


def factors(viewer: Person) -> list[Factor]:
    """The factors that contributed to anything, for the filter."""
    seen = Review.objects.visible_to(viewer).values("factors__factor")
    return list(Factor.objects.filter(pk__in=seen))
