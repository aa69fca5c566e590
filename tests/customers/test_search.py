"""Finding a contact while typing: what is found, in which order, and that an index serves it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Person
from apps.core import audit, clock
from apps.customers import selectors, services
from tests import builders as build


@pytest.fixture
def sam(db: None) -> Person:
    bramble = build.account("Bramble Foods", domain="bramble.example")
    build.account("Kite Logistics", domain="kite.example")
    for name, email in (
        ("Ana Ruiz", "ana@bramble.example"),
        ("Dele Bramley", "zed@kite.example"),
        ("", "info@kite.example"),
        ("Brandt Öz", "oz@kite.example"),
    ):
        build.contact(email, name=name)
    gone = build.contact("old@bramble.example", name="Old Ana", account=bramble)
    services.archive(row=gone, actor=audit.SYSTEM, now=clock.now())
    return build.person("Sam Sand", "support_agent")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("a", ["ana@bramble.example"]),
        ("ANA@", ["ana@bramble.example"]),
        ("bra", ["zed@kite.example", "oz@kite.example", "ana@bramble.example"]),
        ("ruiz", ["ana@bramble.example"]),
        ("uiz bram", ["ana@bramble.example"]),
        ("kite", ["oz@kite.example", "zed@kite.example", "info@kite.example"]),
        ("logist dele", ["zed@kite.example"]),
        ("ki", ["oz@kite.example", "zed@kite.example", "info@kite.example"]),
        ("öz", []),
        ("brandt öz", ["oz@kite.example"]),
        ("", []), ("   ", []), ("%", []), ("_", []), ("a%", []), ("\\", []), ("a\x00", []),
        ("nobody", []), ("x" * 5000, []),
    ],
)  # fmt: skip
def test_what_is_typed_finds(sam: Person, typed: str, found: list[str]) -> None:
    rows = selectors.search_contacts(sam, typed)
    assert sorted(row.email for row in rows) == sorted(found)


def test_beginnings_of_the_address_come_before_those_of_the_name(sam: Person) -> None:
    build.contact("bram@north.example", name="Zoe")
    rows = selectors.search_contacts(sam, "bra")
    assert [row.email for row in rows][:3] == [
        "bram@north.example", "oz@kite.example", "ana@bramble.example",
    ]  # fmt: skip


def test_no_more_than_asked_for(sam: Person) -> None:
    assert len(selectors.search_contacts(sam, "example", 2)) == 2


def test_who_may_not_see_finds_nothing(sam: Person) -> None:
    assert selectors.search_contacts(AnonymousUser(), "ana") == []


def test_a_search_costs_four_queries_with_everything_it_shows(sam: Person) -> None:
    with CaptureQueriesContext(connection) as asked:
        [
            (str(row), str(selectors.account_of(row)))
            for row in selectors.search_contacts(sam, "kite")
        ]
    assert len(asked) == 4


@pytest.mark.parametrize("typed", ["an", "bramble", "uiz"])
def test_an_index_serves_every_step_of_a_search(sam: Person, typed: str) -> None:
    """Sequential scans are only forbidden here: on a few rows they would be right."""
    with CaptureQueriesContext(connection) as asked:
        selectors.search_contacts(sam, typed)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for query in asked:
            cursor.execute(f"EXPLAIN {query['sql']}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan on customers_contact" not in plan, plan
