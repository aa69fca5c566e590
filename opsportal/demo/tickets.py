"""How the demo's tickets are told: each is a case with turns, played at their times.

What was said and done goes through the services, so that every promise was measured, warned of
and missed at the instant at which it would have been.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from apps.core import audit
from apps.core.audit import Actor
from apps.support.models import Macro, Ticket, TicketClock
from apps.support.services import (
    clocks,
    conversation,
    desk,
    escalate,
    files,
    lifecycle,
    links,
    merging,
    requester,
)
from apps.support.services import tickets as rows
from opsportal.demo.stage import Beats, Stage, Story

Channel = Ticket.Channel


@dataclass(frozen=True)
class Turn:
    """What happens next on a ticket.

    `when` is a time of the same day (UTC), `+2 09:05` two working days later, or `-40m` before the
    present. `who` is one of the cast, or a contact's address. `what` is the act, after a colon
    what it needs: `resolve:fixed`, `prio:P2`.
    """

    when: str
    who: str
    text: str = ""
    what: str = "reply"


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
    actor = _actor(stage, case.by or case.who)
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


def take(stage: Stage, name: str, turn: Turn) -> None:
    """One turn of the story."""
    stage.deliver()
    ticket = stage.support.tickets[name]
    ticket.refresh_from_db()
    act, _, more = turn.what.partition(":")
    if "@" in turn.who and act == "reply":
        _writes(stage, name, ticket, turn)
    else:
        ACTS[act](stage, ticket, turn, more)


def _actor(stage: Stage, who: str) -> Actor:
    if "@" in who:
        contact = stage.support.contacts[who]
        return audit.contact(contact.pk, str(contact))
    return audit.person(stage.cast[who])


def _writes(stage: Stage, name: str, ticket: Ticket, turn: Turn) -> None:
    said = conversation.requester_wrote(
        ticket=ticket,
        body=turn.text,
        contact=stage.support.contacts[turn.who],
        actor=_actor(stage, turn.who),
        now=stage.now,
        message_id=f"{ticket.pk}.{int(stage.now.timestamp())}@{turn.who.partition('@')[2]}",
    )
    stage.support.heard[ticket.pk] = said
    if said.ticket_id != ticket.pk:  # it was over: a follow-up
        stage.support.tickets[f"{name}-again"] = said.ticket


def _reply(stage: Stage, ticket: Ticket, turn: Turn, then: str = "", code: str = "") -> None:
    conversation.reply(
        ticket=ticket,
        body=turn.text,
        actor=_actor(stage, turn.who),
        now=stage.now,
        then=then,
        resolution_code=code,
        override_blocking=bool(code),
    )


def _note(stage: Stage, ticket: Ticket, turn: Turn, _: str) -> None:
    conversation.note(ticket=ticket, body=turn.text, actor=_actor(stage, turn.who), now=stage.now)


def _accept(stage: Stage, ticket: Ticket, turn: Turn, owner: str) -> None:
    """Triage; whoever accepts owns it unless it is given to somebody."""
    lifecycle.triage(
        ticket=ticket,
        actor=_actor(stage, turn.who),
        now=stage.now,
        owner=stage.cast[owner or turn.who],
    )


def _hand(stage: Stage, ticket: Ticket, turn: Turn, owner: str) -> None:
    rows.assign(
        ticket=ticket, owner=stage.cast[owner], actor=_actor(stage, turn.who), now=stage.now
    )


def _rank(stage: Stage, ticket: Ticket, turn: Turn, priority: str) -> None:
    rows.set_priority(
        ticket=ticket,
        priority=priority,
        reason=turn.text,
        actor=_actor(stage, turn.who),
        now=stage.now,
    )


def _move(stage: Stage, ticket: Ticket, turn: Turn, step: str) -> None:
    verb, _, code = step.partition(":")
    lifecycle.transition(
        ticket=ticket,
        verb=verb,
        actor=_actor(stage, turn.who),
        now=stage.now,
        resolution_code=code,
        no_reply_needed=True,
        note=turn.text,
    )


def _await(stage: Stage, ticket: Ticket, turn: Turn, what: str) -> None:
    """Wait for somebody else: an incident (by the beginning of its title) or a vendor."""
    kind, _, days = what.partition(":")
    ref = stage.incident(turn.text).ref if kind == "incident" else turn.text
    lifecycle.transition(
        ticket=ticket,
        verb="wait_third_party",
        actor=_actor(stage, turn.who),
        now=stage.now,
        link={"kind": kind, "ref": ref},
        expected_by=stage.now + timedelta(days=float(days or 2)),
    )


def _link(stage: Stage, ticket: Ticket, turn: Turn, kind: str) -> None:
    ref = stage.incident(turn.text).ref if kind == "incident" else turn.text
    links.link(
        ticket=ticket,
        kind=kind,
        ref=ref,
        relation="cause",
        actor=_actor(stage, turn.who),
        now=stage.now,
    )


def _merge(stage: Stage, ticket: Ticket, turn: Turn, into: str) -> None:
    target = stage.support.tickets[into]
    merging.merge(ticket=ticket, into=target, actor=_actor(stage, turn.who), now=stage.now)


def _split(stage: Stage, ticket: Ticket, turn: Turn, key: str) -> None:
    """The requester's last words become a ticket of their own."""
    kind, _, name = key.partition(":")
    stage.support.tickets[name] = merging.split(
        message=stage.support.heard[ticket.pk],
        subject=turn.text,
        request_type=stage.support.types[kind],
        actor=_actor(stage, turn.who),
        now=stage.now,
    )


def _rate(stage: Stage, ticket: Ticket, turn: Turn, score: str) -> None:
    requester.rate(ticket=ticket, score=score, comment=turn.text, now=stage.now)


def _unsolved(stage: Stage, ticket: Ticket, turn: Turn, _: str) -> None:
    requester.not_solved(
        ticket=ticket, body=turn.text, contact=stage.support.contacts[turn.who], now=stage.now
    )


def _same(stage: Stage, ticket: Ticket, turn: Turn, by: str) -> None:
    contact = stage.support.contacts[turn.who]
    rows.me_too(
        ticket=ticket, contact=contact, actor=_actor(stage, by), now=stage.now, note=turn.text
    )


def _snooze(stage: Stage, ticket: Ticket, turn: Turn, days: str) -> None:
    until = stage.now + timedelta(days=float(days))
    rows.snooze(ticket=ticket, until=until, actor=_actor(stage, turn.who), now=stage.now)


def _escalate(stage: Stage, ticket: Ticket, turn: Turn, _: str) -> None:
    escalate.escalate_now(
        ticket=ticket, reason=turn.text, actor=_actor(stage, turn.who), now=stage.now
    )
    stage.run()


def _waive(stage: Stage, ticket: Ticket, turn: Turn, metric: str) -> None:
    clock = TicketClock.objects.get(ticket=ticket, metric=metric, breached_at__isnull=False)
    clocks.waive(clock=clock, reason=turn.text, actor=_actor(stage, turn.who), now=stage.now)


def _macro(stage: Stage, ticket: Ticket, turn: Turn, _: str) -> None:
    """A prepared reply; `text` is its name."""
    person = stage.cast[turn.who]
    actor = audit.person(person)
    filled = desk.use_macro(
        macro=Macro.objects.get(name=turn.text),
        ticket=ticket,
        person=person,
        actor=actor,
        now=stage.now,
    )
    conversation.reply(
        ticket=ticket,
        body=filled.body,
        actor=actor,
        now=stage.now,
        then=filled.then,
        resolution_code=filled.resolution_code,
    )


def _watch(stage: Stage, ticket: Ticket, turn: Turn, _: str) -> None:
    rows.watch(
        ticket=ticket,
        person=stage.cast[turn.who],
        actor=_actor(stage, turn.who),
        now=stage.now,
    )


def _draft(stage: Stage, ticket: Ticket, turn: Turn, _: str) -> None:
    desk.save_draft(
        ticket=ticket,
        person=stage.cast[turn.who],
        is_public=True,
        body=turn.text,
        now=stage.now,
    )


Act = Callable[[Stage, Ticket, Turn, str], None]
ACTS: Mapping[str, Act] = {
    "reply": lambda stage, ticket, turn, _: _reply(stage, ticket, turn),
    "wait": lambda stage, ticket, turn, _: _reply(stage, ticket, turn, "wait"),
    "resolve": lambda stage, ticket, turn, code: _reply(stage, ticket, turn, "resolve", code),
    "note": _note,
    "accept": _accept,
    "owner": _hand,
    "prio": _rank,
    "move": _move,
    "await": _await,
    "link": _link,
    "merge": _merge,
    "split": _split,
    "rate": _rate,
    "unsolved": _unsolved,
    "me_too": _same,
    "snooze": _snooze,
    "escalate": _escalate,
    "waive": _waive,
    "macro": _macro,
    "watch": _watch,
    "draft": _draft,
}
