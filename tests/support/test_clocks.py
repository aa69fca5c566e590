"""The clocks of a ticket, moved by what happens to it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import audit
from apps.core.errors import Conflict, Invalid
from apps.support.models import ClockEvent, SlaPolicy, Ticket, TicketClock
from apps.support.services import clocks, policies
from apps.support.services.policies import Takes
from apps.support.services.sweep import sweep
from tests import builders as build
from tests.support import slakit as sla
from tests.support.slakit import HOUR, MINUTE, MONDAY, at

pytestmark = pytest.mark.django_db
BY = audit.SYSTEM
SECOND = timedelta(seconds=1)
DAY = 24 * HOUR


def states(ticket: Ticket) -> dict[str, str]:
    return {
        f"{c.metric} {c.cycle}" if c.cycle > 1 else c.metric: c.state
        for c in ticket.clocks.order_by("pk")
    }


# -- they start


def test_a_new_ticket_promises_triage_first_reply_and_resolution() -> None:
    sla.site()
    ticket = sla.ticket()
    assert {c.metric: c.due_at for c in ticket.clocks.all()} == {
        "triage": at("14:00"),
        "first_reply": at("9:00", day=8),  # eight hours end exactly at closing
        "resolution": at("10:00", day=14),
    }
    shown = (ticket.sla_state, ticket.sla_metric, ticket.sla_due_at)
    assert shown == ("running", "triage", at("14:00"))


def test_urgent_first_replies_are_due_around_the_clock() -> None:
    sla.site()
    saturday = at("22:00", day=12)
    ticket = sla.ticket(saturday, priority="P1")
    assert sla.clock(ticket, "first_reply").due_at == saturday + 30 * MINUTE
    assert sla.clock(ticket, "resolution").due_at == at("13:00", day=14)


def test_clocks_start_when_a_mail_was_received_and_not_when_it_was_read() -> None:
    sla.site()
    ticket = sla.ticket(at("10:03"), created_at=at("9:58"))
    assert sla.clock(ticket, "triage").due_at == at("13:58")


@pytest.mark.parametrize("fields", [{"kind": "backfilled"}, {"channel": "import"}])
def test_what_is_of_the_past_has_no_promises(fields: dict[str, str]) -> None:
    sla.site()
    ticket = sla.ticket(**fields)
    sla.reply(ticket, MONDAY + HOUR)
    sla.asks(ticket, MONDAY + 2 * HOUR)
    sla.prioritise(ticket, "P1", MONDAY + 3 * HOUR)
    assert not ticket.clocks.exists()
    assert ticket.sla_state == "none"


def test_without_any_policy_there_is_nothing_to_keep() -> None:
    ticket = sla.ticket()
    assert not ticket.clocks.exists()
    assert ticket.sla_state == "none"


# -- replies


def test_a_reply_meets_the_first_reply_and_starts_the_next_update() -> None:
    sla.site()
    ticket = sla.ticket()
    sla.reply(ticket, MONDAY + HOUR)
    assert states(ticket) == {
        "triage": "running",
        "first_reply": "met",
        "resolution": "running",
        "periodic_update": "running",
    }
    assert sla.clock(ticket, "periodic_update").due_at == at("11:00", day=9)


def test_each_reply_starts_the_update_anew() -> None:
    sla.site()
    ticket = sla.ticket()
    sla.reply(ticket, MONDAY + HOUR)
    sla.reply(ticket, MONDAY + 2 * HOUR)
    rows = ticket.clocks.filter(metric="periodic_update").order_by("cycle")
    assert [(c.cycle, c.state, c.started_at) for c in rows] == [
        (1, "met", MONDAY + HOUR),
        (2, "running", MONDAY + 2 * HOUR),
    ]


def test_the_next_reply_is_owed_from_the_oldest_unanswered_message_on() -> None:
    sla.site()
    ticket = sla.ticket()
    sla.asks(ticket, MONDAY + MINUTE)  # the first reply is still owed: no second promise
    assert "next_reply" not in states(ticket)
    sla.reply(ticket, MONDAY + HOUR)
    sla.asks(ticket, MONDAY + 2 * HOUR)
    sla.asks(ticket, MONDAY + 3 * HOUR)
    clock = sla.clock(ticket, "next_reply")
    assert (clock.cycle, clock.started_at) == (1, MONDAY + 2 * HOUR)
    sla.reply(ticket, MONDAY + 4 * HOUR)
    sla.asks(ticket, MONDAY + 5 * HOUR)
    assert states(ticket)["next_reply"] == "met"
    assert states(ticket)["next_reply 2"] == "running"


def test_a_reply_of_before_does_not_answer_what_was_asked_after_it() -> None:
    """A reply is held for some seconds; the customer writes in them."""
    sla.site()
    ticket = sla.ticket()
    sla.reply(ticket, MONDAY + HOUR)
    sla.asks(ticket, MONDAY + 2 * HOUR)
    asked = MONDAY + 3 * HOUR
    sla.asks(ticket, asked)
    sla.reply(ticket, asked + 10 * SECOND, at=asked - 5 * SECOND)
    assert sla.clock(ticket, "next_reply", 1).stopped_at == asked - 5 * SECOND
    second = sla.clock(ticket, "next_reply", 2)
    assert (second.state, second.started_at) == ("running", asked)


def test_resolving_without_a_word_says_so() -> None:
    sla.site()
    ticket = sla.ticket()
    sla.to(ticket, "resolved", MONDAY + HOUR)
    first = sla.clock(ticket, "first_reply")
    assert (first.state, first.without_reply) == ("met", True)
    assert set(states(ticket).values()) == {"met"}
    assert ticket.sla_state == "met"


# -- states


def test_waiting_for_the_customer_pauses_the_resolution_and_not_the_reply() -> None:
    sla.site()
    ticket = sla.ticket()
    sla.to(ticket, "waiting_customer", at("12:00"))
    resolution = sla.clock(ticket, "resolution")
    assert (resolution.state, resolution.consumed_seconds, resolution.due_at) == (
        "paused",
        2 * 3600,
        None,
    )
    assert sla.clock(ticket, "first_reply").state == "running"
    sla.to(ticket, "open", at("14:00"))
    assert sla.clock(ticket, "resolution").due_at == at("12:00", day=14)


def test_waiting_for_a_third_party_pauses_only_where_the_target_says_so() -> None:
    sla.plain_policy(
        sla.cell("resolution", 36000, pause_third_party=True), sla.cell("periodic_update", 36000)
    )
    ticket = sla.ticket()
    sla.reply(ticket, MONDAY)
    sla.to(ticket, "waiting_third_party", MONDAY + HOUR)
    assert states(ticket) == {"resolution": "paused", "periodic_update": "running"}


def test_a_paused_ticket_shows_what_is_left() -> None:
    sla.plain_policy(sla.cell("resolution", 36000))
    ticket = sla.ticket()
    sla.to(ticket, "waiting_customer", MONDAY + HOUR)
    ticket.refresh_from_db()
    shown = (ticket.sla_state, ticket.sla_due_at, ticket.sla_remaining_seconds)
    assert shown == ("paused", None, 9 * 3600)


def test_a_reply_and_wait_pauses_the_update_that_it_starts() -> None:
    sla.plain_policy(sla.cell("periodic_update", 3600))
    ticket = sla.ticket()
    sla.to(ticket, "waiting_customer", MONDAY + HOUR)
    sla.reply(ticket, MONDAY + HOUR)
    assert states(ticket) == {"periodic_update": "paused"}


def test_reopening_lets_the_resolution_run_on_with_what_was_left() -> None:
    sla.plain_policy(sla.cell("resolution", 36000))
    ticket = sla.ticket()
    sla.to(ticket, "resolved", MONDAY + 4 * HOUR)
    assert sla.clock(ticket, "resolution").worked_seconds_final == 4 * 3600
    sla.to(ticket, "open", MONDAY + 100 * HOUR)
    clock = sla.clock(ticket, "resolution")
    assert (clock.state, clock.due_at, clock.reopened_count) == (
        "running",
        MONDAY + 106 * HOUR,
        1,
    )
    ticket.refresh_from_db()
    assert ticket.sla_due_at == MONDAY + 106 * HOUR


def test_closing_touches_no_clock() -> None:
    sla.plain_policy(sla.cell("resolution", 36000))
    ticket = sla.ticket()
    sla.to(ticket, "resolved", MONDAY + HOUR)
    before = ClockEvent.objects.count()
    sla.to(ticket, "closed", MONDAY + 3 * DAY)
    assert ClockEvent.objects.count() == before


# -- another target


def test_a_higher_priority_moves_what_runs_and_freezes_what_is_met() -> None:
    sla.site()
    ticket = sla.ticket()
    sla.reply(ticket, MONDAY + HOUR)
    was = sla.clock(ticket, "first_reply")
    sla.prioritise(ticket, "P2", MONDAY + 2 * HOUR)
    now_met = sla.clock(ticket, "first_reply")
    assert (now_met.target_seconds, now_met.due_at) == (was.target_seconds, was.due_at)
    assert sla.clock(ticket, "resolution").target_seconds == 9 * 3600
    assert sla.clock(ticket, "periodic_update").due_at == at("15:00")


def test_a_higher_priority_takes_the_hours_of_its_own_calendar() -> None:
    sla.site()
    friday = at("17:30", day=11)
    ticket = sla.ticket(friday)
    sla.prioritise(ticket, "P1", at("18:10", day=11))
    # Half an hour of the office was used; P1 runs around the clock and has half an hour.
    clock = sla.clock(ticket, "first_reply")
    assert (clock.state, clock.breach_cause) == ("breached", "retarget")
    triage = sla.clock(ticket, "triage")
    assert (triage.state, triage.breached_at) == ("breached", at("18:10", day=11))


def test_before_triage_a_correction_takes_a_breach_back_and_after_it_does_not() -> None:
    sla.plain_policy(
        *(sla.cell("first_reply", s, priority=p) for p, s in (("P1", 600), ("P3", 7200)))
    )
    early, late = sla.ticket(priority="P1"), sla.ticket(priority="P1", triaged_at=MONDAY)
    sweep(now=MONDAY + HOUR)
    for ticket in (early, late):
        sla.prioritise(ticket, "P3", MONDAY + HOUR)
    assert states(early) == {"first_reply": "running"}
    assert states(late) == {"first_reply": "breached"}
    assert sla.clock(late, "first_reply").target_seconds == 600


def test_a_priority_without_a_target_lets_the_clock_go_and_another_brings_it_back() -> None:
    sla.plain_policy(sla.cell("resolution", 36000), sla.cell("triage", 7200, priority="P4"))
    ticket = sla.ticket()
    sla.prioritise(ticket, "P4", MONDAY + HOUR)
    assert states(ticket) == {"resolution": "cancelled", "triage": "running"}
    assert sla.clock(ticket, "resolution").cancel_cause == "no_policy"
    sla.prioritise(ticket, "P3", MONDAY + 2 * HOUR)
    resolution = sla.clock(ticket, "resolution")
    assert (resolution.state, resolution.due_at) == ("running", MONDAY + 10 * HOUR)
    assert states(ticket)["triage"] == "cancelled"


def test_a_policy_that_no_longer_matches_keeps_what_was_met_or_missed() -> None:
    policy = sla.plain_policy(
        sla.cell("triage", 600), sla.cell("first_reply", 7200), sla.cell("resolution", 36000)
    )
    ticket = sla.ticket()
    sla.reply(ticket, MONDAY + MINUTE)
    sweep(now=MONDAY + HOUR)
    SlaPolicy.objects.filter(pk=policy.pk).update(is_active=False)
    clocks.retarget(ticket=ticket, cause="type", actor=BY, now=MONDAY + 2 * HOUR)
    assert states(ticket) == {
        "triage": "breached",
        "first_reply": "met",
        "resolution": "cancelled",
    }


def test_a_promise_that_comes_back_counts_without_the_waits_of_meanwhile() -> None:
    sla.plain_policy(sla.cell("resolution", 36000), sla.cell("first_reply", 36000))
    ticket = sla.ticket(status="open")
    sla.prioritise(ticket, "P4", MONDAY + HOUR)
    sla.reply(ticket, MONDAY + 90 * MINUTE)
    sla.to(ticket, "waiting_customer", MONDAY + 2 * HOUR)
    sla.to(ticket, "open", MONDAY + 5 * HOUR)
    sla.prioritise(ticket, "P3", MONDAY + 6 * HOUR)
    resolution = sla.clock(ticket, "resolution")
    assert (resolution.consumed_seconds, resolution.due_at) == (3 * 3600, MONDAY + 13 * HOUR)
    # The reply came while nothing was promised: it is not owed any more.
    assert sla.clock(ticket, "first_reply").state == "cancelled"


def test_resolving_ends_also_what_was_asked_after_the_words_were_written() -> None:
    """A reply that resolves is held; the customer writes before it goes out."""
    sla.site()
    ticket = sla.ticket()
    sla.reply(ticket, MONDAY + HOUR)
    sla.asks(ticket, MONDAY + 2 * HOUR + 10 * SECOND)
    sla.to(ticket, "resolved", MONDAY + 2 * HOUR + 15 * SECOND, at=MONDAY + 2 * HOUR)
    asked = sla.clock(ticket, "next_reply")
    assert (asked.state, asked.stopped_at) == ("met", MONDAY + 2 * HOUR + 10 * SECOND)


def test_a_target_that_comes_later_counts_from_the_beginning_without_the_pauses() -> None:
    sla.plain_policy(sla.cell("resolution", 36000, priority="P2"))
    ticket = sla.ticket(status="open")
    sla.to(ticket, "waiting_customer", MONDAY + HOUR)
    sla.to(ticket, "open", MONDAY + 3 * HOUR)
    sla.prioritise(ticket, "P2", MONDAY + 4 * HOUR)
    clock = sla.clock(ticket, "resolution")
    assert (clock.started_at, clock.consumed_seconds) == (MONDAY, 2 * 3600)
    assert clock.due_at == MONDAY + 12 * HOUR


def test_the_first_match_counts_and_the_default_takes_the_rest() -> None:
    default = sla.plain_policy(sla.cell("resolution", 36000))
    mine: dict[str, SlaPolicy] = {}
    for name, takes in {
        "vip": Takes(tag="vip"),
        "premium": Takes(tier="premium"),
        "billing": Takes(queue_id=sla.queue("billing").pk),
    }.items():
        mine[name] = sla.plain_policy(sla.cell("resolution", 3600), is_default=False, takes=takes)
    premium = build.account(tier="premium", now=MONDAY)
    both = sla.ticket(requester=sla.contact(premium), tags=["x", "vip"])
    assert sla.clock(both, "resolution").policy == mine["vip"]
    only = sla.ticket(requester=sla.contact(premium))
    assert sla.clock(only, "resolution").policy == mine["premium"]
    queued = sla.ticket(queue=sla.queue("billing"))
    assert sla.clock(queued, "resolution").policy == mine["billing"]
    assert sla.clock(sla.ticket(), "resolution").policy == default


def test_an_assignment_or_a_tag_that_no_policy_asks_for_writes_nothing() -> None:
    sla.site()
    ticket = sla.ticket()
    before = list(TicketClock.objects.order_by("pk").values())
    Ticket.objects.filter(pk=ticket.pk).update(tags=["x"])
    ticket.refresh_from_db()
    with CaptureQueriesContext(connection) as asked:
        clocks.retarget(ticket=ticket, cause="tags", actor=BY, now=MONDAY + HOUR)
    assert [q["sql"][:6] for q in asked.captured_queries] == ["SELECT", "SELECT"]
    assert list(TicketClock.objects.order_by("pk").values()) == before


# -- merged, spam, waived


def test_merging_takes_all_clocks_out_and_undoing_it_is_as_if_it_had_not_been() -> None:
    sla.site()
    ticket = sla.ticket()
    sla.reply(ticket, MONDAY + HOUR)
    sla.asks(ticket, MONDAY + 2 * HOUR)
    sla.reply(ticket, MONDAY + 150 * MINUTE)
    before = {c.pk: (c.state, c.due_at, c.consumed_seconds) for c in ticket.clocks.all()}
    clocks.cancel_all(ticket=ticket, cause="merged", actor=BY, now=MONDAY + 3 * HOUR)
    assert set(states(ticket).values()) == {"cancelled"}
    assert ticket.sla_state == "none"
    assert sweep(now=MONDAY + 300 * HOUR).tickets == 0
    clocks.restore_all(ticket=ticket, actor=BY, now=MONDAY + 200 * MINUTE)
    after = {c.pk: (c.state, c.due_at, c.consumed_seconds) for c in ticket.clocks.all()}
    assert after == before
    assert ticket.sla_state == "running"


def test_a_waiver_takes_a_missed_promise_out_and_off_the_ticket() -> None:
    sla.plain_policy(sla.cell("triage", 600), sla.cell("resolution", 36000))
    ticket = sla.ticket()
    sweep(now=MONDAY + HOUR)
    triage = sla.clock(ticket, "triage")
    clocks.waive(clock=triage, reason="Agreed by phone", actor=BY, now=MONDAY + 2 * HOUR)
    triage.refresh_from_db()
    assert (triage.state, triage.waived_reason) == ("breached", "Agreed by phone")
    ticket.refresh_from_db()
    assert (ticket.sla_state, ticket.sla_metric) == ("running", "resolution")
    with pytest.raises(Conflict):
        clocks.waive(clock=triage, reason="Again", actor=BY, now=MONDAY + 2 * HOUR)


@pytest.mark.parametrize(("reason", "error"), [("  ", Invalid), ("ok", Conflict)])
def test_only_what_was_missed_is_waived_and_only_with_a_reason(
    reason: str, error: type[Exception]
) -> None:
    sla.plain_policy(sla.cell("triage", 600))
    clock = sla.clock(sla.ticket(), "triage")
    with pytest.raises(error):
        clocks.waive(clock=clock, reason=reason, actor=BY, now=MONDAY)


# -- cost


def test_the_clocks_of_a_new_ticket_cost_five_statements() -> None:
    sla.site()
    sla.ticket()  # fills what is kept of calendars
    ticket = sla.ticket(start=False)
    with CaptureQueriesContext(connection) as asked:
        clocks.start_all(ticket=ticket, actor=BY, now=MONDAY)
    assert len(asked) <= 5


def test_a_reply_costs_a_handful_of_statements() -> None:
    sla.site()
    ticket = sla.ticket()
    with CaptureQueriesContext(connection) as asked:
        clocks.agent_replied(ticket=ticket, at=MONDAY + HOUR, actor=BY, now=MONDAY + HOUR)
    assert len(asked) <= 7


def test_every_event_says_who_did_it_and_what_it_did_to_the_due_time() -> None:
    sla.site()
    ticket = sla.ticket()
    maya = build.person("Maya Lind", "manager")
    Ticket.objects.filter(pk=ticket.pk).update(priority="P2")
    ticket.priority = "P2"
    who = audit.person(maya)
    clocks.retarget(ticket=ticket, cause="priority P3 → P2", actor=who, now=at("11:00"))
    event = ClockEvent.objects.get(clock=sla.clock(ticket, "first_reply"), what="retarget")
    assert (event.actor, event.cause, event.due_before, event.due_after) == (
        maya,
        "priority P3 → P2",
        at("9:00", day=8),
        at("12:00"),
    )


def test_the_default_can_be_changed_but_not_be_switched_off() -> None:
    policy = sla.site()
    with pytest.raises(Conflict):
        policies.set_active(policy=policy, is_active=False, actor=BY, now=MONDAY)
