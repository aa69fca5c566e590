"""Customers over the API: what is shown, what is taken, what is refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core import audit, clock
from apps.customers import services
from apps.customers.models import Account, Connection, Contact, Org
from tests import builders as build
from tests.calls import Caller, nobody, signed_in, tool
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer() -> Caller:
    return tool("tickets:read", "tickets:write")


def keys(reply: Any, name: str = "key") -> list[str]:
    assert reply.status == 200, reply.body
    return [row[name] for row in reply["results"]]


# -- customers


def test_a_customer_is_created_shown_and_changed(writer: Caller, cast: Cast) -> None:
    body = {
        "name": "Bramble Foods", "tier": "premium", "owner": "SAM@example.com",
        "domain": "@Bramble.example", "id": "7", "archived_at": "2020-01-01T00:00:00Z",
    }  # fmt: skip
    made = writer.post("customers", body, Idempotency_Key="a")
    assert made.status == 201, made.body
    assert (made["key"], made["tier"], made["owner"], made["domain"], made["archived_at"]) == (
        "bramble-foods", "premium", cast.sam.email, "bramble.example", None,
    )  # fmt: skip
    assert isinstance(made["id"], str)
    assert writer.post("customers", body, Idempotency_Key="a").body == made.body
    assert writer.get("customers/bramble-foods").body == made.body
    changed = writer.patch(
        "customers/bramble-foods", {"note": "Mondays", "key": "x", "owner": None}
    )
    assert (changed.status, changed["key"], changed["note"], changed["owner"], changed["tier"]) == (
        200, "bramble-foods", "Mondays", None, "premium",
    )  # fmt: skip
    assert Account.objects.get().archived_at is None


def test_customers_are_listed_by_key_and_filtered(
    writer: Caller, django_assert_max_num_queries: Any
) -> None:
    for name, tier in (("Bramble", "premium"), ("Kite", "free"), ("Ostra", "premium")):
        build.account(name, tier=tier, domain=f"{name.lower()}.example")
    gone = build.account("Gone")
    services.archive_account(account=gone, actor=audit.SYSTEM, now=clock.now())
    with django_assert_max_num_queries(4):
        assert keys(writer.get("customers")) == ["bramble", "kite", "ostra"]
    assert keys(writer.get("customers", {"tier": "premium"})) == ["bramble", "ostra"]
    assert keys(writer.get("customers", {"q": "TE.EXAM"})) == ["kite"]
    assert keys(writer.get("customers", {"q": "%"})) == []
    page = writer.get("customers", {"limit": "2"})
    assert keys(page) == ["bramble", "kite"]
    assert keys(writer.get(page["next"].removeprefix("http://testserver"))) == ["ostra"]
    assert writer.get("customers/gone")["archived_at"] is not None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": None}, "name"),
    ({"name": "x" * 121}, "name"),
    ({"name": ["Bramble"]}, "name"),
    ({"key": "a b"}, "key"),
    ({"key": "x" * 61}, "key"),
    ({"tier": "gold"}, "tier"),
    ({"owner": "nobody@example.com"}, "owner"),
    ({"owner": {"id": 1}}, "owner"),
    ({"domain": "no domain"}, "domain"),
    ({"domain": "gmail.com"}, "domain"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG, ids=str)
def test_a_customer_that_makes_no_sense_is_refused(
    writer: Caller, changes: dict[str, Any], field: str
) -> None:
    reply = writer.post("customers", {"name": "Bramble", **changes})
    assert (reply.status, reply.fields) == (400, {field}), reply.body
    assert reply.code in {"invalid", "shared_domain"}
    assert not Account.objects.exists()


def test_a_key_or_domain_that_is_taken_is_said(writer: Caller) -> None:
    build.account(domain="bramble.example")
    twice = writer.post("customers", {"name": "B", "key": "Bramble-Foods"})
    assert (twice.status, twice.fields) == (400, {"key"})
    taken = writer.post("customers", {"name": "B", "domain": "Bramble.Example"})
    assert (taken.status, taken.code, taken.fields) == (409, "domain_taken", {"domain"})


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("customers", {"owner": "x"}), ("customers", {"tier": "gold"}),
        ("customers", {"cursor": "x"}), ("contacts", {"limit": "0"}),
        ("orgs", {"name": "x"}), ("connections", {"warehouse": "x"}),
    ],
)  # fmt: skip
def test_a_parameter_that_nobody_documented_is_refused(
    writer: Caller, path: str, query: dict[str, str]
) -> None:
    assert writer.get(path, query).status == 400


# -- who may


def test_scopes_decide_what_a_key_may() -> None:
    build.account()
    reader, stranger = tool("tickets:read"), tool("incidents:read", "incidents:write")
    assert reader.get("customers").status == 200
    assert reader.post("customers", {"name": "B"}).status == 403
    for path in ("customers", "customers/bramble-foods", "contacts", "orgs", "connections"):
        assert stranger.get(path).status == 403, path
        assert nobody().get(path).status == 401, path
    assert stranger.patch("customers/bramble-foods", {"name": "B"}).status == 403


def test_people_read_and_those_who_support_write(cast: Cast) -> None:
    build.account()
    assert signed_in(cast.olu).get("customers").status == 200
    token = {"X_CSRFToken": "x" * 32}
    for person, status in ((cast.olu, 403), (cast.sam, 201)):
        caller = signed_in(person)
        caller.client.cookies["csrftoken"] = "x" * 32
        assert caller.post("contacts", {"email": "a@x.example"}, **token).status == status


@pytest.mark.parametrize(
    "path", ["customers/nobody", "customers/nobody/contacts", "customers/nobody/orgs",
             "contacts/99", "contacts/x", "contacts/9999999999999999999", "orgs/nobody",
             "connections/99", "connections/-1"],
)  # fmt: skip
def test_what_is_not_there_answers_404(writer: Caller, path: str) -> None:
    reply = writer.get(path)
    assert (reply.status, reply.code) == (404, "not_found")


# -- contacts


def test_a_contact_is_found_by_address_and_changed(writer: Caller) -> None:
    account = build.account(domain="bramble.example")
    made = writer.post("contacts", {"email": " Ana@Bramble.Example", "name": "Ana Ruiz"})
    assert made.status == 201, made.body
    assert (made["email"], made["account"], made["blocked"], made["time_zone"]) == (
        "ana@bramble.example", account.key, False, "UTC",
    )  # fmt: skip
    assert keys(writer.get("contacts", {"email": "ANA@bramble.example"}), "id") == [made["id"]]
    assert keys(writer.get("contacts", {"email": "ana@bramble"}), "id") == []
    assert keys(writer.get("contacts", {"q": "ruiz"}), "id") == [made["id"]]
    assert keys(writer.get("contacts", {"account": account.key}), "id") == [made["id"]]
    changed = writer.patch(
        f"contacts/{made['id']}", {"blocked": True, "time_zone": "Europe/Madrid", "pk": 9}
    )
    assert (changed["blocked"], changed["time_zone"], changed["name"]) == (
        True, "Europe/Madrid", "Ana Ruiz",
    )  # fmt: skip
    assert writer.patch(f"contacts/{made['id']}", {"blocked": False})["blocked"] is False
    assert keys(writer.get(f"customers/{account.key}/contacts"), "id") == [made["id"]]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "ana"}, "email"), ({"email": ""}, "email"), ({"email": None}, "email"),
        ({"email": "a@b.example\nBcc: c@d.example"}, "email"), ({"email": "x" * 321}, "email"),
        ({"time_zone": "Mars/Base"}, "time_zone"), ({"account": "nobody"}, "account"),
        ({"org": "nobody"}, "org"), ({"name": "x" * 121}, "name"),
        ({"phone": 5 * "123456789"}, "phone"),
    ],
)  # fmt: skip
def test_a_contact_that_makes_no_sense_is_refused(
    writer: Caller, changes: dict[str, Any], field: str
) -> None:
    reply = writer.post("contacts", {"email": "ana@x.example", **changes})
    assert (reply.status, reply.fields) == (400, {field}), reply.body
    assert not Contact.objects.exists()


def test_an_address_that_is_here_already_answers_409(writer: Caller) -> None:
    build.contact()
    reply = writer.post("contacts", {"email": "ANA@bramble.example"})
    assert (reply.status, reply.code, reply.fields) == (409, "email_taken", {"email"})


def test_a_contact_follows_its_org(writer: Caller) -> None:
    kite = build.account("Kite")
    build.org("Kite EU", account=kite)
    build.account("Bramble")
    made = writer.post("contacts", {"email": "a@x.example", "org": "kite-eu"})
    assert (made["account"], made["org"]) == ("kite", "kite-eu")
    clash = writer.patch(f"contacts/{made['id']}", {"account": "bramble"})
    assert (clash.status, clash.fields) == (400, {"org"})
    freed = writer.patch(f"contacts/{made['id']}", {"account": "bramble", "org": None})
    assert (freed["account"], freed["org"]) == ("bramble", None)


# -- orgs and connections


def test_a_workspace_of_an_importer_becomes_one_org(writer: Caller) -> None:
    account = build.account()
    body = {"external_id": "ws-1", "name": "Bramble"}
    first = writer.post("orgs", body)
    again = writer.post("orgs", {**body, "name": "Bramble EU", "account": account.key})
    assert (first.status, again.status) == (201, 200)
    assert (again["id"], again["key"], again["name"], again["account"]) == (
        first["id"], "bramble", "Bramble EU", account.key,
    )  # fmt: skip
    assert keys(writer.get("orgs", {"external_id": "ws-1"})) == ["bramble"]
    assert keys(writer.get(f"customers/{account.key}/orgs")) == ["bramble"]
    assert writer.patch("orgs/bramble", {"name": "B"})["name"] == "B"
    other = writer.post("orgs", {"name": "Other", "external_id": "ws-2"})
    clash = writer.patch(f"orgs/{other['key']}", {"external_id": "ws-1"})
    assert (clash.status, clash.code) == (400, "invalid")
    assert Org.objects.count() == 2


def test_a_connection_is_made_with_its_project_and_source(writer: Caller) -> None:
    build.org("Bramble")
    body = {"org": "bramble", "project": "Boards", "source": "Main", "name": "Nightly sync"}
    missing = writer.post("connections", body)
    assert (missing.status, missing.fields) == (400, {"warehouse_type"})
    body |= {"warehouse_type": "Snowflake", "cadence_seconds": 86_400, "paused": True}
    made = writer.post("connections", body)
    assert made.status == 201, made.body
    assert (made["org"], made["project"], made["source"], made["warehouse_type"]) == (
        "bramble", "boards", "main", "snowflake",
    )  # fmt: skip
    assert (made["cadence_seconds"], made["paused"]) == (86_400, True)
    second = writer.post("connections", {**body, "name": "Other", "source": "main"})
    assert second.status == 201 and second["source"] == "main"
    tree = writer.get("orgs/bramble")["projects"]
    assert [row["key"] for row in tree[0]["sources"][0]["connections"]] == ["nightly-sync", "other"]


def test_a_connection_is_paused_resumed_and_changed(writer: Caller) -> None:
    made = build.connection(cadence_seconds=900)
    build.connection("Lake", warehouse_type="bigquery", paused=True)
    assert keys(writer.get("connections", {"paused": "true"})) == ["lake"]
    assert keys(writer.get("connections", {"paused": "false"})) == ["bramble-snowflake"]
    assert keys(writer.get("connections", {"warehouse_type": "BigQuery"})) == ["lake"]
    path = f"connections/{made.pk}"
    assert writer.patch(path, {"paused": True})["paused_at"] is not None
    changed = writer.patch(
        path, {"paused": False, "cadence_seconds": None, "warehouse_type": "Postgres", "org": "x"}
    )
    assert (changed["paused_at"], changed["cadence_seconds"], changed["warehouse_type"]) == (
        None, None, "postgres",
    )  # fmt: skip
    assert writer.get(path).body == changed.body


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cadence_seconds": 0}, "cadence_seconds"),
        ({"cadence_seconds": 10**12}, "cadence_seconds"),
        ({"cadence_seconds": "often"}, "cadence_seconds"), ({"org": "nobody"}, "org"),
        ({"paused": "perhaps"}, "paused"), ({"warehouse_type": "x" * 41}, "warehouse_type"),
        ({"project": ""}, "project"), ({"key": "a b"}, "key"), ({"name": None}, "name"),
    ],
)  # fmt: skip
def test_a_connection_that_makes_no_sense_is_refused_whole(
    writer: Caller, changes: dict[str, Any], field: str
) -> None:
    build.org("Bramble")
    body = {
        "org": "bramble",
        "project": "P",
        "source": "S",
        "name": "N",
        "warehouse_type": "duckdb",
    }
    reply = writer.post("connections", {**body, **changes})
    assert (reply.status, reply.fields) == (400, {field}), reply.body
    assert not Connection.objects.exists()


def test_lists_cost_the_same_for_many_rows(
    writer: Caller, django_assert_max_num_queries: Any
) -> None:
    account = build.account()
    for number in range(6):
        org = build.org(f"O{number}", account=account)
        build.connection(f"C{number}", org=org)
        build.contact(f"c{number}@x.example", org=org)
    for path in ("orgs", "connections", "contacts", f"customers/{account.key}/orgs"):
        with django_assert_max_num_queries(8):
            assert len(writer.get(path)["results"]) == 6
