"""The clocks of one ticket during one event, and what the ticket shows of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TypedDict

import structlog
from django.db.models import Max

from apps.calendars.businesstime import BusinessTimeError, Pause
from apps.core.audit import Actor
from apps.support import clockwork, matching
from apps.support.clockwork import Changes
from apps.support.models import Ticket, TicketClock
from apps.support.selectors import history
from apps.support.selectors.promising import Asked, Promise, asked_by, promises
from apps.support.services import clocknews
from apps.support.services.clockrows import Held, Ledger, of_tickets, store

log = structlog.get_logger("opsportal.support")
State = TicketClock.State
Choose = Callable[[Asked], Mapping[str, Promise]]
SHOWN = ("sla_state", "sla_metric", "sla_due_at", "sla_remaining_seconds")


class _SoFar(TypedDict):
    pauses: list[Pause]
    paused: bool


class Book:
    """The clocks of one ticket during one event; several share a ledger."""

    def __init__(
        self,
        ticket: Ticket,
        ledger: Ledger,
        clocks: list[Held],
        choose: Choose = promises,
    ) -> None:
        self.ticket, self.ledger, self.clocks, self._choose = ticket, ledger, clocks, choose
        self.now = ledger.now

    @classmethod
    def of(cls, ticket: Ticket, actor: Actor, now: datetime) -> Book:
        """With the clocks that the ticket has."""
        return cls(ticket, Ledger(actor, now), of_tickets([ticket.pk]))

    @cached_property
    def promises(self) -> Mapping[str, Promise]:
        return self._choose(asked_by(self.ticket))

    def open(self, metric: str) -> Held | None:
        """The clock of a metric that is still to be kept."""
        mine = (one for one in self.clocks if one.row.metric == metric)
        return next((one for one in mine if one.row.is_open), None)

    def once(self, metric: str) -> Held | None:
        """The one clock of a metric that has only one, in whatever state."""
        return next((one for one in self.clocks if one.row.metric == metric), None)

    def opened(self) -> list[Held]:
        return [one for one in self.clocks if one.row.is_open]

    def stop(self, metric: str, at: datetime, *, without_reply: bool = False) -> None:
        one = self.open(metric)
        if one is None:
            return
        self.ledger.take(
            one,
            clockwork.stop(one.state, at, one.terms, one.calendar, without_reply=without_reply),
        )

    def begin(self, metric: str, at: datetime) -> None:
        """Start a clock if something is promised."""
        promise = self.promises.get(metric)
        if promise is None or self.open(metric) is not None:
            return
        paused = matching.stands_still(metric, self.ticket.status, third_party=promise.third_party)
        self._add(
            metric,
            promise,
            lambda: clockwork.begin(at, promise.terms, promise.calendar, paused=paused),
        )

    def adopt(self, metric: str, since: datetime, promise: Promise) -> None:
        """Start a clock that had no target when it would have begun."""
        counted = self._so_far(metric, promise)
        self._add(
            metric,
            promise,
            lambda: clockwork.adopt(since, self.now, promise.terms, promise.calendar, **counted),
        )

    def readopt(self, one: Held, promise: Promise, cause: str) -> None:
        """The clock was let go when nothing was promised, and something is again."""
        counted = self._so_far(one.row.metric, promise)
        changes = clockwork.readopt(one.state, self.now, promise.terms, promise.calendar, **counted)
        place(one, promise)
        self.ledger.take(one, changes, cause)

    def _so_far(self, metric: str, promise: Promise) -> _SoFar:
        """When a clock would have stood still if there had been one, and whether it does now."""
        third_party = promise.third_party
        pauses: list[Pause] = []
        if metric in matching.MAY_PAUSE:
            pauses = history.pauses(self.ticket, metric, third_party=third_party, until=self.now)
        paused = matching.stands_still(metric, self.ticket.status, third_party=third_party)
        return {"pauses": pauses, "paused": paused}

    def _add(self, metric: str, promise: Promise, decide: Callable[[], Changes]) -> None:
        try:
            changes = decide()
        except BusinessTimeError:
            # A calendar that never opens must not keep a ticket from being logged.
            log.exception("no deadline", ticket=self.ticket.pk, metric=metric)
            return
        one = Held(TicketClock(), promise.terms, promise.third_party)
        one.row.ticket, one.row.metric = self.ticket, metric
        one.row.cycle = self._next_cycle(metric)
        place(one, promise)
        self.ledger.add(one, changes)
        self.clocks.append(one)

    def _next_cycle(self, metric: str) -> int:
        if metric in matching.ONCE:
            return 1
        rows = TicketClock.objects.filter(ticket=self.ticket, metric=metric)
        return (rows.aggregate(last=Max("cycle"))["last"] or 0) + 1

    def follow_status(self, at: datetime) -> None:
        """Pause and resume what the ticket's state says."""
        for one in self.opened():
            still = matching.stands_still(
                one.row.metric, self.ticket.status, third_party=one.third_party
            )
            act = clockwork.pause if still else clockwork.resume
            self.ledger.take(one, act(one.state, at, one.terms, one.calendar), self.ticket.status)

    def retarget(self, one: Held, promise: Promise, cause: str) -> None:
        """The clock under the target that counts now; what was missed keeps the one it missed."""
        changes = clockwork.retarget(
            one.state,
            self.now,
            promise.terms,
            promise.calendar,
            was=one.calendar,
            may_correct=self.ticket.triaged_at is None,
        )
        self.ledger.take(one, changes, cause)
        moved = any(change.what == "retarget" for change in changes)
        if one.row.state != State.BREACHED or moved:
            if place(one, promise):
                self.ledger.touch(one)
            self.check_again(one)
        elif one.row.target_id == promise.target_id:
            self._follow_steps(one, promise)

    def _follow_steps(self, one: Held, promise: Promise) -> None:
        """The steps after a breach were edited: those that would have come by now are passed."""
        if one.row.policy_version == promise.policy_version or one.row.breached_at is None:
            return
        behind = (self.now - one.row.breached_at).total_seconds()
        one.terms = promise.terms
        one.row.steps_taken = sum(after <= behind for after in promise.terms.step_seconds)
        one.row.policy_version = promise.policy_version
        self.ledger.touch(one)
        self.check_again(one)

    def check_again(self, one: Held) -> None:
        """Warnings and steps may be other ones although the seconds are the same."""
        at = clockwork.next_check(one.state, one.terms, one.calendar)
        if at != one.row.next_check_at:
            one.row.next_check_at = at
            self.ledger.touch(one)

    def write(self) -> None:
        clocknews.announce(self.ledger.write(), self.now)
        show(self.ticket, self.clocks)


def place(one: Held, promise: Promise) -> bool:
    """Say on a clock which target it runs by; whether that is another than before."""
    was = _terms_columns(one.row)
    one.row.policy_id = promise.policy_id
    one.row.policy_version = promise.policy_version
    one.row.target_id = promise.target_id
    one.row.calendar_version_id = promise.calendar_version_id
    one.terms, one.third_party = promise.terms, promise.third_party
    return _terms_columns(one.row) != was


def _terms_columns(row: TicketClock) -> tuple[int | None, ...]:
    return row.policy_id, row.policy_version, row.target_id, row.calendar_version_id


# -- what the ticket shows


def show(ticket: Ticket, clocks: list[Held]) -> None:
    """The earliest promise that is still to be kept, on the ticket; no write if it is there."""
    if set_shown(ticket, clocks):
        store(Ticket, SHOWN, [ticket])


def set_shown(ticket: Ticket, clocks: list[Held]) -> bool:
    """The same on the object only; whether it changed."""
    was = [getattr(ticket, name) for name in SHOWN]
    values = _shown(ticket, clocks)
    for name, value in zip(SHOWN, values, strict=True):
        setattr(ticket, name, value)
    return list(values) != was


def _shown(ticket: Ticket, clocks: list[Held]) -> tuple[str, str, datetime | None, int | None]:
    shown = Ticket.SlaState
    rows = [one.row for one in clocks if one.row.is_open and one.row.waived_at is None]
    running = [row for row in rows if not row.is_paused and row.due_at is not None]
    if running:
        row = min(running, key=lambda one: (one.due_at, one.metric))
        missed = row.state == State.BREACHED
        return shown.BREACHED if missed else shown.RUNNING, row.metric, row.due_at, None
    if rows:
        row = min(rows, key=lambda one: (one.target_seconds - one.consumed_seconds, one.metric))
        missed = row.state == State.BREACHED
        left = row.target_seconds - row.consumed_seconds
        return shown.BREACHED if missed else shown.PAUSED, row.metric, None, left
    return _ended(ticket, clocks), "", None, None


def _ended(ticket: Ticket, clocks: list[Held]) -> str:
    """Nothing is to be kept any more: how it went."""
    judged = [one.row for one in clocks if one.row.state in {State.MET, State.BREACHED}]
    if not judged:
        return Ticket.SlaState.NONE
    cycles = TicketClock.objects.filter(ticket=ticket, state=State.BREACHED, waived_at=None)
    missed = any(row.state == State.BREACHED and row.waived_at is None for row in judged)
    if missed or cycles.exclude(metric__in=matching.ONCE).exists():
        return Ticket.SlaState.BREACHED
    return Ticket.SlaState.MET
