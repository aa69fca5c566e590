"""Promises timed again from their start, for a day that turns out to have been closed.

An edit of a calendar counts from then on. Whoever wants it to count for what is past asks for this,
sees first what would change, and each clock keeps in its history who did it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.calendars.businesstime import Pause
from apps.calendars.models import BusinessCalendar, CalendarVersion
from apps.calendars.selectors import current_version
from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.support import clockwork
from apps.support.clockwork import Changes
from apps.support.models import ClockEvent, Metric, Ticket, TicketClock
from apps.support.selectors.promising import calendar_of
from apps.support.services import clocknews
from apps.support.services.clockbook import SHOWN, set_shown
from apps.support.services.clockrows import Held, Ledger, held, of_tickets, store

MOST = 5000  # clocks in one go
LONGEST = timedelta(days=92)
LISTED = 100


@dataclass(frozen=True)
class Recomputed:
    """What timing again changes, or would: how many tickets, how many breaches go and come."""

    tickets: int
    clocks: int
    unbreached: int
    breached: int
    lines: tuple[str, ...]


def preview(*, calendar: BusinessCalendar, since: datetime, now: datetime) -> Recomputed:
    """What `recompute` would do; nothing is written."""
    _few(calendar, since, now)
    version = current_version(calendar)
    rows = held(_rows(calendar, since, now).order_by("pk"))
    pauses = _pauses(one.row.pk for one in rows)
    decided = ((one, _decide(one, version, pauses, now)) for one in rows)
    found = [(one, changes) for one, changes in decided if changes]
    return _result(found)


@transaction.atomic
def recompute(
    *, calendar: BusinessCalendar, since: datetime, actor: Actor, now: datetime
) -> Recomputed:
    """Time again, by the calendar as it is now, what started after `since` and is open or was
    missed. What was met stays so. Raises Invalid for more than MOST clocks or 92 days."""
    _few(calendar, since, now)
    version = current_version(calendar)
    pks = sorted(set(_rows(calendar, since, now).values_list("ticket_id", flat=True)))
    tickets = Ticket.objects.filter(pk__in=pks).order_by("pk")
    locked = {one.pk: one for one in tickets.select_for_update(of=("self",), no_key=True)}
    rows = held(_rows(calendar, since, now).filter(ticket__in=pks).order_by("pk"))
    pauses = _pauses(one.row.pk for one in rows)
    ledger, found = Ledger(actor, now), []
    for one in rows:
        changes = _decide(one, version, pauses, now)
        if changes:
            one.row.calendar_version_id = version.pk
            ledger.take(one, changes)
            found.append((one, changes))
    clocknews.announce(ledger.write(), now)
    _show({one.row.ticket_id: locked[one.row.ticket_id] for one, _ in found})
    return _result(found)


def _show(tickets: dict[int, Ticket]) -> None:
    by_ticket: dict[int, list[Held]] = defaultdict(list)
    for one in of_tickets(tickets):
        by_ticket[one.row.ticket_id].append(one)
    store(Ticket, SHOWN, [row for pk, row in tickets.items() if set_shown(row, by_ticket[pk])])


def _rows(calendar: BusinessCalendar, since: datetime, now: datetime) -> QuerySet[TicketClock]:
    rows = TicketClock.objects.filter(
        calendar_version__calendar=calendar, started_at__gte=since, started_at__lt=now
    )
    return rows.filter(Q(stopped_at=None) | Q(state="breached")).exclude(state="cancelled")


def _few(calendar: BusinessCalendar, since: datetime, now: datetime) -> None:
    if since < now - LONGEST or since >= now:
        text = "Pick a day within the last 92 days."
        raise Invalid(text, fields={"since": [text]})
    if _rows(calendar, since, now)[: MOST + 1].count() > MOST:
        text = f"These are more than {MOST:,} clocks. Pick a later day."
        raise Invalid(text, fields={"since": [text]})


def _decide(
    one: Held, version: CalendarVersion, pauses: dict[int, list[Pause]], now: datetime
) -> Changes:
    calendar = calendar_of(version.pk)
    return clockwork.recompute(one.state, now, one.terms, calendar, pauses.get(one.row.pk, []))


def _pauses(pks: Iterable[int]) -> dict[int, list[Pause]]:
    """The stretches in which each clock stood still; from a stop to its reopening is one."""
    found: dict[int, list[Pause]] = defaultdict(list)
    since: dict[int, datetime] = {}
    rows = ClockEvent.objects.filter(
        clock_id__in=list(pks), what__in=["start", "pause", "stop", "resume", "reopen"]
    ).order_by("clock_id", "pk")
    for row in rows:
        rests = row.what in {"pause", "stop"} or (row.what == "start" and row.due_after is None)
        if rests:
            since.setdefault(row.clock_id, row.at)
        elif row.what != "start" and row.clock_id in since:
            found[row.clock_id].append((since.pop(row.clock_id), row.at))
    for clock_id, at in since.items():
        found[clock_id].append((at, None))
    return found


def _result(found: list[tuple[Held, Changes]]) -> Recomputed:
    kinds = [changes[-1].what for _, changes in found]
    return Recomputed(
        tickets=len({one.row.ticket_id for one, _ in found}),
        clocks=len(found),
        unbreached=kinds.count("unbreach"),
        breached=kinds.count("breach"),
        lines=tuple(
            f"TCK-{one.row.ticket_id} {Metric(one.row.metric).label}: {_WORDS[changes[-1].what]}"
            for one, changes in found[:LISTED]
        ),
    )


_WORDS = {
    "unbreach": "was kept after all",
    "breach": "was missed after all",
    "recalendar": "is due at another time",
}
