"""One ticket from its first word to "not solved", as its people see it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core import audit
from apps.core.errors import IllegalTransition, Invalid
from apps.support.models import Ticket, TicketClock
from apps.support.services import conversation, lifecycle, requester
from apps.support.services.conversation import Stale
from tests import builders as build
from tests.conftest import Cast
from tests.world import World

pytestmark = pytest.mark.django_db


def logged(world: World, cast: Cast, **more: object) -> Ticket:
    world.at("2026-09-07T09:30")
    build.surface("inspect.profiler", primary=cast.ravi, backup=cast.bea, now=world.now)
    more.setdefault("requester", build.contact("ana@bramble.test", now=world.now))
    made = build.ticket(now=world.now, actor=audit.person(cast.sam), **more)
    world.run()
    world.expect_message(to=cast.ravi, containing="is new")
    return made


def clock_of(ticket: Ticket, metric: str) -> TicketClock:
    return ticket.clocks.filter(metric=metric).latest("cycle")


def test_a_ticket_goes_to_the_owner_of_its_surface(world: World, cast: Cast) -> None:
    ticket = logged(world, cast)
    assert ticket.owner == cast.ravi
    assert ticket.surface and ticket.surface.key == "inspect.profiler"
    assert ticket.priority == "P3"
    assert ticket.sla_state == "running" and ticket.sla_metric == "triage"


def test_the_first_reply_opens_it_meets_two_promises_and_goes_to_the_customer(
    world: World, cast: Cast
) -> None:
    ticket = logged(world, cast)
    world.advance(minutes=20)
    conversation.reply(
        ticket=ticket, body="We look at it.", actor=audit.person(cast.ravi), now=world.now
    )
    ticket.refresh_from_db()
    assert ticket.status == "open"
    assert clock_of(ticket, "first_reply").state == "met"
    assert clock_of(ticket, "triage").state == "met"
    assert clock_of(ticket, "periodic_update").state == "running"
    world.run()
    mail = world.expect_message(to=ticket.requester, containing="We look at it.")  # type: ignore[arg-type]
    assert mail.subject.startswith(f"Re: [{ticket.ref}]")


def test_a_held_reply_can_be_taken_back_and_counts_from_when_it_was_written(
    world: World, cast: Cast
) -> None:
    ticket = logged(world, cast)
    written = world.now
    message = conversation.reply(
        ticket=ticket, body="Soon.", actor=audit.person(cast.ravi), now=written, hold_seconds=15
    )
    assert clock_of(ticket, "first_reply").state == "running"
    conversation.withdraw(message=message, actor=audit.person(cast.ravi), now=world.now)
    world.advance(minutes=1)
    world.expect_nothing()
    message = conversation.reply(
        ticket=ticket, body="Now.", actor=audit.person(cast.ravi), now=world.now, hold_seconds=15
    )
    at = world.now
    world.advance(minutes=1)
    assert clock_of(ticket, "first_reply").stopped_at == at
    world.expect_message(to=ticket.requester, containing="Now.")  # type: ignore[arg-type]


def test_a_reply_written_without_the_last_word_is_not_sent(world: World, cast: Cast) -> None:
    ticket = logged(world, cast)
    seen = ticket.messages.latest("pk").pk
    conversation.note(ticket=ticket, body="Wait.", actor=audit.person(cast.bea), now=world.now)
    with pytest.raises(Stale):
        conversation.reply(
            ticket=ticket,
            body="Hello",
            actor=audit.person(cast.ravi),
            now=world.now,
            seen_message=seen,
        )
    world.run()
    world.expect_message(to=cast.ravi, containing="has a note")


def test_waiting_for_an_incident_ends_when_it_is_resolved(world: World, cast: Cast) -> None:
    ticket = logged(world, cast)
    incident = build.incident(by=cast.maya, now=world.now)
    lifecycle.transition(ticket=ticket, verb="triage", actor=audit.person(cast.ravi), now=world.now)
    lifecycle.transition(
        ticket=ticket,
        to="waiting_third_party",
        link={"kind": "incident", "ref": incident.ref},
        expected_by=world.now + timedelta(days=2),
        actor=audit.person(cast.ravi),
        now=world.now,
    )
    with pytest.raises(lifecycle.Blocked):
        conversation.reply(
            ticket=ticket,
            body="Done",
            then="resolve",
            resolution_code="fixed",
            actor=audit.person(cast.ravi),
            now=world.now,
        )
    build.step(incident, "resolved", by=cast.maya, now=world.now)
    ticket.refresh_from_db()
    assert ticket.status == "open"
    world.run()
    world.expect_message(to=cast.ravi, containing="is back")
    world.forget()


def test_not_solved_opens_it_again_and_the_resolution_runs_on(world: World, cast: Cast) -> None:
    ticket = logged(world, cast)
    with pytest.raises(Invalid):
        lifecycle.transition(
            ticket=ticket, to="resolved", actor=audit.person(cast.ravi), now=world.now
        )
    conversation.reply(
        ticket=ticket,
        body="Fixed.",
        then="resolve",
        resolution_code="fixed",
        actor=audit.person(cast.ravi),
        now=world.now,
    )
    ticket.refresh_from_db()
    assert ticket.status == "resolved" and ticket.sla_state == "met"
    world.run()
    mail = world.expect_message(to=ticket.requester, containing="not solved")  # type: ignore[arg-type]
    assert "/requests/" in mail.text
    world.advance(hours=1)
    requester.not_solved(ticket=ticket, body="No.", contact=ticket.requester, now=world.now)
    ticket.refresh_from_db()
    assert ticket.status == "open" and ticket.reopened_count == 1
    assert clock_of(ticket, "resolution").state == "running"
    assert clock_of(ticket, "next_reply").state == "running"
    world.run()
    world.expect_message(to=cast.ravi, containing="answer from the customer")
    with pytest.raises(IllegalTransition):
        lifecycle.transition(
            ticket=ticket, to="closed", actor=audit.person(cast.ravi), now=world.now
        )
