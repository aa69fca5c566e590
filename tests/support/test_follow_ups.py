"""What a customer writes on a ticket that is over opens another, whatever was put away since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.core import audit
from apps.support.importing import Export, Imported
from apps.support.models import Queue, RequestType, Ticket, TicketMessage
from apps.support.services import conversation, importing, merging, setup
from tests import builders as build
from tests.conftest import Cast
from tests.support import ticketkit as kit

NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


@pytest.fixture(autouse=True)
def desk(cast: Cast) -> None:
    kit.desk(NOW - timedelta(hours=1))


def _again(ticket: Ticket) -> TicketMessage:
    return conversation.requester_wrote(
        ticket=ticket,
        body="It is back.",
        contact=ticket.requester,
        actor=audit.contact(ticket.requester_id, "Ana"),
        now=LATER,
    )


def test_an_archived_type_and_an_archived_contact_keep_no_word_out(cast: Cast) -> None:
    ticket = kit.in_state("closed", NOW, cast.sam)
    setup.archive_request_type(request_type=ticket.request_type, actor=kit.by(cast.maya), now=NOW)
    ticket.requester.archived_at = NOW
    ticket.requester.save()
    ticket.refresh_from_db()
    fresh = _again(ticket).ticket
    assert (fresh.follows, fresh.request_type) == (ticket, ticket.request_type)


def test_it_does_not_fall_into_a_queue_that_nobody_reads_any_more(cast: Cast) -> None:
    gone = Queue.objects.create(key="gone", name="Gone")
    ticket = kit.in_state("closed", NOW, cast.sam, queue=gone)
    setup.archive_queue(queue=gone, actor=kit.by(cast.maya), now=NOW)
    ticket.refresh_from_db()
    assert _again(ticket).ticket.queue == ticket.request_type.queue
    RequestType.objects.update(queue=gone)
    ticket.refresh_from_db()
    assert _again(ticket).ticket.queue.is_default


def test_a_private_queue_keeps_what_follows_even_when_it_is_archived(cast: Cast) -> None:
    team = build.team("billing", members=[cast.sam])
    hidden = Queue.objects.create(key="billing", name="Billing", team=team, is_private=True)
    ticket = kit.in_state("closed", NOW, cast.sam, queue=hidden)
    setup.archive_queue(queue=hidden, actor=kit.by(cast.maya), now=NOW)
    ticket.refresh_from_db()
    assert _again(ticket).ticket.queue == hidden


def _imported() -> Ticket:
    old = Imported(
        ref="7",
        subject="The old desk's",
        body="Long ago.",
        requester_email="ana@bramble.example",
        status="closed",
        created_at=NOW - timedelta(days=90),
        resolved_at=NOW - timedelta(days=80),
    )
    importing.import_tickets(
        export=Export([old], []), source="csv", actor=audit.SYSTEM, now=NOW, dry_run=False
    )
    return Ticket.objects.get(source="csv", source_ref="7")


def test_what_follows_an_imported_ticket_is_real_with_promises_and_mails(cast: Cast) -> None:
    fresh = _again(_imported()).ticket
    assert (fresh.kind, fresh.status) == ("real", "new")
    assert set(fresh.clocks.values_list("metric", flat=True)) == {
        "triage",
        "first_reply",
        "resolution",
    }
    assert {row.kind for row in kit.letters(fresh.requester)} == {"real"}


def test_what_is_split_off_an_imported_ticket_is_real(cast: Cast) -> None:
    old = _imported()
    fresh = merging.split(
        message=old.messages.get(),
        subject="Another thing",
        request_type=old.request_type,
        actor=kit.by(cast.sam),
        now=NOW,
    )
    assert (fresh.kind, fresh.clocks.count()) == ("real", 3)


def test_what_was_said_in_a_private_queue_is_not_split_into_an_open_one(cast: Cast) -> None:
    team = build.team("billing", members=[cast.sam])
    hidden = Queue.objects.create(key="billing", name="Billing", team=team, is_private=True)
    ticket = kit.ticket(NOW, queue=hidden, owner=cast.sam)
    fresh = merging.split(
        message=ticket.messages.get(),
        subject="Another thing",
        request_type=ticket.request_type,
        actor=kit.by(cast.sam),
        now=NOW,
    )
    assert fresh.queue == hidden
    assert not Ticket.objects.visible_to(cast.olu).filter(pk=fresh.pk).exists()
