"""What somebody outside may see and do by a signed link, and what they never see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core import audit
from apps.core.errors import Conflict, NotFound
from apps.customers.models import Contact
from apps.support import tokens
from apps.support.models import Csat, Ticket
from apps.support.selectors.requested import Requested, file_of, requested
from apps.support.services import conversation, files, lifecycle, merging, requester, tickets
from tests import builders as build
from tests.conftest import Cast
from tests.support import ticketkit as kit

NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def desk(cast: Cast) -> None:
    kit.desk(NOW - HOUR)


def _token(ticket: Ticket, contact: Contact | None = None) -> str:
    return tokens.make(ticket.pk, ticket.access_version, contact.pk if contact else None)


def _said(seen: Requested) -> list[tuple[str, str]]:
    return [(word.who, word.message.body) for word in seen.words]


def _says(ticket: Ticket, contact: Contact, body: str, now: datetime = NOW, **more: Any) -> None:
    who = audit.contact(contact.pk, str(contact))
    conversation.requester_wrote(
        ticket=ticket, body=body, contact=contact, actor=who, now=now, **more
    )


# -- links


def test_a_link_opens_its_ticket_for_the_requester_and_for_who_takes_part(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    ben = build.contact("ben@bramble.example", name="Ben", now=NOW)
    assert requester.seat_of(_token(ticket)) == (ticket, ticket.requester)
    with pytest.raises(NotFound):
        requester.seat_of(_token(ticket, ben))
    _says(ticket, ben, "Me too")
    assert requester.seat_of(_token(ticket, ben)) == (ticket, ben)
    assert requester.status_link(ticket).endswith(f"/requests/{_token(ticket)}/")


@pytest.mark.parametrize(
    "cut", [lambda t: t[:-1], lambda t: "x" + t, lambda t: "", lambda t: "a:b"]
)
def test_a_link_that_is_cut_or_forged_opens_nothing(cut: Any, cast: Cast) -> None:
    with pytest.raises(NotFound) as caught:
        requester.ticket_of(cut(_token(kit.ticket(NOW))))
    assert caught.value.code == "link_broken"


def test_ended_links_open_nothing_and_new_ones_do(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    old = _token(ticket)
    ticket = requester.end_links(ticket=ticket, actor=kit.by(cast.sam), now=NOW)
    with pytest.raises(NotFound) as caught:
        requester.ticket_of(old)
    assert caught.value.code == "link_expired"
    assert requester.ticket_of(_token(ticket)) == ticket
    assert kit.events(ticket, "links_ended")


def test_spam_has_no_page(cast: Cast) -> None:
    with pytest.raises(NotFound):
        requester.ticket_of(_token(kit.in_state("spam", NOW, cast.sam)))


# -- what is seen


def test_the_public_conversation_is_seen_and_nothing_else(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    conversation.note(ticket=ticket, body="Secret", actor=kit.by(cast.sam), now=NOW)
    held = conversation.reply(
        ticket=ticket, body="Not yet", actor=kit.by(cast.sam), now=NOW, hold_seconds=15
    )
    seen = requested(ticket, ticket.requester)
    assert _said(seen) == [
        ("You", "It is Monday and the weekend loads are in the warehouse."),
        ("Sam", "We look at it."),
    ]
    conversation.withdraw(message=held, actor=kit.by(cast.sam), now=NOW)
    assert len(requested(ticket, ticket.requester).words) == 2


def test_the_next_promised_time_is_that_of_the_next_word_of_ours(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    first = ticket.clocks.get(metric="first_reply").due_at
    assert requested(ticket, ticket.requester).due_at == first
    lifecycle.transition(
        ticket=ticket, verb="resolve", resolution_code="fixed", no_reply_needed=True,
        actor=kit.by(cast.sam), now=NOW,
    )  # fmt: skip
    ticket.refresh_from_db()
    assert requested(ticket, ticket.requester).due_at is None


def _two_customers(cast: Cast) -> tuple[Ticket, Ticket, Contact]:
    """A ticket of Bramble's with an answer, and one of another customer's that goes into it."""
    into = kit.in_state("open", NOW - HOUR, cast.sam)
    other = build.contact(
        "eve@rival.example", name="Eve", account=build.account("Rival", now=NOW), now=NOW
    )
    mine = kit.ticket(NOW, subject="Mine", body="Rival's words", requester=other)
    merging.merge(ticket=mine, into=into, both_customers=True, actor=kit.by(cast.sam), now=NOW)
    mine.refresh_from_db()
    return into, mine, other


def test_two_customers_whose_tickets_became_one_see_nothing_of_each_other(cast: Cast) -> None:
    into, mine, eve = _two_customers(cast)
    conversation.reply(ticket=into, body="For both", actor=kit.by(cast.sam), now=NOW + HOUR)
    _says(mine, eve, "Eve again", NOW + 2 * HOUR)
    _says(into, into.requester, "Ana again", NOW + 2 * HOUR)
    hers = requested(mine, eve)
    assert (hers.went_on, hers.standing) == (True, into)
    assert _said(hers) == [
        ("You", "Rival's words"),
        ("Sam", "For both"),
        ("You", "Eve again"),
    ]
    assert [body for _, body in _said(requested(into, eve))] == ["For both", "Eve again"]
    theirs = [body for _, body in _said(requested(into, into.requester))]
    assert theirs[-2:] == ["For both", "Ana again"]
    assert not any("Eve" in body or "Rival" in body for body in theirs)


def test_a_mail_to_somebody_besides_the_requester_has_a_link_of_their_own(cast: Cast) -> None:
    into, _, eve = _two_customers(cast)
    conversation.reply(ticket=into, body="For both", actor=kit.by(cast.sam), now=NOW + HOUR)
    letter = kit.letters(eve)[-1]
    token = letter.body.partition("/requests/")[2].partition("/")[0]
    assert requester.seat_of(token) == (into, eve)


def test_a_mail_names_an_agent_by_the_first_name_alone(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    letter = kit.letters(ticket.requester)[-1]
    assert letter.from_name == "Sam at Support"
    assert "Sand" not in letter.body + letter.body_html + letter.subject


@pytest.mark.parametrize("anchor", ["rate", "not-solved"])
def test_the_places_that_a_mail_leads_to_are_on_the_page(
    anchor: str, cast: Cast, client: Any
) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    conversation.reply(
        ticket=ticket, body="Done", then="resolve", resolution_code="fixed",
        actor=kit.by(cast.sam), now=NOW,
    )  # fmt: skip
    assert f"#{anchor}" in kit.letters(ticket.requester)[-1].body
    page = client.get(f"/requests/{_token(ticket)}/").content.decode()
    assert f'id="{anchor}"' in page


def test_somebody_with_the_same_problem_sees_our_words_and_their_own(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW - HOUR, cast.sam)
    eve = build.contact("eve@rival.example", name="Eve", now=NOW)
    tickets.me_too(ticket=ticket, contact=eve, actor=kit.by(cast.sam), now=NOW)
    conversation.reply(ticket=ticket, body="News", actor=kit.by(cast.sam), now=NOW + HOUR)
    assert _said(requested(ticket, eve)) == [("Sam", "News")]


def test_a_colleague_who_was_copied_in_reads_along(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW - HOUR, cast.sam)
    ben = build.contact("ben@bramble.example", name="Ben Okafor", account=ticket.account, now=NOW)
    _says(ticket, ben, "Ben here")
    assert [who for who, _ in _said(requested(ticket, ben))] == ["Ana Ruiz", "Sam", "You"]
    assert [who for who, _ in _said(requested(ticket, ticket.requester))][-1] == "Ben Okafor"


def test_a_file_is_seen_with_its_message_only(cast: Cast) -> None:
    ticket = kit.in_state("open", NOW, cast.sam)
    given = [files.accept(name="a.png", content=b"a")]
    _says(ticket, ticket.requester, "See", files_=given)
    note = conversation.note(
        ticket=ticket, body="Ours", files_=given, actor=kit.by(cast.sam), now=NOW
    )
    mine = ticket.messages.filter(author="requester").latest("pk").attachments.get()
    assert file_of(ticket, ticket.requester, mine.pk) == mine
    assert file_of(ticket, ticket.requester, note.attachments.get().pk) is None


# -- what is done


def test_not_solved_opens_the_ticket_again(cast: Cast) -> None:
    ticket = kit.in_state("resolved", NOW, cast.sam)
    message = requester.not_solved(
        ticket=ticket, body=" ", contact=ticket.requester, now=NOW + HOUR
    )
    ticket.refresh_from_db()
    assert (ticket.status, message.body, message.channel) == (
        "open",
        "This is not solved.",
        "form",
    )


def test_an_opinion_counts_once_for_each_time_it_was_resolved(cast: Cast) -> None:
    ticket = kit.in_state("resolved", NOW, cast.sam)
    requester.rate(ticket=ticket, score="good", comment="", now=NOW)
    requester.rate(ticket=ticket, score="bad", comment=" Too late ", now=NOW + HOUR)
    row = ticket.csat.get()
    assert (row.score, row.comment, row.cycle) == ("bad", "Too late", 0)
    assert len(kit.events(ticket, "csat")) == 1
    requester.not_solved(ticket=ticket, body="", contact=ticket.requester, now=NOW + HOUR)
    with pytest.raises(Conflict):
        requester.rate(ticket=ticket, score="good", comment="", now=NOW + HOUR)
    lifecycle.transition(
        ticket=ticket, verb="resolve", resolution_code="fixed", no_reply_needed=True,
        actor=kit.by(cast.sam), now=NOW + HOUR,
    )  # fmt: skip
    requester.rate(ticket=ticket, score="good", comment="", now=NOW + HOUR)
    assert sorted(Csat.objects.values_list("cycle", "score")) == [(0, "bad"), (1, "good")]


def test_an_opinion_is_one_of_two(cast: Cast) -> None:
    with pytest.raises(Conflict):
        requester.rate(
            ticket=kit.in_state("closed", NOW, cast.sam), score="great", comment="", now=NOW
        )
