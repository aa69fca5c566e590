"""Reminders: each once, however often or late the job runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.db import transaction
from django.db.models import Q

from apps.core.errors import DomainError
from apps.core.models import Kind
from apps.followups import schedule
from apps.followups.models import FollowUp, Reminder
from apps.followups.notices import distance
from apps.followups.schedule import Due, Slot
from apps.followups.services import people, telling

log = structlog.get_logger("opsportal.followups")
_WITHIN = timedelta(days=1)  # no zone is further ahead of UTC


def remind_due(*, now: datetime) -> int:
    """Send every reminder that is due at `now`; answers how many follow-ups had one.

    Level-triggered: of several that came due while nobody ran it, only the latest is sent and the
    others are kept as passed over. Each follow-up is a transaction of its own.
    """
    return sum(_remind(pk, now) for pk in _candidates(now))


def _candidates(now: datetime) -> list[int]:
    """Real follow-ups with an unused slot that has come; they are looked at again when locked."""
    day = (now + _WITHIN).date()
    to_do = Q(status__in=["open", "in_progress"], due_on__lte=day + schedule.AHEAD)
    to_verify = Q(status="done", done_at__lte=now - schedule.WEEK + _WITHIN)
    rows = FollowUp.objects.real().filter(to_do | to_verify).select_related("owner")
    found = rows.prefetch_related("reminders").order_by("due_on", "pk")
    return [one.pk for one in found if _due(one, one.reminders.all(), now)]


def _remind(pk: int, now: datetime) -> bool:
    try:
        with transaction.atomic():
            return _send(pk, now)
    except DomainError as error:
        log.error("a reminder was refused", follow_up=pk, error=error.message)
        return False


def _send(pk: int, now: datetime) -> bool:
    rows = FollowUp.objects.select_related("owner", "surface__team__lead")
    row = rows.select_for_update(of=("self",), no_key=True, skip_locked=True).filter(pk=pk).first()
    if row is None:  # somebody changes it: the next run sees how
        return False
    due = _due(row, row.reminders.all(), now)
    if due is None:
        return False
    _use(row, due.passed, now)
    if not _use(row, [due.send], now, was_sent=True):
        return False
    readers = [(row.owner, "you own it")]
    if due.send.to_lead:
        readers += people.leads(row)
    zone = ZoneInfo(row.owner.time_zone)
    clause = distance(row.due_on, schedule.local_day(now, zone))
    if row.status == FollowUp.Status.DONE:
        clause = "is done and nobody has verified it"
    telling.tell(
        follow_up=row,
        to=readers,
        what="follow_up_reminder",
        clause=clause,
        dedupe=f"remind:{due.send.name}",
        now=now,
    )
    return True


def _due(row: FollowUp, used: Iterable[Reminder], now: datetime) -> Due | None:
    zone = ZoneInfo(row.owner.time_zone)
    return schedule.due(_slots(row, zone, now), {one.slot for one in used}, zone, now)


def _slots(row: FollowUp, zone: ZoneInfo, now: datetime) -> Iterator[Slot]:
    until = schedule.local_day(now, zone)
    if row.is_active:
        return schedule.to_do(row.due_on, until)
    if row.status == FollowUp.Status.DONE and row.done_at:
        return schedule.to_verify(schedule.local_day(row.done_at, zone), until)
    return iter(())


def pass_over(*, follow_up: FollowUp, now: datetime) -> None:
    """What came before a promise was made or moved reminds nobody: it was told just now."""
    if follow_up.kind != Kind.REAL:
        return
    zone = ZoneInfo(follow_up.owner.time_zone)
    come = [one for one in _slots(follow_up, zone, now) if one.instant(zone) <= now]
    _use(follow_up, come, now)


def _use(row: FollowUp, slots: Iterable[Slot], now: datetime, was_sent: bool = False) -> int:
    """Take slots, each at most once; answers how many were free."""
    names = [one.name for one in slots]
    if not names:
        return 0
    known = set(row.reminders.filter(slot__in=names).values_list("slot", flat=True))
    fresh = [name for name in names if name not in known]
    Reminder.objects.bulk_create(
        [Reminder(follow_up=row, slot=name, at=now, was_sent=was_sent) for name in fresh],
        ignore_conflicts=True,
    )
    return len(fresh)
