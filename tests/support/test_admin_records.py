"""Tickets, promises and ratings in the admin: looked over, and the few things done there."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client

from apps.core import audit, clock
from apps.support.models import ClockEvent, Csat, RequestType, Ticket, TicketClock
from apps.support.seeds import ensure_support
from apps.support.seeds_sla import ensure_sla
from apps.support.services import lifecycle
from apps.support.services.sweep import sweep
from apps.support.services.tickets import open_ticket
from tests import builders as build
from tests.adminkit import messages
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of

pytestmark = pytest.mark.django_db
MONDAY = datetime.fromisoformat("2026-11-16T10:00:00+00:00")
TICKETS, CLOCKS = "/admin/support/ticket/", "/admin/support/ticketclock/"


@pytest.fixture
def maya(cast: Cast) -> Client:
    ensure_support(now=clock.now())
    ensure_sla(clock.now())
    return sign_in(cast.maya)


def ticket(subject: str = "Profile is old", key: str = "other") -> Ticket:
    return open_ticket(
        subject=subject, request_type=RequestType.objects.get(key=key),
        requester=build.contact(f"a{Ticket.objects.count()}@x.example"),
        body="<b>Help</b>", actor=audit.SYSTEM, now=clock.now(),
    )  # fmt: skip


def test_tickets_are_looked_over_and_found(maya: Client) -> None:
    one, two = ticket("Zebra <script>"), ticket("Crossing", "billing")
    shown = maya.get(TICKETS)
    assert b"<script>Zebra" not in shown.content and "Zebra" in text_of(shown)
    for query, refs in (
        (f"?q={one.pk}", [one.ref]), ("?q=crossing", [two.ref]), ("?q=a1@x.example", [two.ref]),
        (f"?request_type__id__exact={two.request_type_id}", [two.ref]),
        ("?status__exact=resolved", []), ("?priority__exact=P4", [one.ref]),
    ):  # fmt: skip
        text = text_of(maya.get(f"{TICKETS}{query}"))
        assert [row.ref for row in (one, two) if row.ref in text] == refs, query
    page = text_of(maya.get(f"{TICKETS}{one.pk}/change/"))
    assert "Routed to Support by request type Something else" in page
    assert f"/tickets/{one.ref}/" in maya.get(f"{TICKETS}{one.pk}/change/").content.decode()
    assert maya.get(f"{TICKETS}add/").status_code == 403
    assert maya.post(f"{TICKETS}{one.pk}/change/", {"subject": "x"}).status_code == 403


def test_a_ticket_is_assigned_and_closed(maya: Client, cast: Cast) -> None:
    one = ticket()
    do = f"{TICKETS}{one.pk}/do"
    assert messages(maya.post(f"{do}/assign/", {"owner": cast.sam.pk})) == [
        f"{one.ref} is Sam Sand's."
    ]
    assert messages(maya.post(f"{do}/assign/", {"owner": ""}))[-1] == f"{one.ref} is nobody's."
    assert "Select a valid choice" in text_of(maya.post(f"{do}/assign/", {"owner": "x"}))
    assert maya.get(f"{do}/close/").status_code == 404
    lifecycle.transition(
        ticket=one, verb="resolve", resolution_code="fixed", no_reply_needed=True,
        actor=audit.SYSTEM, now=clock.now(),
    )  # fmt: skip
    assert maya.get(f"{do}/assign/").status_code == 404
    assert messages(maya.post(f"{do}/close/"))[-1] == f"{one.ref} is closed."


def test_many_are_closed_and_those_that_cannot_be_say_why(maya: Client) -> None:
    one, two = ticket(), ticket()
    lifecycle.transition(
        ticket=one, verb="resolve", resolution_code="fixed", no_reply_needed=True,
        actor=audit.SYSTEM, now=clock.now(),
    )  # fmt: skip
    chosen = {"action": "close_chosen", "_selected_action": [one.pk, two.pk]}
    said = messages(maya.post(TICKETS, chosen))
    assert said == [
        f"{two.ref}: This ticket is new; it cannot become close.",
        "1 ticket is closed.",
    ]


def test_a_missed_promise_is_waived_with_a_reason(cast: Cast) -> None:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        ensure_support(now=clock.now())
        ensure_sla(clock.now())
        one = ticket()
        traveller.shift(timedelta(days=3))
        sweep(now=clock.now())
        maya = sign_in(cast.maya)
        missed = TicketClock.objects.get(ticket=one, metric="triage")
        page = text_of(maya.get(f"{CLOCKS}{missed.pk}/change/"))
        assert "Breached" in page and "Warned" not in page.split("what happened to it")[0]
        do = f"{CLOCKS}{missed.pk}/do/waive/"
        assert "This field is required" in text_of(maya.post(do, {}))
        said = messages(maya.post(do, {"reason": "The customer was away."}))
        assert said == [f"Triage of {one.ref} is waived."]
        assert maya.post(do, {"reason": "again"}).status_code == 404
    missed.refresh_from_db()
    assert missed.waived_reason == "The customer was away."
    event = ClockEvent.objects.get(clock=missed, what="waive")
    assert event.actor == cast.maya
    assert "Waived" in text_of(maya.get(f"/admin/support/clockevent/{event.pk}/change/"))
    running = TicketClock.objects.get(ticket=one, metric="resolution")
    assert maya.get(f"{CLOCKS}{running.pk}/do/waive/").status_code == 404


def test_lists_cost_the_same_for_one_and_for_many(maya: Client) -> None:
    def cost() -> dict[str, int]:
        models = ("ticket", "ticketclock", "clockevent", "csat", "inboundmail", "requesttype",
                  "queue", "macro", "mailbox", "savedview", "slapolicy")  # fmt: skip
        return {name: queries(maya, f"/admin/support/{name}/") for name in models}

    def more() -> None:
        row = ticket()
        Csat.objects.create(ticket=row, cycle=0, score="bad", comment="Slow.", at=clock.now())

    more()
    few = cost()
    for _ in range(4):
        more()
    many = cost()
    assert {name: (few[name], many[name]) for name in few if many[name] > few[name]} == {}
    assert "Slow." in text_of(maya.get("/admin/support/csat/"))
