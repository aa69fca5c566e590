"""Timing clocks anew that a changed policy or calendar touches, in batches of tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.calendars.models import CalendarVersion
from apps.core import jobs
from apps.core.audit import Actor
from apps.core.models import Kind
from apps.support import clockwork, lifecycle
from apps.support.models import SlaPolicy, Ticket, TicketClock
from apps.support.selectors.promising import Asked, Promise, promises
from apps.support.services import clocknews
from apps.support.services.clockbook import SHOWN, Book, Choose, set_shown
from apps.support.services.clockrows import Held, Ledger, of_tickets, store
from apps.support.services.clocks import choose_again

AT_ONCE = 500  # tickets that are timed in the call that changed the policy
BATCH = 200


# -- which tickets


def scope(policy: SlaPolicy) -> Q:
    """The tickets that a policy takes when it is asked, as a filter of tickets."""
    if policy.is_default:
        return Q()
    wanted = Q()
    if policy.match_queue_id:
        wanted &= Q(queue_id=policy.match_queue_id)
    if policy.match_type_id:
        wanted &= Q(request_type_id=policy.match_type_id)
    if policy.match_tier:
        wanted &= Q(account__tier=policy.match_tier)
    if policy.match_account_id:
        wanted &= Q(account_id=policy.match_account_id)
    if policy.match_tag:
        wanted &= Q(tags__contains=[policy.match_tag])
    return wanted


def _promised() -> QuerySet[Ticket]:
    """Tickets that somebody works on and that may have promises."""
    rows = Ticket.objects.filter(status__in=sorted(lifecycle.ACTIVE))
    return rows.exclude(kind=Kind.BACKFILLED).exclude(channel=Ticket.Channel.IMPORT)


def policy_changed(
    *, policy: SlaPolicy, before: Q | None, cause: str, actor: Actor, now: datetime
) -> None:
    """Choose again for the tickets that the policy takes, took, or has clocks of."""
    clocks = TicketClock.objects.unfinished().filter(ticket=OuterRef("pk"), policy=policy)
    touched = Q(Exists(clocks)) | scope(policy)
    if before is not None:
        touched |= before
    everything = Q() in (scope(policy), before)
    rows = _promised() if everything else _promised().filter(touched)
    _choose(rows, cause=cause, actor=actor, now=now)


def order_changed(*, cause: str, actor: Actor, now: datetime) -> None:
    _choose(_promised(), cause=cause, actor=actor, now=now)


def _choose(rows: QuerySet[Ticket], *, cause: str, actor: Actor, now: datetime) -> None:
    pks = list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if len(pks) < AT_ONCE:
        for start in range(0, len(pks), BATCH):
            choose_batch(pks[start : start + BATCH], cause=cause, actor=actor, now=now)
        return
    jobs.enqueue("apps.support.tasks.choose_again", after=0, cause=cause[:200])


def choose_next(*, after: int, cause: str, actor: Actor, now: datetime) -> int | None:
    """The next batch of all tickets with promises; the last one's id, None at the end."""
    rows = _promised().filter(pk__gt=after).order_by("pk")
    pks = list(rows.values_list("pk", flat=True)[:BATCH])
    choose_batch(pks, cause=cause, actor=actor, now=now)
    return pks[-1] if len(pks) == BATCH else None


@transaction.atomic
def choose_batch(pks: Sequence[int], *, cause: str, actor: Actor, now: datetime) -> None:
    """Choose again for these tickets; a few statements however many they are."""
    chosen: dict[Asked, Mapping[str, Promise]] = {}

    def choose(asked: Asked) -> Mapping[str, Promise]:
        if asked not in chosen:
            chosen[asked] = promises(asked)
        return chosen[asked]

    def act(book: Book) -> None:
        if book.ticket.is_active:
            choose_again(book, cause)

    each_book(pks, act, actor=actor, now=now, choose=choose)


def each_book(
    pks: Iterable[int],
    act: Callable[[Book], None],
    *,
    actor: Actor,
    now: datetime,
    choose: Choose = promises,
) -> Ledger:
    """Lock tickets, lowest first, let `act` change the clocks of each, and write it all at once."""
    tickets = list(
        Ticket.objects.filter(pk__in=list(pks))
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    ledger, books = Ledger(actor, now), []
    by_ticket: dict[int, list[Held]] = {ticket.pk: [] for ticket in tickets}
    for one in of_tickets(by_ticket):
        by_ticket[one.row.ticket_id].append(one)
    for ticket in tickets:
        book = Book(ticket, ledger, by_ticket[ticket.pk], choose)
        act(book)
        books.append(book)
    clocknews.announce(ledger.write(), now)
    shown = [book.ticket for book in books if set_shown(book.ticket, book.clocks)]
    store(Ticket, SHOWN, shown)
    return ledger


# -- a calendar changed


@transaction.atomic
def calendar_changed(
    *, calendar_id: int, version_id: int, at: datetime, actor: Actor, now: datetime
) -> None:
    """Running clocks of a calendar: seconds until `at` as it was, what is left in the new one."""
    rows = _in_old_versions(calendar_id, version_id)
    pks = list(rows.order_by("ticket_id").values_list("ticket_id", flat=True).distinct()[:AT_ONCE])
    if len(pks) < AT_ONCE:
        for start in range(0, len(pks), BATCH):
            recalendar_batch(
                pks[start : start + BATCH], version_id=version_id, at=at, actor=actor, now=now
            )
        return
    jobs.enqueue(
        "apps.support.tasks.recalendar",
        calendar_id=calendar_id,
        version_id=version_id,
        at=at.isoformat(),
    )


def _in_old_versions(calendar_id: int, version_id: int) -> QuerySet[TicketClock]:
    rows = TicketClock.objects.unfinished().filter(calendar_version__calendar_id=calendar_id)
    return rows.filter(calendar_version_id__lt=version_id)


def recalendar_next(
    *, calendar_id: int, version_id: int, at: datetime, actor: Actor, now: datetime
) -> bool:
    """The next batch of tickets whose clocks run in an old version; whether more may follow."""
    rows = _in_old_versions(calendar_id, version_id).order_by("ticket_id")
    pks = list(rows.values_list("ticket_id", flat=True).distinct()[:BATCH])
    with transaction.atomic():
        recalendar_batch(pks, version_id=version_id, at=at, actor=actor, now=now)
    return len(pks) == BATCH


def recalendar_batch(
    pks: Sequence[int], *, version_id: int, at: datetime, actor: Actor, now: datetime
) -> None:
    version = CalendarVersion.objects.select_related("calendar").get(pk=version_id)
    older = set(
        CalendarVersion.objects.filter(calendar=version.calendar, pk__lt=version_id).values_list(
            "pk", flat=True
        )
    )

    def act(book: Book) -> None:
        for one in book.opened():
            if one.row.calendar_version_id in older:
                _recalendar(book, one, version_id, at, str(version))

    each_book(pks, act, actor=actor, now=now)


def _recalendar(book: Book, one: Held, version_id: int, at: datetime, cause: str) -> None:
    was = one.calendar
    one.row.calendar_version_id = version_id
    changes = clockwork.recalendar(one.state, at, one.terms, one.calendar, was=was)
    book.ledger.take(one, changes, cause)
    book.ledger.touch(one)
