"""Who hears of a review. Nobody is told of what they did themselves, or of what they may not
see."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.incidents import review_notices
from apps.incidents.models import Incident, Review, ReviewComment
from apps.incidents.review_sections import BY_KEY
from apps.incidents.services.timeline import thread_of, url_of
from apps.notifications import services as notifications

Reader = tuple[Person, str]  # a person, and why they are told


def page_of(incident: Incident) -> str:
    """The review's page, as others refer to it."""
    return f"{url_of(incident)}review/"


def tell(
    *,
    review: Review,
    to: Iterable[Reader],
    what: str,
    clause: str,
    dedupe: str,
    now: datetime,
    actor: Actor | None = None,
    **more: Any,
) -> int:
    """One message to each who may see the incident, but not to whoever did it; answers to how
    many. `more` are further fields of `review_notices.News`."""
    incident = review.incident
    url = notifications.absolute(page_of(incident))
    told: set[int] = set()
    for person, why in to:
        by_themselves = actor is not None and actor.person_id == person.pk
        if person.pk in told or by_themselves or not _may_see(person, incident):
            continue
        told.add(person.pk)
        notifications.notify(
            person=person,
            what=what,
            write=review_notices.news,
            facts=review_notices.News(
                ref=incident.ref,
                severity=incident.severity,
                title=incident.title,
                what=clause,
                why=why,
                url=url,
                kind=incident.kind,
                author=review.author.name if review.author else "nobody yet",
                **more,
            ),
            urgency="low",
            subject=("incident", str(incident.pk)),
            dedupe=f"review:{review.pk}:{dedupe}",
            now=now,
            thread_key=thread_of(incident),
            kind=incident.kind,
            link=url,
        )
    return len(told)


def _may_see(person: Person, incident: Incident) -> bool:
    if not person.is_active or person.archived_at is not None:
        return False
    return Incident.objects.visible_to(person).filter(pk=incident.pk).exists()


def author_of(review: Review) -> list[Reader]:
    """Whoever writes it, if anybody."""
    return [(review.author, "you write it")] if review.author else []


def commander_of(review: Review) -> list[Reader]:
    """Whoever commanded the incident, if anybody."""
    commander = review.incident.commander
    return [(commander, "you commanded the incident")] if commander else []


def lead_of(review: Review) -> list[Reader]:
    """The lead of the surface's team, else the managers, who are asked when nobody else is."""
    surface = review.incident.surface
    team = surface.team if surface else None
    if team is not None and team.lead is not None and team.lead.is_active:
        return [(team.lead, f"you lead {team.name}")]
    managers = Person.objects.active().managers().order_by("pk")
    return [(person, "you are a manager") for person in managers]


def opened(*, review: Review, why: str, actor: Actor, now: datetime) -> None:
    """Whoever writes it hears by when."""
    if review.author is None:
        to, clause = lead_of(review), "has nobody who writes it"
    else:
        to, clause = author_of(review), "is yours to write"
    at = int(now.timestamp())
    tell(
        review=review, to=to, what="review_opened", clause=clause, dedupe=f"opened:{at}",
        actor=actor, now=now, words=why,
        draft_due_at=review.draft_due_at, publish_due_at=review.publish_due_at,
    )  # fmt: skip


def submitted(*, review: Review, actor: Actor, now: datetime) -> None:
    """The commander and the lead hear that somebody has to read it; not its author."""
    to = [one for one in commander_of(review) + lead_of(review) if one[0].pk != review.author_id]
    at = int(now.timestamp())
    tell(
        review=review, to=to, what="review_submitted", clause="waits for approval",
        dedupe=f"submitted:{at}", actor=actor, now=now,
        publish_due_at=review.publish_due_at, verb="Read the review",
    )  # fmt: skip


def sent_back(*, review: Review, note: str, actor: Actor, now: datetime) -> None:
    """Its author hears what is missing."""
    at = int(now.timestamp())
    tell(
        review=review, to=author_of(review), what="review_sent_back",
        clause=f"was sent back by {actor.label}", dedupe=f"back:{at}", actor=actor, now=now,
        words=note, publish_due_at=review.publish_due_at,
    )  # fmt: skip


def approved(*, review: Review, actor: Actor, now: datetime) -> None:
    """Its author hears that it can be published."""
    at = int(now.timestamp())
    tell(
        review=review, to=author_of(review), what="review_approved",
        clause=f"was approved by {actor.label}", dedupe=f"approved:{at}", actor=actor, now=now,
        words="Publish it, and everybody can read what was learned.",
        publish_due_at=review.publish_due_at,
    )  # fmt: skip


def published(*, review: Review, actor: Actor, now: datetime) -> None:
    """Everybody who was on the incident hears what was learned."""
    on_it = review.incident.participants.order_by("pk")
    to = author_of(review) + [(person, "you were on the incident") for person in on_it]
    at = int(now.timestamp())
    tell(
        review=review, to=to, what="review_published", clause="is published",
        dedupe=f"published:{at}", actor=actor, now=now, verb="Read what was learned",
    )  # fmt: skip


def commented(*, review: Review, comment: ReviewComment, actor: Actor, now: datetime) -> None:
    """Its author, and whoever spoke before."""
    section = BY_KEY.get(comment.section)
    on = f" on “{section.title}”" if section else ""
    spoke = Person.objects.filter(
        pk__in=review.comments.exclude(actor=None).values("actor")
    ).order_by("pk")
    to = author_of(review) + [(person, "you commented on it") for person in spoke]
    tell(
        review=review, to=to, what="review_comment",
        clause=f"has a comment of {actor.label}{on}", dedupe=f"comment:{comment.pk}",
        actor=actor, now=now, words=comment.text, verb="Answer",
    )  # fmt: skip
