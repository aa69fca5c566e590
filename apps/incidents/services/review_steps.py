"""The steps of a review: handed in, sent back, approved, published."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core.audit import Actor
from apps.core.errors import Conflict, IllegalTransition, Invalid, NotAllowed
from apps.core.models import StatusChange
from apps.core.transitions import allowed, move
from apps.incidents.models import Review
from apps.incidents.review_sections import SECTIONS, Meter, meter, named
from apps.incidents.selectors import review as selectors
from apps.incidents.selectors.updates import level_of
from apps.incidents.services import review_telling as telling
from apps.incidents.services.review import OVER, lock
from apps.incidents.services.timeline import record

Status = Review.Status


def meter_of(review: Review) -> Meter:
    """How complete a review is."""
    return meter(
        {one.key: str(getattr(review, one.key)) for one in SECTIONS},
        review.facts.get("drafted", {}),
        factors=review.factors.count(),
        follow_ups=selectors.follow_ups(review.incident).count(),
    )


@transaction.atomic
def submit(*, review: Review, actor: Actor, now: datetime, note: str = "") -> Review:
    """Hand a draft in to be read. Raises Invalid, naming what is missing."""
    found = lock(review)
    _check_complete(found, Status.IN_REVIEW)
    move(found, to=Status.IN_REVIEW, actor=actor, now=now, note=note, submitted_at=now)
    _say(found, f"{actor.label} handed the review in.", note, actor, now)
    telling.submitted(review=found, actor=actor, now=now)
    return found


@transaction.atomic
def send_back(*, review: Review, note: str, actor: Actor, now: datetime) -> Review:
    """Make a draft of it again; whoever does it says what is missing."""
    if not note.strip():
        raise Invalid("Say what is missing.", fields={"note": ["Say what is missing."]})
    found = lock(review)
    if found.status == Status.PUBLISHED:
        raise IllegalTransition("A published review stays as people have read it.")
    move(
        found, to=Status.DRAFT, actor=actor, now=now, note=note.strip(),
        submitted_at=None, approved_at=None, approver=None,
    )  # fmt: skip
    _say(found, f"{actor.label} sent the review back.", note, actor, now)
    telling.sent_back(review=found, note=note.strip(), actor=actor, now=now)
    return found


def why_not_approve(review: Review, person: Person | None) -> str:
    """Why somebody may not approve a review, as a sentence; empty when they may.

    Where the severity asks for another person: not its author, not whoever handed it in, and a
    person, not a key.
    """
    if person is not None and not person.may(Grant.RESPOND):
        return "Your role only reads."
    level = level_of(review.incident)
    if level is None or not level.review_by_another:
        return ""
    severity = review.incident.severity
    if person is None:
        return f"The review of a {severity} is approved by a person."
    if person.pk == review.author_id:
        return f"You wrote it. Somebody else approves the review of a {severity}."
    if person.pk == _submitter(review):
        return f"You handed it in. Somebody else approves the review of a {severity}."
    return ""


def _submitter(review: Review) -> int | None:
    steps = StatusChange.objects.filter(kind="incidents.review", ref=str(review.pk))
    handed_in = steps.filter(became=Status.IN_REVIEW).order_by("-at", "-pk")
    return handed_in.values_list("actor_id", flat=True).first()


@transaction.atomic
def approve(
    *, review: Review, person: Person | None, actor: Actor, now: datetime, note: str = ""
) -> Review:
    """Say that it is right. Raises NotAllowed for its author where the severity asks for another
    person (`why_not_approve`)."""
    found = lock(review)
    if Status.APPROVED not in allowed(found):
        raise IllegalTransition(f"This review is {found.status}; it cannot be approved.")
    why = why_not_approve(found, person)
    if why:
        raise NotAllowed(why, code="approved_by_another")
    _check_complete(found, Status.APPROVED)
    move(
        found, to=Status.APPROVED, actor=actor, now=now, note=note,
        approver=person, approved_at=max(now, found.submitted_at or now),
    )  # fmt: skip
    _say(found, f"{actor.label} approved the review.", note, actor, now)
    telling.approved(review=found, actor=actor, now=now)
    return found


@transaction.atomic
def publish(*, review: Review, actor: Actor, now: datetime) -> Review:
    """Let everybody who sees the incident read it, with its facts as they are now.

    Needs what happened, impact, detection and a contributing factor. Raises Conflict while the
    incident is open again.
    """
    found = lock(review)
    if found.incident.status not in OVER:
        raise Conflict("The incident is open again: publish when it is over.", code="not_over")
    _check_complete(found, Status.PUBLISHED)
    at = max(now, found.approved_at or now)
    facts = selectors.facts(found.incident, now=now).to_json()
    kept = {"drafted": found.facts.get("drafted", {})}
    move(
        found, to=Status.PUBLISHED, actor=actor, now=now,
        published_at=at, facts={**facts, **kept}, changed_at=now,
    )  # fmt: skip
    _say(found, f"{actor.label} published the review.", "", actor, now)
    telling.published(review=found, actor=actor, now=now)
    return found


def _check_complete(review: Review, to: str) -> None:
    if to not in allowed(review):
        raise IllegalTransition(f"This review is {review.status}; it cannot become {to}.")
    missing = meter_of(review).missing
    if missing:
        raise Invalid(
            f"Before that it needs {named(missing)}.",
            code="incomplete",
            fields={one.key: ["Needed before it is handed in."] for one in missing},
        )


def _say(review: Review, text: str, note: str, actor: Actor, now: datetime) -> None:
    text += f" {note.strip()}" if note.strip() else ""
    record(incident=review.incident, what="review", text=text, actor=actor, now=now)
