"""A stage on which the past is played: stories say what happens when, the engine does the rest.

A story is a generator that yields the instants at which it goes on. `play` takes them in the order
of time and runs the engine at every instant at which something is due in between, so that pages
escalate, messages go out and incidents follow exactly as they would have.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import F

from apps.accounts.models import Person
from apps.alerts.models import Alert
from apps.core import audit
from apps.core.jobs import Waiting
from apps.incidents import services as incidents
from apps.incidents.models import Incident
from apps.intake import services as intake
from apps.intake.models import Delivery, Integration
from apps.notifications.models import Channel, Message
from apps.ownership.models import Surface
from apps.paging import services as paging
from apps.paging.models import Page
from apps.rotations import selectors as rotations
from apps.rotations.models import Schedule
from apps.support.services import incident_updates, lifecycle, sweep
from opsportal import engine
from opsportal.demo.desk import Desk
from opsportal.demo.sources import Sources

Beats = Iterator[datetime]


def _answer(now: datetime, update: int, after: int = 0) -> None:
    incident_updates.answer_tickets(update_id=update, after=after, now=now)


def _hear(now: datetime, message: int) -> None:
    incident_updates.hear_customer(message_id=message, now=now)


def _tie(now: datetime, ticket: int, ref: str, person: int | None = None) -> None:
    incident_updates.linked_on_ticket(ticket_id=ticket, ref=ref, person_id=person, now=now)


def _untie(now: datetime, ticket: int, ref: str, person: int | None = None) -> None:
    incident_updates.unlinked_on_ticket(ticket_id=ticket, ref=ref, person_id=person, now=now)


TASKS: Mapping[str, Callable[..., None]] = {
    "apps.support.tasks.answer_incident": _answer,
    "apps.support.tasks.hear_customer": _hear,
    "apps.support.tasks.tie_incident": _tie,
    "apps.support.tasks.untie_incident": _untie,
}
_NEXT = """
SELECT least(
    (SELECT min(next_at) FROM paging_page
     WHERE status = 'open' AND next_at > %(now)s AND next_at <= %(until)s),
    (SELECT min(not_before) FROM notifications_message
     WHERE status = 'pending' AND not_before > %(now)s AND not_before <= %(until)s)),
  least(
    (SELECT min(next_check_at) FROM support_ticketclock WHERE next_check_at < %(until)s),
    (SELECT min(wake_at) FROM support_ticket WHERE wake_at < %(until)s))
"""


def whole_hour(instant: datetime) -> datetime:
    """The full hour before: what people write into a schedule."""
    return instant.replace(minute=0, second=0, microsecond=0)


@dataclass
class Stage:
    """The demo's world while it is played. `present` is where the play ends."""

    present: datetime
    now: datetime
    cast: Mapping[str, Person]
    surfaces: Mapping[str, Surface]
    schedules: Mapping[str, Schedule]
    sources: Sources
    support: Desk
    waiting: Waiting = field(default_factory=list)  # what was enqueued and not done yet

    # -- time

    def ago(self, *, days: float = 0, hours: float = 0, minutes: float = 0) -> datetime:
        """That long before the present."""
        return self.present - timedelta(days=days, hours=hours, minutes=minutes)

    def day(self, back: int, clock: str) -> datetime:
        """A time of day (UTC) on the date that many days before the present's; at least two."""
        day = self.present.astimezone(UTC).date() - timedelta(days=back)
        return datetime.combine(day, time.fromisoformat(clock), UTC)

    def to(self, instant: datetime) -> None:
        """Let time pass; the engine runs whenever something is due on the way."""
        while (due := self._next(instant)) is not None:
            self.now, is_promise = due
            if is_promise:
                self.keep_promises()
            else:
                self.run()
        self.now = instant

    def run(self, rounds: int = 1) -> None:
        """What is due at this instant, in the order in which work flows."""
        self.work()
        self.deliver()
        engine.run_once(now=self.now, rounds=rounds)

    def work(self) -> None:
        """What tasks between incidents and tickets have to do, at the play's time; a task may
        bring up another. The rest stays for the cluster."""
        later = []
        while self.waiting:
            task, arguments = self.waiting.pop(0)
            if do := TASKS.get(task):
                do(self.now, **arguments)
            else:
                later.append((task, arguments))
        self.waiting.extend(later)

    def keep_promises(self) -> None:
        """What the minute's schedules do for tickets, and the pages that come of it."""
        self.work()
        self.deliver()
        swept = sweep.sweep(now=self.now)
        lifecycle.wake_due(now=self.now)
        rings = Page.objects.filter(status=Page.Status.OPEN, next_at__lte=self.now)
        if swept.steps and rings.exists():
            self.run()

    def deliver(self) -> None:
        """Put what is due into the mailboxes, in one statement.

        The engine does the same in six for each message, which a quarter of tickets has hundreds
        of. Called before anything else happens, so that what was sent cannot be taken back.
        """
        waiting = Message.objects.filter(
            status=Message.Status.PENDING, channel=Channel.MAILBOX, not_before__lte=self.now
        )
        at = F("not_before")
        waiting.update(status=Message.Status.SENT, attempts=1, sending_at=at, sent_at=at)

    def _next(self, until: datetime) -> tuple[datetime, bool] | None:
        """The next instant at which something is due, and whether that is a promise or timer.

        Those are found by a schedule at full minutes, everything else at once.
        """
        values = {"now": self.now, "until": until}
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, values)
            engine_at, promise_at = cursor.fetchone()
        if promise_at is not None:
            minute = max(promise_at, self.now).replace(second=0, microsecond=0)
            promise_at = minute + timedelta(minutes=1)
            if promise_at <= until and (engine_at is None or promise_at < engine_at):
                return promise_at, True
        return (engine_at, False) if engine_at is not None else None

    # -- what comes in

    def send(
        self, source: Integration, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Delivery:
        """A vendor's delivery arrives and is worked on at once."""
        delivery = intake.receive_hook(integration=source, body=body, headers=headers, now=self.now)
        self.run()
        return delivery

    def github(self, source: Integration, name: str, body: bytes) -> Delivery:
        """A webhook of GitHub; its delivery id is made of its time."""
        ident = f"{name}-{source.pk}-{int(self.now.timestamp())}"
        return self.send(source, body, {"X-GitHub-Event": name, "X-GitHub-Delivery": ident})

    def post(self, key: str, summary: str = "", **fields: Any) -> None:
        """A native event of the CI hook; a trigger unless `action` says otherwise."""
        body = {"action": "trigger", "dedup_key": key, **fields}
        if summary:
            body["summary"] = summary
        intake.receive(integration=self.sources.hook, body=body, now=self.now)
        self.run()

    # -- what people do

    def alert(self, summary: str) -> Alert:
        """The latest alert whose summary begins with this."""
        found = Alert.objects.filter(summary__startswith=summary).order_by("-pk").first()
        assert found is not None, f"no alert begins with {summary!r}"
        return found

    def incident(self, title: str) -> Incident:
        """The latest incident whose title begins with this."""
        found = Incident.objects.filter(title__startswith=title).order_by("-pk").first()
        assert found is not None, f"no incident begins with {title!r}"
        return found

    def acknowledge(self, who: str, summary: str) -> None:
        """Somebody takes the page that the alert's group has."""
        group = self.alert(summary).group
        assert group is not None and group.page is not None, f"{summary!r} paged nobody"
        person = self.cast[who]
        paging.acknowledge(page=group.page, actor=audit.person(person), person=person, now=self.now)
        self.run()

    def on_call(self, schedule: str) -> str:
        """Which of the cast is on call in a schedule now."""
        people = rotations.on_call(self.schedules[schedule], at=self.now)
        return next(key for key, person in self.cast.items() if person in people)

    def declare(self, who: str, title: str, severity: str, surface: str, **more: Any) -> Incident:
        """Somebody opens an incident by hand."""
        return incidents.open_incident(
            title=title,
            severity=severity,
            surface=self.surfaces[surface],
            actor=audit.person(self.cast[who]),
            now=self.now,
            **more,
        )

    def say(self, who: str, title: str, text: str) -> None:
        """A comment on the incident's timeline."""
        actor = audit.person(self.cast[who])
        incidents.comment(incident=self.incident(title), text=text, actor=actor, now=self.now)

    def move(
        self, who: str, title: str, to: str, note: str = "", impact: str = "", silence: str = ""
    ) -> None:
        """The incident goes on to another state, with who was hurt and why the public is not told
        where the step asks for it."""
        incidents.transition(
            incident=self.incident(title),
            to=to,
            actor=audit.person(self.cast[who]),
            now=self.now,
            note=note,
            impact_summary=impact,
            public_silence=silence,
        )
        self.run()

    def rate(self, who: str, title: str, severity: str, reason: str) -> None:
        """The severity changes."""
        incidents.set_severity(
            incident=self.incident(title),
            severity=severity,
            reason=reason,
            actor=audit.person(self.cast[who]),
            now=self.now,
        )

    def lead(self, who: str, title: str, by: str) -> None:
        """Somebody becomes commander."""
        incidents.set_commander(
            incident=self.incident(title),
            person=self.cast[who],
            actor=audit.person(self.cast[by]),
            now=self.now,
        )


Story = Callable[[Stage], Beats]


def play(stage: Stage, stories: Iterable[Story]) -> None:
    """Tell all stories, each beat at its time, up to the present."""
    waiting: list[tuple[datetime, int, Beats]] = []
    for number, story in enumerate(stories):
        _go_on(waiting, number, story(stage), stage)
    while waiting:
        instant, number, beats = heapq.heappop(waiting)
        stage.to(instant)
        _go_on(waiting, number, beats, stage)
    stage.to(stage.present)
    stage.keep_promises()
    stage.run(rounds=20)


def _go_on(
    waiting: list[tuple[datetime, int, Beats]], number: int, beats: Beats, stage: Stage
) -> None:
    following = next(beats, None)
    if following is not None and following <= stage.present:
        heapq.heappush(waiting, (max(following, stage.now), number, beats))
