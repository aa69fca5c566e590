"""What people do in the stories of tickets: each act of a turn by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from apps.core import audit
from apps.core.audit import Actor
from apps.support.models import Macro, Ticket, TicketClock
from apps.support.services import (
    clocks,
    conversation,
    desk,
    escalate,
    lifecycle,
    links,
    merging,
    requester,
)
from apps.support.services import tickets as rows
from opsportal.demo.stage import Stage


@dataclass(frozen=True)
class Turn:
    """What happens next on a ticket.

    `when` is a time of the same day (UTC), `+2 09:05` two working days later, or `-40m` before the
    present. `who` is one of the cast, or a contact's address. `what` is the act, after a colon
    what it needs: `resolve:fixed`, `await:vendor:14`.
    """

    when: str
    who: str
    text: str = ""
    what: str = "reply"


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


def actor_of(stage: Stage, who: str) -> Actor:
    if "@" in who:
        contact = stage.support.contacts[who]
        return audit.contact(contact.pk, str(contact))
    return audit.person(stage.cast[who])


def _writes(stage: Stage, name: str, ticket: Ticket, turn: Turn) -> None:
    said = conversation.requester_wrote(
        ticket=ticket,
        body=turn.text,
        contact=stage.support.contacts[turn.who],
        actor=actor_of(stage, turn.who),
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
        actor=actor_of(stage, turn.who),
        now=stage.now,
        then=then,
        resolution_code=code,
        override_blocking=bool(code),
    )


def _note(stage: Stage, ticket: Ticket, turn: Turn, _: str) -> None:
    conversation.note(ticket=ticket, body=turn.text, actor=actor_of(stage, turn.who), now=stage.now)


def _accept(stage: Stage, ticket: Ticket, turn: Turn, owner: str) -> None:
    """Triage; whoever accepts owns it unless it is given to somebody."""
    lifecycle.triage(
        ticket=ticket,
        actor=actor_of(stage, turn.who),
        now=stage.now,
        owner=stage.cast[owner or turn.who],
    )


def _hand(stage: Stage, ticket: Ticket, turn: Turn, owner: str) -> None:
    rows.assign(
        ticket=ticket, owner=stage.cast[owner], actor=actor_of(stage, turn.who), now=stage.now
    )


def _move(stage: Stage, ticket: Ticket, turn: Turn, step: str) -> None:
    verb, _, code = step.partition(":")
    lifecycle.transition(
        ticket=ticket,
        verb=verb,
        actor=actor_of(stage, turn.who),
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
        actor=actor_of(stage, turn.who),
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
        actor=actor_of(stage, turn.who),
        now=stage.now,
    )


def _merge(stage: Stage, ticket: Ticket, turn: Turn, into: str) -> None:
    target = stage.support.tickets[into]
    by: dict[str, Any] = {"actor": actor_of(stage, turn.who), "now": stage.now}
    merging.merge(ticket=ticket, into=target, both_customers=True, **by)


def _split(stage: Stage, ticket: Ticket, turn: Turn, key: str) -> None:
    """The requester's last words become a ticket of their own."""
    kind, _, name = key.partition(":")
    stage.support.tickets[name] = merging.split(
        message=stage.support.heard[ticket.pk],
        subject=turn.text,
        request_type=stage.support.types[kind],
        actor=actor_of(stage, turn.who),
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
        ticket=ticket, contact=contact, actor=actor_of(stage, by), now=stage.now, note=turn.text
    )


def _snooze(stage: Stage, ticket: Ticket, turn: Turn, days: str) -> None:
    until = stage.now + timedelta(days=float(days))
    rows.snooze(ticket=ticket, until=until, actor=actor_of(stage, turn.who), now=stage.now)


def _escalate(stage: Stage, ticket: Ticket, turn: Turn, _: str) -> None:
    escalate.escalate_now(
        ticket=ticket, reason=turn.text, actor=actor_of(stage, turn.who), now=stage.now
    )
    stage.run()


def _waive(stage: Stage, ticket: Ticket, turn: Turn, metric: str) -> None:
    clock = TicketClock.objects.get(ticket=ticket, metric=metric, breached_at__isnull=False)
    clocks.waive(clock=clock, reason=turn.text, actor=actor_of(stage, turn.who), now=stage.now)


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
    "draft": _draft,
}
