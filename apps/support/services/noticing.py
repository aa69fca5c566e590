"""Who hears of a promise that runs out or was missed: one message for each reader and batch."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from apps.accounts.models import Person
from apps.core.models import Kind
from apps.notifications import services as notifications
from apps.ownership import selectors as ownership
from apps.ownership.selectors import Owners
from apps.rotations import selectors as rotations
from apps.rotations.models import Role
from apps.support import notices
from apps.support.models import EscalationStep, Metric, Priority, Ticket
from apps.support.services.clockrows import SUBJECT, Entry

Tell = EscalationStep.Notify
ALL_MISSED = "/tickets/?sla=breached"
Why = tuple[Person, str]


@dataclass(frozen=True)
class News:
    """An event that somebody should hear of. `step` is None for a warning."""

    entry: Entry
    ticket: Ticket
    step: EscalationStep | None


class People:
    """Who answers for tickets just now, asked once for a whole batch."""

    def __init__(self, tickets: Iterable[Ticket], now: datetime) -> None:
        self.tickets, self.now = list(tickets), now
        self._backups: dict[int, Person | None] = {}

    @cached_property
    def _owners(self) -> dict[int, Owners]:
        places = {t.surface.pk: t.surface for t in self.tickets if t.surface}
        return ownership.owners_of(places.values(), at=self.now) if places else {}

    @cached_property
    def _managers(self) -> list[Person]:
        return list(Person.objects.active().managers().order_by("pk"))

    def told_by(self, ticket: Ticket, tell: str) -> list[Why]:
        """The people of a step, or who stands in where there is nobody of that sort.

        Later steps are for others than the owner, who was told by the first. Of a private queue
        nobody hears who may not see it. What is not real reaches nobody but the ticket's owner.
        """
        ways = {
            Tell.OWNER: (self._owner, self._lead),
            Tell.BACKUP: (self._backup, self._lead),
            Tell.LEAD: (self._lead,),
        }
        for way in ways[Tell(tell)]:
            person, why = way(ticket)
            known = tell != Tell.OWNER and person is not None and person.pk == ticket.owner_id
            if person is not None and not known and self._may_hear(person, ticket):
                return self._fit(ticket, [(person, why)])
        return self._fit(ticket, [(one, "you are a manager") for one in self._managers])

    def _fit(self, ticket: Ticket, people: list[Why]) -> list[Why]:
        if ticket.kind == Kind.REAL:
            return people
        return [(one, why) for one, why in people if one.pk == ticket.owner_id]

    def _may_hear(self, person: Person, ticket: Ticket) -> bool:
        if not person.is_active or not ticket.queue.is_private:
            return person.is_active
        return Ticket.objects.filter(pk=ticket.pk).visible_to(person).exists()

    def _owner(self, ticket: Ticket) -> tuple[Person | None, str]:
        if ticket.owner and ticket.owner.is_active:
            return ticket.owner, "you own the ticket"
        owners = self._owners.get(ticket.surface_id or 0, Owners())
        return owners.primary, f"you own {ticket.surface}, and nobody owns the ticket"

    def _backup(self, ticket: Ticket) -> tuple[Person | None, str]:
        if ticket.surface is None:
            return None, ""
        owners = self._owners.get(ticket.surface.pk, Owners())
        if owners.backup is not None:
            return owners.backup, f"you are the backup for {ticket.surface}"
        if ticket.surface.pk not in self._backups:
            schedule = rotations.schedule_of(ticket.surface)
            second = (
                rotations.on_call(schedule, at=self.now, role=Role.SECONDARY) if schedule else []
            )
            self._backups[ticket.surface.pk] = second[0] if second else None
        return self._backups[ticket.surface.pk], f"you are second on call for {ticket.surface}"

    def _lead(self, ticket: Ticket) -> tuple[Person | None, str]:
        teams = [ticket.surface.team if ticket.surface else None, ticket.queue.team]
        for team in teams:
            if team is not None and team.lead is not None and self._may_hear(team.lead, ticket):
                return team.lead, f"you lead {team.name}"
        return None, ""


def tell(news: Sequence[News], now: datetime) -> int:
    """Write the messages: one for each reader, sort and urgency; answers how many are new."""
    people = People({one.ticket.pk: one.ticket for one in news}.values(), now)
    heaps: dict[tuple[int, bool, str, str], list[tuple[News, Why]]] = defaultdict(list)
    for one in news:
        step = one.step.notify if one.step else Tell.OWNER
        if step == Tell.PAGE:
            continue
        for person, why in people.told_by(one.ticket, step):
            key = (person.pk, one.step is not None, _urgency(one), one.ticket.kind)
            heaps[key].append((one, (person, why)))
    site = notifications.absolute("/").rstrip("/")
    return sum(
        _write([one for one, _ in heap], heap[0][1], site, urgency, kind, now)
        for (_, _, urgency, kind), heap in sorted(heaps.items())
    )


def _urgency(one: News) -> str:
    return "high" if one.step is not None and one.ticket.priority == Priority.P1 else "low"


def _write(heap: Sequence[News], to: Why, site: str, urgency: str, kind: str, now: datetime) -> int:
    """One message. A single one belongs to its clock, so that a reply can take it back."""
    person, why = to
    by_clock = {one.entry.held.row.pk: one for one in heap}  # two steps at once are one line
    keys = sorted(f"{one.entry.held.row.pk}:{one.entry.change.key}" for one in heap)
    name = hashlib.sha256(" ".join(keys).encode()).hexdigest()[:32]
    single = next(iter(by_clock.values())) if len(by_clock) == 1 else None
    lines = [_line(one, site) for one in by_clock.values()]
    url = lines[0].url if single else site + ALL_MISSED
    warned = heap[0].step is None
    return notifications.notify(
        person=person,
        what="promise_warning" if warned else "promise_missed",
        write=notices.warning if warned else notices.missed,
        facts=notices.Notice(lines=lines, why=why, url=url, kind=kind),
        urgency=urgency,
        subject=(SUBJECT, str(single.entry.held.row.pk)) if single else ("ticket_clocks", name),
        dedupe=f"clocks:{name}",
        thread_key=f"ticket-{single.ticket.pk}" if single else "",
        kind=kind,
        link=url,
        now=now,
    )


def _line(one: News, site: str) -> notices.Line:
    row, ticket = one.entry.held.row, one.ticket
    return notices.Line(
        ref=ticket.ref,
        subject=ticket.subject,
        metric=Metric(row.metric).label,
        priority=ticket.priority,
        due_at=row.breached_at or row.due_at or one.entry.change.at,
        url=f"{site}/tickets/{ticket.ref}/",
        owner=ticket.owner.name if ticket.owner else "",
        customer=ticket.account.name if ticket.account else str(ticket.requester),
        percent=one.entry.change.number or 0,
        retargeted=row.breach_cause == "retarget",
    )
