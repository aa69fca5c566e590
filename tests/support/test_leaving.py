"""Somebody is switched off: nothing that is still to be done stays with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts import services as accounts
from apps.notifications.models import Message
from apps.support.models import Queue
from tests import builders as build
from tests.conftest import Cast
from tests.support import ticketkit as kit

NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
EACH = 3  # queries


@pytest.fixture(autouse=True)
def desk(cast: Cast) -> None:
    kit.desk(NOW - timedelta(hours=1))


def _leaves(cast: Cast) -> None:
    Message.objects.all().delete()
    accounts.deactivate(person=cast.sam, actor=kit.by(cast.maya), now=LATER)


def _told() -> list[Message]:
    return list(Message.objects.filter(what="ticket_freed").order_by("person"))


def test_open_tickets_are_nobodys_and_resolved_ones_keep_their_name(cast: Cast) -> None:
    states = ("new", "open", "waiting_customer", "waiting_third_party", "resolved", "closed")
    made = {state: kit.in_state(state, NOW, cast.sam) for state in states}
    ravis = kit.in_state("open", NOW, cast.ravi)
    _leaves(cast)
    for ticket in (*made.values(), ravis):
        ticket.refresh_from_db()
    held = {state for state, ticket in made.items() if ticket.owner == cast.sam}
    assert held == {"resolved", "closed"}
    assert ravis.owner == cast.ravi
    assert "Sam" in kit.events(made["open"], "assigned")[-1]


def test_no_promise_moves(cast: Cast) -> None:
    ticket = kit.ticket(NOW, owner=cast.sam)
    before = list(ticket.clocks.order_by("pk").values("metric", "due_at", "state"))
    _leaves(cast)
    assert list(ticket.clocks.order_by("pk").values("metric", "due_at", "state")) == before


def test_who_gives_out_the_work_hears_of_all_at_once(cast: Cast) -> None:
    lead = build.person("Lea Lind", "support_agent", now=NOW)
    team = build.team("desk", lead=lead)
    Queue.objects.filter(is_default=True).update(team=team)
    made = [kit.ticket(NOW, owner=cast.sam, subject=f"Report {n}") for n in range(3)]
    kit.ticket(NOW, owner=cast.sam, subject="Only a drill", kind="drill")
    _leaves(cast)
    [told] = _told()
    assert told.person == lead
    assert told.subject == "[Tickets] 3 open tickets have no owner: Sam Sand is no longer active"
    assert all(ticket.ref in told.body for ticket in made)
    assert "Only a drill" not in told.body


def test_without_a_lead_managers_hear_of_it_and_of_nothing_nobody_does(cast: Cast) -> None:
    ticket = kit.ticket(NOW, owner=cast.sam)
    _leaves(cast)
    assert [row.person for row in _told()] == [cast.maya]
    assert _told()[0].subject.startswith(f"[Tickets] {ticket.ref} has no owner")
    accounts.deactivate(person=cast.bea, actor=kit.by(cast.maya), now=LATER)
    assert len(_told()) == 1


def test_twelve_tickets_do_not_cost_twelve_times_as_much(cast: Cast) -> None:
    assert _cost(cast, 12) - _cost(cast, 2) <= 10 * EACH


def _cost(cast: Cast, tickets: int) -> int:
    """The queries of switching off somebody with so many tickets, whoever else hears of it."""
    one = build.person(f"Agent{tickets} Ann", "support_agent", now=NOW)
    for _ in range(tickets):
        kit.ticket(NOW, owner=one)
    with CaptureQueriesContext(connection) as found:
        accounts.deactivate(person=one, actor=kit.by(cast.maya), now=LATER)
    return len(found)
