"""Raw mail by its hook: kept byte for byte before the answer, once, and read only at the top."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.intake import asgi, wire
from apps.intake import services as intake
from apps.intake.adapters import mail
from apps.intake.limits import LARGE, LARGE_AT_ONCE, MAX_MAIL
from apps.intake.models import Delivery, Event
from tests import builders as build
from tests.intake.lean import Lean, Reply, swept  # noqa: F401 - a fixture

# Rows must be really committed: the lean path has connections of its own.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("swept")]

TOP = (
    b"Return-Path: <ana@bramble.example>\r\n"
    b"From: =?utf-8?q?Ana_Ru=C3=ADz?= <Ana@Bramble.Example>\r\n"
    b"To: support@fish.example\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n two\r\n"
    b"Date: Mon, 7 Sep 2026 09:30:00 +0200\r\nMessage-ID: <m1@bramble.example>\r\n\r\n"
)
EVERY_BYTE = bytes(range(256)) * 3 + b"\0\r\n\r\r\n\n\x80\xff.\r\n"


@pytest.fixture
def lean(transactional_db: None) -> Iterator[Lean]:
    made = Lean()
    yield made
    made.close()


@pytest.fixture
def path(transactional_db: None) -> str:
    return build.integration("mail").path


def post(lean: Lean, path: str, raw: bytes) -> Reply:
    return lean.post(path, raw, Content_Type="message/rfc822")


def only() -> Delivery:
    return Delivery.objects.get()


def test_every_byte_of_a_mail_is_kept_before_the_answer(lean: Lean, path: str) -> None:
    raw = TOP + EVERY_BYTE
    for number, media in enumerate(
        ("message/rfc822", "application/octet-stream", "text/plain", "")
    ):
        sent = raw.replace(b"m1@", b"m%d@" % number)
        reply = lean.post(path, sent, **({"Content_Type": media} if media else {}))
        row = Delivery.objects.get(pk=int(reply["delivery_id"]))
        assert (reply.status, reply["status"]) == (202, "accepted")
        assert hashlib.sha256(row.body).digest() == hashlib.sha256(sent).digest()


def test_a_mail_is_one_event_for_a_ticket_with_small_facts(lean: Lean, path: str) -> None:
    raw = TOP + EVERY_BYTE
    post(lean, path, raw)
    intake.normalise_due(now=clock.now())
    event = Event.objects.get()
    assert (event.kind, event.action, event.test) == ("ticket", "mail", False)
    assert (event.summary, event.source) == ("Grüße two", "Ana@bramble.example")
    assert event.details == {
        "message_id": "m1@bramble.example",
        "from": "Ana@bramble.example",
        "subject": "Grüße two",
        "size": len(raw),
    }
    row = only()
    assert (row.status, bytes(row.body)) == ("normalised", raw)  # and the mail is where it was
    assert event.dedup_key == row.delivery_key == row.dedup_key


def test_a_mail_is_taken_once_by_its_message_id(lean: Lean, path: str) -> None:
    first = post(lean, path, TOP + b"body")
    again = post(lean, path, b"Received: by another way\r\n" + TOP + b"body")
    other = post(lean, path, TOP.replace(b"m1@", b"m2@") + b"body")
    assert first.body == again.body != other.body and Delivery.objects.count() == 2


def test_a_mail_without_an_id_is_taken_once_by_its_bytes(lean: Lean, path: str) -> None:
    bare = TOP.replace(b"Message-ID: <m1@bramble.example>\r\n", b"")
    first, again, other = (post(lean, path, bare + body) for body in (b"a", b"a", b"b"))
    assert first.body == again.body != other.body and Delivery.objects.count() == 2


def test_twenty_copies_at_once_are_one_delivery(lean: Lean, path: str) -> None:
    replies = lean.together(*[(path, TOP + b"body", "")] * 20)
    assert {reply.status for reply in replies} == {202}
    assert len({reply["delivery_id"] for reply in replies}) == 1 == Delivery.objects.count()


def test_the_same_mail_to_two_mailboxes_is_taken_by_both(lean: Lean, path: str) -> None:
    other = build.integration("mail").path
    assert post(lean, path, TOP)["delivery_id"] != post(lean, other, TOP)["delivery_id"]


REFUSED: list[tuple[bytes, str]] = [
    (b"", "empty"),
    (b" \r\n\t\r\n", "empty"),
    (b'{"from": "ana@bramble.example"}', "not_a_mail"),
    (b"hello there", "not_a_mail"),
    (b"\x00\xff\xfe" * 100, "not_a_mail"),
    (b"X-Nothing: known\r\n\r\nFrom: only in the body", "not_a_mail"),
    (b"From: ana@b.example Subject: line breaks were lost", "not_a_mail"),
    (b'--cut\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + TOP, "not_a_mail"),
]


def test_what_is_no_mail_is_refused_and_not_kept(lean: Lean, path: str) -> None:
    for raw, code in REFUSED:
        reply = post(lean, path, raw)
        assert (reply.status, reply.code) == (400, code), raw[:40]
    assert not Delivery.objects.exists()


def test_what_mail_servers_write_above_a_mail_is_borne(lean: Lean, path: str) -> None:
    for above in (b"From ana@b Mon Sep  7 09:30:00 2026\n", b"\r\n", b"\xef\xbb\xbf"):
        raw = above + TOP + above  # another body each time, and the same id
        key = mail.delivery_key(raw, {})
        assert key == mail.delivery_key(TOP, {})
    assert post(lean, path, raw).status == 202
    assert (only().delivery_key, bytes(only().body)) == (key, raw)


def test_a_mail_that_is_too_large_is_413_and_the_others_keep_their_limit(
    lean: Lean, path: str
) -> None:
    announced = lean.post(path, [TOP], Content_Length=str(MAX_MAIL + 1))
    assert (announced.status, announced.code) == (413, "too_large")
    lean.app.max_mail = 2 * LARGE
    chunked = lean.post(path, [TOP, *[b"x" * 65536] * 40])
    assert (chunked.status, chunked.code) == (413, "too_large")
    assert post(lean, path, TOP + b"x" * (2 * LARGE - len(TOP))).status == 202
    token = build.integration("alertmanager").token
    small = lean.post(f"/hooks/{token}/alertmanager", b" " * (LARGE + 1))
    assert (small.status, small.code) == (413, "too_large")
    assert Delivery.objects.count() == 1


def test_thirty_megabytes_are_refused_and_then_read_away(lean: Lean, path: str) -> None:
    raw = TOP + bytes(30 << 20)
    reply = post(lean, path, raw)
    assert (reply.status, reply.code) == (413, "too_large")
    assert "connection" not in reply.headers  # the sender could read the answer to its end
    assert not Delivery.objects.exists()


def test_an_address_takes_its_own_kind_alone(lean: Lean, path: str) -> None:
    assert post(lean, path.replace("/mail", "/alertmanager"), TOP).status == 404
    other = build.integration("github").token
    assert post(lean, f"/hooks/{other}/mail", TOP).status == 404
    assert post(lean, "/hooks/none/mail", TOP).status == 404
    assert lean.call("GET", path).status == 405
    assert not Delivery.objects.exists()


def test_few_large_mails_are_in_memory_together_and_small_ones_pass_by(
    lean: Lean, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asgi, "PLACE_PATIENCE", 0.05)
    monkeypatch.setattr(wire, "DRAIN_PATIENCE", 0.01)

    async def scene() -> tuple[list[Reply], Reply, Reply, Reply]:
        ends = asyncio.Event()
        begun = 0

        async def slowly(number: int) -> AsyncIterator[bytes]:
            nonlocal begun
            begun += 1
            yield TOP.replace(b"m1@", b"m%d@" % number)
            await ends.wait()
            yield b"end"

        large = [
            asyncio.create_task(lean.request("POST", path, slowly(number)))
            for number in range(LARGE_AT_ONCE)
        ]
        while begun < LARGE_AT_ONCE:
            await asyncio.sleep(0)
        refused = await lean.request("POST", path, slowly(8))
        small = await lean.request("POST", path, TOP.replace(b"m1@", b"m9@"))
        ends.set()
        done = await asyncio.gather(*large)
        return done, refused, small, await lean.request("POST", path, slowly(10))

    done, refused, small, after = lean.runner.run(scene())
    assert (refused.status, refused.code, refused.headers["retry-after"]) == (503, "busy", "5")
    assert {reply.status for reply in (*done, small, after)} == {202}
    assert Delivery.objects.count() == LARGE_AT_ONCE + 2


def test_a_pile_of_mails_is_read_one_at_a_time_a_few_in_each_pass(path: str) -> None:
    source = build.integration("mail").row
    for number in range(intake.HEAVY_BATCH + 2):
        body = TOP.replace(b"m1@", b"m%d@" % number)
        intake.receive_hook(integration=source, body=body, now=clock.now())
    with CaptureQueriesContext(
        connection,
    ) as said:
        assert intake.normalise_due(now=clock.now()) == intake.HEAVY_BATCH
    pile = [one["sql"] for one in said if "LIMIT 5" in one["sql"]]
    assert len(pile) == 1 and '"body"' not in pile[0]
    assert intake.normalise_due(now=clock.now()) == 2
    assert Event.objects.filter(action="mail").count() == intake.HEAVY_BATCH + 2


def test_a_mail_from_inside_has_the_same_key_as_over_the_wire(lean: Lean) -> None:
    made = build.integration("mail")
    reply = post(lean, made.path, TOP)
    row = Delivery.objects.get(pk=int(reply["delivery_id"]))
    other = build.integration("mail").row
    inside = intake.receive_hook(integration=other, body=TOP, now=clock.now())
    assert inside.delivery_key == row.delivery_key


def test_secrets_stay_in_the_mail_and_leave_its_facts(lean: Lean, path: str) -> None:
    secret = b"sk_live_" + b"a1" * 12
    raw = TOP.replace(b"=?utf-8?b?R3LDvMOfZQ==?=\r\n two", b"my key " + secret) + secret
    post(lean, path, raw)
    intake.normalise_due(now=clock.now())
    event = Event.objects.get()
    assert bytes(only().body) == raw
    assert "sk_live_" not in json.dumps(event.details) + event.summary


def test_headers_without_end_are_read_to_a_limit(lean: Lean, path: str) -> None:
    raw = TOP[:-2] + b"X-Long: y\r\n" * 200_000 + b"\r\nbody"
    assert post(lean, path, raw).status == 202
    intake.normalise_due(now=clock.now())
    assert Event.objects.get().details["size"] == len(raw)


def test_a_mail_whose_facts_are_missing_is_an_event_all_the_same(lean: Lean, path: str) -> None:
    post(lean, path, b"Received: by us\n\n")
    intake.normalise_due(now=clock.now())
    event = Event.objects.get()
    assert (event.summary, event.source) == ("A mail without a subject", "")
    assert event.details["from"] == event.details["message_id"] == ""
