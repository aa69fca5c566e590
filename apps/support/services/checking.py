"""Every night: each clock against its own history, and clocks that an edit overtook."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db.models import F, Max

from apps.accounts.models import Person
from apps.calendars.models import CalendarVersion
from apps.core import audit, heartbeats
from apps.core.models import Heartbeat
from apps.notifications import services as notifications
from apps.support import notices, replay
from apps.support.models import ClockEvent, Metric, TicketClock
from apps.support.replay import Event
from apps.support.selectors.promising import calendar_of
from apps.support.services import retiming
from apps.support.services.clockrows import state_of

log = structlog.get_logger("opsportal.support")
NAME = "promises check"
ACTOR = audit.system("Promises")
MOST = 50_000  # clocks that one night looks at; the next one goes on from there
CHUNK = 1000
SINCE = timedelta(hours=26)  # what was touched since the night before is always looked at


@dataclass(frozen=True)
class Checked:
    """What a night found: `lines` say where stored numbers differ from the history."""

    checked: int
    differing: int
    lines: tuple[str, ...]


def check(*, now: datetime, most: int = MOST) -> Checked:
    """Replay histories and compare; managers hear of differences once a day.

    Looked at are the clocks that were touched lately and, in turn over the nights, all others.
    """
    touched = ClockEvent.objects.filter(noted_at__gt=now - SINCE).values("clock_id")
    lately = TicketClock.objects.filter(pk__in=touched).order_by("pk").values_list("pk", flat=True)
    after = _cursor()
    rest = TicketClock.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)
    turn = list(rest[:most])
    pks = sorted({*lately[:most], *turn})
    lines: list[str] = []
    differing = 0
    for start in range(0, len(pks), CHUNK):
        found = _differences(pks[start : start + CHUNK])
        differing += len(found)
        lines += found[: max(0, notices.SHOWN - len(lines))]
    result = Checked(len(pks), differing, tuple(lines))
    done = turn[-1] if len(turn) == most else 0
    heartbeats.beat(NAME, now=now, checked=len(pks), differing=differing, after=done)
    if differing:
        log.error("promises differ from their history", clocks=differing, lines=lines)
        _tell(result, now)
    return result


def _cursor() -> int:
    row = Heartbeat.objects.filter(name=NAME).first()
    return int(row.detail.get("after", 0)) if row else 0


def _differences(pks: Sequence[int]) -> list[str]:
    events: dict[int, list[Event]] = defaultdict(list)
    columns = ("clock_id", "what", "at", "due_after", "consumed_seconds", "target_seconds")
    rows = ClockEvent.objects.filter(clock_id__in=pks).order_by("clock_id", "pk")
    for clock_id, *values in rows.values_list(*columns):
        events[clock_id].append(Event(*values))
    found = []
    for clock in TicketClock.objects.filter(pk__in=pks).order_by("pk"):
        wrong = replay.differences(
            state_of(clock), events[clock.pk], calendar_of(clock.calendar_version_id)
        )
        if wrong:
            metric = Metric(clock.metric).label
            found.append(f"TCK-{clock.ticket_id} {metric} {clock.cycle}: {'; '.join(wrong)}")
    return found


def _tell(result: Checked, now: datetime) -> None:
    facts = notices.Differences(
        clocks=result.differing,
        checked=result.checked,
        lines=result.lines,
        url=notifications.absolute("/tickets/"),
    )
    for manager in Person.objects.active().managers():
        notifications.notify(
            person=manager,
            what="promises_differ",
            write=notices.differences,
            facts=facts,
            urgency="low",
            subject=("check", "promises"),
            dedupe=f"promises-check:{now:%Y-%m-%d}",
            now=now,
        )


def mend(*, now: datetime) -> int:
    """Time anew what began while a policy or a calendar was being edited; answers how many
    tickets. Such a clock has an older version than the one that counts."""
    late = (
        TicketClock.objects.unfinished()
        .filter(policy_version__lt=F("policy__version"), breached_at=None)
        .order_by("ticket_id")
    )
    pks = list(late.values_list("ticket_id", flat=True).distinct()[: 10 * retiming.BATCH])
    for start in range(0, len(pks), retiming.BATCH):
        batch = pks[start : start + retiming.BATCH]
        retiming.choose_batch(batch, cause="policy edited meanwhile", actor=ACTOR, now=now)
    return len(pks) + _mend_calendars(now)


def _mend_calendars(now: datetime) -> int:
    newest = CalendarVersion.objects.values("calendar_id").annotate(last=Max("pk"))
    by_calendar = {row["calendar_id"]: row["last"] for row in newest}
    late = (
        TicketClock.objects.unfinished()
        .exclude(calendar_version_id__in=by_calendar.values())
        .values_list("calendar_version__calendar_id", flat=True)
        .distinct()
    )
    calendars = list(late)
    for calendar_id in calendars:
        retiming.calendar_changed(
            calendar_id=calendar_id,
            version_id=by_calendar[calendar_id],
            at=now,
            actor=ACTOR,
            now=now,
        )
    return len(calendars)
