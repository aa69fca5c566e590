"""Quick log: what it takes, what it fills in, and that nothing typed is lost."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.customers.models import Contact
from apps.support.models import RequestType, Ticket, TicketClock, TicketContact
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of
from tests.world import World

LOG = "/tickets/log/"
GIVEN = {
    "subject": "Profile of orders is stale",
    "type": "stale_profile",
    "requester": "Tom Berg <tom@new.example>",
}
MAIL = """From: Ana Ruiz <ana@bramble.example>
To: help@ours.example
Subject: Profiling job stuck at 92 %

Hello, the snowflake profile of analytics.orders has been stuck since Friday.
It says ERR-CONNECTION-TIMEOUT.
"""


@pytest.fixture
def sam(world: World, cast: Cast) -> Client:
    world.at("2026-09-07 09:12")
    build.support(now=world.now)
    return sign_in(cast.sam)


def fact(type_key: str, key: str) -> str:
    return f"fact-{RequestType.objects.get(key=type_key).pk}-{key}"


def value_of(html: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*?value="([^"]*)"', html)
    return found[1] if found else ""


# -- logging


def test_subject_type_and_requester_are_enough(world: World, sam: Client) -> None:
    answer = sam.post(LOG, GIVEN)
    ticket = Ticket.objects.get()
    assert answer["Location"] == f"/tickets/{ticket.ref}/"
    assert (ticket.subject, ticket.request_type.key) == (GIVEN["subject"], "stale_profile")
    assert (ticket.requester.email, ticket.requester.name) == ("tom@new.example", "Tom Berg")
    assert (ticket.channel, ticket.status, ticket.priority) == ("portal", "new", "P3")
    said = text_of(sam.get("/tickets/"))
    assert f"{ticket.ref} is logged: {GIVEN['subject']}" in said
    world.forget()


def test_everything_else_is_taken_too(world: World, sam: Client) -> None:
    surface = build.surface("pack.shopify", now=world.now)
    incident = build.incident(surface=surface, now=world.now)
    sam.post(LOG, {
        **GIVEN, "body": "It *still* shows Friday.", "surface": "pack.shopify", "impact": "high",
        "urgency": "high", "channel": "phone", "tags": "vip, march", "answered": "on",
        "incident": incident.ref, fact("stale_profile", "run_id"): "run-17",
        fact("billing", "invoice"): "of another type", fact("stale_profile", "connection"): " ",
    })  # fmt: skip
    ticket = Ticket.objects.get()
    assert (ticket.surface, ticket.priority, ticket.channel) == (surface, "P1", "phone")
    assert (ticket.fields, ticket.tags) == ({"run_id": "run-17"}, ["vip", "march"])
    assert ticket.messages.get().body == "It *still* shows Friday."
    assert ticket.first_replied_at == world.now
    assert TicketClock.objects.get(ticket=ticket, metric="first_reply").state == "met"
    assert [(link.kind, link.ref, link.relation) for link in ticket.links.all()] == [
        ("incident", incident.ref, "blocks")
    ]
    world.forget()


def test_create_and_next_keeps_type_and_requester(world: World, sam: Client) -> None:
    answer = sam.post(LOG, {**GIVEN, "do": "next"})
    assert answer["Location"] == f"{LOG}?type=stale_profile&requester=tom%40new.example"
    html = sam.get(answer["Location"]).content.decode()
    assert value_of(html, "requester") == "tom@new.example"
    assert re.search(r'value="stale_profile"[^>]* checked', html)
    assert value_of(html, "subject") == ""
    world.forget()


def test_the_address_fills_the_form(sam: Client) -> None:
    html = sam.get(
        f"{LOG}?subject=Stuck&type=wrong_column_type&requester=a@b.example&surface=pack.x"
        "&column=main.orders.email&impact=high"
    ).content.decode()
    assert value_of(html, "subject") == "Stuck"
    assert value_of(html, fact("wrong_column_type", "column")) == "main.orders.email"
    assert re.search(r'value="wrong_column_type"[^>]* checked', html)
    assert re.search(r'<option value="high" selected>', html)
    assert re.search(r"<details class=\"more\" open>", html)
    assert re.search(r'value="nonsense"', sam.get(f"{LOG}?type=nonsense").content.decode()) is None


def test_nothing_typed_is_lost_when_something_is_missing(sam: Client) -> None:
    name = fact("billing", "invoice")
    page = sam.post(LOG, {
        "subject": "Charged <twice>", "type": "billing", "requester": "nobody",
        "body": "Look & see", name: "INV-9", "tags": "vip", "surface": "no.such", "answered": "on",
        "attachments": SimpleUploadedFile("a.log", b"x"),
    })  # fmt: skip
    html, said = page.content.decode(), text_of(page)
    assert page.status_code == 400
    assert "There is no surface no.such." in said
    assert "Attach the files again" in said
    assert value_of(html, "subject") == "Charged &lt;twice&gt;"
    assert value_of(html, name) == "INV-9"
    assert "Look &amp; see</textarea>" in html
    assert re.search(r'name="answered"[^>]* checked', html)
    assert '<a href="#id_surface">' in html
    assert not Ticket.objects.exists() and not Contact.objects.exists()

    again = text_of(sam.post(LOG, {"subject": "Charged", "type": "billing", "requester": "nobody"}))
    assert "Requester: “nobody” is not an e-mail address." in again


def test_each_thing_that_is_needed_is_asked_for_beside_its_field(sam: Client) -> None:
    page = sam.post(LOG, {})
    html, said = page.content.decode(), text_of(page)
    assert "3 things need your attention" in said
    for name in ("subject", "type", "requester"):
        assert f'id="id_{name}_error"' in html, name
    assert '<a href="#id_type_0">' in html and 'id="id_type_0"' in html


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("run.exe", b"MZ", "files of this kind are not taken"),
        ("empty.log", b"", "empty"),
        ("big.log", b"x" * (10 * 1024 * 1024 + 1), "at most 10 MB fit"),
    ],
)
def test_a_file_that_is_not_taken_is_refused_by_name(
    sam: Client, name: str, content: bytes, why: str
) -> None:
    page = sam.post(LOG, {**GIVEN, "attachments": SimpleUploadedFile(name, content)})
    assert page.status_code == 400
    assert why in text_of(page)
    assert not Ticket.objects.exists()


def test_several_files_go_on_the_first_message(world: World, sam: Client) -> None:
    files = [SimpleUploadedFile(name, name.encode()) for name in ("a.log", "b.png")]
    sam.post(LOG, {**GIVEN, "body": "See the files", "attachments": files})
    rows = Ticket.objects.get().messages.get().attachments.order_by("name")
    assert [(row.name, row.content_type) for row in rows] == [
        ("a.log", "text/plain"),
        ("b.png", "image/png"),
    ]
    world.forget()


def test_who_only_reads_does_not_log(sam: Client, cast: Cast) -> None:
    olu = sign_in(cast.olu)
    for path in ("", "similar/", "requesters/?q=a", "promise/"):
        assert olu.get(LOG + path).status_code == 403, path
    assert olu.post(LOG, GIVEN).status_code == 403
    assert not Ticket.objects.exists()


# -- the same problem


def test_what_may_be_the_same_is_shown_and_joined_instead(world: World, sam: Client) -> None:
    surface = build.surface("inspect.profiler", now=world.now)
    RequestType.objects.filter(key="stale_profile").update(surface=surface)
    incident = build.incident(title="Profiling times out", surface=surface, now=world.now)
    known = build.ticket("Profiling job stuck at 92 %", now=world.now)
    address = f"{LOG}similar/?type=stale_profile&subject=Profiling+job+is+stuck"
    said = text_of(sam.get(address))
    assert f"{incident.ref} · Investigating · open on this surface Link it" in said
    assert f"{known.ref} · New · same surface, similar subject Me too" in said
    assert text_of(sam.get(f"{LOG}similar/?subject=ab")) == ""

    answer = sam.post(LOG, {"requester": "tom@new.example", "me_too": known.pk}, follow=False)
    assert answer["Location"] == f"/tickets/{known.ref}/"
    known.refresh_from_db()
    assert known.me_too_count == 1
    assert TicketContact.objects.get().contact.email == "tom@new.example"
    assert Ticket.objects.count() == 1
    world.forget()


def test_who_has_the_same_problem_must_be_said(world: World, sam: Client) -> None:
    known = build.ticket(now=world.now)
    page = sam.post(LOG, {"subject": "Kept words", "me_too": known.pk})
    assert page.status_code == 400
    assert "Say who has the same problem." in text_of(page)
    assert value_of(page.content.decode(), "subject") == "Kept words"
    gone = sam.post(LOG, {"requester": "tom@new.example", "me_too": "999999"})
    assert "There is no such ticket." in text_of(gone)
    world.forget()


# -- who, and what is promised


def test_contacts_are_found_by_name_address_and_customer(world: World, sam: Client) -> None:
    bramble = build.account("Bramble Foods", now=world.now)
    build.contact("ana@bramble.example", name="Ana Ruiz", account=bramble, now=world.now)
    for typed in ("an", "ruiz", "bramble"):
        rows = json.loads(sam.get(f"{LOG}requesters/?q={typed}").content)["results"]
        wanted = {"email": "ana@bramble.example", "name": "Ana Ruiz", "account": "Bramble Foods"}
        assert rows == [wanted], typed
    assert json.loads(sam.get(f"{LOG}requesters/").content) == {"results": []}


def test_the_promise_is_said_before_it_is_made(sam: Client) -> None:
    said = text_of(sam.get(f"{LOG}promise/?type=stale_profile"))
    assert said.startswith("P3: ")
    assert "triage by 13:12, first reply by 17:12, resolution by 14 Sep." in said
    assert text_of(sam.get(f"{LOG}promise/?type=stale_profile&impact=high")).startswith("P2: ")
    assert text_of(sam.get(f"{LOG}promise/?type=nonsense")) == ""
    junk = sam.get(f"{LOG}promise/?type=billing&impact=x&requester=%3C%3E&tags=a,b")
    assert text_of(junk).startswith("P2: ")


# -- what was pasted


def found_in(client: Client, **given: Any) -> dict[str, str]:
    answer = json.loads(client.post(f"{LOG}read/", given).content)
    return {row["name"]: row["value"] for row in answer["found"]}


def test_a_pasted_mail_fills_who_what_and_its_facts(sam: Client) -> None:
    found = found_in(sam, paste=MAIL)
    assert found["requester"] == "Ana Ruiz <ana@bramble.example>"
    assert found["subject"] == "Profiling job stuck at 92 %"
    assert found["type"] == "stale_profile"
    assert found[fact("stale_profile", "warehouse_type")] == "Snowflake"
    assert found["body"].startswith("Hello, the snowflake profile")


def test_a_chosen_type_keeps_its_own_questions(sam: Client) -> None:
    found = found_in(sam, paste=MAIL, type="connectivity")
    assert "type" not in found
    assert found[fact("connectivity", "warehouse_type")] == "Snowflake"


def test_without_a_script_the_form_comes_back_filled_and_keeps_what_was_typed(
    sam: Client,
) -> None:
    page = sam.post(LOG, {"do": "read", "paste": MAIL, "subject": "My own words"})
    html, said = page.content.decode(), text_of(page)
    assert value_of(html, "subject") == "My own words"
    assert value_of(html, "requester") == "Ana Ruiz &lt;ana@bramble.example&gt;"
    assert "Read from what you pasted: type Stale profile, requester" in said
    assert re.search(r"<option selected>Snowflake", html)
    nothing = text_of(sam.post(LOG, {"do": "read", "paste": ""}))
    assert "Nothing new could be read" in nothing
    assert not Ticket.objects.exists()


def test_five_thousand_lines_are_read_and_kept(world: World, sam: Client) -> None:
    lines = MAIL + "\n".join(f"  File line {n}, in profile" for n in range(5000))
    found = found_in(sam, paste=lines)
    assert found["requester"] == "Ana Ruiz <ana@bramble.example>"
    sam.post(LOG, {**GIVEN, "body": found["body"]})
    assert Ticket.objects.get().messages.get().body.endswith("File line 4999, in profile")
    too_long = sam.post(LOG, {**GIVEN, "body": "x" * 200_001})
    assert too_long.status_code == 400
    assert "200000" in text_of(too_long)
    world.forget()


def test_the_form_costs_the_same_with_many_types_and_contacts(world: World, sam: Client) -> None:
    queries(sam, LOG)
    before = queries(sam, LOG)
    for number in range(20):
        build.contact(f"c{number}@many.example", now=world.now)
    kind = RequestType.objects.get(key="other")
    for number in range(3):
        RequestType.objects.create(key=f"more_{number}", name=f"More {number}", queue=kind.queue)
    assert queries(sam, LOG) == before
    assert len(sam.get(LOG).content) < 60_000
