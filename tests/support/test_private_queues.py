"""What stands in a private queue is for its team, the owner and managers, by every way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.core import audit
from apps.notifications import services as notifications
from apps.notifications.models import Message, WebhookDelivery
from apps.paging.models import Page
from apps.support.models import Queue, Ticket
from apps.support.services import conversation, escalate, links, merging, tickets
from apps.support.services.noticing import People, Tell
from tests import builders as build
from tests.conftest import Cast
from tests.support import ticketkit as kit

NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def hidden(cast: Cast) -> Queue:
    kit.desk(NOW - HOUR)
    team = build.team("billing", members=[cast.sam])
    return Queue.objects.create(key="billing", name="Billing", team=team, is_private=True)


def test_who_watched_a_ticket_before_it_went_there_hears_no_more(cast: Cast, hidden: Queue) -> None:
    ticket = kit.ticket(NOW, owner=cast.sam)
    for person in (cast.olu, cast.maya):
        tickets.watch(ticket=ticket, person=person, actor=audit.SYSTEM, now=NOW)
    tickets.edit(ticket=ticket, queue=hidden, actor=audit.SYSTEM, now=NOW)
    ticket.refresh_from_db()
    Message.objects.all().delete()
    conversation.requester_wrote(
        ticket=ticket, body="My bank account", contact=ticket.requester, actor=audit.SYSTEM, now=NOW
    )
    told = Message.objects.filter(what="ticket_message")
    assert {row.person for row in told} == {cast.sam, cast.maya}


@pytest.mark.parametrize("tell", [Tell.OWNER, Tell.BACKUP, Tell.LEAD])
def test_a_missed_promise_tells_nobody_of_the_surface_who_may_not_see_it(
    tell: str, cast: Cast, hidden: Queue
) -> None:
    team = build.team("ledger", members=[cast.ravi], lead=cast.ravi)
    place = build.surface("ledger", team=team, primary=cast.ravi, backup=cast.bea, now=NOW)
    ticket = kit.ticket(NOW, queue=hidden, surface=place)
    Ticket.objects.update(owner=None)
    ticket.refresh_from_db()
    assert [person for person, _ in People([ticket], NOW).told_by(ticket, tell)] == [cast.maya]
    Queue.objects.update(is_private=False)
    ticket.refresh_from_db()
    assert cast.maya not in [one for one, _ in People([ticket], NOW).told_by(ticket, tell)]


def test_pages_links_and_histories_name_it_by_its_number_alone(cast: Cast, hidden: Queue) -> None:
    secret = kit.ticket(NOW, subject="Salary of Ana", queue=hidden, owner=cast.sam)
    other = kit.ticket(NOW, subject="Other", owner=cast.sam)
    say = {"actor": kit.by(cast.sam), "now": NOW}
    link = links.link(ticket=other, kind="ticket", ref=secret.ref, relation="related", **say)
    escalate.escalate_now(ticket=secret, reason="It cannot wait", **say)
    merging.merge(ticket=other, into=secret, **say)
    told = [link.label, Page.objects.get().summary, *kit.events(other, "merged")]
    assert told == ["", f"{secret.ref}: It cannot wait", f"Merged into {secret.ref}."]


def test_the_title_of_a_restricted_incident_is_not_kept_on_a_ticket(
    cast: Cast, hidden: Queue
) -> None:
    incident = build.incident(title="Somebody sold data", visibility="restricted", now=NOW)
    row = links.link(
        ticket=kit.ticket(NOW), kind="incident", ref=incident.ref, relation="related",
        actor=kit.by(cast.maya), now=NOW,
    )  # fmt: skip
    assert (row.ref, row.label) == (incident.ref, "")


def test_its_words_leave_the_house_by_no_webhook(cast: Cast, hidden: Queue) -> None:
    notifications.create_endpoint(
        url="https://crm.example/in",
        description="CRM",
        events=["ticket.*"],
        actor=audit.SYSTEM,
        now=NOW,
    )
    ticket = kit.ticket(NOW, subject="Salary of Ana", queue=hidden, owner=cast.sam)
    conversation.note(ticket=ticket, body="It is 7,000", actor=kit.by(cast.sam), now=NOW)
    sent = "".join(WebhookDelivery.objects.values_list("payload", flat=True))
    assert WebhookDelivery.objects.count() >= 2
    assert "(private)" in sent
    assert "Salary" not in sent
    assert "7,000" not in sent
