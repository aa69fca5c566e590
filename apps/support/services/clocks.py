"""The clocks of one ticket, moved by what happens to it.

The caller holds the ticket's lock, has written the ticket, and says when it happened (`at`, which
may be before `now`). Each function reads the ticket's clocks once, writes what changed in bulk,
and leaves on the ticket what its chip shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TypedDict

import structlog
from django.db.models import Max, QuerySet

from apps.calendars.businesstime import BusinessTimeError, Pause
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.models import Kind
from apps.core.text import clip, one_line
from apps.support import clockwork, lifecycle, matching
from apps.support.clockwork import Changes
from apps.support.models import Ticket, TicketClock, TicketMessage
from apps.support.selectors import history
from apps.support.selectors.promising import Asked, Promise, asked_by, promises
from apps.support.services import clocknews
from apps.support.services.clockrows import Held, Ledger, held, of_tickets, store

log = structlog.get_logger("opsportal.support")
State = TicketClock.State
NO_POLICY = "no_policy"  # nothing is promised to such a ticket any more
AT_CREATION = (matching.TRIAGE, matching.FIRST_REPLY, matching.RESOLUTION)
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


# -- what happens to a ticket


def start_all(*, ticket: Ticket, actor: Actor, now: datetime) -> None:
    """The promises of a new ticket. What was imported or is of the past has none."""
    if ticket.kind == Kind.BACKFILLED or ticket.channel == Ticket.Channel.IMPORT:
        return
    book = Book(ticket, Ledger(actor, now), [])
    for metric in AT_CREATION:
        book.begin(metric, ticket.created_at)
    book.write()


def triaged(*, ticket: Ticket, at: datetime, actor: Actor, now: datetime) -> None:
    """A person confirmed priority and owner."""
    book = Book.of(ticket, actor, now)
    book.stop(matching.TRIAGE, at)
    book.write()


def agent_replied(
    *, ticket: Ticket, at: datetime, actor: Actor, now: datetime, goes_on: bool = True
) -> None:
    """An agent said something to the requester at `at`: replies are met or missed by it, and the
    next update is due from here on, unless the same word resolves it (`goes_on` false)."""
    book = Book.of(ticket, actor, now)
    for metric in (matching.FIRST_REPLY, matching.NEXT_REPLY, matching.PERIODIC_UPDATE):
        one = book.open(metric)
        if one is not None and one.row.started_at <= at:  # what was asked later is not answered
            book.stop(metric, at)
    if goes_on and ticket.is_active and _has_promises(ticket):
        book.begin(matching.PERIODIC_UPDATE, at)
        unanswered = _unanswered(ticket, at) if at < now else None
        if unanswered is not None and book.open(matching.FIRST_REPLY) is None:
            book.begin(matching.NEXT_REPLY, unanswered)
    book.write()


def requester_wrote(*, ticket: Ticket, at: datetime, actor: Actor, now: datetime) -> None:
    """The requester waits for an answer from `at` on, unless one is owed already."""
    if not ticket.is_active or not _has_promises(ticket):
        return
    book = Book.of(ticket, actor, now)
    first = book.once(matching.FIRST_REPLY)
    answered = first.row.stopped_at is not None if first else ticket.first_replied_at is not None
    if answered or ticket.first_replied_at is not None:
        book.begin(matching.NEXT_REPLY, at)
    book.write()


def status_changed(*, ticket: Ticket, was: str, at: datetime, actor: Actor, now: datetime) -> None:
    """The ticket's state is a new one since `at`; `was` is the one before."""
    if ticket.status not in lifecycle.ACTIVE | {lifecycle.RESOLVED}:
        return
    book = Book.of(ticket, actor, now)
    if ticket.status == lifecycle.RESOLVED:
        for metric in matching.METRICS:
            silent = metric == matching.FIRST_REPLY and ticket.first_replied_at is None
            book.stop(metric, at, without_reply=silent)
    else:
        if was in {lifecycle.RESOLVED, lifecycle.CLOSED}:
            _reopen(book, at)
        book.follow_status(at)
    book.write()


def _reopen(book: Book, at: datetime) -> None:
    """The resolution runs on, by the target that counts now."""
    one = book.once(matching.RESOLUTION)
    if one is None or one.row.stopped_at is None:
        return
    book.ledger.take(one, clockwork.reopen(one.state, at, one.terms, one.calendar))
    promise = book.promises.get(matching.RESOLUTION)
    if promise is not None and one.row.is_open:
        book.retarget(one, promise, "reopened")


def retarget(*, ticket: Ticket, cause: str, actor: Actor, now: datetime) -> None:
    """Priority, policy, type, customer, queue or tags changed: choose again.

    Where the same targets come out nothing is written.
    """
    if not ticket.is_active or not _has_promises(ticket):
        return
    book = Book.of(ticket, actor, now)
    choose_again(book, cause)
    book.write()


def choose_again(book: Book, cause: str) -> None:
    """Every clock of a ticket under the targets that count now."""
    for one in list(book.clocks):
        promise = book.promises.get(one.row.metric)
        if promise is None:
            _let_go(book, one)
        elif one.row.is_open:
            book.retarget(one, promise, cause)
        elif one.row.cancel_cause == NO_POLICY and _is_owed(book, one):
            book.readopt(one, promise, cause)
    _begin_missing(book)


def _is_owed(book: Book, one: Held) -> bool:
    """Whether what a clock was let go for has not happened in the meantime."""
    ticket, metric = book.ticket, one.row.metric
    if one.row.state != State.CANCELLED or book.open(metric) is not None:
        return False
    if metric == matching.TRIAGE:
        return ticket.triaged_at is None
    if metric == matching.FIRST_REPLY:
        return ticket.first_replied_at is None
    if metric == matching.RESOLUTION:
        return True
    since = one.row.started_at
    return not _public(ticket, TicketMessage.Author.AGENT).filter(at__gt=since).exists()


def _let_go(book: Book, one: Held) -> None:
    """Nothing is promised any more; what was missed before that stays missed."""
    missed = clockwork.breach(one.state, book.now, one.terms, one.calendar)
    book.ledger.take(one, missed)
    if one.row.state in {State.RUNNING, State.PAUSED}:
        book.ledger.take(one, clockwork.cancel(one.state, book.now, NO_POLICY))


def _begin_missing(book: Book) -> None:
    """Clocks for what nothing was promised until now."""
    ticket = book.ticket
    wanted = {
        matching.TRIAGE: ticket.triaged_at is None,
        matching.FIRST_REPLY: ticket.first_replied_at is None,
        matching.RESOLUTION: True,
    }
    for metric, missing in wanted.items():
        promise = book.promises.get(metric)
        if missing and promise is not None and book.once(metric) is None:
            book.adopt(metric, ticket.created_at, promise)


def cancel_all(*, ticket: Ticket, cause: str, actor: Actor, now: datetime) -> None:
    """Merged, or spam: none of its promises counts."""
    book = Book.of(ticket, actor, now)
    book.clocks += _stopped_cycles(ticket)
    for one in book.clocks:
        book.ledger.take(one, clockwork.cancel(one.state, now, cause))
    book.write()


def restore_all(*, ticket: Ticket, actor: Actor, now: datetime) -> None:
    """Neither merged nor spam after all: as if its promises had never been cancelled."""
    book = Book.of(ticket, actor, now)
    book.clocks += _stopped_cycles(ticket)
    for one in book.clocks:
        if one.row.cancel_cause != NO_POLICY:
            changes = clockwork.restore(one.state, now, one.terms, one.calendar)
            book.ledger.take(one, changes)
    if ticket.is_active:
        book.follow_status(now)
        choose_again(book, "restored")
    book.write()


def _stopped_cycles(ticket: Ticket) -> list[Held]:
    rows = TicketClock.objects.filter(ticket=ticket, stopped_at__isnull=False)
    return held(rows.exclude(metric__in=matching.ONCE))


def waive(*, clock: TicketClock, reason: str, actor: Actor, now: datetime) -> None:
    """A missed promise does not count, for a reason that everybody reads. The door checks that a
    manager asks. Raises Invalid without a reason, Conflict for what was not missed."""
    why = clip(one_line(reason), 300)
    if not why:
        text = "Say why this one does not count."
        raise Invalid(text, code="reason_missing", fields={"reason": [text]})
    ticket = Ticket.objects.select_for_update(of=("self",)).get(pk=clock.ticket_id)
    book = Book.of(ticket, actor, now)
    mine = [one for one in [*book.clocks, *_stopped_cycles(ticket)] if one.row.pk == clock.pk]
    changes = clockwork.waive(mine[0].state, now, why) if mine else ()
    if not changes:
        raise Conflict("Only a missed promise can be waived, and only once.")
    book.ledger.take(mine[0], changes)
    book.write()


def refresh(*, ticket: Ticket) -> None:
    """Write on the ticket what its chip shows."""
    show(ticket, of_tickets([ticket.pk]))


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


def _has_promises(ticket: Ticket) -> bool:
    return ticket.kind != Kind.BACKFILLED and ticket.channel != Ticket.Channel.IMPORT


def _unanswered(ticket: Ticket, at: datetime) -> datetime | None:
    """When the requester spoke after a reply that is only taken in now."""
    if _public(ticket, TicketMessage.Author.AGENT).filter(at__gt=at).exists():
        return None
    rows = _public(ticket, TicketMessage.Author.REQUESTER).filter(at__gt=at)
    return rows.order_by("at").values_list("at", flat=True).first()


def _public(ticket: Ticket, author: str) -> QuerySet[TicketMessage]:
    return TicketMessage.objects.filter(
        ticket=ticket, author=author, status=TicketMessage.Status.POSTED
    )
