"""What is said on a ticket: replies, notes, the requester's words, and taking a reply back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core import audit
from apps.core.errors import Conflict, IllegalTransition, Invalid
from apps.notifications.models import Message
from apps.support.models import Queue, Ticket, TicketContact, TicketMessage
from apps.support.services import conversation, files, lifecycle, links, search, tickets
from apps.support.services.conversation import Stale
from apps.support.services.lifecycle import Blocked
from tests import builders as build
from tests.conftest import Cast
from tests.support import ticketkit as kit

NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)  # a Monday
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def desk(cast: Cast) -> None:
    kit.desk(NOW - HOUR)


def _says(ticket: Ticket, now: datetime, body: str = "And now?", **more: Any) -> TicketMessage:
    return conversation.requester_wrote(
        ticket=ticket,
        body=body,
        contact=more.pop("contact", ticket.requester),
        actor=audit.contact(ticket.requester_id, "Ana"),
        now=now,
        **more,
    )


# -- replies


def test_the_first_reply_opens_the_ticket_and_keeps_its_promise(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    message = conversation.reply(
        ticket=ticket, body="We look **at it**.", actor=kit.by(cast.sam), now=NOW + MINUTE
    )
    ticket.refresh_from_db()
    assert (ticket.status, ticket.owner, ticket.awaits_us) == ("open", cast.sam, False)
    assert ticket.first_replied_at == ticket.triaged_at == NOW + MINUTE
    assert {c.metric: c.state for c in ticket.clocks.all()} == {
        "triage": "met",
        "first_reply": "met",
        "resolution": "running",
        "periodic_update": "running",
    }
    letter = kit.letters(ticket.requester)[-1]
    assert letter.message_id == message.message_id
    assert "We look" in letter.body
    assert "/requests/" in letter.body


def test_an_empty_reply_is_none_but_a_file_alone_is_one(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    with pytest.raises(Invalid):
        conversation.reply(ticket=ticket, body=" \n ", actor=kit.by(cast.sam), now=NOW)
    given = [files.accept(name="shot.png", content=b"\x89PNG")]
    sent = conversation.reply(ticket=ticket, body="", files_=given, actor=kit.by(cast.sam), now=NOW)
    assert [one.name for one in sent.attachments.all()] == ["shot.png"]


def test_words_that_are_too_long_are_refused_with_what_to_do(cast: Cast) -> None:
    with pytest.raises(Invalid, match="Attach it as a file"):
        conversation.note(
            ticket=kit.ticket(NOW), body="x" * 200_001, actor=kit.by(cast.sam), now=NOW
        )


def test_a_paste_of_five_thousand_lines_is_kept_whole(cast: Cast) -> None:
    paste = "\n".join(f"2026-09-07 line {n:05d} ERR" for n in range(5000))
    note = conversation.note(ticket=kit.ticket(NOW), body=paste, actor=kit.by(cast.sam), now=NOW)
    note.refresh_from_db()
    assert note.body == paste


def test_replying_and_waiting_and_replying_and_resolving_are_one_step(cast: Cast) -> None:
    say: dict[str, Any] = {"actor": kit.by(cast.sam), "now": NOW, "body": "Which version?"}
    waits, ends = kit.ticket(NOW), kit.ticket(NOW)
    conversation.reply(ticket=waits, then="wait", remind_at=NOW + 5 * HOUR, **say)
    conversation.reply(ticket=ends, then="resolve", resolution_code="answered", **say)
    waits.refresh_from_db()
    ends.refresh_from_db()
    assert (waits.status, waits.remind_at, waits.wake_at) == (
        "waiting_customer",
        NOW + 5 * HOUR,
        NOW + 5 * HOUR,
    )
    assert (ends.status, ends.resolution_code) == ("resolved", "answered")


def test_a_reply_whose_next_step_cannot_be_taken_is_not_kept_at_all(cast: Cast) -> None:
    ticket = kit.in_state("waiting_third_party", NOW, cast.sam)
    say: dict[str, Any] = {"ticket": ticket, "body": "Done", "actor": kit.by(cast.sam)}
    before = ticket.messages.count()
    with pytest.raises(Blocked):
        conversation.reply(**say, now=NOW, then="resolve", resolution_code="fixed")
    with pytest.raises(Invalid):
        conversation.reply(**say, now=NOW, then="resolve")
    with pytest.raises(IllegalTransition):
        conversation.reply(**say, now=NOW, then="wait")
    with pytest.raises(Invalid):
        conversation.reply(**say, now=NOW, then="explode")
    assert ticket.messages.count() == before
    conversation.reply(
        **say, now=NOW, then="resolve", resolution_code="fixed", override_blocking=True
    )
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


@pytest.mark.parametrize("status", ["closed", "merged", "spam"])
def test_nothing_public_is_said_on_what_is_over_but_a_note_is(status: str, cast: Cast) -> None:
    ticket = kit.in_state(status, NOW, cast.sam)
    say: dict[str, Any] = {"ticket": ticket, "body": "Hello", "actor": kit.by(cast.sam)}
    with pytest.raises(Conflict):
        conversation.reply(**say, now=NOW)
    assert conversation.note(**say, now=NOW).author == "note"


# -- somebody was faster


def test_a_reply_that_did_not_see_the_last_words_is_held_back(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    seen = ticket.messages.get().pk
    _says(ticket, NOW + MINUTE)
    say: dict[str, Any] = {"ticket": ticket, "body": "Answer", "actor": kit.by(cast.sam)}
    with pytest.raises(Stale) as caught:
        conversation.reply(**say, now=NOW + 2 * MINUTE, seen_message=seen)
    assert (caught.value.code, caught.value.status) == ("stale", 409)
    latest = ticket.messages.order_by("-pk")[0].pk
    conversation.reply(**say, now=NOW + 2 * MINUTE, seen_message=latest)


def test_ones_own_note_and_what_was_taken_back_make_nothing_stale(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    seen = ticket.messages.get().pk
    conversation.note(ticket=ticket, body="Hm", actor=kit.by(cast.sam), now=NOW)
    theirs = conversation.reply(
        ticket=ticket, body="Wait", actor=kit.by(cast.ravi), now=NOW, hold_seconds=15
    )
    conversation.withdraw(message=theirs, actor=kit.by(cast.ravi), now=NOW)
    conversation.reply(
        ticket=ticket, body="Answer", actor=kit.by(cast.sam), now=NOW, seen_message=seen
    )
    with pytest.raises(Stale):
        conversation.reply(
            ticket=ticket, body="Mine", actor=kit.by(cast.ravi), now=NOW, seen_message=seen
        )


@pytest.mark.parametrize("hold", [0, 15])
def test_the_same_words_from_the_same_page_are_said_once(hold: int, cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    seen = ticket.messages.get().pk
    say: dict[str, Any] = {"ticket": ticket, "body": "Answer", "actor": kit.by(cast.sam)}
    first = conversation.reply(**say, now=NOW, seen_message=seen, hold_seconds=hold)
    again = conversation.reply(**say, now=NOW + MINUTE, seen_message=seen, hold_seconds=hold)
    assert again.pk == first.pk
    meant = conversation.reply(**say, now=NOW + MINUTE, seen_message=first.pk)
    assert (meant.pk == first.pk) is bool(hold)  # who has seen it go out and repeats it means it
    with pytest.raises(Stale):
        conversation.reply(**say | {"actor": kit.by(cast.ravi)}, now=NOW, seen_message=seen)


# -- held replies


def _held(ticket: Ticket, cast: Cast, **more: Any) -> TicketMessage:
    return conversation.reply(
        ticket=ticket, body="Soon.", actor=kit.by(cast.sam), now=NOW, hold_seconds=15, **more
    )


def test_a_held_reply_has_no_effect_until_its_time_and_then_counts_from_when_it_was_written(
    cast: Cast,
) -> None:
    ticket = kit.ticket(NOW - HOUR)
    message = _held(ticket, cast, then="wait")
    ticket.refresh_from_db()
    assert (message.status, message.send_at) == ("held", NOW + timedelta(seconds=15))
    assert (ticket.status, ticket.first_replied_at, ticket.awaits_us) == ("new", None, True)
    assert kit.letters(ticket.requester) == []
    assert conversation.release_held(now=NOW + timedelta(seconds=14)) == 0
    assert conversation.release_held(now=NOW + timedelta(seconds=20)) == 1
    assert conversation.release_held(now=NOW + timedelta(seconds=40)) == 0
    ticket.refresh_from_db()
    assert (ticket.status, ticket.first_replied_at) == ("waiting_customer", NOW)
    assert ticket.clocks.get(metric="first_reply").stopped_at == NOW
    assert len(kit.letters(ticket.requester)) == 1


def test_a_reply_written_in_time_keeps_its_promise_though_it_goes_out_after_it(cast: Cast) -> None:
    ticket = kit.ticket(NOW - HOUR)
    clock = ticket.clocks.get(metric="first_reply")
    assert clock.due_at is not None
    due = clock.due_at
    conversation.reply(
        ticket=ticket, body="Just so", actor=kit.by(cast.sam), now=due, hold_seconds=15
    )
    conversation.release_held(now=due + timedelta(seconds=15))
    clock.refresh_from_db()
    assert (clock.state, clock.stopped_at) == ("met", due)


def test_a_held_reply_is_taken_back_and_nothing_of_it_remains_to_the_outside(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    message = _held(ticket, cast)
    conversation.withdraw(message=message, actor=kit.by(cast.sam), now=NOW)
    conversation.withdraw(message=message, actor=kit.by(cast.sam), now=NOW)
    assert conversation.release_held(now=NOW + HOUR) == 0
    ticket.refresh_from_db()
    assert (ticket.status, kit.letters(ticket.requester)) == ("new", [])
    assert not TicketMessage.objects.public().filter(pk=message.pk).exists()


def test_what_has_gone_out_is_not_taken_back(cast: Cast) -> None:
    message = _held(kit.ticket(NOW), cast)
    conversation.release_held(now=NOW + MINUTE)
    with pytest.raises(Conflict) as caught:
        conversation.withdraw(message=message, actor=kit.by(cast.sam), now=NOW + MINUTE)
    assert caught.value.code == "already_sent"


def test_a_hold_has_its_limit(cast: Cast) -> None:
    message = conversation.reply(
        ticket=kit.ticket(NOW), body="Soon", actor=kit.by(cast.sam), now=NOW, hold_seconds=9999
    )
    assert message.send_at == NOW + timedelta(seconds=conversation.MAX_HOLD)


@pytest.mark.parametrize("then", ["wait", "resolve"])
def test_a_word_of_the_customer_while_a_reply_is_held_keeps_the_ticket_open(
    then: str, cast: Cast
) -> None:
    ticket = kit.in_state("open", NOW - HOUR, cast.sam)
    _held(ticket, cast, then=then, resolution_code="fixed" if then == "resolve" else "")
    _says(ticket, NOW + timedelta(seconds=5), "It got worse.")
    conversation.release_held(now=NOW + timedelta(seconds=15))
    ticket.refresh_from_db()
    assert (ticket.status, ticket.awaits_us) == ("open", True)
    assert ticket.last_public_text == "It got worse."
    assert ticket.last_message_at == NOW + timedelta(seconds=5)
    assert "the customer wrote meanwhile" in kit.events(ticket, "kept")[0]
    assert ticket.clocks.filter(metric="next_reply", state="running").count() == 1
    assert ticket.clocks.filter(metric="periodic_update", state="running").count() == 1


def test_a_held_reply_goes_out_though_something_blocks_its_ticket_meanwhile(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW - HOUR, cast.sam)
    _held(ticket, cast, then="resolve", resolution_code="fixed")
    links.link(
        ticket=ticket, kind="vendor", ref="Snowflake", relation="blocks",
        actor=kit.by(cast.ravi), now=NOW,
    )  # fmt: skip
    conversation.release_held(now=NOW + MINUTE)
    ticket.refresh_from_db()
    assert ticket.status == "open"
    assert "Snowflake is not done" in kit.events(ticket, "kept")[0]
    assert len(kit.letters(ticket.requester)) == 2


# -- notes


def test_a_note_is_ours_alone_and_moves_no_promise(cast: Cast) -> None:
    ticket = kit.ticket(NOW, owner=cast.sam)
    before = {c.metric: (c.state, c.due_at) for c in ticket.clocks.all()}
    conversation.note(ticket=ticket, body="Odd.", actor=kit.by(cast.ravi), now=NOW)
    ticket.refresh_from_db()
    assert {c.metric: (c.state, c.due_at) for c in ticket.clocks.all()} == before
    assert (ticket.status, ticket.awaits_us, kit.letters(ticket.requester)) == ("new", True, [])
    told = Message.objects.filter(what="ticket_note")
    assert [row.person for row in told] == [cast.sam]


@pytest.mark.parametrize(
    "text",
    ["@ravi look", "see @ravi@example.com.", "(@Ravi.Rao)", "@ravi, @nobody and a@ravi.example"],
)
def test_whoever_is_named_hears_of_it_and_watches(text: str, cast: Cast) -> None:
    ticket = kit.ticket(NOW, owner=cast.sam)
    conversation.note(ticket=ticket, body=text, actor=kit.by(cast.sam), now=NOW)
    assert [w.person for w in ticket.watchers.all()] == [cast.ravi]
    assert [m.person for m in Message.objects.filter(what="ticket_note")] == [cast.ravi]


def test_a_mention_does_not_open_a_private_queue(cast: Cast) -> None:
    team = build.team("billing", members=[cast.sam])
    hidden = Queue.objects.create(key="billing", name="Billing", team=team, is_private=True)
    ticket = kit.ticket(NOW, queue=hidden, owner=cast.sam)
    conversation.note(ticket=ticket, body="@olu @maya", actor=kit.by(cast.sam), now=NOW)
    assert [w.person for w in ticket.watchers.all()] == [cast.maya]


# -- the requester


def test_a_word_of_the_customer_ends_the_wait_and_starts_the_next_promise(cast: Cast) -> None:
    ticket = kit.in_state("waiting_customer", NOW, cast.sam)
    _says(ticket, NOW + HOUR)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.remind_at, ticket.awaits_us) == ("open", None, True)
    clock = ticket.clocks.get(metric="next_reply")
    assert (clock.state, clock.started_at) == ("running", NOW + HOUR)
    _says(ticket, NOW + 2 * HOUR)
    assert ticket.clocks.filter(metric="next_reply").count() == 1


def test_a_ticket_that_waits_for_a_third_party_goes_on_waiting(cast: Cast) -> None:
    ticket = kit.in_state("waiting_third_party", NOW, cast.sam)
    _says(ticket, NOW + HOUR)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.awaits_us) == ("waiting_third_party", True)


def test_within_the_window_a_resolved_ticket_is_open_again(cast: Cast) -> None:
    ticket = kit.in_state("resolved", NOW, cast.sam)
    message = _says(ticket, NOW + timedelta(days=13))
    ticket.refresh_from_db()
    assert (message.ticket, ticket.status, ticket.reopened_count) == (ticket, "open", 1)
    assert (ticket.resolved_at, ticket.resolution_code) == (None, "")
    assert ticket.clocks.get(metric="resolution").is_open


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_after_that_it_opens_a_follow_up_with_promises_of_its_own(status: str, cast: Cast) -> None:
    ticket = kit.in_state(status, NOW, cast.sam, tags=["orders"])
    message = _says(ticket, NOW + timedelta(days=15), "Again!")
    fresh = message.ticket
    assert (fresh.pk != ticket.pk, fresh.follows, fresh.status) == (True, ticket, "new")
    assert (fresh.subject, fresh.owner, fresh.tags) == (
        f"Re: {ticket.subject}",
        cast.sam,
        ["orders"],
    )
    assert fresh.clocks.filter(state="running").count() == 3
    ticket.refresh_from_db()
    assert ticket.status == status
    assert fresh.ref in kit.events(ticket, "followed")[0]
    again = _says(fresh, NOW + timedelta(days=15), "And again")
    assert again.ticket == fresh


def test_a_stranger_who_answers_takes_part_from_then_on(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    colleague = build.contact("ben@bramble.example", name="Ben", now=NOW)
    _says(ticket, NOW, contact=colleague)
    assert TicketContact.objects.get(ticket=ticket).contact == colleague
    conversation.reply(ticket=ticket, body="To both", actor=kit.by(cast.sam), now=NOW)
    assert "To both" in kit.letters(colleague)[-1].body


def test_saying_nothing_is_refused(cast: Cast) -> None:
    with pytest.raises(Invalid):
        _says(kit.ticket(NOW), NOW, "  ")


def test_a_word_that_was_said_before_it_arrived_counts_from_then(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    said = _says(ticket, NOW + HOUR, at=NOW + 30 * MINUTE)
    assert (said.at, said.recorded_at) == (NOW + 30 * MINUTE, NOW + HOUR)
    assert ticket.clocks.get(metric="next_reply").started_at == NOW + 30 * MINUTE
    later = _says(ticket, NOW + HOUR, at=NOW + 9 * HOUR)
    assert later.at == NOW + HOUR


def test_search_finds_what_was_said(cast: Cast) -> None:
    from apps.support.selectors.search import search

    ticket = kit.ticket(NOW)
    conversation.note(ticket=ticket, body="A zebra crossed.", actor=kit.by(cast.sam), now=NOW)
    assert list(search(cast.sam, "zebra")) == [ticket]
    lifecycle.transition(ticket=ticket, verb="spam", actor=kit.by(cast.sam), now=NOW)
    tickets.tag(ticket=ticket, add=["x"], actor=kit.by(cast.sam), now=NOW)
    assert list(search(cast.olu, "zebra")) == [ticket]


def test_a_held_reply_that_cannot_go_holds_up_no_other(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, whole = _held(kit.ticket(NOW), cast), _held(kit.ticket(NOW), cast)
    index = search.index

    def fails(*, ticket: Ticket) -> None:
        if ticket.pk == broken.ticket_id:
            raise RuntimeError("no such luck")
        index(ticket=ticket)

    monkeypatch.setattr(search, "index", fails)
    assert conversation.release_held(now=NOW + HOUR) == 1
    broken.refresh_from_db()
    whole.refresh_from_db()
    assert (broken.status, whole.status) == ("held", "posted")
    assert broken.send_at == NOW + HOUR + timedelta(minutes=1)


def test_who_left_while_their_reply_was_held_does_not_own_the_ticket(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    assert ticket.owner is None
    message = _held(ticket, cast)
    cast.sam.is_active = False
    cast.sam.save()
    conversation.release_held(now=NOW + HOUR)
    message.refresh_from_db()
    ticket.refresh_from_db()
    assert (message.status, ticket.owner, ticket.status) == ("posted", None, "open")
