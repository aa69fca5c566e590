"""Promises through the real services: replies that are held, waits, priorities, merges."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core import audit
from apps.support.models import ClockEvent, EscalationStep, Ticket
from apps.support.services import conversation, lifecycle, merging, tickets
from apps.support.services.checking import check
from apps.support.services.sweep import sweep
from tests.conftest import Cast
from tests.support import slakit as sla
from tests.support.slakit import HOUR, MINUTE, MONDAY

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def opened(cast: Cast, **more: object) -> Ticket:
    values = {
        "subject": "Stale", "request_type": sla.request_type(), "requester": sla.contact(),
        "actor": audit.person(cast.sam), "now": MONDAY, "body": "It is old.", **more,
    }  # fmt: skip
    return tickets.open_ticket(**values)  # type: ignore[arg-type] # facts of a ticket


def test_a_reply_that_is_held_over_the_deadline_keeps_the_promise(cast: Cast) -> None:
    sla.plain_policy(sla.cell("first_reply", 600), sla.cell("triage", 600))
    ticket, sam = opened(cast), audit.person(cast.sam)
    due = MONDAY + 10 * MINUTE
    conversation.reply(
        ticket=ticket, body="On it.", actor=sam, now=due - 5 * SECOND, hold_seconds=15
    )
    assert sweep(now=due + 3 * SECOND).breached == 0
    assert conversation.release_held(now=due + 10 * SECOND) == 1
    assert sweep(now=due + HOUR).breached == 0
    for metric in ("first_reply", "triage"):
        clock = sla.clock(ticket, metric)
        assert (clock.state, clock.stopped_at) == ("met", due - 5 * SECOND)


def test_a_reply_that_resolves_ends_everything_at_the_time_of_writing(cast: Cast) -> None:
    sla.site()
    ticket = opened(cast)
    conversation.reply(
        ticket=ticket, body="Fixed.", actor=audit.person(cast.sam), now=MONDAY + HOUR,
        then="resolve", resolution_code="fixed",
    )  # fmt: skip
    ticket.refresh_from_db()
    assert ticket.sla_state == "met"
    rows = ticket.clocks.order_by("metric").values_list("metric", "state", "without_reply")
    assert list(rows) == [
        ("first_reply", "met", False),
        ("resolution", "met", False),
        ("triage", "met", False),
    ]


def test_asking_back_pauses_and_an_answer_runs_on(cast: Cast) -> None:
    sla.plain_policy(sla.cell("resolution", 10 * 3600), sla.cell("next_reply", 3600))
    ticket = opened(cast)
    sam = audit.person(cast.sam)
    conversation.reply(ticket=ticket, body="Which?", actor=sam, now=MONDAY + HOUR, then="wait")
    assert sla.clock(ticket, "resolution").state == "paused"
    conversation.requester_wrote(
        ticket=ticket, body="This one.", contact=ticket.requester, actor=sam,
        now=MONDAY + 5 * HOUR + 5 * MINUTE, at=MONDAY + 5 * HOUR,
    )  # fmt: skip
    resolution = sla.clock(ticket, "resolution")
    assert (resolution.state, resolution.due_at) == ("running", MONDAY + 14 * HOUR)
    asked = sla.clock(ticket, "next_reply")
    assert (asked.started_at, asked.due_at) == (MONDAY + 5 * HOUR, MONDAY + 6 * HOUR)


def test_accepting_with_a_better_priority_takes_the_breach_back_and_then_it_sticks(
    cast: Cast,
) -> None:
    sla.plain_policy(
        *(
            sla.cell("first_reply", seconds, priority=priority)
            for priority, seconds in (("P1", 600), ("P3", 7200))
        )
    )
    ticket = opened(cast, impact="high", urgency="high")
    assert sweep(now=MONDAY + HOUR).breached == 1
    lifecycle.triage(
        ticket=ticket, actor=audit.person(cast.sam), now=MONDAY + HOUR, impact="medium",
        urgency="medium",
    )  # fmt: skip
    clock = sla.clock(ticket, "first_reply")
    assert (clock.state, clock.due_at) == ("running", MONDAY + 2 * HOUR)
    assert sweep(now=MONDAY + 3 * HOUR).breached == 1
    tickets.set_priority(
        ticket=ticket, priority="P4", reason="Not so bad", actor=audit.SYSTEM, now=MONDAY + 3 * HOUR
    )
    assert sla.clock(ticket, "first_reply").state == "breached"


def test_a_merged_ticket_is_not_missed_and_comes_back_as_it_was(cast: Cast) -> None:
    sla.plain_policy(sla.cell("resolution", 3600))
    one, other = opened(cast), opened(cast)
    merging.merge(ticket=one, into=other, actor=audit.SYSTEM, now=MONDAY + MINUTE)
    assert sweep(now=MONDAY + 2 * HOUR).breached == 1  # the other's
    merging.unmerge(ticket=one, actor=audit.SYSTEM, now=MONDAY + 3 * HOUR)
    sweep(now=MONDAY + 3 * HOUR + SECOND)
    assert sla.clock(one, "resolution").breached_at == MONDAY + HOUR


def test_spam_that_is_none_counts_again(cast: Cast) -> None:
    sla.plain_policy(sla.cell("resolution", 10 * 3600))
    ticket, sam = opened(cast), audit.person(cast.sam)
    lifecycle.transition(ticket=ticket, verb="spam", actor=sam, now=MONDAY + HOUR)
    assert sla.clock(ticket, "resolution").state == "cancelled"
    lifecycle.transition(ticket=ticket, verb="not_spam", actor=sam, now=MONDAY + 2 * HOUR)
    clock = sla.clock(ticket, "resolution")
    assert (clock.state, clock.due_at) == ("running", MONDAY + 10 * HOUR)


def test_a_whole_day_of_work_leaves_a_history_that_explains_every_number(cast: Cast) -> None:
    sla.site()
    sam = audit.person(cast.sam)
    ticket = opened(cast, owner=cast.sam)
    step = EscalationStep.objects.filter(
        target__metric="next_reply", target__priority="P3", notify="owner"
    )
    step.update(raise_priority=True)
    conversation.reply(ticket=ticket, body="Which?", actor=sam, now=MONDAY + HOUR, then="wait")
    conversation.requester_wrote(
        ticket=ticket, body="That.", contact=ticket.requester, actor=sam, now=MONDAY + 2 * HOUR
    )
    for hours in range(3, 60):
        sweep(now=MONDAY + hours * HOUR)
    conversation.reply(
        ticket=ticket, body="Done.", actor=sam, now=MONDAY + 60 * HOUR, then="resolve",
        resolution_code="fixed",
    )  # fmt: skip
    conversation.requester_wrote(
        ticket=ticket, body="No.", contact=ticket.requester, actor=sam, now=MONDAY + 70 * HOUR
    )
    ticket.refresh_from_db()
    assert ticket.priority == "P2"  # raised when the next reply was missed
    assert check(now=MONDAY + 71 * HOUR).lines == ()
    events = ClockEvent.objects.filter(clock__ticket=ticket)
    assert {
        "start",
        "pause",
        "resume",
        "warn",
        "breach",
        "step",
        "retarget",
        "stop",
        "reopen",
    } == set(events.values_list("what", flat=True))


def test_spam_that_was_resolved_is_promised_again_once_it_is_none(cast: Cast) -> None:
    sla.plain_policy(sla.cell("resolution", 10 * 3600))
    ticket, sam = opened(cast), audit.person(cast.sam)
    lifecycle.transition(
        ticket=ticket, verb="resolve", resolution_code="fixed", no_reply_needed=True,
        actor=sam, now=MONDAY + HOUR,
    )  # fmt: skip
    lifecycle.transition(ticket=ticket, verb="spam", actor=sam, now=MONDAY + 2 * HOUR)
    lifecycle.transition(ticket=ticket, verb="not_spam", actor=sam, now=MONDAY + 4 * HOUR)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolved_at, ticket.resolution_code) == ("new", None, "")
    clock = sla.clock(ticket, "resolution")
    assert (clock.state, clock.due_at) == ("running", MONDAY + 13 * HOUR)
    assert check(now=MONDAY + 5 * HOUR).lines == ()


def test_an_imported_ticket_is_promised_nothing_after_it_was_spam_or_merged(cast: Cast) -> None:
    sla.site()
    sam = audit.person(cast.sam)
    ticket = opened(cast, channel=Ticket.Channel.IMPORT)
    for verb in ("spam", "not_spam"):
        lifecycle.transition(ticket=ticket, verb=verb, actor=sam, now=MONDAY + HOUR)
    merging.merge(ticket=ticket, into=opened(cast), actor=sam, now=MONDAY + 2 * HOUR)
    merging.unmerge(ticket=ticket, actor=sam, now=MONDAY + 2 * HOUR)
    assert not ticket.clocks.exists()


def test_a_held_reply_that_never_goes_out_is_not_waited_for_for_ever(cast: Cast) -> None:
    sla.plain_policy(sla.cell("first_reply", 600))
    ticket, sam = opened(cast), audit.person(cast.sam)
    due = MONDAY + 10 * MINUTE
    conversation.reply(
        ticket=ticket, body="On it.", actor=sam, now=due - 5 * SECOND, hold_seconds=15
    )
    assert sweep(now=due + 9 * MINUTE).breached == 0
    assert sweep(now=due + 11 * MINUTE).breached == 1
    assert conversation.release_held(now=due + 12 * MINUTE) == 1  # it was written in time
    assert sla.clock(ticket, "first_reply").state == "met"
