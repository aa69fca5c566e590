"""The clocks of one ticket, moved by what happens to it.

The caller holds the ticket's lock, has written the ticket, and says when it happened (`at`, which
may be before `now`). Each function reads the ticket's clocks once, writes what changed in bulk,
and leaves on the ticket what its chip shows.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.models import Kind
from apps.core.text import clip, one_line
from apps.support import clockwork, lifecycle, matching
from apps.support.models import Ticket, TicketClock, TicketMessage
from apps.support.services.clockbook import Book, show
from apps.support.services.clockrows import Held, Ledger, held, of_tickets

State = TicketClock.State
NO_POLICY = "no_policy"  # nothing is promised to such a ticket any more
# Whose words are an answer: an agent's, and an update of an incident as its publisher's.
OURS = (TicketMessage.Author.AGENT, TicketMessage.Author.UPDATE)
AT_CREATION = (matching.TRIAGE, matching.FIRST_REPLY, matching.RESOLUTION)


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
    return not _public(ticket, *OURS).filter(at__gt=since).exists()


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
    if ticket.is_active and _has_promises(ticket):
        _reopen(book, now)  # it may have been resolved when it was marked as spam
        book.follow_status(now)
        choose_again(book, "restored")
    book.write()


def _stopped_cycles(ticket: Ticket) -> list[Held]:
    rows = TicketClock.objects.filter(ticket=ticket, stopped_at__isnull=False)
    return held(rows.exclude(metric__in=matching.ONCE))


@transaction.atomic
def waive(*, clock: TicketClock, reason: str, actor: Actor, now: datetime) -> None:
    """A missed promise does not count, for a reason that everybody reads. The door checks that a
    manager asks. Raises Invalid without a reason, Conflict for what was not missed."""
    why = clip(one_line(reason), 300)
    if not why:
        text = "Say why this one does not count."
        raise Invalid(text, code="reason_missing", fields={"reason": [text]})
    ticket = Ticket.objects.select_for_update(of=("self",), no_key=True).get(pk=clock.ticket_id)
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


# -- what is asked here


def _has_promises(ticket: Ticket) -> bool:
    return ticket.kind != Kind.BACKFILLED and ticket.channel != Ticket.Channel.IMPORT


def _unanswered(ticket: Ticket, at: datetime) -> datetime | None:
    """When the requester spoke after a reply that is only taken in now."""
    if _public(ticket, *OURS).filter(at__gt=at).exists():
        return None
    rows = _public(ticket, TicketMessage.Author.REQUESTER).filter(at__gt=at)
    return rows.order_by("at").values_list("at", flat=True).first()


def _public(ticket: Ticket, *authors: str) -> QuerySet[TicketMessage]:
    return TicketMessage.objects.filter(
        ticket=ticket, author__in=authors, status=TicketMessage.Status.POSTED
    )
