"""django-q2 entry points. The rows are the truth; a task that runs twice or late does no harm."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.core import audit, clock, jobs
from apps.support import seeds
from apps.support.services import (
    checking,
    conversation,
    desk,
    incident_updates,
    lifecycle,
    mailboxes,
    mailing,
    retiming,
)
from apps.support.services import sweep as sweeping

PROMISES = audit.system("Promises")
KEEP_RAW_MAIL = timedelta(days=90)


def sweep() -> int:
    """Every minute: whatever promises are due; answers how many tickets had any."""
    return sweeping.sweep(now=clock.now()).tickets


def check_promises() -> int:
    """Nightly: clocks against their history, and what an edit overtook."""
    now = clock.now()
    checking.mend(now=now)
    return checking.check(now=now).differing


def choose_again(after: int, cause: str) -> None:
    """After an edit that touches many tickets: a batch, and the next one after it."""
    last = retiming.choose_next(after=after, cause=cause, actor=PROMISES, now=clock.now())
    if last is not None:
        jobs.enqueue("apps.support.tasks.choose_again", after=last, cause=cause)


def recalendar(calendar_id: int, version_id: int, at: str) -> None:
    """The same for a calendar that many clocks run in."""
    more = retiming.recalendar_next(
        calendar_id=calendar_id,
        version_id=version_id,
        at=datetime.fromisoformat(at),
        actor=PROMISES,
        now=clock.now(),
    )
    if more:
        jobs.enqueue(
            "apps.support.tasks.recalendar", calendar_id=calendar_id, version_id=version_id, at=at
        )


def wake() -> int:
    """Every minute: tickets whose own timers have run out, and held replies that an engine left."""
    now = clock.now()
    return lifecycle.wake_due(now=now) + conversation.release_held(now=now)


def fetch_mail() -> int:
    """Every minute: new mails of every mailbox."""
    return mailboxes.fetch_all(now=clock.now())


def place_mail(mail: int) -> None:
    """A mail that came by the hook, put where it belongs."""
    mailing.place_kept(pk=mail, now=clock.now())


def upkeep() -> None:
    """Nightly: request types find their surfaces, old raw mails and stale presences go."""
    now = clock.now()
    seeds.bind_surfaces(now=now)
    mailing.purge(now=now, keep=KEEP_RAW_MAIL)
    desk.forget_absent(now=now)


def answer_incident(update: int, after: int = 0) -> int:
    """A published update of an incident, to each of its tickets, a hundred at a time."""
    return incident_updates.answer_tickets(update_id=update, after=after, now=clock.now())


def hear_customer(message: int) -> int:
    """A customer's word on a ticket of an incident, to whoever commands that."""
    return incident_updates.hear_customer(message_id=message, now=clock.now())


def tie_incident(ticket: int, ref: str, person: int | None = None) -> None:
    """A ticket was linked to an incident: that shows it too."""
    incident_updates.linked_on_ticket(ticket_id=ticket, ref=ref, person_id=person, now=clock.now())


def untie_incident(ticket: int, ref: str, person: int | None = None) -> None:
    """The same when the link was taken away."""
    incident_updates.unlinked_on_ticket(
        ticket_id=ticket, ref=ref, person_id=person, now=clock.now()
    )
