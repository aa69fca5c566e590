"""Other desks' exports become tickets: no clock starts, nobody is told, twice is once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.core import audit
from apps.notifications.models import Message
from apps.support.importing import read
from apps.support.models import Ticket, TicketClock
from apps.support.selectors.search import search
from apps.support.services.importing import import_tickets
from tests import builders as build
from tests.conftest import Cast

NOW = datetime(2026, 9, 7, 10, tzinfo=UTC)
CSV = b"""ref;Subject;Requester;Body;Status;Priority;Tags;Created_at;Resolved_at
A-1;Stale profile;Ana Ruiz <ana@bramble.test>;Friday;solved;high;a, b;2026-03-01 09:00;2026-03-02
A-2;Wrong type;ana@bramble.test;;open;;;;
A-3;;ana@bramble.test;;open;;;;
A-1;Twice;ana@bramble.test;;open;;;;
A-5;No requester;nobody;;open;;;;
A-6;Bad time;ana@bramble.test;;open;;;the day before;
"""
ZENDESK: dict[str, Any] = {
    "id": 35436,
    "url": "https://desk.example.com/api/v2/tickets/35436.json",
    "created_at": "2026-02-01T10:00:00Z",
    "updated_at": "2026-02-03T10:00:00Z",
    "subject": "Charged twice",
    "description": "We were charged twice.",
    "priority": "urgent",
    "status": "closed",
    "tags": ["billing", "vip"],
    "requester": {"id": 7, "name": "Ben", "email": "ben@kite.test"},
    "assignee": {"email": "sam@example.com", "name": "Sam Sand"},
    "comments": [
        {"author_id": 7, "plain_body": "We were charged twice.", "public": True,
         "created_at": "2026-02-01T10:00:00Z"},
        {"author": {"email": "sam@example.com", "name": "Sam Sand"}, "body": "Refunded.",
         "public": True, "created_at": "2026-02-01T12:00:00Z"},
        {"author": {"email": "sam@example.com", "name": "Sam Sand"}, "body": "Check Stripe.",
         "public": False, "created_at": "2026-02-01T12:30:00Z"},
    ],
}  # fmt: skip
JIRA: dict[str, Any] = {
    "key": "SUP-9",
    "fields": {
        "summary": "Connection test is red",
        "description": {
            "type": "doc",
            "content": [
                {"type": "paragraph", "content": [{"type": "text", "text": "It was green."}]}
            ],
        },
        "created": "2026-01-05T08:00:00.000+0100",
        "resolutiondate": None,
        "status": {"name": "Waiting for customer"},
        "priority": {"name": "Highest"},
        "reporter": {"emailAddress": "cy@lumen.test", "displayName": "Cy"},
        "labels": ["connectivity"],
        "comment": {
            "comments": [
                {"author": {"emailAddress": "bea@example.com", "displayName": "Bea"},
                 "body": "Which warehouse?", "created": "2026-01-05T10:00:00.000+0100"}
            ]
        },
    },
}  # fmt: skip


def test_our_csv_is_read_row_by_row_and_bad_rows_are_named() -> None:
    export = read("csv", CSV)
    assert [one.ref for one in export.tickets] == ["A-1", "A-2"]
    first = export.tickets[0]
    assert (first.requester_email, first.requester_name) == ("ana@bramble.test", "Ana Ruiz")
    assert (first.status, first.priority, first.tags) == ("resolved", "P2", ("a", "b"))
    assert first.created_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert [(p.row, p.ref) for p in export.problems] == [
        (3, "A-3"), (4, "A-1"), (5, "A-5"), (6, "A-6")
    ]  # fmt: skip
    assert "is not a time" in export.problems[-1].text


@pytest.mark.parametrize("column", ["ref", "id", "number"])
def test_a_row_left_out_is_named_by_its_number_whatever_the_column_is_called(column: str) -> None:
    export = read("csv", f"{column},subject,requester\n17,,ana@bramble.test\n".encode())
    assert [(one.ref, one.text) for one in export.problems] == [("17", "It has no subject.")]


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(ZENDESK).encode(),
        json.dumps([ZENDESK]).encode(),
        json.dumps({"tickets": [ZENDESK]}).encode(),
        (json.dumps(ZENDESK) + "\n" + json.dumps({**ZENDESK, "id": 2})).encode(),
    ],
    ids=["one", "list", "object", "lines"],
)
def test_zendesk_is_read_in_each_of_its_shapes(raw: bytes) -> None:
    one = read("zendesk", raw).tickets[0]
    assert (one.ref, one.status, one.priority) == ("35436", "closed", "P1")
    assert [(c.body, c.public) for c in one.comments] == [
        ("Refunded.", True),
        ("Check Stripe.", False),
    ]
    assert one.resolved_at == datetime(2026, 2, 3, 10, tzinfo=UTC)


def test_zendesks_view_csv_is_read() -> None:
    raw = b'"Ticket ID","Subject","Requester","Requester email","Status","Priority","Created at"\n'
    raw += b'"12","Empty tile","Dee","dee@fjord.test","Pending","Low","2026-05-01 10:00"\n'
    one = read("zendesk", raw).tickets[0]
    assert (one.ref, one.requester_email, one.status, one.priority) == (
        "12",
        "dee@fjord.test",
        "waiting_customer",
        "P4",
    )


def test_jira_is_read_from_its_api_and_from_its_csv() -> None:
    one = read("jira", json.dumps({"issues": [JIRA]}).encode()).tickets[0]
    assert (one.ref, one.body, one.priority) == ("SUP-9", "It was green.", "P1")
    assert one.created_at == datetime(2026, 1, 5, 7, tzinfo=UTC)
    raw = b"Issue key,Summary,Reporter,Status,Labels,Labels,Comment\n"
    raw += b"SUP-1,Stuck,eli@peak.test,Done,a,b,05/Jan/26 10:00 AM;bea;Fixed it\n"
    one = read("jira", raw).tickets[0]
    assert (one.tags, one.status) == (("a", "b"), "resolved")
    assert [(c.author_name, c.body) for c in one.comments] == [("bea", "Fixed it")]


NO_EXPORTS = {
    "nothing": b"",
    "white space": b" \n ",
    "a number": b"[7",
    "no list": b'{"tickets": 7}',
    "deeply nested": b"[" * 100_000,
    "only a heading": b"ref,subject\n",
}


@pytest.mark.parametrize("raw", NO_EXPORTS.values(), ids=NO_EXPORTS.keys())
@pytest.mark.parametrize("kind", ["csv", "zendesk", "jira"])
def test_what_is_no_export_is_refused_or_every_row_of_it(kind: str, raw: bytes) -> None:
    try:
        assert not read(kind, raw).tickets
    except ValueError as error:
        assert str(error)


@pytest.mark.django_db
def test_an_import_starts_no_clock_tells_nobody_and_can_be_repeated(cast: Cast) -> None:
    build.support(now=NOW)
    export = read("zendesk", json.dumps(ZENDESK).encode())
    by: dict[str, Any] = {"actor": audit.person(cast.maya), "now": NOW}
    planned = import_tickets(export=export, source="zendesk", dry_run=True, **by)
    assert (planned.created, Ticket.objects.count()) == (1, 0)
    done = import_tickets(export=export, source="zendesk", dry_run=False, **by)
    again = import_tickets(export=export, source="zendesk", dry_run=False, **by)
    assert (done.created, again.created, again.known) == (1, 0, 1)
    ticket = Ticket.objects.get()
    assert (ticket.status, ticket.kind, ticket.priority) == ("closed", "backfilled", "P1")
    assert ticket.owner == cast.sam and ticket.first_replied_at == datetime(
        2026, 2, 1, 12, tzinfo=UTC
    )
    assert [(m.author, m.body) for m in ticket.messages.order_by("at", "pk")] == [
        ("requester", "We were charged twice."),
        ("agent", "Refunded."),
        ("note", "Check Stripe."),
    ]
    assert not TicketClock.objects.exists() and not Message.objects.exists()
    assert list(search(cast.sam, "stripe")) == [ticket]


@pytest.mark.django_db
def test_an_open_one_is_open_here_without_a_promise(cast: Cast) -> None:
    build.support(now=NOW)
    export = read("jira", json.dumps({"issues": [JIRA]}).encode())
    import_tickets(export=export, source="jira", actor=audit.SYSTEM, now=NOW, dry_run=False)
    ticket = Ticket.objects.get()
    assert (ticket.status, ticket.kind, ticket.sla_state) == ("open", "real", "none")
