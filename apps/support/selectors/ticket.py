"""One ticket as people read it: what was said and what happened in one order, a page at a time,
and how each of its promises stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Max, Q, QuerySet

from apps.calendars import businesstime
from apps.calendars.models import CalendarVersion
from apps.calendars.selectors import rules
from apps.support.models import (
    ClockEvent,
    Metric,
    Ticket,
    TicketClock,
    TicketEvent,
    TicketMessage,
)
from apps.support.selectors.standing import Standing, spare

PAGE = 50  # entries of a timeline at once
MESSAGE, CLOCK, EVENT = 0, 1, 2  # the order of what happened in the same instant
TOLD = ("breach", "unbreach", "stop", "reopen", "waive")  # what of a clock stands in the timeline
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(-?\d{1,17})\.([012])\.(\d{1,18})", re.ASCII)
State = TicketClock.State


@dataclass(frozen=True)
class Entry:
    """One thing of a timeline; `rank` says which of message, clock event and event `row` is."""

    at: datetime
    rank: int
    row: Any

    @property
    def key(self) -> tuple[datetime, int, int]:
        return self.at, self.rank, self.row.pk

    @property
    def cursor(self) -> str:
        """Names the place in the timeline, for an address."""
        micros = (self.at - _EPOCH) // timedelta(microseconds=1)
        return f"{micros}.{self.rank}.{self.row.pk}"


@dataclass(frozen=True)
class Story:
    """Entries in order, oldest first. `older` is the cursor of what stands before them; `newest`
    the id of the last message said here, which a reply must have seen; `merged` the tickets that
    went into this one, by id."""

    entries: Sequence[Entry]
    older: str
    newest: int
    merged: Mapping[int, Ticket]


def story(ticket: Ticket, viewer: Any, *, before: str = "", size: int = PAGE) -> Story:
    """The newest entries, or those before a cursor: six statements whatever their number.

    What was said on tickets that were merged into this one is among them, as far as the viewer
    may see those.
    """
    merged = merged_into(ticket, viewer)
    mark = _mark(before)
    found = sorted(
        (
            *_messages([ticket.pk, *merged], mark, size + 1),
            *_clock_events(ticket, mark, size + 1),
            *_events(ticket, mark, size + 1),
        ),
        key=lambda entry: entry.key,
    )
    shown = found[-size:]
    newest = TicketMessage.objects.said().filter(ticket=ticket).aggregate(last=Max("pk"))["last"]
    older = shown[0].cursor if len(found) > size else ""
    return Story(shown, older, newest or 0, merged)


_FAMILY = """
WITH RECURSIVE gone (id) AS (
    SELECT id FROM support_ticket WHERE merged_into_id = %s
    UNION
    SELECT t.id FROM support_ticket t JOIN gone ON t.merged_into_id = gone.id
)
SELECT id FROM gone LIMIT 200
"""


def merged_into(ticket: Ticket, viewer: Any) -> dict[int, Ticket]:
    """The tickets that went into this one, directly or through another, which the viewer sees."""
    with connection.cursor() as cursor:
        cursor.execute(_FAMILY, [ticket.pk])
        ids = [pk for (pk,) in cursor.fetchall()]
    rows = Ticket.objects.visible_to(viewer).filter(pk__in=ids)
    return {row.pk: row for row in rows.select_related("requester")}


Mark = tuple[datetime, int, int]


def _mark(before: str) -> Mark | None:
    found = _CURSOR.fullmatch(before)
    if found is None:
        return None
    try:
        at = _EPOCH + timedelta(microseconds=int(found[1]))
    except OverflowError:
        return None
    return at, int(found[2]), int(found[3])


def _cut(rows: QuerySet[Any], mark: Mark | None, rank: int, count: int) -> Iterable[Entry]:
    """The newest `count` rows before the mark."""
    if mark is not None:
        at, of, pk = mark
        same = Q(at=at) if rank < of else Q(at=at, pk__lt=pk) if rank == of else Q(pk=0)
        rows = rows.filter(Q(at__lt=at) | same)
    return [Entry(row.at, rank, row) for row in rows.order_by("-at", "-pk")[:count]]


def _messages(tickets: Sequence[int], mark: Mark | None, count: int) -> Iterable[Entry]:
    rows = TicketMessage.objects.said().filter(ticket__in=tickets)
    rows = rows.select_related("actor", "contact").prefetch_related("attachments")
    return _cut(rows, mark, MESSAGE, count)


def _clock_events(ticket: Ticket, mark: Mark | None, count: int) -> Iterable[Entry]:
    rows = ClockEvent.objects.filter(clock__ticket=ticket, what__in=TOLD).select_related("clock")
    return _cut(rows, mark, CLOCK, count)


def _events(ticket: Ticket, mark: Mark | None, count: int) -> Iterable[Entry]:
    rows = TicketEvent.objects.filter(ticket=ticket).exclude(what="sender")
    return _cut(rows, mark, EVENT, count)


# -- promises


@dataclass(frozen=True)
class Promise:
    """A promise as it stands: its newest clock, how many before it were kept and missed."""

    clock: TicketClock
    standing: Standing
    used: int  # working seconds so far
    kept: int
    missed: int

    @property
    def may_be_waived(self) -> bool:
        return self.clock.state == State.BREACHED and self.clock.waived_at is None


ORDER = {metric: place for place, metric in enumerate(Metric.values)}


def promises_of(ticket: Ticket, *, now: datetime) -> list[Promise]:
    """The promises of a ticket, those that are still to be kept first: two statements."""
    rows = TicketClock.objects.filter(ticket=ticket).select_related("policy")
    clocks = list(rows.order_by("metric", "-cycle"))
    latest: dict[str, TicketClock] = {}
    for clock in clocks:
        if clock.state != State.CANCELLED:
            latest.setdefault(clock.metric, clock)
    calendars = CalendarVersion.objects.in_bulk({c.calendar_version_id for c in latest.values()})
    found = []
    for metric, clock in latest.items():
        clock.calendar_version = calendars[clock.calendar_version_id]
        before = [c for c in clocks if c.metric == metric and c.pk != clock.pk]
        found.append(
            Promise(
                clock=clock,
                standing=standing_of(clock, now=now),
                used=_used(clock, now),
                kept=sum(c.state == State.MET for c in before),
                missed=sum(c.state == State.BREACHED and c.waived_at is None for c in before),
            )
        )
    return sorted(found, key=_urgency)


def _urgency(one: Promise) -> tuple[bool, datetime, int]:
    due = one.clock.due_at if one.clock.is_open else None
    return not one.clock.is_open, due or datetime.max.replace(tzinfo=UTC), ORDER[one.clock.metric]


def standing_of(clock: TicketClock, *, now: datetime) -> Standing:
    """One clock as its chip says it; a due time that has passed is a breach, noticed or not."""
    metric = clock.metric
    if clock.waived_at is not None:
        return Standing("waived", metric, clock.due_at, reason=clock.waived_reason)
    if not clock.is_open:
        return _ended(clock)
    due = clock.due_at
    missed = clock.breached_at or (due if due is not None and due < now else None)
    if clock.is_paused or due is None:
        left = clock.target_seconds - clock.consumed_seconds
        return Standing("paused", metric, due, left)
    if missed is not None:
        over = max(0, _used(clock, now) - clock.target_seconds)
        return Standing("breached", metric, missed, over)
    return Standing("running", metric, due, _worked(clock, now, due))


def _ended(clock: TicketClock) -> Standing:
    if clock.state == State.BREACHED:
        over = max(0, (clock.worked_seconds_final or 0) - clock.target_seconds)
        return Standing("breached", clock.metric, clock.breached_at, over)
    if clock.state == State.MET:
        return Standing("met", clock.metric, clock.due_at, spare(clock), at=clock.stopped_at)
    return Standing("none", clock.metric)


def _used(clock: TicketClock, now: datetime) -> int:
    if clock.worked_seconds_final is not None and not clock.is_open:
        return clock.worked_seconds_final
    if clock.is_paused or clock.anchor_at is None or not clock.is_open:
        return clock.consumed_seconds
    return clock.consumed_seconds + (_worked(clock, clock.anchor_at, now) or 0)


def _worked(clock: TicketClock, start: datetime, end: datetime) -> int | None:
    try:
        return businesstime.worked(rules(clock.calendar_version), start, max(start, end))
    except businesstime.BusinessTimeError:  # a span of centuries
        return None


# -- the requester


@dataclass(frozen=True)
class History:
    """Other tickets of the same person: how many, counted to a limit, and the last few."""

    open: int
    ended: int
    capped: bool
    since: datetime | None
    last: Sequence[Ticket]


COUNTED = 200


def history_of(ticket: Ticket, viewer: Any) -> History:
    """What else the requester asked, as far as the viewer may see it."""
    rows = Ticket.objects.visible_to(viewer).filter(requester=ticket.requester_id)
    rows = rows.exclude(pk=ticket.pk).exclude(status=Ticket.Status.SPAM)
    found = list(
        rows.only("subject", "status", "created_at", "priority").order_by("-pk")[: COUNTED + 1]
    )
    counted = found[:COUNTED]
    active = sum(row.is_active for row in counted)
    since = min((row.created_at for row in counted), default=None)
    return History(active, len(counted) - active, len(found) > COUNTED, since, counted[:3])
