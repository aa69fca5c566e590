"""What a pasted e-mail, job address or error fills into the quick-log form."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.support.pasting import MAX_TEXT, Pasted, read
from apps.support.pasting.rules import RULES

MAIL = """From: Ana Ruiz <Ana@Bramble.example>
Sent: Monday, September 7, 2026 9:30 AM
To: support@fish.example
Subject: RE: [TCK-4] Profile of orders is stale

Hi Sam,
the profile of raw.shop.orders is three days old. Connection: prod_snowflake (Snowflake),
last profiled at 2026-09-04T06:00:00Z with dft 0.4.0 in GitHub Actions.
ERR-QUERY-DURATION-EXCEEDED, see https://app.dbt.example/runs/8f2c-41aa.
"""
COLUMN = """The column "raw"."crm"."tax_no" in BigQuery is shown as phone, should be national id.
"""
ERROR = """$ dct inspect --report quality
WARN-SLOW-QUERY: 41 s
ERR-WAREHOUSE-AUTH: password authentication failed for user "svc"
  psycopg2.errors.InvalidPassword at /app/dct/core/run.py line 12
package_version: "0.10.0rc1", contract_version: 3.1.0
run_id=7c9e6679-7425-40de-944b-e07fc1f90ae7 connection 'prod-pg'
"""


def values(found: Pasted) -> dict[str, str]:
    return {key: finding.value for key, finding in found.fields.items()}


def test_a_pasted_mail_fills_the_form() -> None:
    found = read(MAIL)
    assert found.requester is not None and found.requester.value == "ana@bramble.example"
    assert found.requester_name == "Ana Ruiz"
    assert found.subject is not None and found.subject.value == "Profile of orders is stale"
    assert found.request_type == "stale_profile"
    assert {one.value for one in found.why} >= {"stale", "days old", "last profiled"}
    assert values(found) == {
        "connection": "prod_snowflake",
        "warehouse_type": "Snowflake",
        "profiled_at": "2026-09-04T06:00:00Z",
        "package_version": "0.4.0",
        "environment": "CI",
        "diagnostic_code": "ERR-QUERY-DURATION-EXCEEDED",
        "url": "https://app.dbt.example/runs/8f2c-41aa",
        "run_id": "8f2c-41aa",
        "column": "raw.shop.orders",
    }
    assert MAIL[found.body_start :].startswith("Hi Sam")


def test_a_sentence_about_a_column_fills_its_types() -> None:
    found = read(COLUMN)
    assert found.request_type == "wrong_column_type"
    assert values(found) == {
        "column": "raw.crm.tax_no",
        "warehouse_type": "BigQuery",
        "shown_type": "phone",
        "expected_type": "national id",
    }
    assert found.subject is not None and found.subject.value.startswith('The column "raw"')


def test_a_pasted_error_fills_what_it_says_and_nothing_else() -> None:
    found = read(ERROR)
    assert found.request_type == "connectivity" and found.requester is None
    assert values(found) == {
        "diagnostic_code": "ERR-WAREHOUSE-AUTH",
        "package_version": "0.10.0rc1",
        "run_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "connection": "prod-pg",
        "warehouse_type": "Postgres",
    }


def test_a_lonely_address_of_a_job_gives_its_run() -> None:
    found = read("https://app.dbt.example/projects/4/jobs/99821?tab=log")
    assert values(found) == {
        "url": "https://app.dbt.example/projects/4/jobs/99821?tab=log",
        "run_id": "99821",
    }
    assert found.subject is not None and found.subject.value == "Problem: 99821"


def test_every_finding_says_which_piece_of_the_text_it_is() -> None:
    for text in (MAIL, COLUMN, ERROR):
        found = read(text)
        for key, one in found.fields.items():
            piece = text[one.start : one.end]
            assert piece == piece.strip() != ""
            if key not in ("environment", "warehouse_type", "report", "column"):
                assert piece == one.value
        for one in found.why:
            assert text[one.start : one.end]
    found = read(COLUMN)
    one = found.fields["column"]
    assert COLUMN[one.start : one.end] == '"raw"."crm"."tax_no"'
    one = read(MAIL).fields["environment"]
    assert MAIL[one.start : one.end] == "GitHub Actions"


TYPES = {
    "stale_profile": [
        "The profile is out of date",
        "Das Profil ist veraltet",
        "profiling is stuck",
    ],
    "wrong_column_type": ["email is detected as text", "wrong column type for users.mail"],
    "failed_report": [
        "The quality report failed",
        "ERR-CHART-PAINTED-NO-MARKS",
        "blank page in a report",
    ],
    "billing": [
        "We were charged twice",
        "INV-2026-0042 is wrong",
        "Frage zur Rechnung",
        "in_1PqRsTuVwXyZ0",
    ],
    "connectivity": [
        "connection refused by the warehouse",
        "ERR-WAREHOUSE-CONNECTION",
        "cannot connect",
    ],
    "pack": ["The salesforce pack is broken", "dashboard pack does not compile"],
    "cost_surprise": ["145 dollars of BigQuery credits", "a full table scan, very expensive"],
    "other": ["How do I invite a colleague?", "¿Qué?"],
}


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_is_suggested_by_its_words(kind: str) -> None:
    for text in TYPES[kind]:
        found = read(text)
        assert found.request_type == kind, (text, found.why)
        assert bool(found.why) == (kind != "other")


def test_the_types_are_those_that_the_portal_ships() -> None:
    from apps.support.seeds import TYPES as SHIPPED

    assert {*RULES, "other"} == {one.key for one in SHIPPED}


def test_no_word_speaks_for_two_types() -> None:
    phrases = [phrase for rules in RULES.values() for phrase in rules]
    assert sorted(phrases) == sorted(set(phrases))


FACTS: list[tuple[str, str, str | None]] = [
    ("diagnostic_code", "WARN-AA-B then ERR-CC-D then ERR-EE-F", "ERR-CC-D"),
    ("diagnostic_code", "only WARN-STALE-CACHE.", "WARN-STALE-CACHE"),
    ("diagnostic_code", "MYERR-FOO and err-lower", None),
    ("package_version", "dataface==0.3.1", "0.3.1"),
    ("package_version", "dbt-charts, version v0.10.0.dev3", "0.10.0.dev3"),
    ("package_version", "Version: 0.9.1", "0.9.1"),
    ("package_version", "Python version 3.12.4, contract version 2.0", None),
    ("package_version", "10.0.0.1", None),
    ("environment", "environment: Hosted", "Hosted"),
    ("environment", "it happens in VS Code", "IDE"),
    ("environment", "trigger: mcp", "MCP"),
    ("environment", "environment: production, from the terminal", "CLI"),
    ("warehouse_type", "acme.eu-west-1.snowflakecomputing.com", "Snowflake"),
    ("warehouse_type", "SQL Server 2022", "Other"),
    ("warehouse_type", "a warehouse", None),
    ("run_id", "Run ID: 2026-09-07.b12", "2026-09-07"),
    ("run_id", "run #41822 failed", "41822"),
    ("run_id", '{"invocation_id": "ab12-cd"}', "ab12-cd"),
    ("run_id", "the run failed", None),
    ("column", "raw.orders.phone.", "raw.orders.phone"),
    ("column", "`proj`.`raw`.`orders`.`phone`", "raw.orders.phone"),
    ("column", "column: orders.phone", "orders.phone"),
    ("column", "see app.eu.acme.com and docs.acme.example", None),
    ("column", "at sqlalchemy.engine.base or foo.bar.BazError", None),
    ("column", "https://x.example/a.b.c and ana.b.c@x.example", None),
    ("column", "open core/run.main.py", None),
    ("shown_type", "reads as plain text instead of email", "plain text"),
    ("expected_type", "reads as plain text instead of email", "email"),
    ("shown_type", "expected national id but got phone number.", "phone number"),
    ("expected_type", "expected national id but got phone number.", "national id"),
    ("shown_type", "shown type: varchar", "varchar"),
    ("expected_type", "this should be fixed", None),
    ("profiled_at", "profiled_at: 2026-09-04 06:00", "2026-09-04 06:00"),
    ("profiled_at", "last run was 2026-13-99", None),
    ("report", "the categorical report", "Categorical"),
    ("report", "a report", None),
    ("connector", "the HubSpot pack is empty", "hubspot"),
    ("connector", "connector: zendesk, its dashboard pack", "zendesk"),
    ("connector", "your dashboard pack for shopify", "shopify"),
    ("connector", "Stripe charged us, see invoice", None),
    ("invoice", "invoice in_1PqRsTuVwXyZ", "in_1PqRsTuVwXyZ"),
    ("invoice", "INV-2026-004 please", "INV-2026-004"),
    ("invoice", "your invoice number 2026-00412", "2026-00412"),
    ("invoice", "in_progress", None),
    ("amount", "billing: we paid $1,200.50", "$1,200.50"),
    ("amount", "it cost 145 dollars a table", "145 dollars"),
    ("amount", "the profile is $3 old", None),
    ("connection", 'connection "prod_pg" is gone', "prod_pg"),
    ("connection", "connection refused, connection: timeout", None),
    ("url", "(https://x.example/a). https://x.example/runs/r12", "https://x.example/runs/r12"),
    ("url", "javascript:alert(1) ftp://x", None),
]  # fmt: skip


@pytest.mark.parametrize(("key", "text", "wanted"), FACTS)
def test_a_fact_is_found_or_left_alone(key: str, text: str, wanted: str | None) -> None:
    assert values(read(text)).get(key) == wanted


SUBJECTS = [
    ("Subject: AW: WG: Fwd: stale", "stale"),
    ("Betreff: Re[2]: alt\nVon: a@b.example\n\nx", "alt"),
    ("Hello,\n\n> the report is empty\n", "the report is empty"),
    ("====\nhttps://x.example/a\n- nothing works,\n", "nothing works"),
    ("x" * 900, "x" * 199 + "…"),
    ("12:30\n--\n", None),
]


@pytest.mark.parametrize(("text", "wanted"), SUBJECTS)
def test_a_subject_is_suggested(text: str, wanted: str | None) -> None:
    found = read(text).subject
    assert (found.value if found else None) == wanted


REQUESTERS = [
    ("Ana <ana@b.example> wrote", "ana@b.example", "Ana"),
    ("Von: Ruiz, Ana [mailto:ana@b.example]\nBetreff: x", "ana@b.example", "Ruiz, Ana"),
    ("no-reply@b.example, sam@fish.example, ana@b.example", "ana@b.example", ""),
    ("postgres://user:pw@db", "", ""),
    ("nobody here", "", ""),
]


@pytest.mark.parametrize(("text", "address", "name"), REQUESTERS)
def test_who_asks_is_a_person_of_the_customer(text: str, address: str, name: str) -> None:
    found = read(text, own_domains={"fish.example"})
    assert ((found.requester.value if found.requester else ""), found.requester_name) == (
        address,
        name,
    )


def test_an_empty_paste_suggests_nothing() -> None:
    assert read("") == read(" \n\t\r\n") == Pasted()


SLOW = [
    "a.", "a", "a@", "ERR-", "-B", "column ", "version ", "shown as ", "expected a ", "http://",
    "run id ", "connection: ", "1.", "re: ", "\n", "> ", '"', "From: ", "in_", " ", "pack ", "a-",
    "last profiled at 2026-", "-", "$1,", "a.b.c.", "<a@", "[TCK-1]", "$$$", "(",
]  # fmt: skip


@pytest.mark.parametrize("piece", SLOW)
def test_a_paste_made_to_be_slow_is_read(piece: str) -> None:
    text = piece * (60_000 // len(piece)) + "x"
    bounded(read(text), text)


def test_what_is_behind_half_a_million_characters_is_not_looked_at() -> None:
    text = "x" * MAX_TEXT + "\nERR-INTERNAL"
    assert "diagnostic_code" not in read(text).fields


def test_five_thousand_lines_are_read() -> None:
    log = "".join(
        f"2026-09-07 09:30:{n % 60:02} INFO profiled shop.orders.c{n}\n" for n in range(4999)
    )
    found = read(log + ERROR)
    assert values(found)["diagnostic_code"] == "ERR-WAREHOUSE-AUTH"
    assert values(found)["column"] == "shop.orders.c0"


def bounded(found: Pasted, text: str) -> None:
    one_by_one = [*found.fields.values(), *found.why]
    one_by_one += [one for one in (found.requester, found.subject) if one]
    for one in one_by_one:
        assert 0 <= one.start < one.end <= len(text)
        assert 0 < len(one.value) <= 2000 and "\n" not in one.value and "\0" not in one.value
        one.value.encode()
    assert 0 <= found.body_start <= len(text) and len(found.requester_name) <= 120


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=30),
            st.text(alphabet=st.characters(codec=None), max_size=10),
            st.sampled_from(
                [
                    *MAIL.split(),
                    *ERROR.split(),
                    "\n",
                    ":",
                    "From:",
                    "shown as",
                    "expected",
                    "\0",
                    "\ud800",
                ]
            ),
        ),
        max_size=30,
    )
)
def test_any_text_is_read_without_an_error(pieces: list[str]) -> None:
    text = " ".join(pieces)
    bounded(read(text), text)
