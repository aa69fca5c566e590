"""Customers from a table: what would change, line by line, and that exactly this changes."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.customers.models import Account, Connection, Contact, Org
from apps.portal.importing import PasteError
from apps.portal.importing import customers as importing
from apps.portal.importing.customers import CustomerPlan, KnownCustomers
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

NOBODY = KnownCustomers(
    accounts={},
    contacts={},
    orgs={},
    connections={},
    people={"sam@example.com": "sam@example.com", "sam sand": "sam@example.com", "jo": ""},
    tiers={"premium": "premium", "design partner": "partner", "standard": "standard"},
    zones={"utc": "UTC", "europe/madrid": "Europe/Madrid"},
)
TABLE = """customer,name,tier,owner,domain
bramble,Bramble Foods,Premium,Sam Sand,@Bramble.example
,Kite Logistics,,,kite.example

email,name,customer,org,time zone,phone
ANA@bramble.example,Ana Ruiz,bramble,Bramble EU,europe/madrid,+34 600 1
info@kite.example,,,,,

connection,customer,org,project,warehouse,cadence,paused
Nightly profile,bramble,Bramble EU,boards,Snowflake,daily,no
Trips,Kite Logistics,,,bigquery,6 h,yes
"""


def plan(text: str, known: KnownCustomers = NOBODY) -> CustomerPlan:
    lines, remarks = importing.read(text)
    return importing.plan(lines, remarks, known)


def reasons(text: str, known: KnownCustomers = NOBODY) -> str:
    return " ".join(reason for row in plan(text, known).rows for reason in row.reasons)


# -- the plan


def test_three_tables_are_planned_in_the_order_in_which_they_need_each_other() -> None:
    found = plan(TABLE)
    assert [(row.table, row.line, row.verdict, row.ident) for row in found.rows] == [
        ("accounts", 2, "new", "bramble"),
        ("accounts", 3, "new", "kite-logistics"),
        ("connections", 10, "new", "Nightly profile"),
        ("connections", 11, "new", "Trips"),
        ("contacts", 6, "new", "ana@bramble.example"),
        ("contacts", 7, "new", "info@kite.example"),
    ]
    ana, info = found.of("contacts")
    assert (ana.values["account"], ana.values["org"]) == ("bramble", "bramble-eu")
    assert info.values["account"] == "kite-logistics", "by its mail domain"
    trips = found.of("connections")[1]
    assert trips.values | {"connection": "Trips"} == {
        "connection": "Trips", "account": "kite-logistics", "org": "kite-logistics",
        "org_name": "Kite Logistics", "project": "main", "source": "bigquery",
        "warehouse_type": "bigquery", "connector": "", "cadence": "every 6 h", "paused": "yes",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,tier\nBramble,gold", "There is no tier “gold”"),
        ("name,owner\nBramble,nobody", "Owner “nobody”: nobody here."),
        ("name,owner\nBramble,Jo", "several people are called that"),
        ("name,domain\nBramble,gmail.com", "People of many companies write from gmail.com."),
        ("name,domain\nBramble,nothing", "is not a mail domain"),
        ("name,domain\nA,x.example\nB,x.example", "x.example already belongs to a."),
        ("name,note\nBramble,=1+1", "Note begins like a spreadsheet formula."),
        ("name,tier\n=cmd(),premium", "Name begins like a spreadsheet formula."),
        ("customer,name\na b,Bramble", "“a b” cannot be a key."),
        ("customer,name\na,A\na,B", "This is on line 2 already."),
        (f"name,tier\n{'x' * 121},premium", "Name has at most 120 characters."),
        ("name,tier\nBramble,premium,more", "More cells than columns."),
        ("email,name\nana,Ana", "“ana” is not"),
        ("email,name\na@x.example,A\nA@X.example,B", "This is on line 2 already."),
        ("email,customer\na@x.example,nobody", "There is no customer “nobody”"),
        ("email,org\na@x.example,nowhere", "There is no org “nowhere”"),
        ("email,time zone\na@x.example,Mars", "“Mars” is not a time zone."),
        ("connection,warehouse\nNightly,snowflake", "A connection needs its org"),
        ("connection,org\nNightly,eu", "A new connection needs its warehouse"),
        ("connection,org,warehouse,cadence\nN,eu,duckdb,often", "“often” is no cadence."),
        ("connection,org,warehouse,paused\nN,eu,duckdb,perhaps", "Paused is yes or no"),
        ("Bramble,premium", "A line of column names must stand above this."),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_is_refused_with_its_reason(text: str, said: str) -> None:
    assert said in reasons(text)


@pytest.mark.parametrize(
    "text", ["", "  \n ", "name,tier\n", "x" * 1_048_577, 'name,tier\n"open',
             "name,tier\n" + "a,b\n" * 2001],
    ids=["empty", "blank", "no lines", "too large", "open quote", "too many"],
)  # fmt: skip
def test_what_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(PasteError):
        plan(text)


def test_tabs_semicolons_and_a_byte_order_mark_are_read() -> None:
    for text in ("\ufeffname\ttier\nBramble\tpremium", "name;tier\nBramble;premium"):
        assert [row.verdict for row in plan(text).rows] == ["new"]


def test_an_unknown_column_is_remarked_and_left_out() -> None:
    assert plan("name,tier,color\nBramble,premium,red").remarks == (
        "Line 1: “color” is no column of accounts and is left out.",
    )


# -- the page


@pytest.fixture
def sam(cast: Cast) -> Client:
    return sign_in(cast.sam)


def check(client: Client, text: str) -> CustomerPlan:
    found: CustomerPlan = client.post("/customers/import/", {"table": text, "do": "check"}).context[
        "plan"
    ]
    return found


def apply(client: Client, text: str) -> object:
    seen = check(client, text).digest
    return client.post("/customers/import/", {"table": text, "do": "apply", "seen": seen})


def test_what_was_shown_is_what_is_saved_and_again_it_is_nothing(sam: Client, cast: Cast) -> None:
    page = sam.post("/customers/import/", {"table": TABLE, "do": "check"})
    assert "6 lines" in text_of(page) and not Account.objects.exists()
    answer = apply(sam, TABLE)
    assert answer["Location"] == "/customers/"  # type: ignore[index] # a response
    said = text_of(sam.get("/customers/"))
    assert "Added: 2 customers, 2 connections, 2 contacts." in said
    bramble = Account.objects.get(key="bramble")
    assert (bramble.tier, bramble.owner, bramble.domain) == ("premium", cast.sam, "bramble.example")
    nightly = Connection.objects.get(name="Nightly profile")
    assert nightly.source.project.org == Org.objects.get(key="bramble-eu")
    assert (nightly.cadence_seconds, nightly.source.warehouse_type) == (86_400, "snowflake")
    ana = Contact.objects.get(email="ana@bramble.example")
    assert (ana.account, ana.phone, ana.time_zone) == (bramble, "+34 600 1", "Europe/Madrid")
    assert Connection.objects.get(name="Trips").paused_at is not None
    again = check(sam, TABLE)
    assert (again.changes, again.refused) == (0, 0), again.rows


def test_only_what_differs_changes_and_empty_cells_leave_the_rest(sam: Client) -> None:
    apply(sam, TABLE)
    text = ("customer,name,tier,domain\nbramble,,partner,\n\n"
            "connection,org,cadence\nnightly PROFILE,bramble eu,6 h\n\n"
            "email,name\ninfo@kite.example,Info Desk")  # fmt: skip
    found = check(sam, text)
    assert [(row.verdict, dict(row.values).get("tier")) for row in found.of("accounts")] == [
        ("change", "partner")
    ]
    apply(sam, text)
    bramble = Account.objects.get(key="bramble")
    assert (bramble.tier, bramble.name, bramble.domain) == (
        "partner", "Bramble Foods", "bramble.example",
    )  # fmt: skip
    assert Connection.objects.get(name="Nightly profile").cadence_seconds == 21_600
    assert Contact.objects.get(email="info@kite.example").name == "Info Desk"
    assert (Account.objects.count(), Connection.objects.count(), Org.objects.count()) == (2, 2, 2)


def test_the_same_connection_name_in_two_orgs_stays_two(sam: Client) -> None:
    text = "connection,org,warehouse\nNightly,eu,duckdb\nNightly,us,duckdb"
    apply(sam, text)
    assert sorted(row.key for row in Connection.objects.all()) == ["nightly", "nightly-2"]
    assert check(sam, text).changes == 0


def test_refused_lines_are_left_out_and_the_rest_is_saved(sam: Client) -> None:
    text = "name,tier\nBramble,premium\nKite,gold"
    assert "leave out 1" in text_of(sam.post("/customers/import/", {"table": text}))
    apply(sam, text)
    assert [row.name for row in Account.objects.all()] == ["Bramble"]


def test_a_plan_that_is_out_of_date_saves_nothing(sam: Client) -> None:
    seen = check(sam, "name,tier\nBramble,premium").digest
    build.account("Bramble", tier="free")
    answer = sam.post(
        "/customers/import/",
        {"table": "name,tier\nBramble,premium", "do": "apply", "seen": seen},
    )
    assert "Something changed since you looked." in text_of(answer)
    assert Account.objects.get().tier == "free"


def test_a_file_takes_the_place_of_the_paste(sam: Client) -> None:
    file = SimpleUploadedFile("customers.csv", "\ufeffname;tier\nÆther;premium".encode())
    page = sam.post("/customers/import/", {"file": file, "table": "ignored"})
    assert [row.ident for row in page.context["plan"].rows] == ["ther"]
    assert "Æther;premium" in page.context["form"].initial["table"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00n", "This is not text in UTF-8."),
        (b"x" * 1_048_577, "This is more than 1 MiB."),
        (b"name,tier\n\x00,premium", "holds a character that cannot be kept"),
    ],
    ids=["not text", "too large", "nul"],
)
def test_a_file_that_is_no_table_is_refused_in_words(
    sam: Client, content: bytes, said: str
) -> None:
    answer = sam.post("/customers/import/", {"file": SimpleUploadedFile("x.csv", content)})
    assert answer.status_code in {200, 400} and said in text_of(answer), text_of(answer)
    assert not Account.objects.exists()


def test_nothing_given_is_said(sam: Client) -> None:
    answer = sam.post("/customers/import/", {"do": "check"})
    assert answer.status_code == 400 and "Paste a table, or choose a file." in text_of(answer)


def test_the_dry_run_can_be_taken_along_and_is_no_formula(sam: Client) -> None:
    text = "email,phone\nana@x.example,+34 1\n=1@x.example,2"
    answer = sam.post("/customers/import/", {"table": text, "do": "csv"})
    lines = answer.content.decode().splitlines()
    assert lines[0] == '"line","table","result","values","was","reasons"'
    assert len(lines) == 3 and '"refused"' in lines[2]
    assert not any(cell.startswith(("=", "+")) for line in lines for cell in line.split('","'))


def test_an_import_needs_the_grant_of_support(cast: Cast) -> None:
    for person, status in ((cast.olu, 403), (cast.ravi, 200), (cast.maya, 200)):
        assert sign_in(person).get("/customers/import/").status_code == status
