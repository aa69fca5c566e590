"""How the demo's tickets are told: each is a case with turns, played at their times.

What was said and done goes through the services, so that every promise was measured, warned of
and missed at the instant at which it would have been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from apps.support.models import Ticket
from apps.support.services import files
from apps.support.services import tickets as rows
from opsportal.demo.acts import Turn, actor_of, take
from opsportal.demo.stage import Beats, Stage, Story

Channel = Ticket.Channel


@dataclass(frozen=True)
class Case:
    """A ticket: `back` working days before the present at `at` (UTC), or `-40m` before it.

    `by` is the agent who logged it; empty: the requester wrote it. `levels` are impact and urgency
    where they are not the type's; `priority` is one set by hand, and why.
    """

    name: str
    back: int
    at: str
    type: str
    who: str
    subject: str
    body: str
    facts: Mapping[str, str] = field(default_factory=dict)
    turns: tuple[Turn, ...] = ()
    channel: str = Channel.MAIL
    by: str = ""
    surface: str = ""
    levels: tuple[str, str] = ("", "")
    priority: tuple[str, str] = ("", "")
    tags: tuple[str, ...] = ()
    queue: str = ""
    owner: str = ""
    link: str = ""  # its connection
    blocks: bool | None = None
    file: tuple[str, str] = ("", "")  # name and text of an attachment
    kind: str = "real"
    calendar: bool = False  # `back` counts calendar days, as the incidents' stories do


# -- time


def _day(present: datetime, back: int, clock: str) -> datetime:
    """A time of day (UTC) so many working days before the present's date."""
    day = present.astimezone(UTC).date()
    while back > 0:
        day -= timedelta(days=1)
        back -= day.weekday() < 5
    return datetime.combine(day, time.fromisoformat(clock), UTC)


def _later(start: datetime, days: int, clock: str) -> datetime:
    """A time of day so many working days after a date."""
    day = start.astimezone(UTC).date()
    while days > 0:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return datetime.combine(day, time.fromisoformat(clock), UTC)


def _when(stage: Stage, before: datetime, when: str) -> datetime:
    if when.startswith("-"):
        return stage.ago(minutes=float(when[1:].rstrip("m")))
    days, _, clock = when.rpartition(" ")
    return _later(before, int(days or 0), clock)


# -- telling


def story(case: Case) -> Story:
    """The ticket as a story for the stage."""

    def told(stage: Stage) -> Beats:
        if case.at.startswith("-"):
            at = _when(stage, stage.present, case.at)
        elif case.calendar:
            at = stage.day(case.back, case.at)
        else:
            at = _day(stage.present, case.back, case.at)
        yield at
        log(stage, case)
        for turn in case.turns:
            at = _when(stage, at, turn.when)
            yield at
            take(stage, case.name, turn)

    return told


def goes_on(name: str, back: int, clock: str, turns: Sequence[Turn]) -> Story:
    """More turns on a ticket that was logged before, from a calendar day on."""

    def told(stage: Stage) -> Beats:
        at = stage.day(back, clock)
        for turn in turns:
            at = _when(stage, at, turn.when)
            yield at
            take(stage, name, turn)

    return told


def log(stage: Stage, case: Case) -> Ticket:
    """The ticket is logged: by the requester's mail or form, or by an agent who was told."""
    stage.deliver()
    support = stage.support
    contact = support.contacts[case.who]
    actor = actor_of(stage, case.by or case.who)
    name, text = case.file
    ticket = rows.open_ticket(
        subject=case.subject,
        request_type=support.types[case.type],
        requester=contact,
        actor=actor,
        now=stage.now,
        body=case.body,
        channel=case.channel,
        impact=case.levels[0],
        urgency=case.levels[1],
        priority=case.priority[0],
        priority_reason=case.priority[1],
        surface=stage.surfaces[case.surface] if case.surface else None,
        queue=support.queues[case.queue] if case.queue else None,
        owner=stage.cast[case.owner] if case.owner else None,
        fields=_facts(case, stage.now),
        tags=case.tags,
        blocks_work=case.blocks,
        connection=support.connections.get(case.link),
        kind=case.kind,
        files_=files.accept_all([(name, text.encode())]) if name else (),
        message_id=_mail_id(case) if case.channel == Channel.MAIL else "",
    )
    support.tickets[case.name] = ticket
    return ticket


def _facts(case: Case, now: datetime) -> dict[str, str]:
    """The facts of the form; a connection that is ours is linked, not written down again."""
    written = {k: v for k, v in case.facts.items() if k != "connection" or not case.link}
    return {key: _fact(value, now) for key, value in written.items()}


def _fact(value: str, now: datetime) -> str:
    """`@2 05:10` is that time two days before the ticket."""
    if not value.startswith("@"):
        return value
    days, _, clock = value[1:].partition(" ")
    return f"{now - timedelta(days=int(days)):%Y-%m-%d} {clock} UTC"


def _mail_id(case: Case) -> str:
    return f"{case.name}.{case.back}@{case.who.partition('@')[2]}"
