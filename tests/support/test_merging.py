"""Two tickets about one thing become one, and apart again; one about two things becomes two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core import audit
from apps.core.errors import Conflict, Invalid
from apps.support.models import RequestType, TicketMessage
from apps.support.selectors.ticket import story
from apps.support.services import conversation, files, merging, tickets
from tests import builders as build
from tests.conftest import Cast
from tests.support import ticketkit as kit

NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def desk(cast: Cast) -> None:
    kit.desk(NOW - HOUR)


def _say(cast: Cast, now: datetime = NOW) -> dict[str, Any]:
    return {"actor": kit.by(cast.sam), "now": now}


def test_a_merge_brings_people_and_words_and_stops_the_promises(cast: Cast) -> None:
    ben = build.contact("ben@bramble.example", name="Ben", now=NOW)
    into = kit.in_state("open", NOW, cast.sam)
    ticket = kit.ticket(NOW, subject="Same", body="Here too", requester=ben, owner=cast.ravi)
    tickets.watch(ticket=ticket, person=cast.bea, **_say(cast))
    merging.merge(ticket=ticket, into=into, **_say(cast))
    ticket.refresh_from_db()
    into.refresh_from_db()
    assert (ticket.status, ticket.merged_into, ticket.status_before) == ("merged", into, "new")
    assert {c.state for c in ticket.clocks.all()} == {"cancelled"}
    assert [c.contact for c in into.contacts.all()] == [ben]
    assert {w.person for w in into.watchers.all()} == {cast.bea, cast.ravi}
    assert into.awaits_us
    told = [e.row.body for e in story(into, cast.sam).entries if isinstance(e.row, TicketMessage)]
    assert "Here too" in told


def test_what_is_written_to_the_old_number_lands_in_the_target_however_far(cast: Cast) -> None:
    first, second, third = (kit.in_state("open", NOW, cast.sam) for _ in range(3))
    merging.merge(ticket=first, into=second, **_say(cast))
    merging.merge(ticket=second, into=third, **_say(cast))
    message = conversation.requester_wrote(
        ticket=first, body="Still?", contact=first.requester, **_say(cast, NOW + HOUR)
    )
    assert message.ticket == third
    assert set(story(third, cast.sam).merged) == {first.pk, second.pk}


@pytest.mark.parametrize("status", ["closed", "merged", "spam"])
def test_nothing_goes_into_what_is_over_nor_out_of_it(status: str, cast: Cast) -> None:
    over, alive = kit.in_state(status, NOW, cast.sam), kit.in_state("open", NOW, cast.sam)
    for ticket, into in ((alive, over), (over, alive)):
        with pytest.raises(Conflict):
            merging.merge(ticket=ticket, into=into, **_say(cast))
    alive.refresh_from_db()
    assert (alive.status, alive.merged_into) == ("open", None)


def test_a_ticket_does_not_go_into_itself(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    with pytest.raises(Invalid):
        merging.merge(ticket=ticket, into=ticket, **_say(cast))


@pytest.mark.parametrize(
    "status", ["new", "open", "waiting_customer", "waiting_third_party", "resolved"]
)
def test_an_undone_merge_leaves_everything_as_if_it_had_not_been(status: str, cast: Cast) -> None:
    ticket, into = kit.in_state(status, NOW, cast.sam), kit.in_state("open", NOW, cast.sam)
    before = {c.metric: (c.state, c.due_at, c.stopped_at) for c in ticket.clocks.all()}
    timers = (ticket.remind_at, ticket.expected_by, ticket.close_at, ticket.wake_at)
    merging.merge(ticket=ticket, into=into, **_say(cast))
    merging.unmerge(ticket=ticket, **_say(cast))
    ticket.refresh_from_db()
    assert (ticket.status, ticket.merged_into, ticket.status_before) == (status, None, "")
    assert (ticket.remind_at, ticket.expected_by, ticket.close_at, ticket.wake_at) == timers
    assert {c.metric: (c.state, c.due_at, c.stopped_at) for c in ticket.clocks.all()} == before
    assert story(into, cast.sam).merged == {}
    with pytest.raises(Conflict):
        merging.unmerge(ticket=ticket, **_say(cast))


def test_an_undone_merge_takes_the_customers_who_came_along_back(cast: Cast) -> None:
    into, late = kit.in_state("open", NOW, cast.sam), NOW + HOUR
    bo = build.contact("bo@other.example", name="Bo", now=NOW)
    ticket, other = (kit.ticket(NOW, requester=bo) for _ in range(2))
    merging.merge(ticket=ticket, into=into, **_say(cast, late))
    merging.merge(ticket=other, into=into, **_say(cast, late + HOUR))
    merging.unmerge(ticket=ticket, **_say(cast, late + 2 * HOUR))
    assert [row.contact for row in into.contacts.all()] == [bo]  # the other one is there still
    merging.unmerge(ticket=other, **_say(cast, late + 3 * HOUR))
    merging.merge(ticket=ticket, into=into, **_say(cast, late + 4 * HOUR))
    merging.unmerge(ticket=ticket, **_say(cast, late + 5 * HOUR))
    assert not into.contacts.exists()


def test_who_was_copied_in_before_a_merge_stays_when_it_is_undone(cast: Cast) -> None:
    bo = build.contact("bo@other.example", name="Bo", now=NOW)
    into, ticket = kit.in_state("open", NOW, cast.sam), kit.ticket(NOW, requester=bo)
    into.contacts.create(contact=bo, created_at=NOW)
    merging.merge(ticket=ticket, into=into, **_say(cast, NOW + HOUR))
    merging.unmerge(ticket=ticket, **_say(cast, NOW + 2 * HOUR))
    assert [row.contact for row in into.contacts.all()] == [bo]


def test_time_that_passed_while_merged_counts_after_the_undo(cast: Cast) -> None:
    ticket, into = kit.ticket(NOW, owner=cast.sam), kit.in_state("open", NOW, cast.sam)
    due = ticket.clocks.get(metric="triage").due_at
    assert due is not None
    merging.merge(ticket=ticket, into=into, **_say(cast))
    merging.unmerge(ticket=ticket, **_say(cast, NOW + timedelta(days=3)))
    clock = ticket.clocks.get(metric="triage")
    assert (clock.state, clock.due_at) in {("running", due), ("breached", due)}


def test_a_message_about_something_else_becomes_a_ticket_of_its_own(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW - HOUR, cast.sam)
    given = [files.accept(name="bill.pdf", content=b"%PDF")]
    message = conversation.requester_wrote(
        ticket=ticket, body="And our invoice is wrong.", contact=ticket.requester,
        actor=audit.SYSTEM, now=NOW, files_=given,
    )  # fmt: skip
    fresh = merging.split(
        message=message,
        subject="Invoice",
        request_type=RequestType.objects.get(key="billing"),
        **_say(cast, NOW + HOUR),
    )
    assert (fresh.split_from, fresh.requester, fresh.created_at) == (
        ticket,
        ticket.requester,
        NOW + HOUR,
    )
    copy = fresh.messages.get()
    assert (copy.body, [a.name for a in copy.attachments.all()]) == (message.body, ["bill.pdf"])
    assert message.attachments.count() == 1
    assert fresh.clocks.get(metric="first_reply").started_at == NOW + HOUR
    assert fresh.ref in kit.events(ticket, "split")[0]
    assert ticket.ref in kit.events(fresh, "split")[0]


def test_only_the_requesters_words_are_split_off(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    for author in ("agent", "note"):
        message = ticket.messages.filter(author=author).first() or conversation.note(
            ticket=ticket, body="Hm", **_say(cast)
        )
        with pytest.raises(Invalid):
            merging.split(
                message=message, subject="x", request_type=ticket.request_type, **_say(cast)
            )


def test_an_answer_that_was_owed_is_owed_by_the_target_from_then_on(cast: Cast) -> None:
    into = kit.in_state("open", NOW, cast.sam)
    ticket = kit.ticket(NOW, subject="Same", owner=cast.sam)
    merging.merge(ticket=ticket, into=into, **_say(cast, NOW + HOUR))
    into.refresh_from_db()
    clock = into.clocks.get(metric="next_reply")
    assert (into.awaits_us, clock.state, clock.started_at) == (True, "running", NOW + HOUR)


def test_what_was_done_while_it_was_merged_is_not_waited_for_after_the_undo(cast: Cast) -> None:
    ticket = kit.in_state("waiting_third_party", NOW, cast.sam)
    into = kit.in_state("open", NOW, cast.sam)
    merging.merge(ticket=ticket, into=into, **_say(cast))
    ticket.links.update(done_at=NOW + HOUR)
    merging.unmerge(ticket=ticket, **_say(cast, NOW + 2 * HOUR))
    ticket.refresh_from_db()
    assert (ticket.status, ticket.expected_by) == ("open", None)


def test_two_customers_are_not_joined_by_a_slip(cast: Cast) -> None:
    kite = build.contact("kim@kite.test", account=build.account("Kite"), now=NOW)
    lumen = build.contact("leo@lumen.test", account=build.account("Lumen"), now=NOW)
    one, two = (build.ticket("Stale", requester=who, now=NOW) for who in (kite, lumen))
    with pytest.raises(merging.TwoCustomers, match=r"of Kite, .* of Lumen"):
        merging.merge(ticket=one, into=two, **_say(cast))
    merging.merge(ticket=one, into=two, both_customers=True, **_say(cast))
    one.refresh_from_db()
    assert one.merged_into == two
