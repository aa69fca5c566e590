"""A review comes to be: which incidents ask for one, who writes it, by when it is due."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from apps.accounts.models import Person
from apps.calendars import selectors as calendars
from apps.calendars.businesstime import BusinessTimeError, Calendar
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.transitions import move
from apps.incidents import review_drafting, review_schedule
from apps.incidents.models import Incident, Review, SeverityLevel
from apps.incidents.review_sections import digest
from apps.incidents.selectors import review as selectors
from apps.incidents.selectors.updates import level_of
from apps.incidents.services import review_telling as telling
from apps.incidents.services.timeline import record
from apps.ownership import selectors as ownership

Asked = SeverityLevel.Review
Status = Review.Status
OVER = frozenset(
    {Incident.Status.RESOLVED, Incident.Status.IN_REVIEW, Incident.Status.CLOSED},
)
RECURS_WITHIN = timedelta(days=30)
# Where a level asks for a review and says no days.
PUBLISH_DAYS = 10


def why_required(incident: Incident) -> str:
    """Why the incident asks for a review, as a sentence; empty when it does not.

    Only real incidents that somebody declared ask for one: an alert that cleared by itself, a
    drill and a past that was typed in do not. Anybody may open one by hand all the same.
    """
    if incident.kind != "real" or incident.declared_at is None:
        return ""
    level = level_of(incident)
    if level is None or level.review == Asked.NONE:
        return ""
    if level.review == Asked.REQUIRED:
        return f"Every {incident.severity} is reviewed."
    before = _earlier_on_the_surface(incident)
    if before is None:
        return ""
    return f"It is the second on {incident.surface} within 30 days, after {before.ref}."


def _earlier_on_the_surface(incident: Incident) -> Incident | None:
    if incident.surface_id is None:
        return None
    return (
        Incident.objects.real()
        .filter(
            surface_id=incident.surface_id,
            detected_at__lte=incident.detected_at,
            detected_at__gte=incident.detected_at - RECURS_WITHIN,
            declared_at__isnull=False,
        )
        .exclude(pk=incident.pk)
        .exclude(status__in=[Incident.Status.DECLINED, Incident.Status.MERGED])
        .order_by("-detected_at", "-pk")
        .first()
    )


def is_required(incident: Incident) -> bool:
    """Whether the incident may only be closed with a published review."""
    return bool(why_required(incident))


def is_published(incident: Incident) -> bool:
    """Whether the review says all that happened: published after the incident last ended."""
    review = Review.objects.filter(incident_id=incident.pk).only("status", "published_at").first()
    return review is not None and _holds(review, incident)


def _holds(review: Review, incident: Incident) -> bool:
    return (
        review.status == Status.PUBLISHED
        and review.published_at is not None
        and (incident.resolved_at is None or review.published_at >= incident.resolved_at)
    )


def office() -> Calendar:
    """The opening hours in which days count; Monday to Friday where nobody has set any."""
    found = calendars.default_calendar()
    return calendars.rules(calendars.current_version(found)) if found else review_schedule.OFFICE


def due_dates(incident: Incident) -> tuple[datetime | None, datetime | None]:
    """When the draft and the published review are due; None where nothing is asked for."""
    level = level_of(incident)
    if level is None or incident.resolved_at is None:
        return None, None
    publish_days = level.review_publish_days
    if publish_days is None and is_required(incident):
        publish_days = PUBLISH_DAYS
    if not level.review_draft_days and not publish_days:
        return None, None
    opens = office()
    return (
        _due(opens, incident.resolved_at, level.review_draft_days),
        _due(opens, incident.resolved_at, publish_days),
    )


def _due(opens: Calendar, start: datetime, days: int | None) -> datetime | None:
    if not days:
        return None
    try:
        return review_schedule.due_at(opens, start, days)
    except BusinessTimeError:  # a calendar that never opens must not stop an incident
        return review_schedule.due_at(review_schedule.OFFICE, start, days)


@transaction.atomic
def open_review(
    *, incident: Incident, actor: Actor, now: datetime, author: Person | None = None
) -> Review:
    """The incident's review, drafted from its facts; the one that stands when there is one.

    The author is `author`, else the commander, else the surface's owner. A review that was
    published before the incident was opened again becomes a draft again. Raises Conflict while
    the incident is not over.
    """
    locked = lock_incident(incident)
    if locked.status not in OVER:
        raise Conflict("A review looks back: resolve the incident first.", code="not_over")
    found = Review.objects.select_for_update(of=("self",)).filter(incident=locked).first()
    if found is None:
        return _draft(locked, author, actor, now)
    if found.status == Status.PUBLISHED and not _holds(found, locked):
        _again(found, locked, actor, now)
    return retime(found, locked)


def lock_incident(incident: Incident) -> Incident:
    """The incident comes before its children, as everywhere."""
    return (
        Incident.objects.select_for_update(of=("self",))
        .select_related("surface__team__lead", "commander")
        .get(pk=incident.pk)
    )


def lock(review: Review) -> Review:
    """The incident's row, then the review's: fresh, with its incident."""
    incident = lock_incident(review.incident)
    found = (
        Review.objects.select_for_update(of=("self",)).select_related("author").get(pk=review.pk)
    )
    found.incident = incident
    return found


def _draft(incident: Incident, author: Person | None, actor: Actor, now: datetime) -> Review:
    drafted = review_drafting.draft(selectors.source(incident, now=now))
    draft_due, publish_due = due_dates(incident)
    why = why_required(incident)
    review = Review.objects.create(
        incident=incident,
        author=author or _author(incident, now),
        is_required=bool(why),
        draft_due_at=draft_due,
        publish_due_at=publish_due,
        facts={"drafted": {key: digest(text) for key, text in drafted.items()}},
        created_at=now,
        changed_at=now,
        **drafted,
    )
    text = f"{actor.label} opened the review."
    text += f" {why}" if why else ""
    text += f" {review.author.name} writes it." if review.author else " Nobody writes it yet."
    record(incident=incident, what="review", text=text, actor=actor, now=now)
    telling.opened(review=review, why=why, actor=actor, now=now)
    return review


def _author(incident: Incident, now: datetime) -> Person | None:
    owners = ownership.owners(incident.surface, at=now)
    for person in (incident.commander, owners.primary, owners.backup):
        if person is not None and person.is_active and person.archived_at is None:
            return person
    return None


def _again(review: Review, incident: Incident, actor: Actor, now: datetime) -> None:
    """What was published told of an earlier end."""
    note = "The incident was opened again after it was published."
    move(
        review, to=Status.DRAFT, actor=actor, now=now, note=note,
        approver=None, submitted_at=None, approved_at=None, published_at=None, changed_at=now,
    )  # fmt: skip
    text = "The review is a draft again: the incident was opened again after it was published."
    record(incident=incident, what="review", text=text, actor=actor, now=now)
    telling.opened(review=review, why=note, actor=actor, now=now)


def retime(review: Review, incident: Incident) -> Review:
    """Bring what the severity asks for and the due days up to what they are now."""
    if review.status == Status.PUBLISHED:
        return review
    draft_due, publish_due = due_dates(incident)
    now_asked = {
        "is_required": is_required(incident),
        "draft_due_at": draft_due,
        "publish_due_at": publish_due,
    }
    changed = [name for name, value in now_asked.items() if getattr(review, name) != value]
    for name in changed:
        setattr(review, name, now_asked[name])
    if changed:
        review.save(update_fields=changed)
    return review


@transaction.atomic
def set_author(*, review: Review, person: Person, actor: Actor, now: datetime) -> Review:
    """Give the writing to somebody else; only while it is a draft, so that nobody approves what
    they have handed off a moment ago."""
    found = lock(review)
    if found.status != Status.DRAFT:
        raise Conflict("Only a draft changes hands. Send it back first.")
    if not person.is_active or person.archived_at is not None:
        raise Invalid(f"{person.name} is not active.", fields={"author": ["Not active."]})
    if found.author_id == person.pk:
        return found
    found.author, found.changed_at = person, now
    found.save(update_fields=["author", "changed_at"])
    found.incident.participants.add(person)
    text = f"{person.name} writes the review."
    record(incident=found.incident, what="review", text=text, actor=actor, now=now)
    telling.opened(review=found, why=why_required(found.incident), actor=actor, now=now)
    return found
