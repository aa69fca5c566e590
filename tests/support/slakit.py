"""Tickets with promises, made without mail, routing and messages: only what clocks look at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from apps.calendars.models import BusinessCalendar
from apps.calendars.services import ALWAYS, OFFICE
from apps.core import audit
from apps.core.transitions import move
from apps.customers.models import Account, Contact
from apps.support import seeds_sla
from apps.support.models import ClockEvent, Queue, RequestType, SlaPolicy, Ticket, TicketClock
from apps.support.services import clocks
from apps.support.services.policies import Cell, Step, Takes, save_policy

MONDAY = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)  # within office hours of a site in UTC
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
_numbers = count(1)


def at(text: str, day: int = 7) -> datetime:
    """A time of a day of September 2026; the 7th is a Monday."""
    hour, minute, *second = (int(part) for part in text.split(":"))
    return datetime(2026, 9, day, hour, minute, second[0] if second else 0, tzinfo=UTC)


def site(now: datetime = MONDAY) -> SlaPolicy:
    """The seeded promises: office hours, and around the clock for what is urgent."""
    seeds_sla.ensure_sla(now)
    return SlaPolicy.objects.get(is_default=True)


def office() -> BusinessCalendar:
    return BusinessCalendar.objects.get(key=OFFICE)


def always() -> BusinessCalendar:
    return BusinessCalendar.objects.get(key=ALWAYS)


def plain_policy(*cells: Cell, now: datetime = MONDAY, **more: Any) -> SlaPolicy:
    """A default policy with these cells only, around the clock."""
    from apps.calendars.services import ensure_defaults

    ensure_defaults(now=now)
    more.setdefault("calendar", always())
    more.setdefault("is_default", True)
    return save_policy(
        policy=None, name=f"Policy {next(_numbers)}", cells=cells,
        actor=audit.SYSTEM, now=now, **more,
    )  # fmt: skip


def cell(
    metric: str,
    seconds: int | None,
    *steps: Step,
    priority: str = "P3",
    warn: tuple[int, ...] = (),
    **more: Any,
) -> Cell:
    return Cell(
        metric=metric, priority=priority, seconds=seconds, steps=steps, warn_percents=warn, **more
    )


def queue(key: str = "support", **more: Any) -> Queue:
    return Queue.objects.get_or_create(key=key, defaults={"name": key.title(), **more})[0]


def request_type(key: str = "stale_profile", **more: Any) -> RequestType:
    defaults = {"name": key, "queue": queue(), **more}
    return RequestType.objects.get_or_create(key=key, defaults=defaults)[0]


def contact(account: Account | None = None, now: datetime = MONDAY) -> Contact:
    return Contact.objects.create(
        email=f"ana{next(_numbers)}@bramble.example", name="Ana", account=account, created_at=now
    )


def ticket(now: datetime = MONDAY, *, start: bool = True, **fields: Any) -> Ticket:
    """A ticket of priority P3 with its first clocks."""
    asks = fields.pop("requester", None) or contact(now=now)
    kind = fields.pop("request_type", None) or request_type()
    row = Ticket.objects.create(
        **{
            "subject": f"Profile {next(_numbers)} is stale",
            "request_type": kind,
            "queue": kind.queue,
            "requester": asks,
            "account": asks.account,
            "impact": "medium",
            "urgency": "medium",
            "priority": "P3",
            "created_at": now,
            "updated_at": now,
            **fields,
        }
    )
    if start:
        clocks.start_all(ticket=row, actor=audit.SYSTEM, now=now)
    return row


def clock(of: Ticket, metric: str, cycle: int | None = None) -> TicketClock:
    """The newest clock of a metric."""
    rows = of.clocks.filter(metric=metric)
    found = rows.get(cycle=cycle) if cycle else rows.latest("cycle")
    return found


def events(of: TicketClock) -> list[str]:
    return list(ClockEvent.objects.filter(clock=of).order_by("pk").values_list("what", flat=True))


def to(of: Ticket, status: str, now: datetime, *, at: datetime | None = None) -> Ticket:
    """Move a ticket to another state, with its clocks."""
    was = of.status
    extra: dict[str, Any] = {}
    if status == "resolved":
        extra["resolved_at"] = now
    if status == "waiting_third_party":
        extra["expected_by"] = now + timedelta(days=30)
    move(of, to=status, actor=audit.SYSTEM, now=now, **extra)
    clocks.status_changed(ticket=of, was=was, at=at or now, actor=audit.SYSTEM, now=now)
    return of


def reply(of: Ticket, now: datetime, *, at: datetime | None = None) -> None:
    """An agent answers publicly."""
    said = at or now
    of.messages.create(author="agent", body="Look at this.", at=said, recorded_at=now)
    if of.first_replied_at is None:
        Ticket.objects.filter(pk=of.pk).update(first_replied_at=said)
        of.first_replied_at = said
    clocks.agent_replied(ticket=of, at=said, actor=audit.SYSTEM, now=now)


def asks(of: Ticket, now: datetime, *, at: datetime | None = None) -> None:
    """The requester writes."""
    said = at or now
    of.messages.create(author="requester", body="And now?", at=said, recorded_at=now)
    clocks.requester_wrote(ticket=of, at=said, actor=audit.SYSTEM, now=now)


def prioritise(of: Ticket, priority: str, now: datetime) -> None:
    Ticket.objects.filter(pk=of.pk).update(priority=priority)
    of.priority = priority
    clocks.retarget(ticket=of, cause=f"priority {priority}", actor=audit.SYSTEM, now=now)


__all__ = ["Takes"]
