"""What no desk should be sent, sent through every door of it: refused in words or kept harmless.

The catalog of bad inputs in `tests/intake/test_bad_inputs.py` names the tests that are here.
"""

from __future__ import annotations

import csv
import json
from base64 import b64encode
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.core import audit
from apps.customers.models import Contact
from apps.intake import services as intake
from apps.portal.limits import Limit
from apps.support import tokens
from apps.support.models import Attachment, InboundMail, Ticket, TicketMessage
from apps.support.services import conversation, mailing, report_form
from tests import builders as build
from tests.calls import Caller, Reply, signed_in, tool
from tests.conftest import Cast
from tests.support import ticketkit as kit
from tests.support.mails import mail, without
from tests.world import World

pytestmark = pytest.mark.django_db
BODY = {"subject": "x", "type": "other", "requester": "ana@bramble.example"}
NAME = '"><svg onload=alert(1)>.png'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PAGE = b"<!doctype html><script>alert(document.domain)</script>"
POLYGLOT = b"MZ\x90\x00\x89PNG\r\n\x1a\nGIF89a<script>alert(1)</script>PK\x03\x04"


@pytest.fixture(autouse=True)
def desk(world: World, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    world.at("2026-09-07 10:00")
    kit.desk(world.now - timedelta(days=1))
    for place in ("requests", "report"):
        monkeypatch.setattr(f"apps.portal.views.tickets.{place}.LOOKS", Limit(10_000, 60))


@pytest.fixture
def bot() -> Caller:
    return tool("tickets:read", "tickets:write")


@pytest.fixture
def one(world: World, cast: Cast) -> Ticket:
    return kit.in_state("open", world.now, cast.sam)


def refused(reply: Reply, *statuses: int) -> None:
    """A problem in words, without a trace, SQL or a secret."""
    assert reply.status in (statuses or (400,)) and reply.code, reply.body
    text = str(reply.body).lower()
    assert not any(word in text for word in ("traceback", "select ", "psycopg", "opk_live"))


def requester_page(ticket: Ticket) -> str:
    ticket.refresh_from_db()
    return f"/requests/{tokens.make(ticket.pk, ticket.access_version)}/"


def reported(world: World, **fields: Any) -> Any:
    """What the report form answers to somebody who filled it in."""
    form = {
        "type": "other", "subject": "x", "body": "y", "email": "ana@bramble.example",
        "opened": report_form.stamp(world.now - timedelta(minutes=1)), **fields,
    }  # fmt: skip
    return Client(raise_request_exception=False).post("/report/", form)


def mailed(world: World, raw: bytes) -> InboundMail:
    return mailing.take_mail(raw=raw, received_at=world.now, now=world.now)


# -- files, by each door that takes them


def _by_api(world: World, one: Ticket, cast: Cast, name: str, content: bytes) -> int:
    file = {"name": name, "content": b64encode(content).decode()}
    body = {"body": "x", "public": False, "files": [file]}
    return tool("tickets:write", "tickets:read").post(f"tickets/{one.ref}/messages", body).status


def _by_portal(world: World, one: Ticket, cast: Cast, name: str, content: bytes) -> int:
    sam = signed_in(cast.sam).client
    sam.handler.enforce_csrf_checks = False
    form = {"kind": "note", "body": "x", "files": SimpleUploadedFile(name, content)}
    form["attachments"] = SimpleUploadedFile(name, content)
    return sam.post(f"/tickets/{one.ref}/say/", form).status_code


def _by_requester(world: World, one: Ticket, cast: Cast, name: str, content: bytes) -> int:
    form = {"body": "x", "attachments": SimpleUploadedFile(name, content)}
    return Client().post(requester_page(one), form).status_code


def _by_report(world: World, one: Ticket, cast: Cast, name: str, content: bytes) -> int:
    return int(reported(world, attachments=SimpleUploadedFile(name, content)).status_code)


DOORS = {"api": _by_api, "portal": _by_portal, "requester": _by_requester, "report": _by_report}


def downloads(cast: Cast, one: Attachment) -> list[Any]:
    """The file by every address that serves it: ours, the API's, the requester's."""
    ticket = one.message.ticket
    key = tool("tickets:read")
    return [
        signed_in(cast.sam).client.get(f"/tickets/{ticket.ref}/files/{one.pk}/"),
        Client().get(f"/api/v1/tickets/{ticket.ref}/files/{one.pk}",
                     headers={"Authorization": f"Bearer {key.text}"}),
        Client().get(f"{requester_page(ticket)}files/{one.pk}/"),
    ]  # fmt: skip


def harmless(answer: Any, content: bytes) -> None:
    """It is saved, never shown: nothing in it can run under our address."""
    assert answer.content == content
    says = answer["Content-Disposition"]
    assert says.startswith("attachment;") and "\r" not in says and "\n" not in says
    assert says.isascii() and '"">' not in says.replace('\\"', "")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    kind = answer["Content-Type"].partition(";")[0]
    assert kind in {"application/octet-stream", "image/png", "application/zip"}


@pytest.mark.parametrize("door", DOORS)
def test_a_file_name_with_markup_is_only_a_name(
    door: str, world: World, one: Ticket, cast: Cast
) -> None:
    assert DOORS[door](world, one, cast, NAME, b"\x89PNG") in {201, 302}
    found = Attachment.objects.latest("pk")
    assert "/" not in found.name and "\n" not in found.name
    page = f"/tickets/{found.message.ticket.ref}/"
    for answer in (
        signed_in(cast.sam).client.get(page),
        Client().get(requester_page(found.message.ticket)),
    ):
        assert answer.status_code == 200 and b"<svg onload" not in answer.content
    for answer in downloads(cast, found)[: 2 if door in {"api", "portal"} else 3]:
        harmless(answer, b"\x89PNG")


@pytest.mark.parametrize("door", DOORS)
def test_a_file_that_would_run_is_served_as_a_download(
    door: str, world: World, one: Ticket, cast: Cast
) -> None:
    for name, content in (("a.svg", SVG), ("a.html", PAGE), ("a.xhtml", PAGE), ("a.xml", SVG)):
        assert DOORS[door](world, one, cast, name, content) in {201, 302}
        found = Attachment.objects.latest("pk")
        assert (found.name, found.content_type) == (name, "application/octet-stream")
        for answer in downloads(cast, found)[: 2 if door in {"api", "portal"} else 3]:
            harmless(answer, content)


@pytest.mark.parametrize("door", DOORS)
def test_a_program_in_a_pictures_clothes_is_never_shown(
    door: str, world: World, one: Ticket, cast: Cast
) -> None:
    assert DOORS[door](world, one, cast, "a.png", POLYGLOT) in {201, 302}
    found = Attachment.objects.latest("pk")
    for answer in downloads(cast, found)[: 2 if door in {"api", "portal"} else 3]:
        harmless(answer, POLYGLOT)
    before = Attachment.objects.count()
    for name in ("a.exe", "a.png.scr", "a.\u202egnp.exe", "a.exe. ", "x/../a.JS"):
        assert DOORS[door](world, one, cast, name, POLYGLOT) in {200, 400}, name
    assert Attachment.objects.count() == before


@pytest.mark.parametrize("door", DOORS)
def test_nothing_too_much_and_too_many_are_refused_whole(
    door: str, world: World, one: Ticket, cast: Cast
) -> None:
    before = (Ticket.objects.count(), TicketMessage.objects.count())
    for content in (b"", b"x" * (10 * 1024 * 1024 + 1)):
        assert DOORS[door](world, one, cast, "a.txt", content) in {200, 400, 413}
    assert (Ticket.objects.count(), TicketMessage.objects.count()) == before


# -- words, by each door


def test_poison_in_words_is_refused_or_kept_without_it(
    world: World, one: Ticket, cast: Cast, bot: Caller
) -> None:
    for path, body in (
        ("tickets", BODY | {"subject": "@"}),
        (f"tickets/{one.ref}/messages", {"body": "@", "public": True}),
        (f"tickets/{one.ref}/links", {"kind": "other", "ref": "@"}),
        (f"tickets/{one.ref}/escalate", {"reason": "@"}),
        ("tickets", BODY | {"fields": {"a": "@"}}),
        ("tickets", BODY | {"fields": {"@": "a"}}),
        ("tickets", BODY | {"tags": ["@"]}),
    ):
        for poison in ("a\\u0000b", "a\\ud800b"):
            raw = json.dumps(body).replace("@", poison, 1 if "requester" not in body else -1)
            refused(bot.post(path, raw.replace(f"ana{poison}", "ana@").encode()))
    counts = (Ticket.objects.count(), TicketMessage.objects.count())
    sam = Client(raise_request_exception=False)
    sam.force_login(cast.sam, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert sam.post(f"/tickets/{one.ref}/say/", {"kind": "note", "body": "a\0b"}).status_code < 500
    assert Client().post(requester_page(one), {"body": "a\0b"}).status_code in {302, 400}
    assert reported(world, body="a\0b").status_code == 400
    assert reported(world, type="\0").status_code in {200, 400}
    assert counts[0] == Ticket.objects.count()
    assert "\0" not in "".join(TicketMessage.objects.values_list("body", flat=True))


@pytest.mark.parametrize(
    "address",
    [
        "/tickets/?q=%00", "/tickets/?tag=%00&owner=%00&queue=%00", "/tickets/export.csv?q=%00",
        "/tickets/?page=99999999999999999999", "/tickets/?after=%00", "/tickets/?view=%00",
        "/tickets/TCK-%00/", "/tickets/TCK-99999999999999999999/", "/tickets/log/?subject=%00",
        "/tickets/log/?type=%00&requester=%00&connection=%00&surface=%00",
        "/tickets/log/similar/?subject=%00", "/tickets/log/requesters/?q=%00",
        "/tickets/log/promise/?type=%00&requester=%00", "/tickets/reports/?since=%00&queue=%00",
        "/tickets/reports/?from=0001-01-01&to=9999-12-31", "/search/?q=%00",
        "/tickets/?" + "q=" + "(%22" * 3000, "/tickets/?q=%27%20%26%20%7C%20%21%3A%2A",
    ],
)  # fmt: skip
def test_an_address_with_poison_is_no_fault_of_ours(address: str, cast: Cast) -> None:
    maya = Client(raise_request_exception=False)
    maya.force_login(cast.maya, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert maya.get(address).status_code < 500


@pytest.mark.parametrize(
    "query",
    [
        "type=%00", "about=%00", "report=%00&column=%00&job=%00", "org=%00&email=%00&name=%00",
        "signature=%C3%A9&expires=1", "signature=%00&expires=%00", "expires=" + "9" * 30,
        "signature=a&expires=%EF%BC%91", "type=other&report=" + "x" * 5000, "%00=%00",
    ],
)  # fmt: skip
def test_a_link_to_the_report_form_with_poison_is_a_form_or_refused(query: str) -> None:
    stranger = Client(raise_request_exception=False)
    for path in ("/report/", "/report/embed/"):
        for asked in (query, f"type=other&{query}"):
            assert stranger.get(f"{path}?{asked}").status_code == (400 if "%00" in asked else 200)


def test_signed_facts_with_poison_open_no_page_of_errors(world: World) -> None:
    report_form.new_secret(actor=audit.SYSTEM, now=world.now)
    for poison in ("\0", "a\0b", "\ud7ff\uffff", "\u202e", "x" * 301):
        good = 400 if "\0" in poison else 200
        query = report_form.sign({"org": poison, "report": poison, "job": poison}, world.now)
        stranger = Client(raise_request_exception=False)
        form = {
            "type": "other", "subject": "x", "body": "y", "email": f"q{ord(poison[0])}@x.example",
            "opened": report_form.stamp(world.now - timedelta(minutes=1)),
        }  # fmt: skip
        assert stranger.get(f"/report/?type=other&{query}").status_code == good
        assert stranger.post(f"/report/?{query}", form).status_code in {302, 400}, repr(poison)
    kept = str(list(Ticket.objects.values_list("fields", flat=True)))
    assert "\\x00" not in kept


def test_odd_but_good_text_comes_back_as_it_was(bot: Caller) -> None:
    text = "👩\u200d👩\u200d👧\u200d👦 e\u0301 \ufdfa"
    reply = bot.post("tickets", BODY | {"subject": text, "body": text})
    assert (reply.status, reply["subject"]) == (201, text)
    raw = b"\xef\xbb\xbf" + json.dumps(BODY).encode()
    assert bot.post("tickets", raw).status == 201
    twice = b'{"subject": "one", ' + json.dumps(BODY | {"subject": "two"}).encode()[1:]
    assert bot.post("tickets", twice)["subject"] == "two"  # of a key twice the last counts


def test_a_subject_is_one_line_that_reads_in_one_direction(world: World, bot: Caller) -> None:
    evil = "Help\r\nBcc: all@bramble.example\u2028 \u202egnp.exe\u2066"
    made = bot.post("tickets", BODY | {"subject": evil})
    assert made.status == 201 and not set(made["subject"]) & set("\r\n\u2028\u202e\u2066")
    world.run()
    sent = [row.subject for row in kit.letters(Contact.objects.get(email=BODY["requester"]))]
    assert sent and all(not set(text) & set("\r\n\u2028\u202e\u2066") for text in sent)
    world.forget()


@pytest.mark.parametrize(
    ("method", "path", "body", "statuses"),
    [
        ("POST", "tickets", "[1]", (400,)),
        ("POST", "tickets", "null", (400,)),
        ("POST", "tickets", '{"a":' + "[" * 1000 + "]" * 1000 + "}", (400,)),
        ("POST", "tickets", '{"subject":"a","fields":{"k":' + "9" * 5000 + "}}", (400,)),
        ("POST", "sla/preview", '{"calendar":[],"start":7}', (400,)),
        ("GET", "tickets?owner__password__startswith=p", None, (400,)),
        ("GET", "tickets?_connector=OR&_negated=1", None, (400,)),
        ("GET", "tickets?ordering=title;drop", None, (400,)),
        ("GET", "tickets?created_since=9999-12-31T23:59:59-12:00", None, (400,)),
        ("GET", "tickets?created_since=not-a-date", None, (400,)),
        ("GET", "tickets?q=%00", None, (400,)),
        ("GET", "tickets/TCK-99999999999999999999", None, (404,)),
        ("GET", "tickets/%00", None, (404,)),
        ("GET", "contacts/99999999999999999999", None, (404,)),
        ("GET", "customers/%00", None, (404,)),
        ("GET", "orgs/%00", None, (404,)),
    ],
)  # fmt: skip
def test_the_api_of_the_desk_refuses_in_words(
    method: str, path: str, body: str | None, statuses: tuple[int, ...]
) -> None:
    refused(tool("admin").call(method, path, body.encode() if body else None), *statuses)


def test_a_key_and_a_method_that_are_none(bot: Caller, one: Ticket) -> None:
    refused(bot.post("tickets", BODY, Idempotency_Key="x" * 5000))
    refused(bot.post(f"tickets/{one.ref}", {}, X_HTTP_Method_Override="DELETE"), 405)
    assert Ticket.objects.count() == 1


# -- what somebody wrote never runs, wherever it is shown


EVIL = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> ![p](https://x.example/p.png) "
    "[a](javascript:alert(1)) [b](data:text/html,<script>) <a href='vbscript:x'>c</a> "
    "[d](JaVaScRiPt&colon;alert(1)) <https://ok.example> <javascript:alert(1)> "
    "{{ settings.SECRET_KEY }} {% debug %} <iframe src=//x> <style>*{display:none}</style>"
)


def _tame(html: str) -> None:
    low = html.lower()
    for word in ("<script>alert", "<img src=x", "<iframe src=//x", "<style>*", "x.example/p.png\"",
                 'href="javascript', 'href="data:', 'href="vbscript'):  # fmt: skip
        assert word not in low, word


def test_markup_of_a_customer_runs_on_no_page_and_in_no_mail(
    world: World, cast: Cast, bot: Caller
) -> None:
    made = bot.post("tickets", BODY | {"subject": EVIL[:200], "body": EVIL})
    ticket = Ticket.objects.get(pk=int(made["ref"].removeprefix("TCK-")))
    conversation.reply(ticket=ticket, body=EVIL, actor=kit.by(cast.sam), now=world.now)
    world.run()
    sam = signed_in(cast.sam).client
    for answer in (
        sam.get(f"/tickets/{ticket.ref}/"), sam.get("/tickets/"), sam.get("/search/?q=script"),
        Client().get(requester_page(ticket)), signed_in(cast.maya).client.get("/tickets/reports/"),
    ):  # fmt: skip
        assert answer.status_code == 200
        _tame(answer.content.decode())
    letters = kit.letters(Contact.objects.get(email=BODY["requester"]))
    assert letters
    for row in letters:
        assert row.body_html
        _tame(row.body_html)
    world.forget()


def test_markup_without_end_is_shown_as_it_is(world: World, cast: Cast, bot: Caller) -> None:
    bomb = "![<script>" * 20_000
    assert bot.post("tickets", BODY | {"body": "x"}).status == 201
    ticket = Ticket.objects.latest("pk")
    conversation.reply(ticket=ticket, body=bomb, actor=kit.by(cast.sam), now=world.now)
    world.run()
    letter = kit.letters(ticket.requester)[-1]
    assert "<pre>![&lt;script&gt;" in letter.body_html and "<script>" not in letter.body_html
    assert letter.body_html.count("![&lt;script&gt;") == 20_000
    world.forget()


def test_every_cell_of_an_export_is_text(world: World, cast: Cast, bot: Caller) -> None:
    starts = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "\ufeff=1", "\u200b=1", "  =1")
    for number, start in enumerate(starts):
        build.contact(f"f{number}@x.example", name=f"{start} name", now=world.now)
        body = {"subject": f"{start} x", "requester": f"f{number}@x.example", "tags": [start]}
        assert bot.post("tickets", BODY | body).status == 201, start
    sam = signed_in(cast.sam).client
    page = sam.get("/tickets/export.csv")
    text = b"".join(page.streaming_content).decode("utf-8-sig")
    cells = [cell for row in csv.reader(StringIO(text)) for cell in row]
    assert len(cells) > 50
    for cell in cells:
        bare = "".join(c for c in cell if c.isprintable() and not c.isspace())
        assert not bare.startswith(("=", "+", "@", "＝")), cell
    world.forget()


# -- mail


def test_the_same_message_id_with_other_words_is_another_mail(world: World) -> None:
    first = mailed(world, mail("One.\r\n"))
    again = mailed(world, mail("One.\r\n", Received="by another way"))
    assert (first.pk, first.status) == (again.pk, "posted")
    later = without("date") + "Date: Mon, 7 Sep 2026 10:30:00 +0200\r\n"
    same_sender = mailed(world, mail("Two.\r\n", top=later))
    forged = mailed(world, mail("Three.\r\n", top=without("from") + "From: eve@x.example\r\n"))
    assert {row.status for row in (same_sender, forged)} == {"posted"}
    assert len({first.pk, same_sender.pk, forged.pk}) == 3
    bodies = [body.strip() for body in TicketMessage.objects.values_list("body", flat=True)]
    assert sorted(bodies) == ["One.", "Three.", "Two."]
    for raw in (mail("Two.\r\n", top=later), mail("One.\r\n")):
        assert mailed(world, raw).status == "posted"
    assert TicketMessage.objects.count() == 3  # each is still taken once
    world.forget()


def test_by_the_hook_a_message_id_taken_by_somebody_else_stops_no_mail(world: World) -> None:
    source = build.integration("mail").row
    forged = mail("Two.\r\n", top=without("from") + "From: eve@x.example\r\n")
    for raw in (mail("One.\r\n"), forged):
        intake.receive_hook(integration=source, body=raw, now=world.now)
    world.run()
    bodies = [body.strip() for body in TicketMessage.objects.values_list("body", flat=True)]
    assert sorted(bodies) == ["One.", "Two."]
    world.forget()


def test_a_thousand_mails_of_one_sender_open_thirty_tickets_and_lose_none(world: World) -> None:
    for number in range(60):
        top = (
            without("message-id", "subject")
            + f"Subject: n {number}\r\nMessage-ID: <{number}@x>\r\n"
        )
        mailed(world, mail(f"Number {number}\r\n", top=top))
    assert Ticket.objects.count() == mailing.MOST_AN_HOUR
    ignored = InboundMail.objects.filter(status="ignored")
    assert ignored.count() == 30 and all(row.reason and row.raw for row in ignored)
    world.forget()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", "ignored"), (b"\r\n\r\n", "ignored"), (b"\x00" * 100, "ignored"),
        (mail("x", top=without("from")), "ignored"),
        (mail("x", top=without("from") + "From: <>\r\n"), "ignored"),
        (mail("", top=without("subject")), "posted"),
        (mail("x", Content_Type="text/plain; charset=klingon-8"), "posted"),
        (mail("x", top=without("message-id") + "Message-ID: <" + "i" * 5000 + "@x>\r\n"), "posted"),
        (mail("x", top=without("message-id") + "Message-ID: <a\0b@x>\r\n"), "posted"),
        (mail("x", top=without("subject") + "Subject: a\0b \u202egnp\r\n"), "posted"),
        (mail("x", top=without("from") + "From: " + "n" * 5000 + " <a@b.example>\r\n"), "posted"),
        (mail("x", top=without("date") + "Date: Mon, 7 Sep 9999 23:59:59 -1200\r\n"), "posted"),
        (mail("x", References=" ".join(f"<{n}@x>" for n in range(5000))), "posted"),
        (mail("a\0b \ud7ff"), "posted"),
    ],
)  # fmt: skip
def test_a_mail_that_is_odd_is_kept_and_answered_for(raw: bytes, status: str, world: World) -> None:
    row = mailed(world, raw)
    assert row.status == status, row.reason
    assert row.reason or row.ticket
    assert bytes(row.raw or b"") == raw
    world.run()
    world.forget()
