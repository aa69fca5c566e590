"""Waking people for a ticket: at once, once, and until somebody takes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core.errors import Conflict, Invalid
from apps.paging import services as paging
from apps.paging.models import Page
from apps.support.services import conversation, escalate, lifecycle, merging
from tests import builders as build
from tests.conftest import Cast
from tests.support import ticketkit as kit
from tests.world import World


@pytest.fixture(autouse=True)
def desk(world: World, cast: Cast) -> None:
    world.at("2026-09-07 10:00")
    kit.desk(world.now)
    surface = build.surface(primary=cast.ravi, backup=cast.bea, now=world.now)
    build.schedule(cast.ravi, cast.bea, surfaces=[surface], now=world.now)


def _ticket(world: World, cast: Cast, status: str = "open"):  # type: ignore[no-untyped-def] # a ticket
    from apps.ownership.models import Surface

    return kit.in_state(status, world.now, cast.sam, surface=Surface.objects.get())


def test_whoever_is_on_call_is_paged_at_once_with_the_reason(world: World, cast: Cast) -> None:
    ticket = _ticket(world, cast)
    page = escalate.escalate_now(
        ticket=ticket, reason="Their buyers\nwait", actor=kit.by(cast.sam), now=world.now
    )
    world.run()
    ticket.refresh_from_db()
    world.expect_page(to=cast.ravi, containing="Their buyers wait")
    assert (page.urgency, page.opener_url, page.label) == ("high", f"/tickets/{ticket.ref}/", "P3")
    assert (ticket.page_id, ticket.escalated_at) == (page.pk, world.now)
    assert kit.events(ticket, "escalated") == ["Escalated: Their buyers wait"]
    world.forget()


def test_a_reason_is_needed_and_a_ticket_that_goes_on(world: World, cast: Cast) -> None:
    say = {"actor": kit.by(cast.sam), "now": world.now}
    with pytest.raises(Invalid) as caught:
        escalate.escalate_now(ticket=_ticket(world, cast), reason=" \n", **say)
    assert caught.value.code == "reason_missing"
    for status in ("resolved", "closed", "merged", "spam"):
        with pytest.raises(Conflict):
            escalate.escalate_now(ticket=_ticket(world, cast, status), reason="Now", **say)
    assert not Page.objects.exists()


def test_a_page_that_waits_is_not_doubled_and_one_that_was_taken_rings_again(
    world: World, cast: Cast
) -> None:
    ticket, say = _ticket(world, cast), {"actor": kit.by(cast.sam), "now": world.now}
    first = escalate.escalate_now(ticket=ticket, reason="One", **say)
    assert escalate.escalate_now(ticket=ticket, reason="Two", **say) == first
    assert first.notes.filter(text__contains="Two").exists()
    paging.acknowledge(page=first, actor=kit.by(cast.ravi), person=cast.ravi, now=world.now)
    again = escalate.escalate_now(ticket=ticket, reason="Three", **say)
    assert (again.pk, again.status, Page.objects.count()) == (first.pk, "open", 1)
    assert kit.events(ticket, "acknowledged") == ["Ravi Rao acknowledged the page."]
    world.run()
    world.forget()


def test_an_answer_to_the_customer_takes_the_page(world: World, cast: Cast) -> None:
    ticket = _ticket(world, cast)
    page = escalate.escalate_now(ticket=ticket, reason="Now", actor=kit.by(cast.sam), now=world.now)
    conversation.reply(ticket=ticket, body="We are on it", actor=kit.by(cast.bea), now=world.now)
    page.refresh_from_db()
    assert (page.status, page.acknowledged_by) == ("acknowledged", cast.bea)


def test_a_note_takes_nothing(world: World, cast: Cast) -> None:
    ticket = _ticket(world, cast)
    page = escalate.escalate_now(ticket=ticket, reason="Now", actor=kit.by(cast.sam), now=world.now)
    conversation.note(ticket=ticket, body="Hm", actor=kit.by(cast.bea), now=world.now)
    page.refresh_from_db()
    assert page.status == "open"


@pytest.mark.parametrize("how", ["resolve", "spam", "merge", "reply"])
def test_the_page_ends_with_the_ticket(how: str, world: World, cast: Cast) -> None:
    ticket, say = _ticket(world, cast), {"actor": kit.by(cast.sam), "now": world.now}
    page = escalate.escalate_now(ticket=ticket, reason="Now", **say)
    if how == "merge":
        merging.merge(ticket=ticket, into=kit.in_state("open", world.now, cast.sam), **say)
    elif how == "reply":
        conversation.reply(
            ticket=ticket, body="Fixed", then="resolve", resolution_code="fixed", **say
        )
    else:
        lifecycle.transition(ticket=ticket, verb=how, resolution_code="fixed", **say)
    page.refresh_from_db()
    assert page.status == "resolved"


def test_a_page_of_several_tickets_ends_with_the_last(world: World, cast: Cast) -> None:
    from apps.ownership.models import Surface
    from apps.support.services import tickets as rows

    one, two = _ticket(world, cast), _ticket(world, cast)
    say = {"actor": kit.by(cast.sam), "now": world.now}
    locked = [rows.lock(one.pk), rows.lock(two.pk)]
    page = escalate.page_for_breach(
        surface=Surface.objects.get(), tickets=locked, reason="First reply missed", **say
    )
    assert f"{one.ref} and 1 more" in page.summary
    lifecycle.transition(ticket=one, verb="spam", **say)
    page.refresh_from_db()
    assert page.status == "open"
    lifecycle.transition(ticket=two, verb="spam", **say)
    page.refresh_from_db()
    assert page.status == "resolved"


def test_a_second_breach_joins_the_page_that_still_rings(world: World, cast: Cast) -> None:
    from apps.ownership.models import Surface
    from apps.support.services import tickets as rows

    one, two = _ticket(world, cast), _ticket(world, cast)
    say = {"actor": kit.by(cast.sam), "now": world.now, "surface": Surface.objects.get()}
    first = escalate.page_for_breach(tickets=[rows.lock(one.pk)], reason="Missed", **say)
    both = [rows.lock(one.pk), rows.lock(two.pk)]
    assert escalate.page_for_breach(tickets=both, reason="Missed again", **say) == first
    two.refresh_from_db()
    assert (two.page_id, Page.objects.count()) == (first.pk, 1)


def test_an_unacknowledged_page_goes_on_to_the_backup(world: World, cast: Cast) -> None:
    escalate.escalate_now(
        ticket=_ticket(world, cast), reason="Now", actor=kit.by(cast.sam), now=world.now
    )
    world.run()
    world.expect_page(to=cast.ravi)
    world.advance(minutes=timedelta(minutes=40).total_seconds() / 60)
    world.expect_page(to=cast.bea)
    world.forget()
