"""Reviews that wait: opened where they are asked for, and reminded of until they are published.

Level-triggered: each run asks what is due now and was not sent yet. A worker that slept for days
sends the latest of a row of reminders, and none twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from apps.calendars.businesstime import Calendar
from apps.core import audit
from apps.incidents import review_schedule
from apps.incidents.models import Incident, Mark, Review
from apps.incidents.review_schedule import Due, Slot
from apps.incidents.services import review_telling as telling
from apps.incidents.services.review import (
    OVER,
    lock,
    office,
    open_review,
    retime,
    why_required,
)
from apps.incidents.services.review_steps import meter_of

log = structlog.get_logger("opsportal.incidents")
LOOKED_BACK = timedelta(days=7)  # older ones were decided about by people
Status = Review.Status


def open_if_asked(*, incident_id: int, now: datetime) -> Review | None:
    """An incident is over: open the review that its severity asks for, or take up again the one
    that it has. None where none is asked for, and for what was merged into another one."""
    incident = Incident.objects.select_related("surface").get(pk=incident_id)
    if incident.status not in OVER:
        return None
    has_one = Review.objects.filter(incident=incident).exists()
    if not has_one and not why_required(incident):
        return None
    return open_review(incident=incident, actor=audit.SYSTEM, now=now)


def open_missing(*, now: datetime) -> int:
    """Open the reviews that resolved incidents ask for and that nobody opened; answers how many.

    What resolving does by itself; this is for what it missed, such as a severity that was raised
    afterwards.
    """
    over = (
        Incident.objects.real()
        .filter(status__in=["resolved", "in_review"], declared_at__isnull=False)
        .filter(resolved_at__gt=now - LOOKED_BACK, review=None)
        .select_related("surface")
        .order_by("pk")
    )
    wanted = [incident for incident in over if why_required(incident)]
    for incident in wanted:
        open_review(incident=incident, actor=audit.SYSTEM, now=now)
    return len(wanted)


def remind_due(*, now: datetime) -> int:
    """Send the reminders that are due; answers how many messages were written.

    Author and commander hear on the day that the draft is due, on the day of publishing, and then
    every third business day; from the fifth on the lead of the surface's team hears too. That the
    incident is closed ends nothing; that it is open again does, until it is over.
    """
    waiting = Review.objects.under_way().filter(
        Q(publish_due_at__isnull=False) | Q(is_required=True)
    )
    pks = list(waiting.order_by("pk").values_list("pk", flat=True))
    sent = 0
    for pk in pks:
        try:
            sent += _remind(pk, now)
        except Exception:  # one broken review must not silence the others
            log.exception("review cannot be reminded of", review=pk)
    return sent


@transaction.atomic
def _remind(pk: int, now: datetime) -> int:
    review = lock(Review.objects.select_related("incident").get(pk=pk))
    if review.status == Status.PUBLISHED or review.incident.is_standing:
        return 0
    review = retime(review, review.incident)
    if review.publish_due_at is None:
        return 0
    calendar = office()
    used = frozenset(
        Mark.objects.filter(incident=review.incident, slot__startswith="review:").values_list(
            "slot", flat=True
        )
    )
    people = review_schedule.pick(_people_slots(calendar, review, now), used)
    lead = review_schedule.pick(
        review_schedule.lead_slots(calendar, publish_due_at=review.publish_due_at, now=now), used
    )
    sent = _send(review, people, telling.author_of(review) + telling.commander_of(review), now)
    return sent + _send(review, lead, telling.lead_of(review), now)


def _people_slots(calendar: Calendar, review: Review, now: datetime) -> list[Slot]:
    assert review.publish_due_at is not None
    return review_schedule.people_slots(
        calendar,
        draft_due_at=review.draft_due_at,
        publish_due_at=review.publish_due_at,
        is_draft=review.status == Status.DRAFT,
        now=now,
    )


def _send(review: Review, due: Due | None, to: list[telling.Reader], now: datetime) -> int:
    if due is None:
        return 0
    marks = [Mark(incident=review.incident, slot=due.send.name, at=now, was_sent=True)]
    marks += [
        Mark(incident=review.incident, slot=slot.name, at=now, was_sent=False)
        for slot in due.passed
    ]
    Mark.objects.bulk_create(marks)
    meter = meter_of(review)
    reachable = [one for one in to if one[0].is_active] or telling.lead_of(review)
    return telling.tell(
        review=review,
        to=reachable,
        what="review_due",
        clause=_clause(due.send, now),
        dedupe=due.send.name,
        now=now,
        words=_next_step(review),
        draft_due_at=review.draft_due_at if review.status == Status.DRAFT else None,
        publish_due_at=review.publish_due_at,
        percent=meter.percent,
        missing=[item.title for item in meter.missing],
    )


def _clause(slot: Slot, now: datetime) -> str:
    """A slot of an earlier day, sent late, does not say "today"."""
    is_today = now - slot.at < timedelta(hours=12)
    if slot.late:
        return f"is {slot.late} business days late"
    if slot.name.endswith(":draft"):
        return "is to be handed in today" if is_today else "should have been handed in"
    return "is to be published today" if is_today else "should have been published"


def _next_step(review: Review) -> str:
    """What the reader can do now."""
    return {
        Status.DRAFT: "It is a draft: write it and hand it in.",
        Status.IN_REVIEW: "It was handed in: somebody has to read and approve it.",
        Status.APPROVED: "It is approved: publish it.",
    }.get(Status(review.status), "")
