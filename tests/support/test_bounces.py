"""A reply has several readers; each whom it does not reach is told of, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.notifications.events import MessageFailed
from apps.notifications.models import Message
from apps.support import handlers
from apps.support.models import TicketMessage
from apps.support.services import conversation, tickets
from tests import builders as build
from tests.conftest import Cast
from tests.support import ticketkit as kit

NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)


@pytest.fixture
def reply(cast: Cast) -> TicketMessage:
    kit.desk(NOW - timedelta(hours=1))
    ticket = kit.ticket(NOW, owner=cast.ravi)
    ben = build.contact("ben@bramble.example", name="Ben", now=NOW)
    tickets.copy_in(ticket=ticket, contact=ben, actor=kit.by(cast.sam), now=NOW)
    return conversation.reply(ticket=ticket, body="Soon.", actor=kit.by(cast.sam), now=NOW)


def _failed(reply: TicketMessage, hint: str) -> None:
    handlers.message_failed(
        MessageFailed(
            message_id=1,
            what="ticket_reply",
            subject_kind="ticket_message",
            subject_ref=str(reply.pk),
            person_id=None,
            at=NOW,
            error="refused: no such mailbox",
            address_hint=hint,
        )
    )


def test_one_reader_that_it_missed_does_not_hide_the_next(reply: TicketMessage, cast: Cast) -> None:
    for hint in ("b…@bramble.example", "a…@bramble.example", "a…@bramble.example"):
        _failed(reply, hint)
    texts = kit.events(reply.ticket, "bounced")
    assert [text.split(": ")[1] for text in texts] == ["b…@bramble.example", "a…@bramble.example"]
    reply.refresh_from_db()
    assert reply.delivery_error.count("no such mailbox") == 2
    told = Message.objects.filter(what="ticket_bounced")
    assert [row.person for row in told] == [cast.ravi] * 2


def test_the_history_does_not_blame_the_requesters_address_for_somebody_elses(
    reply: TicketMessage,
) -> None:
    _failed(reply, "b…@bramble.example")
    [text] = kit.events(reply.ticket, "bounced")
    assert reply.ticket.requester.email not in text
