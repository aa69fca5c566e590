"""How the most urgent promise of a ticket stands: what a chip says of it.

The ticket's own columns say which promise counts; its clocks say what the columns cannot: how
many working seconds are left or gone, when a kept promise was kept, why one was waived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.calendars import businesstime
from apps.support.models import Metric, Ticket, TicketClock
from apps.support.selectors.promising import calendar_of

State = TicketClock.State


@dataclass(frozen=True)
class Standing:
    """A promise as people ask about it.

    `state` is running, paused, breached, met, waived or none. `seconds` are working seconds: left
    of a running, paused or kept one, gone since the due time of a breached one; None where no
    clock tells. `at` is when a kept promise was kept.
    """

    state: str
    metric: str = ""
    due_at: datetime | None = None
    seconds: int | None = None
    at: datetime | None = None
    reason: str = ""

    @property
    def label(self) -> str:
        """The promise in words: "First reply"."""
        return str(Metric(self.metric).label) if self.metric in Metric.values else ""


NONE = Standing("none")


def standings(tickets: Sequence[Ticket], *, now: datetime) -> dict[int, Standing]:
    """The standing of each ticket, in one statement for all of them (and one for each calendar
    that this process has not met yet)."""
    rows = TicketClock.objects.filter(ticket__in=tickets).exclude(state=State.CANCELLED)
    clocks: dict[int, list[TicketClock]] = {}
    for row in rows.order_by("pk"):
        clocks.setdefault(row.ticket_id, []).append(row)
    return {one.pk: standing(one, clocks.get(one.pk, []), now=now) for one in tickets}


def standing(ticket: Ticket, clocks: Sequence[TicketClock], *, now: datetime) -> Standing:
    """The standing of one ticket from its clocks that were not cancelled."""
    unfinished = [clock for clock in clocks if clock.is_open and clock.waived_at is None]
    if ticket.sla_metric and ticket.sla_state in {"running", "breached", "paused"}:
        clock = next((one for one in unfinished if one.metric == ticket.sla_metric), None)
        return _unfinished(ticket, clock, now)
    return _finished([clock for clock in clocks if clock not in unfinished])


def _unfinished(ticket: Ticket, clock: TicketClock | None, now: datetime) -> Standing:
    """From the ticket's columns; a due time that has passed is a breach, noticed or not."""
    metric, due, left = ticket.sla_metric, ticket.sla_due_at, ticket.sla_remaining_seconds
    if due is None and ticket.sla_state == "breached":  # stands still beyond its end
        since = clock.breached_at if clock else None
        return Standing("breached", metric, since, None if left is None else max(0, -left))
    if due is None or ticket.sla_state == "paused":
        return Standing("paused", metric, due, left)
    if due < now:
        return Standing("breached", metric, due, _worked(clock, due, now))
    return Standing("running", metric, due, _worked(clock, now, due))


def _worked(clock: TicketClock | None, start: datetime, end: datetime) -> int | None:
    if clock is None:
        return None
    try:
        return businesstime.worked(calendar_of(clock.calendar_version_id), start, end)
    except businesstime.BusinessTimeError:  # a span of centuries: the chip says the rest
        return None


def _finished(clocks: Sequence[TicketClock]) -> Standing:
    """What became of promises that are over: a missed one first, then a waived, then a kept."""
    missed = [c for c in clocks if c.state == State.BREACHED and c.waived_at is None]
    if missed:
        clock = missed[-1]
        gone = (clock.worked_seconds_final or clock.target_seconds) - clock.target_seconds
        return Standing("breached", clock.metric, clock.due_at or clock.breached_at, max(0, gone))
    waived = [c for c in clocks if c.waived_at is not None]
    if waived:
        return Standing("waived", waived[-1].metric, reason=waived[-1].waived_reason)
    kept = [c for c in clocks if c.state == State.MET and c.stopped_at is not None]
    if not kept:
        return NONE
    clock = max(kept, key=lambda c: (c.metric == Metric.RESOLUTION, c.stopped_at))
    return Standing("met", clock.metric, clock.due_at, spare(clock), at=clock.stopped_at)


def spare(clock: TicketClock) -> int | None:
    """The working seconds that a kept promise did not need."""
    used = clock.worked_seconds_final
    return None if used is None else max(0, clock.target_seconds - used)
