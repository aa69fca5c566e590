"""What a ticket is linked to, and how it comes back when that is done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.changes import services as changes
from apps.core.errors import Invalid
from apps.notifications.models import Message
from apps.support.models import Ticket, TicketEvent, TicketLink
from apps.support.services import lifecycle, links, unblocking
from tests import builders as build
from tests.conftest import Cast
from tests.support import ticketkit as kit

NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def desk(cast: Cast) -> None:
    kit.desk(NOW - HOUR)


def _link(ticket: Ticket, cast: Cast, kind: str, ref: str, **more: str) -> TicketLink:
    return links.link(
        ticket=ticket,
        kind=kind,
        ref=ref,
        relation=more.pop("relation", "blocks"),
        actor=kit.by(cast.sam),
        now=NOW,
        **more,
    )


def _waits(ticket: Ticket, cast: Cast, kind: str, ref: str) -> Ticket:
    return lifecycle.transition(
        ticket=ticket,
        verb="wait_third_party",
        link={"kind": kind, "ref": ref},
        expected_by=NOW + 48 * HOUR,
        actor=kit.by(cast.sam),
        now=NOW,
    )


def _change(kind: str, ref: str, at: datetime) -> None:
    changes.record(kind=kind, ref=ref, summary=f"{ref} is out", occurred_at=at, now=at)


def test_an_incident_gives_its_link_a_name_and_an_address(cast: Cast) -> None:
    incident = build.incident(by=cast.maya, now=NOW)
    row = _link(kit.ticket(NOW), cast, "incident", incident.ref.lower())
    assert (row.ref, row.label, row.url, row.done_at) == (
        incident.ref,
        incident.title,
        f"/incidents/{incident.ref}/",
        None,
    )


def test_the_same_link_twice_is_one_with_the_last_relation(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    _link(ticket, cast, "release", "2.14.1", relation="related")
    row = _link(ticket, cast, "release", "2.14.1", relation="blocks", label="The fix")
    assert ticket.links.get() == row
    assert (row.relation, row.label) == ("blocks", "The fix")
    assert len(kit.events(ticket, "linked")) == 1


@pytest.mark.parametrize(
    ("kind", "ref", "more"),
    [
        ("star", "x", {}),
        ("vendor", "x", {"relation": "loves"}),
        ("vendor", " \n", {}),
        ("vendor", "x" * 301, {}),
        ("url", "x", {"url": "javascript:alert(1)"}),
        ("incident", "INC-404", {}),
        ("ticket", "TCK-404", {}),
    ],
)
def test_what_cannot_be_linked_is_refused(
    kind: str, ref: str, more: dict[str, str], cast: Cast
) -> None:
    ticket = kit.ticket(NOW)
    with pytest.raises(Invalid):
        _link(ticket, cast, kind, ref, **more)
    assert not ticket.links.exists()


def test_a_ticket_is_not_linked_to_itself(cast: Cast) -> None:
    ticket = kit.ticket(NOW)
    with pytest.raises(Invalid):
        _link(ticket, cast, "ticket", ticket.ref)


def test_a_resolved_incident_brings_back_what_waited_for_it(cast: Cast) -> None:
    incident = build.incident(by=cast.maya, now=NOW)
    ticket = _waits(kit.in_state("open", NOW, cast.ravi), cast, "incident", incident.ref)
    beside = kit.in_state("open", NOW, cast.sam)
    _link(beside, cast, "incident", incident.ref, relation="related")
    build.step(incident, "resolved", by=cast.maya, now=NOW + HOUR)
    ticket.refresh_from_db()
    beside.refresh_from_db()
    assert (ticket.status, ticket.expected_by, beside.status) == ("open", None, "open")
    assert ticket.links.get().done_at == NOW + HOUR
    assert f"{incident.ref} is resolved" in kit.events(ticket, "status")[-1]
    assert [m.person for m in Message.objects.filter(what="ticket_returned")] == [cast.ravi]


@pytest.mark.parametrize("kind", ["release", "deployment", "change", "pack_version"])
def test_a_recorded_change_brings_back_what_waited_for_it(kind: str, cast: Cast) -> None:
    ticket = _waits(kit.in_state("open", NOW, cast.sam), cast, kind, "inspect-2.14.1")
    other = _waits(kit.in_state("open", NOW, cast.sam), cast, kind, "inspect-2.14.2")
    _change("release" if kind == "change" else kind, "inspect-2.14.1", NOW + HOUR)
    ticket.refresh_from_db()
    other.refresh_from_db()
    assert (ticket.status, other.status) == ("open", "waiting_third_party")


def test_tickets_come_back_in_the_order_in_which_they_are_locked_everywhere(cast: Cast) -> None:
    kinds = ("change", "release", "change")
    made = [_waits(kit.in_state("open", NOW, cast.sam), cast, kind, "2.14.1") for kind in kinds]
    _change("release", "2.14.1", NOW + HOUR)
    back = TicketEvent.objects.filter(what="status", at=NOW + HOUR).order_by("pk")
    assert list(back.values_list("ticket_id", flat=True)) == [ticket.pk for ticket in made]


def test_a_change_that_is_out_already_is_done_from_the_start(cast: Cast) -> None:
    _change("release", "inspect-2.14.1", NOW - HOUR)
    row = _link(kit.ticket(NOW), cast, "release", "inspect-2.14.1")
    assert (row.done_at, row.label) == (NOW - HOUR, "inspect-2.14.1 is out")


def test_a_ticket_waits_until_the_last_of_several_is_done(cast: Cast) -> None:
    incident = build.incident(by=cast.maya, now=NOW)
    ticket = _waits(kit.in_state("open", NOW, cast.sam), cast, "incident", incident.ref)
    vendor = _link(ticket, cast, "vendor", "Snowflake")
    build.step(incident, "resolved", by=cast.maya, now=NOW)
    ticket.refresh_from_db()
    assert ticket.status == "waiting_third_party"
    unblocking.unlink(link=vendor, actor=kit.by(cast.sam), now=NOW)
    unblocking.unlink(link=vendor, actor=kit.by(cast.sam), now=NOW)
    ticket.refresh_from_db()
    assert ticket.status == "open"
    assert len(kit.events(ticket, "unlinked")) == 1


def test_what_was_linked_but_never_waited_stays_where_it_is(cast: Cast) -> None:
    ticket = kit.in_state("waiting_customer", NOW, cast.sam)
    _link(ticket, cast, "release", "inspect-2.14.1")
    _change("release", "inspect-2.14.1", NOW + HOUR)
    ticket.refresh_from_db()
    assert ticket.status == "waiting_customer"
    assert ticket.links.get().done_at == NOW + HOUR
