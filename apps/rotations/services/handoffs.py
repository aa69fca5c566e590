"""Handoffs: each change of who is on call is told exactly once, also after an outage."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby

import structlog
from django.db import transaction

from apps.accounts.models import Person
from apps.notifications import services as notifications
from apps.notifications import wording
from apps.rotations import selectors
from apps.rotations.models import Handoff, Role, Schedule, Shift
from apps.rotations.services.shifts import find_differences, materialise

log = structlog.get_logger("opsportal.rotations")
LOOK_AHEAD = timedelta(days=7)


def tell_handoffs(*, now: datetime) -> int:
    """Record and tell every handoff that is due; answers how many there were.

    Only stretches that still run are told: after an outage nobody hears of a shift that has
    already passed. The unique row makes a second run, or a second worker, do nothing.
    """
    running = (
        Shift.objects.at(now)
        .filter(schedule__archived_at=None)
        .exclude(role=Role.SHADOW)
        .select_related("schedule", "person")
        .order_by("schedule_id", "role", "start_at")
    )
    told = 0
    for (_, role), rows in groupby(running, key=lambda s: (s.schedule_id, s.role)):
        shifts = list(rows)
        latest = max(shift.start_at for shift in shifts)
        told += _hand_over(shifts[0].schedule, role, latest, shifts, now)
    return told


@transaction.atomic
def _hand_over(
    schedule: Schedule, role: str, at: datetime, shifts: list[Shift], now: datetime
) -> int:
    row, fresh = Handoff.objects.get_or_create(
        schedule=schedule, role=role, at=at, defaults={"recorded_at": now}
    )
    if not fresh:
        return 0
    before = {
        person.pk: person
        for person in selectors.on_call(schedule, at=at - timedelta(microseconds=1), role=role)
    }
    after = {shift.person_id: shift for shift in shifts}
    coming = [after[pk] for pk in after.keys() - before.keys()]
    going = [before[pk] for pk in before.keys() - after.keys()]
    row.incoming.set([shift.person for shift in coming])
    row.outgoing.set(going)
    _tell(schedule, role, at, coming, going, now)
    Schedule.objects.filter(pk=schedule.pk).update(settled_to=now)
    return 1 if coming or going else 0


def _tell(
    schedule: Schedule,
    role: str,
    at: datetime,
    coming: list[Shift],
    going: list[Person],
    now: datetime,
) -> None:
    names_on = ", ".join(shift.person.name for shift in coming)
    names_off = ", ".join(person.name for person in going)
    shown_role = "" if role == Role.PRIMARY else str(role)
    for shift in coming:
        facts = wording.Handoff(
            schedule=schedule.name,
            at=at,
            until=shift.end_at,
            other=names_off,
            role=shown_role,
            url=notifications.absolute("/oncall/"),
        )
        notifications.notify(
            person=shift.person,
            what="handoff_on",
            write=wording.handoff_on,
            facts=facts,
            urgency="low",
            subject=("schedule", str(schedule.pk)),
            dedupe=f"handoff:{schedule.pk}:{role}:{at.isoformat()}:on",
            now=now,
        )
    for person in going:
        facts = wording.Handoff(
            schedule=schedule.name,
            at=at,
            other=names_on,
            role=shown_role,
            url=notifications.absolute("/oncall/"),
        )
        notifications.notify(
            person=person,
            what="handoff_off",
            write=wording.handoff_off,
            facts=facts,
            urgency="low",
            subject=("schedule", str(schedule.pk)),
            dedupe=f"handoff:{schedule.pk}:{role}:{at.isoformat()}:off",
            now=now,
        )


def warn_unreachable(*, now: datetime) -> int:
    """Tell managers once a shift when who is next on call has e-mail only."""
    soon = (
        Shift.objects.filter(schedule__archived_at=None, start_at__lt=now + LOOK_AHEAD)
        .filter(end_at__gt=now)
        .exclude(role=Role.SHADOW)
        .select_related("schedule", "person")
        .order_by("start_at")
    )
    warned = 0
    for shift in soon:
        if shift.person.is_demo or notifications.can_be_woken(shift.person):
            continue
        facts = wording.EmailOnly(
            person=shift.person.name,
            schedule=shift.schedule.name,
            start=shift.start_at,
            url=notifications.absolute("/profile/"),
        )
        for manager in {*Person.objects.active().managers(), shift.person}:
            warned += notifications.notify(
                person=manager,
                what="email_only",
                write=wording.email_only,
                facts=facts,
                urgency="low",
                subject=("shift", str(shift.pk)),
                # once a week, however many shifts the week holds
                dedupe=f"email-only:{shift.person_id}:{shift.schedule_id}:{shift.start_at:%G-%V}",
                now=now,
            )
    return warned


def audit_all(*, now: datetime) -> int:
    """Compare rows with the computation; a difference is logged and mended."""
    differing = 0
    for schedule in Schedule.objects.current():
        try:
            lines = find_differences(schedule=schedule, now=now)
            if lines:
                differing += 1
                log.error("shifts differ", schedule=schedule.key, lines=lines[:20])
                materialise(schedule=schedule, now=now)
        except Exception:
            log.exception("audit failed", schedule=schedule.key)  # the others go on
    return differing
