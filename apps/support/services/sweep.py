"""The sweep: whatever fell due by itself since the last one. It costs what is due, not what exists.

Tickets are locked before their clocks, here as everywhere, so that a reply at the deadline and the
sweep wait for each other and the loser reads again. What a batch finds is written together with
its events; messages and pages follow only from events that this transaction wrote. So two sweeps
at once, or one that dies in the middle, tell everything once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from apps.core import audit
from apps.paging import services as paging
from apps.support import clockwork, matching, priority
from apps.support.models import EscalationStep, Metric, Priority, Ticket, TicketClock, TicketMessage
from apps.support.services import clocknews, escalate, noticing, tickets
from apps.support.services.clockbook import SHOWN, set_shown
from apps.support.services.clockrows import Entry, Held, Ledger, of_tickets, store
from apps.support.services.noticing import News

log = structlog.get_logger("opsportal.support")
BATCH = 200
AGAIN = timedelta(minutes=15)  # a clock that cannot be judged waits so long
PATIENCE = timedelta(minutes=10)  # a held reply that is this late is not waited for
JUST_AFTER = timedelta(seconds=1)
ACTOR = audit.system("Promises")

DUE = """
SELECT t.id, t.page_id FROM support_ticketclock c JOIN support_ticket t ON t.id = c.ticket_id
WHERE c.next_check_at < %s ORDER BY c.next_check_at LIMIT %s
"""


@dataclass(frozen=True)
class SweepResult:
    """What one sweep did. `tickets` counts those that had something due."""

    tickets: int = 0
    warned: int = 0
    breached: int = 0
    steps: int = 0
    batches: int = 0


def sweep(*, now: datetime) -> SweepResult:
    """Warn, note breaches and take steps for every clock that is due; safe if two run at once."""
    count: Counter[str] = Counter()
    while done := _batch(now):
        count.update(done)
        count["batches"] += 1
    return SweepResult(
        tickets=count["tickets"],
        warned=count["warn"],
        breached=count["breach"],
        steps=count["step"],
        batches=count["batches"],
    )


def _batch(now: datetime) -> Counter[str] | None:
    """One batch; None when nothing is due, or when others are at all of it."""
    candidates = _select(DUE, now)
    if not candidates:
        return None
    try:
        with transaction.atomic():
            return _sweep_locked(now, [page for _, page in candidates if page])
    except Exception:
        log.exception("batch failed, going ticket by ticket")
    return _one_by_one({pk for pk, _ in candidates}, now)


def _sweep_locked(now: datetime, pages: Sequence[int]) -> Counter[str] | None:
    """Pages first, then tickets, then what is due of them."""
    known = {page.pk for page in paging.lock(pages)} if pages else set()
    rows = _select(f"{DUE} FOR NO KEY UPDATE OF t SKIP LOCKED", now)
    pks = sorted({pk for pk, page in rows if page is None or page in known})
    return _sweep_tickets(pks, now) if pks else None


def _select(sql: str, now: datetime) -> list[tuple[int, int | None]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [now, BATCH])
        return list(cursor.fetchall())


def _one_by_one(pks: set[int], now: datetime) -> Counter[str]:
    """After a failure: each ticket for itself, and the one that fails waits."""
    count: Counter[str] = Counter()
    for pk in sorted(pks):
        try:
            with transaction.atomic():
                found = Ticket.objects.filter(pk=pk)
                paging.lock([page for page in found.values_list("page_id", flat=True) if page])
                if found.select_for_update(of=("self",), no_key=True, skip_locked=True).exists():
                    count.update(_sweep_tickets([pk], now))
        except Exception:
            log.exception("promises of a ticket cannot be judged", ticket=pk)
            _put_off(pk, now)
    return count


def _put_off(pk: int, now: datetime) -> None:
    due = TicketClock.objects.filter(ticket_id=pk, next_check_at__lt=now)
    due.update(next_check_at=now + AGAIN)


# -- one batch of locked tickets


def _sweep_tickets(pks: Sequence[int], now: datetime) -> Counter[str]:
    """Judge the due clocks of locked tickets, write it all, and tell who is to hear of it."""
    found = Ticket.objects.select_related(
        "owner", "requester", "account", "surface__team__lead", "queue__team__lead"
    )
    rows = {ticket.pk: ticket for ticket in found.filter(pk__in=pks)}
    clocks: dict[int, list[Held]] = defaultdict(list)
    for one in of_tickets(pks):
        clocks[one.row.ticket_id].append(one)
    waiting = _held_replies(pks)
    ledger = Ledger(ACTOR, now)
    for pk, mine in clocks.items():
        for one in mine:
            if one.row.next_check_at is not None and one.row.next_check_at < now:
                _judge(ledger, one, rows[pk], waiting.get(pk), now)
    written = ledger.write()
    store(Ticket, SHOWN, [row for pk, row in rows.items() if set_shown(row, clocks[pk])])
    clocknews.announce(written, now)
    _tell(written, rows, now)
    return Counter({"tickets": len(rows), **Counter(entry.change.what for entry in written)})


def _judge(
    ledger: Ledger, one: Held, ticket: Ticket, reply: TicketMessage | None, now: datetime
) -> None:
    if reply is not None and _will_answer(reply, one, ticket, now):
        assert reply.send_at is not None  # a held one has a time
        one.row.next_check_at = max(reply.send_at, now) + JUST_AFTER
        ledger.touch(one)
        return
    changes = clockwork.tick(one.state, now, one.terms, one.calendar)
    ledger.take(one, changes)
    if not changes:
        again = clockwork.next_check(one.state, one.terms, one.calendar)
        # Nothing was due after all; what still claims to be must not hold up the loop.
        one.row.next_check_at = again if again is None or again >= now else now + AGAIN
        ledger.touch(one)


def _held_replies(pks: Sequence[int]) -> dict[int, TicketMessage]:
    """The first reply of each ticket that was written and is about to go out."""
    rows = TicketMessage.objects.filter(
        ticket_id__in=pks, status=TicketMessage.Status.HELD, author=TicketMessage.Author.AGENT
    )
    found: dict[int, TicketMessage] = {}
    for message in rows.order_by("-at"):
        found[message.ticket_id] = message
    return found


def _will_answer(reply: TicketMessage, one: Held, ticket: Ticket, now: datetime) -> bool:
    """Whether a held reply, written in time, will stop or pause this clock when it goes out."""
    in_time = one.row.due_at is not None and reply.at <= one.row.due_at
    if one.row.breached_at is not None or not in_time or reply.at < one.row.started_at:
        return False
    if reply.send_at is None or reply.send_at < now - PATIENCE:
        return False
    then = reply.after.get("then", "")
    if one.row.metric == matching.TRIAGE:
        return ticket.status == Ticket.Status.NEW or then == "resolve"
    if one.row.metric == matching.RESOLUTION:
        return then in {"wait", "resolve"}
    return True


# -- who hears of it


def _tell(written: Sequence[Entry], rows: dict[int, Ticket], now: datetime) -> None:
    steps = _steps_of([entry for entry in written if entry.change.what == "step"])
    news = []
    for entry in written:
        ticket = rows[entry.held.row.ticket_id]
        if entry.change.what == "warn":
            news.append(News(entry, ticket, None))
        elif entry.change.what == "step" and (step := steps.get(id(entry))) is not None:
            news.append(News(entry, ticket, step))
    if news:
        noticing.tell(news, now)
        _page([one for one in news if one.step and one.step.notify == noticing.Tell.PAGE], now)
        _raise([one for one in news if one.step and one.step.raise_priority], now)


def _steps_of(entries: Sequence[Entry]) -> dict[int, EscalationStep]:
    """The row of each step that was taken, by its place in the order of its target."""
    targets = {entry.held.row.target_id for entry in entries} - {None}
    if not targets:
        return {}
    order: dict[int, list[EscalationStep]] = defaultdict(list)
    for step in EscalationStep.objects.filter(target__in=targets).order_by("after_seconds", "pk"):
        order[step.target_id].append(step)
    found = {}
    for entry in entries:
        place = (entry.change.number or 1) - 1
        mine = order.get(entry.held.row.target_id or 0, [])
        if place < len(mine):
            found[id(entry)] = mine[place]
    return found


def _page(news: Sequence[News], now: datetime) -> None:
    """One page for the tickets of a surface that missed something together."""
    heaps: dict[tuple[int, str], list[News]] = defaultdict(list)
    for one in news:
        heaps[one.ticket.surface_id or 0, one.ticket.kind].append(one)
    for _, heap in sorted(heaps.items()):
        heap.sort(key=lambda one: (one.ticket.priority, one.ticket.pk))
        missed = list(dict.fromkeys(Metric(one.entry.held.row.metric).label for one in heap))
        escalate.page_for_breach(
            surface=heap[0].ticket.surface,
            tickets=list({one.ticket.pk: one.ticket for one in heap}.values()),
            reason=f"{', '.join(missed).capitalize()} missed",
            actor=ACTOR,
            now=now,
        )


def _raise(news: Sequence[News], now: datetime) -> None:
    """One step up for each ticket; P1 is the end of it."""
    for ticket in {one.ticket.pk: one.ticket for one in news}.values():
        if ticket.priority == Priority.P1:
            continue
        missed = [one for one in news if one.ticket.pk == ticket.pk]
        label = Metric(missed[0].entry.held.row.metric).label
        tickets.set_priority(
            ticket=ticket,
            priority=priority.raised(ticket.priority),
            reason=f"{label} was missed",
            actor=ACTOR,
            now=now,
        )
