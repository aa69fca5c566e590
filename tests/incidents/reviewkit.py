"""What the tests of reviews share: a severity that asks for one, and an incident that is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.accounts.models import Person
from apps.core import audit
from apps.followups.models import Factor
from apps.incidents import services as incidents
from apps.incidents.models import Incident, Review, SeverityLevel
from apps.incidents.services import reviews
from apps.notifications.models import Message
from tests import builders as build

NOW = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)  # a Monday
OVER = NOW + timedelta(hours=3)
TEXTS = {
    "what_happened": "The profiler asked too much of small warehouses.",
    "impact": "27 projects saw the profile of the day before.",
    "detection": "A rate rule fired after 11 minutes.",
}


def level(key: str = "SEV2", **fields: Any) -> SeverityLevel:
    """A level that always asks for a review: draft in 3 business days, published in 5."""
    given = {
        "name": "major", "definition": "Something important is broken.", "review": "required",
        "review_draft_days": 3, "review_publish_days": 5, **fields,
    }  # fmt: skip
    made, _ = SeverityLevel.objects.update_or_create(key=key, defaults=given)
    return made


def over(
    *, by: Person, commander: Person | None = None, now: datetime = NOW, **more: Any
) -> Incident:
    """A declared incident that was resolved after three hours."""
    made = build.incident(by=by, commander=commander or by, now=now, **{"severity": "SEV2", **more})
    end = now + (OVER - NOW)
    return build.step(made, "resolved", by=by, now=end)


def opened(*, by: Person, **more: Any) -> Review:
    incident = over(by=by, **more)
    return reviews.open_review(incident=incident, actor=audit.person(by), now=OVER)


def factor(key: str = "limit-or-quota", name: str = "Limit or quota") -> Factor:
    return Factor.objects.get_or_create(key=key, defaults={"name": name})[0]


def written(review: Review, *, by: Person, now: datetime = OVER) -> Review:
    """With everything that publishing asks for."""
    actor = audit.person(by)
    for section, text in TEXTS.items():
        review = reviews.save_section(
            review=review, section=section, text=text, version=review.version, actor=actor, now=now
        )
    reviews.add_factor(review=review, factor=factor(), actor=actor, now=now)
    return review


def published(review: Review, *, by: Person, now: datetime = OVER) -> Review:
    actor = audit.person(by)
    review = written(review, by=by, now=now)
    review = reviews.submit(review=review, actor=actor, now=now)
    review = reviews.approve(review=review, person=by, actor=actor, now=now)
    return reviews.publish(review=review, actor=actor, now=now)


def told(person: Person, what: str = "") -> list[str]:
    """The subjects of what somebody was told about reviews, in order."""
    rows = Message.objects.filter(person=person, what__startswith=what or "review").order_by("pk")
    return list(rows.values_list("subject", flat=True))


def said(incident: Incident) -> list[str]:
    """The timeline's lines about the review, in order."""
    rows = incident.timeline.filter(what="review").order_by("at", "pk")
    return list(rows.values_list("text", flat=True))


def reopen(incident: Incident, *, by: Person, now: datetime) -> Incident:
    return incidents.transition(
        incident=incident, to="investigating", actor=audit.person(by), now=now, note="It is back."
    )
