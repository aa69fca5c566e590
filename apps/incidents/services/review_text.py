"""Writing a review: sections, contributing factors, comments, follow-ups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Max

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.models import Kind
from apps.followups import services as followups
from apps.followups.models import Factor, FollowUp
from apps.incidents.models import Incident, Review, ReviewComment, ReviewFactor, TimelineEntry
from apps.incidents.review_sections import BY_KEY, MOST_TEXT, clean
from apps.incidents.selectors.updates import level_of
from apps.incidents.services import review_telling as telling
from apps.incidents.services.review import lock
from apps.incidents.services.timeline import record, url_of

Status = Review.Status
QUIET = timedelta(hours=1)  # one line of the timeline an hour for a section that somebody writes
MOST_COMMENT = 10_000
DAYS = {"P0": 7, "P1": 14, "P2": 30}  # where the level says none


class Stale(Conflict):
    """Somebody else saved the same section meanwhile; nothing was saved.

    `theirs` is what stands there now, `yours` what was sent, `version` the one to send it with
    again to put it in the place of theirs.
    """

    code = "stale"

    def __init__(self, *, section: str, theirs: str, yours: str, version: int) -> None:
        title = BY_KEY[section].title
        super().__init__(
            f"Somebody else saved “{title}” while you wrote. Nothing is lost: both stand below. "
            "Take what you need from theirs and save again.",
            fields={section: ["Saved by somebody else meanwhile."]},
        )
        self.section, self.theirs, self.yours, self.version = section, theirs, yours, version


@dataclass(frozen=True)
class Chosen:
    """A factor on a review, and the follow-ups that it opened again."""

    row: ReviewFactor
    reopened: Sequence[FollowUp] = ()


@transaction.atomic
def save_section(
    *, review: Review, section: str, text: str, actor: Actor, now: datetime, version: int
) -> Review:
    """Write one section, as it was begun at `version` of the review.

    Other sections may have changed since; if this one has, raises Stale and keeps both. Markdown
    of at most 20,000 characters. Raises Conflict when the review is no draft and not in review.
    """
    if section not in BY_KEY:
        raise Invalid("There is no such section.", fields={"section": ["Unknown."]})
    text = clean(text)
    if len(text) > MOST_TEXT:
        raise Invalid(
            f"A section has at most {MOST_TEXT:,} characters; this has {len(text):,}.",
            fields={section: ["Too long."]},
        )
    found = _open_for_writing(review)
    theirs = str(getattr(found, section))
    if theirs == text:
        return found
    if version != found.version and _at(found, section, version) != theirs:
        raise Stale(section=section, theirs=theirs, yours=text, version=found.version)
    setattr(found, section, text)
    found.version += 1
    found.changed_at = now
    found.save(update_fields=[section, "version", "changed_at"])
    _say_once(found, f"edited the review: {BY_KEY[section].title}.", actor, now)
    return found


def _open_for_writing(review: Review) -> Review:
    found = lock(review)
    if found.status not in {Status.DRAFT, Status.IN_REVIEW}:
        is_public = found.status == Status.PUBLISHED
        how = "It stays as people have read it." if is_public else "Send it back to change it."
        raise Conflict(f"The review is {found.status}. {how}", code="fixed")
    return found


def _at(review: Review, section: str, version: int) -> str | None:
    """What a section said at a version; None when nobody knows."""
    history = Review.pgh_event_model.objects  # type: ignore[attr-defined] # set by pghistory
    row = history.filter(pgh_obj_id=review.pk, version=version).order_by("-pgh_id").first()
    return None if row is None else str(getattr(row, section))


def _say_once(review: Review, text: str, actor: Actor, now: datetime) -> None:
    """Writing is saved often; the timeline says it once an hour."""
    said = f"{actor.label} {text}"
    recent = TimelineEntry.objects.filter(
        incident=review.incident, what="review", text=said, at__gt=now - QUIET
    )
    if not recent.exists():
        record(incident=review.incident, what="review", text=said, actor=actor, now=now)


# -- factors


@transaction.atomic
def add_factor(
    *, review: Review, factor: Factor, actor: Actor, now: datetime, note: str = ""
) -> Chosen:
    """Say what contributed; the same class again only changes the note.

    What was verified against it on the surface in the last 90 days did not hold, and is opened
    again.
    """
    note = clean(note)
    if len(note) > MOST_COMMENT:
        raise Invalid("That is too long.", fields={"note": ["At most 10,000 characters."]})
    found = _open_for_writing(review)
    standing = ReviewFactor.objects.filter(review=found, factor=factor).first()
    if standing is not None:
        if note and standing.note != note:
            standing.note = note
            standing.save(update_fields=["note"])
            _touch(found, now)
        return Chosen(standing)
    if factor.archived_at is not None:
        raise Invalid(f"{factor.name} is not used any more.", fields={"factor": ["Not in use."]})
    last = ReviewFactor.objects.filter(review=found).aggregate(last=Max("position"))["last"]
    row = ReviewFactor.objects.create(
        review=found, factor=factor, note=note, position=0 if last is None else last + 1
    )
    _touch(found, now)
    incident = found.incident
    text = f"Contributing factor: {factor.name}." + (f" {note}" if note else "")
    record(incident=incident, what="review", text=text, actor=actor, now=now)
    return Chosen(row, _recurred(incident, factor, actor, now))


def _recurred(incident: Incident, factor: Factor, actor: Actor, now: datetime) -> list[FollowUp]:
    """A drill or a test shows nothing about what happened to customers."""
    if incident.surface is None or incident.kind != Kind.REAL:
        return []
    if not _fixed_before(incident, factor, now):
        return []
    reopened = followups.recurred(
        surface=incident.surface,
        factor=factor,
        why=f"{factor.name} contributed to {incident.ref} {incident.title}.",
        url=f"{url_of(incident)}review/",
        actor=actor,
        now=now,
        happened_at=incident.detected_at,
    )
    for one in reopened:
        text = f"{one.ref} was opened again: the fix did not hold. {one.title}"
        subject = ("followup", one.ref, f"/followups/{one.ref}/")
        record(incident=incident, what="review", text=text, actor=actor, now=now, subject=subject)
    return list(reopened)


def _fixed_before(incident: Incident, factor: Factor, now: datetime) -> bool:
    """Whether anything against the factor was verified before this incident: what was promised
    because of it and verified since cannot have failed in it."""
    assert incident.surface is not None
    places = [pk for pk in (incident.surface_id, incident.surface.parent_id) if pk is not None]
    verified = FollowUp.objects.real().verified_lately(now)
    before = verified.filter(verified_at__lt=incident.detected_at)
    return before.filter(surface__in=places, factor=factor).exists()


@transaction.atomic
def remove_factor(*, review: Review, factor: Factor, actor: Actor, now: datetime) -> Review:
    """Take a factor off; what it opened again stays open, since somebody looks at it anyway."""
    found = _open_for_writing(review)
    gone, _ = ReviewFactor.objects.filter(review=found, factor=factor).delete()
    if gone:
        _touch(found, now)
        text = f"No contributing factor after all: {factor.name}."
        record(incident=found.incident, what="review", text=text, actor=actor, now=now)
    return found


def _touch(review: Review, now: datetime) -> None:
    review.changed_at = now
    review.save(update_fields=["changed_at"])


# -- comments


@transaction.atomic
def comment(
    *, review: Review, text: str, actor: Actor, now: datetime, section: str = ""
) -> ReviewComment:
    """Say something about a section, or the whole; the author is told."""
    text = clean(text).strip()
    if not text:
        raise Invalid("Say something.", fields={"text": ["Say something."]})
    if len(text) > MOST_COMMENT:
        raise Invalid("A comment has at most 10,000 characters.", fields={"text": ["Too long."]})
    if section and section not in BY_KEY:
        raise Invalid("There is no such section.", fields={"section": ["Unknown."]})
    found = lock(review)
    made = ReviewComment.objects.create(
        review=found, at=now, section=section, text=text, **actor.columns()
    )
    telling.commented(review=found, comment=made, actor=actor, now=now)
    return made


# -- follow-ups


def follow_up_due(incident: Incident, priority: str, *, on: date) -> date:
    """The day that the severity gives a follow-up of a priority, counted from `on`."""
    level = level_of(incident)
    days = getattr(level, f"follow_up_days_{priority.lower()}", None) if level else None
    return on + timedelta(days=days or DAYS.get(priority, DAYS["P2"]))


def open_follow_up(
    *,
    review: Review,
    title: str,
    acceptance: str,
    aim: str,
    priority: str,
    owner: Person,
    actor: Actor,
    now: datetime,
    due_on: date | None = None,
    details: str = "",
    factor: Factor | None = None,
) -> FollowUp:
    """Promise something in the ledger, from this incident: its surface, its restriction, and the
    due day of its severity where none is given."""
    incident = review.incident
    with transaction.atomic():
        locked = lock(review).incident
        made = followups.open_follow_up(
            title=title,
            acceptance=acceptance,
            aim=aim,
            priority=priority,
            owner=owner,
            due_on=due_on or follow_up_due(locked, priority, on=now.date()),
            source=("incident", locked.ref, url_of(locked), locked.title),
            details=details,
            surface=locked.surface,
            factor=factor,
            # What a drill finds is real; a test finds nothing.
            kind=Kind.TEST if locked.kind == Kind.TEST else Kind.REAL,
            is_restricted=locked.visibility == Incident.Visibility.RESTRICTED,
            actor=actor,
            now=now,
        )
        subject = ("followup", made.ref, f"/followups/{made.ref}/")
        text = f"Follow-up {made.ref}: {made.title}. {owner.name} by {made.due_on:%-d %b}."
        record(incident=incident, what="review", text=text, actor=actor, now=now, subject=subject)
    return made
