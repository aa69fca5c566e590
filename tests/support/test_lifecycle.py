"""A ticket's states: every verb from every state, what each needs, and timers that move it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from apps.core.errors import Conflict, IllegalTransition, Invalid
from apps.support import lifecycle as table
from apps.support.models import Ticket
from apps.support.services import conversation, lifecycle, merging, tickets
from apps.support.services.lifecycle import Blocked
from tests import builders as build
from tests.conftest import Cast
from tests.support import ticketkit as kit

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)  # a Monday; 10:00 in Berlin
HOUR = timedelta(hours=1)
STATES = sorted(Ticket.Status.values)
VERBS = sorted(table.VERBS)


@pytest.fixture(autouse=True)
def desk(cast: Cast) -> None:
    kit.desk(NOW)


def _tried(ticket: Ticket, verb: str, cast: Cast) -> str:
    """The state after a verb, or the same one; what it did is taken back."""
    ticket.refresh_from_db()
    with transaction.atomic():
        try:
            lifecycle.transition(
                ticket=ticket, verb=verb, actor=kit.by(cast.sam), now=NOW + HOUR, **_needs(verb)
            )
        except Invalid as error:
            assert (verb, error.code) == ("merge", "merge_needs_target")
        except IllegalTransition:
            pass
        status = Ticket.objects.values_list("status", flat=True).get(pk=ticket.pk)
        transaction.set_rollback(True)
    return status


def _needs(verb: str) -> dict[str, Any]:
    """What each verb asks for, so that only the state decides."""
    return {
        "wait_third_party": {
            "link": {"kind": "vendor", "ref": "dbt Labs"},
            "expected_by": NOW + 50 * HOUR,
        },
        "resolve": {
            "resolution_code": "answered",
            "no_reply_needed": True,
            "override_blocking": True,
        },
    }.get(verb, {})


@pytest.mark.parametrize("status", STATES)
def test_every_verb_leads_where_the_table_says_or_nowhere(status: str, cast: Cast) -> None:
    ticket = kit.in_state(status, NOW, cast.sam)
    Ticket.objects.filter(pk=ticket.pk).update(awaits_us=False)
    moved = {verb: to for verb in VERBS if (to := _tried(ticket, verb, cast)) != status}
    expected = {
        verb.key: verb.to
        for verb in table.VERBS.values()
        if verb.by_hand and status in verb.sources and verb.key != "merge"
    }
    assert moved == expected


def test_a_verb_that_nobody_knows_and_one_that_people_do_not_take(cast: Cast) -> None:
    ticket = kit.in_state("new", NOW, cast.sam)
    for verb in ("start", "no_such"):
        with pytest.raises(IllegalTransition, match="This ticket is new"):
            lifecycle.transition(ticket=ticket, verb=verb, actor=kit.by(cast.sam), now=NOW)


def test_a_state_is_reached_by_its_name_too(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    say = {"actor": kit.by(cast.sam), "now": NOW}
    lifecycle.transition(ticket=ticket, to="waiting_customer", **say)
    lifecycle.transition(ticket=ticket, to="open", **say)
    ticket.refresh_from_db()
    assert ticket.status == "open"
    with pytest.raises(IllegalTransition, match="cannot become closed"):
        lifecycle.transition(ticket=ticket, to="closed", **say)


# -- triage


def test_accepting_gives_a_ticket_without_owner_to_whoever_accepts(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    assert ticket.owner is None
    accepted = lifecycle.triage(ticket=ticket, actor=kit.by(cast.sam), now=NOW + HOUR)
    assert (accepted.status, accepted.owner, accepted.triaged_at) == ("open", cast.sam, NOW + HOUR)
    assert accepted.clocks.get(metric="triage").state == "met"


def test_a_tool_that_accepts_names_the_owner() -> None:
    from apps.core import audit

    with pytest.raises(Invalid) as caught:
        lifecycle.triage(ticket=kit.ticket(NOW), actor=audit.SYSTEM, now=NOW)
    assert caught.value.code == "owner_missing"


def test_accepting_corrects_type_and_levels_before_the_promises_count(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    lifecycle.triage(ticket=ticket, actor=kit.by(cast.sam), now=NOW, impact="high", urgency="high")
    ticket.refresh_from_db()
    assert ticket.priority == "P1"
    assert ticket.clocks.get(metric="first_reply").target_seconds == 1800


# -- what the steps need


def test_nobody_waits_for_a_customer_who_was_asked_nothing(cast: Cast) -> None:
    ticket = kit.in_state("new", NOW, cast.sam)
    with pytest.raises(Invalid) as caught:
        lifecycle.transition(ticket=ticket, verb="wait", actor=kit.by(cast.sam), now=NOW)
    assert caught.value.code == "message_missing"


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, {"link", "expected_by"}),
        ({"link": {"kind": "vendor", "ref": "dbt Labs"}}, {"expected_by"}),
        ({"expected_by": NOW + HOUR}, {"link"}),
        ({"link": {"kind": "vendor", "ref": "x"}, "expected_by": NOW - HOUR}, {"expected_by"}),
        ({"link": {"kind": "star", "ref": "x"}, "expected_by": NOW + HOUR}, {"kind"}),
        ({"link": {"kind": "incident", "ref": "INC-99"}, "expected_by": NOW + HOUR}, {"ref"}),
    ],
)
def test_waiting_for_a_third_party_takes_what_and_until_when(
    given: dict[str, Any], fields: set[str], cast: Cast
) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    with pytest.raises(Invalid) as caught:
        lifecycle.transition(
            ticket=ticket, verb="wait_third_party", actor=kit.by(cast.sam), now=NOW, **given
        )
    assert set(caught.value.fields) == fields
    ticket.refresh_from_db()
    assert ticket.status == "open"
    assert not ticket.links.exists()


def test_nobody_waits_for_what_is_over_already(cast: Cast) -> None:
    incident = build.incident(by=cast.maya, now=NOW)
    build.step(incident, "resolved", by=cast.maya, now=NOW)
    ticket = kit.in_state("open", NOW, cast.sam)
    with pytest.raises(Invalid) as caught:
        lifecycle.transition(
            ticket=ticket,
            verb="wait_third_party",
            link={"kind": "incident", "ref": incident.ref},
            expected_by=NOW + HOUR,
            actor=kit.by(cast.sam),
            now=NOW,
        )
    assert caught.value.code == "already_done"
    assert not ticket.links.exists()


def test_resolving_takes_a_code_and_an_answer(cast: Cast) -> None:
    ticket = kit.in_state("new", NOW, cast.sam)
    say: dict[str, Any] = {"ticket": ticket, "verb": "resolve", "actor": kit.by(cast.sam)}
    for code in ("", "done"):
        with pytest.raises(Invalid) as caught:
            lifecycle.transition(**say, now=NOW, resolution_code=code)
        assert caught.value.code == "resolution_code"
    with pytest.raises(Invalid) as caught:
        lifecycle.transition(**say, now=NOW, resolution_code="fixed")
    assert caught.value.code == "reply_missing"
    lifecycle.transition(**say, now=NOW, resolution_code="declined", no_reply_needed=True)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolution_code, ticket.resolved_at) == (
        "resolved",
        "declined",
        NOW,
    )
    clock = ticket.clocks.get(metric="first_reply")
    assert (clock.state, clock.without_reply) == ("met", True)


def test_what_blocks_a_ticket_keeps_it_from_being_resolved_unless_somebody_insists(
    cast: Cast,
) -> None:
    ticket = kit.in_state("waiting_third_party", NOW, cast.sam)
    say: dict[str, Any] = {
        "ticket": ticket, "verb": "resolve", "resolution_code": "workaround",
        "actor": kit.by(cast.sam), "now": NOW,
    }  # fmt: skip
    with pytest.raises(Blocked) as caught:
        lifecycle.transition(**say)
    assert caught.value.fields["blockers"] == ["Vendor Snowflake"]
    lifecycle.transition(**say, override_blocking=True)
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


# -- timers


def _wake(at: datetime) -> int:
    return lifecycle.wake_due(now=at)


def test_a_ticket_without_an_answer_comes_back_after_working_days(cast: Cast) -> None:
    ticket = kit.in_state("waiting_customer", NOW, cast.sam)
    assert ticket.remind_at == datetime(2026, 9, 10, 9, 0, tzinfo=UTC)  # three working days
    assert ticket.wake_at == ticket.remind_at
    assert _wake(ticket.remind_at - timedelta(seconds=1)) == 0
    assert _wake(ticket.remind_at) == 1
    ticket.refresh_from_db()
    assert (ticket.status, ticket.remind_at, ticket.wake_at) == ("open", None, None)
    assert _wake(NOW + 1000 * HOUR) == 0


def test_the_expected_date_brings_a_ticket_back(cast: Cast) -> None:
    ticket = kit.in_state("waiting_third_party", NOW, cast.sam)
    assert ticket.expected_by is not None
    assert _wake(ticket.expected_by) == 1
    ticket.refresh_from_db()
    assert (ticket.status, ticket.wake_at) == ("open", None)
    assert "the expected date has passed" in kit.events(ticket, "status")[-1]


def test_a_resolved_ticket_closes_after_four_working_days(cast: Cast) -> None:
    ticket = kit.in_state("resolved", NOW, cast.sam)
    assert ticket.close_at == datetime(2026, 9, 11, 9, 0, tzinfo=UTC)
    assert _wake(ticket.close_at) == 1
    ticket.refresh_from_db()
    assert (ticket.status, ticket.closed_at, ticket.wake_at) == ("closed", ticket.closed_at, None)


def test_a_snooze_ends_by_itself_and_by_any_word_of_the_customer(cast: Cast) -> None:
    say = {"actor": kit.by(cast.sam), "now": NOW}
    slept, woken = (kit.in_state("open", NOW, cast.sam) for _ in range(2))
    for one in (slept, woken):
        tickets.snooze(ticket=one, until=NOW + 3 * HOUR, **say)
    conversation.requester_wrote(
        ticket=woken, body="Any news?", contact=woken.requester, actor=kit.by(cast.sam), now=NOW
    )
    woken.refresh_from_db()
    assert (woken.snoozed_until, woken.wake_at) == (None, None)
    assert _wake(NOW + 3 * HOUR) == 1
    slept.refresh_from_db()
    assert (slept.snoozed_until, slept.wake_at, slept.status) == (None, None, "open")


def test_a_time_that_is_past_is_refused(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    say = {"actor": kit.by(cast.sam), "now": NOW}
    with pytest.raises(Invalid):
        tickets.snooze(ticket=ticket, until=NOW, **say)
    with pytest.raises(Invalid):
        lifecycle.transition(ticket=ticket, verb="wait", remind_at=NOW - HOUR, **say)


def test_a_ticket_that_is_over_is_not_snoozed(cast: Cast) -> None:
    ticket = kit.in_state("resolved", NOW, cast.sam)
    with pytest.raises(Conflict):
        tickets.snooze(ticket=ticket, until=NOW + HOUR, actor=kit.by(cast.sam), now=NOW)


def test_spam_is_woken_by_nothing(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    say = {"actor": kit.by(cast.sam), "now": NOW}
    tickets.snooze(ticket=ticket, until=NOW + HOUR, **say)
    lifecycle.transition(ticket=ticket, verb="spam", **say)
    assert _wake(NOW + 2 * HOUR) == 0


def test_a_timer_that_runs_out_on_a_merged_ticket_counts_once_the_merge_is_undone(
    cast: Cast,
) -> None:
    ticket = kit.in_state("waiting_third_party", NOW, cast.sam)
    other = kit.in_state("open", NOW, cast.sam)
    say: dict[str, Any] = {"actor": kit.by(cast.sam)}
    merging.merge(ticket=ticket, into=other, now=NOW, **say)
    late = NOW + 100 * HOUR
    assert _wake(late) == 0
    merging.unmerge(ticket=ticket, now=late, **say)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.expected_by) == ("waiting_third_party", NOW + timedelta(days=2))
    assert _wake(late) == 1
    ticket.refresh_from_db()
    assert ticket.status == "open"


@pytest.mark.parametrize("verb", ["wait", "wait_third_party"])
def test_a_new_ticket_that_somebody_lets_wait_is_triaged_by_that(verb: str, cast: Cast) -> None:
    ticket = kit.ticket(NOW, answered=True, owner=cast.sam)
    more: dict[str, Any] = {}
    if verb == "wait_third_party":
        more = {
            "link": {"kind": "vendor", "ref": "Snowflake"},
            "expected_by": NOW + timedelta(days=2),
        }
    lifecycle.transition(ticket=ticket, verb=verb, actor=kit.by(cast.sam), now=NOW, **more)
    ticket.refresh_from_db()
    assert ticket.triaged_at == NOW
    assert ticket.clocks.get(metric="triage").state == "met"


def test_a_timer_that_means_nothing_in_a_state_does_not_wake_it_for_ever(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    Ticket.objects.filter(pk=ticket.pk).update(close_at=NOW + HOUR, wake_at=NOW + HOUR)
    assert lifecycle.wake_due(now=NOW + 2 * HOUR) == 1
    assert lifecycle.wake_due(now=NOW + 2 * HOUR) == 0
    ticket.refresh_from_db()
    assert (ticket.status, ticket.close_at) == ("open", None)
