"""A changed grid over the tickets of the last months."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.support import pastclocks
from apps.support.models import SlaPolicy, Ticket, TicketMessage
from apps.support.selectors import what_if
from apps.support.selectors.what_if import Draft, Row, Tally
from apps.support.services.policies import Takes
from apps.support.services.sweep import sweep
from tests.conftest import Cast
from tests.support import slakit as sla
from tests.support.slakit import HOUR, MINUTE, MONDAY

pytestmark = pytest.mark.django_db
LATER = MONDAY + 200 * HOUR


def rows(answer: what_if.WhatIf) -> dict[str, tuple[Tally, Tally]]:
    return {row.metric: (row.before, row.after) for row in answer.rows}


def a_month(cast: Cast) -> SlaPolicy:
    """Three tickets: answered after 1, 3 and 5 hours, resolved after 10, with waits."""
    policy = sla.plain_policy(sla.cell("first_reply", 4 * 3600), sla.cell("resolution", 8 * 3600))
    for hours in (1, 3, 5):
        ticket = sla.ticket(status="open", triaged_at=MONDAY + MINUTE)
        sweep(now=MONDAY + hours * HOUR)
        sla.reply(ticket, MONDAY + hours * HOUR)
        sla.to(ticket, "waiting_customer", MONDAY + hours * HOUR)
        sla.to(ticket, "open", MONDAY + 8 * HOUR)
        sla.asks(ticket, MONDAY + 8 * HOUR)
        sla.to(ticket, "resolved", MONDAY + 10 * HOUR)
    return policy


def test_a_tighter_grid_shows_what_would_have_been_missed_and_where(cast: Cast) -> None:
    policy = a_month(cast)
    draft = Draft(policy.pk, {("first_reply", "P3"): 2 * 3600, ("resolution", "P3"): 5 * 3600})
    answer = what_if.replay(draft=draft, user=cast.maya, now=LATER)
    assert (answer.read, answer.more) == (3, False)
    assert rows(answer) == {
        "first_reply": (Tally(met=2, breached=1), Tally(met=1, breached=2)),
        # With the wait it took 3, 5 and 7 hours.
        "resolution": (Tally(met=3), Tally(met=2, breached=1)),
    }
    assert answer.changes == 2
    assert {(c.metric, c.was, c.becomes) for c in answer.changed} == {
        ("first_reply", "met", "breached"),
        ("resolution", "met", "breached"),
    }
    assert answer.cannot_know


def test_as_it_is_agrees_with_what_the_clocks_measured(cast: Cast) -> None:
    policy = a_month(cast)
    answer = what_if.replay(draft=Draft(policy.pk, {}), user=cast.maya, now=LATER)
    assert answer.changes == 0
    for row in answer.rows:
        assert row.before == row.after
        for state, count in (("met", row.before.met), ("breached", row.before.breached)):
            stored = [t.clocks.filter(metric=row.metric, state=state).count() for t in
                      Ticket.objects.all()]  # fmt: skip
            assert sum(stored) == count


def test_a_new_promise_counts_from_nothing(cast: Cast) -> None:
    policy = a_month(cast)
    draft = Draft(policy.pk, {("next_reply", "P3"): 3600, ("triage", "P3"): 600})
    answer = what_if.replay(draft=draft, user=cast.maya, now=LATER)
    found = rows(answer)
    assert found["next_reply"] == (Tally(), Tally(breached=3))
    assert found["triage"] == (Tally(), Tally(met=3))


def test_another_calendar_counts_other_hours(cast: Cast) -> None:
    policy = a_month(cast)
    draft = Draft(policy.pk, {("resolution", "P3"): 3600}, calendar_id=sla.office().pk)
    found = rows(what_if.replay(draft=draft, user=cast.maya, now=LATER))
    # From 18:00 on the office is closed, so of the last two hours none counts.
    assert found["resolution"][1] == Tally(met=1, breached=2)


def test_only_the_tickets_of_the_changed_policy_move(cast: Cast) -> None:
    a_month(cast)
    vip = sla.plain_policy(
        sla.cell("first_reply", 60), is_default=False, takes=Takes(tag="vip"), now=LATER
    )
    answer = what_if.replay(
        draft=Draft(vip.pk, {("first_reply", "P3"): 120}), user=cast.maya, now=LATER
    )
    assert answer.changes == 0


def test_what_is_open_is_not_judged_until_it_is_late(cast: Cast) -> None:
    policy = sla.plain_policy(sla.cell("resolution", 10 * 3600))
    sla.ticket()
    draft = Draft(policy.pk, {("resolution", "P3"): 3600})
    answer = what_if.replay(draft=draft, user=cast.maya, now=MONDAY + 2 * HOUR)
    assert answer.rows == (Row("resolution", "P3", Tally(open=1), Tally(breached=1)),)


def test_nobody_sees_tickets_that_they_may_not_see(cast: Cast) -> None:
    policy = a_month(cast)
    from tests import builders as build

    hidden = sla.queue("secret", team=build.team("secret"), is_private=True)
    Ticket.objects.update(queue=hidden)
    draft = Draft(policy.pk, {("first_reply", "P3"): 60})
    assert what_if.replay(draft=draft, user=cast.sam, now=LATER).read == 0
    assert what_if.replay(draft=draft, user=cast.maya, now=LATER).read == 3


def test_it_reads_so_many_tickets_and_says_so(cast: Cast) -> None:
    policy = a_month(cast)
    with CaptureQueriesContext(connection) as asked:
        answer = what_if.replay(draft=Draft(policy.pk, {}), user=cast.maya, now=LATER, most=2)
    assert (answer.read, answer.more) == (2, True)
    assert len(asked) <= 6


def test_a_reopened_ticket_counts_its_rest_as_a_pause() -> None:
    steps = [
        (MONDAY, "open"),
        (MONDAY + HOUR, "resolved"),
        (MONDAY + 5 * HOUR, "open"),
        (MONDAY + 6 * HOUR, "resolved"),
    ]
    stretches = pastclocks.owed(created_at=MONDAY, triaged_at=None, said=[], steps=steps)
    found = {one.metric: one for one in stretches}
    assert found["resolution"].stop == MONDAY + 6 * HOUR
    assert found["resolution"].pauses[False][0] == (MONDAY + HOUR, MONDAY + 5 * HOUR)
    assert found["triage"].stop == MONDAY + HOUR


def test_many_tickets_are_replayed_in_a_moment(cast: Cast) -> None:
    policy = sla.site()
    asks, kind = sla.contact(), sla.request_type()
    tickets = Ticket.objects.bulk_create(
        Ticket(
            subject="Stale", request_type=kind, queue=kind.queue, requester=asks,
            impact="medium", urgency="medium", priority=f"P{1 + n % 4}",
            created_at=MONDAY + n * MINUTE, updated_at=MONDAY,
        )
        for n in range(200)
    )  # fmt: skip
    TicketMessage.objects.bulk_create(
        TicketMessage(
            ticket=ticket, author=author, body="x", at=ticket.created_at + delay,
            recorded_at=MONDAY,
        )
        for ticket in tickets
        for author, delay in (
            ("agent", HOUR), ("requester", 2 * HOUR), ("agent", timedelta(hours=30)),
        )
    )  # fmt: skip
    draft = Draft(policy.pk, {("first_reply", f"P{n}"): 1800 for n in range(1, 5)})
    started = time.perf_counter()
    answer = what_if.replay(draft=draft, user=cast.maya, now=MONDAY + 1000 * HOUR)
    took = time.perf_counter() - started
    assert answer.read == 200
    assert took < 1.5  # of 5,000 at most
