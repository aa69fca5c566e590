"""Mail to people outside: what leaves, how it threads, what stays in the house."""

from __future__ import annotations

from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest

from apps.core import events, providers
from apps.core.errors import Invalid
from apps.core.models import Kind
from apps.notifications import services as notifications
from apps.notifications.channels.base import failed, sent
from apps.notifications.events import MessageFailed
from apps.notifications.models import Message
from apps.notifications.ports import AttachmentSource
from apps.notifications.services import outside, sender
from tests import builders as build
from tests.conftest import Cast
from tests.world import START, World

from .receivers import SmtpReceiver, smtp_receiver

pytestmark = pytest.mark.django_db
ROOT = "<CAF+q=?x:y@mail.customer.example>"


def write(*, now: datetime = START, **changes: Any) -> Message | None:
    """Hannah's reply to a customer's mail."""
    facts: dict[str, Any] = {
        "to_address": "jo.doe@customer.example",
        "to_name": "Jo Doe",
        "from_name": "Hannah at Dataface Support",
        "from_address": "support@ops.example.com",
        "reply_to": "support+t7.k3y@ops.example.com",
        "subject": "Re: Stale profile [TCK-7]",
        "body_text": "It runs again.\n",
        "body_html": "<p>It runs again.</p>",
        "message_id": "tck-7.m12@ops.example.com",
        "in_reply_to": "<second@mail.customer.example>",
        "references": [ROOT, "<second@mail.customer.example>"],
        "what": "ticket_reply",
        "subject_ref": ("ticket", "7"),
        "dedupe": "ticket:7:m12",
        "automatic": False,
        "kind": Kind.REAL,
    }
    return notifications.mail_outside(now=now, **(facts | changes))


def wired(receiver: SmtpReceiver, now: datetime = START) -> None:
    values = {"smtp_host": "127.0.0.1", "smtp_port": receiver.port, "smtp_security": "none"}
    notifications.save_site(
        values={**values, "name": "Dataface", "mail_from": "ops@ops.example.com"}, now=now
    )


def delivered(now: datetime = START, **changes: Any) -> bytes:
    """What the customer's mail server gets."""
    with smtp_receiver() as receiver:
        wired(receiver)
        row = write(now=now, **changes)
        assert row is not None
        notifications.send_due(now=now)
        row.refresh_from_db()
        assert row.status == "sent", row.error
        [raw] = receiver.mails
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    return raw


def arrived(**changes: Any) -> EmailMessage:
    """What the customer reads."""
    return read(delivered(**changes))


def read(raw: bytes) -> EmailMessage:
    mail = message_from_bytes(raw.replace(b"\r\n", b"\n"), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_a_persons_reply_threads_and_carries_no_mark_of_a_machine() -> None:
    mail = arrived()
    assert mail["From"] == "Hannah at Dataface Support <support@ops.example.com>"
    assert mail["To"] == "Jo Doe <jo.doe@customer.example>"
    assert mail["Reply-To"] == "support+t7.k3y@ops.example.com"
    assert mail["Message-ID"] == "<tck-7.m12@ops.example.com>"
    assert mail["In-Reply-To"] == "<second@mail.customer.example>"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    marks = ("Auto-Submitted", "X-Auto-Response-Suppress", "X-OpsPortal-Event", "Importance")
    assert [mail[name] for name in marks] == [None] * 4


def test_the_customers_own_ids_come_back_as_they_were() -> None:
    unfolded = delivered().replace(b"\r\n ", b" ").decode()
    assert f"References: {ROOT} <second@mail.customer.example>\r\n" in unfolded


@pytest.mark.parametrize(
    ("answered", "mark"),
    [("<first@customer.example>", "auto-replied"), ("", "auto-generated")],
)
def test_a_receipt_says_that_a_machine_wrote_it(answered: str, mark: str) -> None:
    mail = arrived(automatic=True, in_reply_to=answered, references=[])
    assert mail["Auto-Submitted"] == mark
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert (mail["In-Reply-To"] or "") == answered


def test_without_a_mailbox_of_its_own_it_comes_from_the_site() -> None:
    mail = arrived(from_address="", from_name="", reply_to="", body_html="")
    assert mail["From"] == "Dataface <ops@ops.example.com>"
    assert mail["Reply-To"] is None
    assert mail.get_content_type() == "text/plain"


@pytest.mark.parametrize(
    "name",
    [
        'O\'Brien, "Jo" (Sales)',
        "Müller, Jörg <jo@evil.example>",
        "山田 太郎",
        "=?utf-8?q?fake?=",
        "İ" * 80,
        "ü, " * 30,
        "a" * 300,
        "Jo\r\nBcc: all@example.com",
        "Jo\u2028Bcc: all@example.com\x00",
        "\u202eoJ",
        "",
    ],
)
def test_any_name_arrives_as_one_name_before_one_address(name: str) -> None:
    whole = delivered(to_name=name, from_name=name or "x")
    mail, plain = read(whole), message_from_bytes(whole)
    assert mail["Bcc"] is None
    for header, address in (("To", "jo.doe@customer.example"), ("From", "support@ops.example.com")):
        shown, found = parseaddr("".join(plain[header].splitlines()))
        assert (len(mail[header].addresses), found) == (1, address)
        assert str(make_header(decode_header(shown))) == (outside._name(name) or shown)


def test_nothing_that_a_customer_wrote_becomes_a_header() -> None:
    mail = arrived(
        subject="Disk\r\nBcc: all@example.com\n\nbody",
        references=["<a>\r\nX-Evil: 2", "<ok@b>", "two words", "", "<" + "x" * 400 + "@b>", "é@b"],
        in_reply_to="<=?utf-8?q?a=0D=0AX-Evil:_3?=@b>",
    )
    assert mail["Subject"] == "Disk Bcc: all@example.com body"
    assert (mail["Bcc"], mail["X-Evil"]) == (None, None)
    row = Message.objects.get()
    assert row.headers["references"] == ["ok@b", "=?utf-8?q?a=0D=0AX-Evil:_3?=@b"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reply_to", "support@ops.example.com\r\nX-Evil: 1"),
        ("reply_to", "a@b, c@d"),
        ("from_address", "not an address"),
        ("to_address", "jo@customer.example\nbob@customer.example"),
        ("to_address", "jö@customer.example"),
        ("to_address", ""),
    ],
)
def test_what_is_no_address_sends_nothing_and_says_so(field: str, value: str) -> None:
    with smtp_receiver() as receiver:
        wired(receiver)
        row = write(**{field: value})
        notifications.send_due(now=START)
        assert receiver.mails == []
    assert row is not None
    row.refresh_from_db()
    assert row.error.startswith(("sender: ", "address: "))


def test_names_of_foreign_domains_are_spelled_for_the_wire() -> None:
    mail = arrived(
        to_address="jo@bücher.example",
        from_address="hilfe@dätaface.example",
        reply_to="hilfe+t7@dätaface.example",
        subject="Grüße 🔥",
    )
    assert mail["To"].addresses[0].addr_spec == "jo@xn--bcher-kva.example"
    assert mail["From"].addresses[0].addr_spec == "hilfe@xn--dtaface-5wa.example"
    assert mail["Reply-To"] == "hilfe+t7@xn--dtaface-5wa.example"
    assert mail["Subject"] == "Grüße 🔥"


def test_a_long_thread_keeps_its_root_and_its_newest() -> None:
    ids = [f"<m{n}@customer.example>" for n in range(60)]
    mail = arrived(references=ids, in_reply_to=ids[-1])
    assert mail["References"].split() == [ids[0], *ids[-19:]]


def test_no_mail_answers_itself() -> None:
    own = "tck-7.m12@ops.example.com"
    mail = arrived(in_reply_to=own, references=["<first@customer.example>", f"<{own}>"])
    assert mail["In-Reply-To"] == mail["References"] == "<first@customer.example>"


def test_a_message_id_that_cannot_be_kept_is_refused() -> None:
    for bad in ("", "x" * 201 + "@b", "two words@b", "é@b"):
        with pytest.raises(Invalid):
            write(message_id=bad)
    assert not Message.objects.exists()


# -- once, later, never


def test_the_same_effect_is_written_once() -> None:
    first = write()
    assert first is not None and (first.status, first.is_outside) == ("pending", True)
    assert write() is None
    assert write(dedupe="d" * 300) is not None and write(dedupe="d" * 300) is None


def test_undo_takes_back_what_waits(world: World) -> None:
    write(not_before=START + timedelta(seconds=15))
    world.run()
    assert notifications.cancel(subject=("ticket", "7"), now=world.now) == 1
    world.advance(minutes=1)
    assert Message.objects.get().status == "cancelled"


@pytest.mark.parametrize("kind", [Kind.DRILL, Kind.TEST, Kind.BACKFILLED])
def test_what_is_not_real_never_reaches_a_customer(world: World, kind: str) -> None:
    row = write(kind=kind)
    assert row is not None and row.error.startswith("not_real: ")
    world.advance(hours=1)
    assert Message.objects.get().status == "cancelled"


def test_a_row_that_turned_into_a_drill_is_stopped_at_the_door(world: World) -> None:
    write()
    Message.objects.update(kind=Kind.DRILL)
    world.run()
    row = Message.objects.get()
    assert (row.status, row.error.partition(":")[0]) == ("failed", "not_real")


def test_a_demo_contact_is_written_to_in_the_house_alone(world: World) -> None:
    row = write(is_demo=True, kind=Kind.DRILL)
    world.run()
    [kept] = world.sent  # the mailbox is a channel too, and it is in the house
    assert (row is not None, kept.address) == (True, "")
    world.forget()
    stored = Message.objects.get()
    assert (stored.channel, stored.status, stored.address_sealed) == ("mailbox", "sent", "")


def test_a_contact_at_a_demo_address_is_a_customer_like_any_other(world: World) -> None:
    write(to_address="jo@corp.invalid")
    world.run()
    assert [one.address for one in world.sent] == ["jo@corp.invalid"]
    world.forget()


# -- many


def test_mails_to_one_customer_are_never_bundled(world: World) -> None:
    for number in range(6):
        write(message_id=f"m{number}@ops.example.com", dedupe=f"m{number}")
    world.run()
    assert [one.subject for one in world.sent] == ["Re: Stale profile [TCK-7]"] * 6
    world.forget()


def test_a_crowd_of_mails_leaves_hands_for_a_page(world: World, cast: Cast) -> None:
    for number in range(30):
        write(message_id=f"m{number}@x.y", dedupe=f"m{number}", lane=Message.Lane.BULK)
    taken = sender.claim(now=START, limit=8)
    assert len(taken) == outside.HANDS
    assert sender.claim(now=START, limit=4) == []
    build.page(surface=build.surface(primary=cast.ravi))
    from apps.paging import services as paging

    paging.take_due_steps(now=START)
    [page] = sender.claim(now=START, limit=4)
    assert page.carrier.what == "page_step"
    sender.record(parcel=taken[0], result=sent(), now=START)
    assert [one.carrier.lane for one in sender.claim(now=START, limit=4)] == [Message.Lane.BULK]


def test_a_killed_sender_leaves_a_lease_and_the_same_mail_goes_again(world: World) -> None:
    write(attachments=[("a.csv", "text/csv", "k1")])
    [first] = sender.claim(now=START, limit=8)
    assert sender.claim(now=START + sender.LEASE, limit=8) == []  # files take longer
    [again] = sender.claim(now=START + outside.WITH_FILES, limit=8)
    assert again.carrier.message_id == first.carrier.message_id
    assert again.carrier.attempts == 2


# -- what does not arrive


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[MessageFailed]:
    heard: list[MessageFailed] = []
    monkeypatch.setitem(events._handlers, MessageFailed, [heard.append])
    return heard


def test_a_refused_mail_is_told_to_its_writer_with_the_reason(
    world: World, told: list[MessageFailed]
) -> None:
    write()
    [parcel] = sender.claim(now=START, limit=1)
    refusal = failed("recipient", "The mail server does not take it. (550 5.1.1)", permanent=True)
    sender.record(parcel=parcel, result=refusal, now=START)
    [event] = told
    assert (event.what, event.subject_kind, event.subject_ref) == ("ticket_reply", "ticket", "7")
    assert event.error == "recipient: The mail server does not take it. (550 5.1.1)"
    assert (event.address_hint, event.person_id) == ("j…e@customer.example", None)


def test_a_mail_server_that_is_down_for_a_night_loses_no_reply(world: World) -> None:
    write()
    world.channel("email").down = True
    world.advance(hours=9)
    assert Message.objects.get().status == "pending"
    world.channel("email").down = False
    world.advance(hours=9)
    assert len(world.sent) == 1
    world.forget()


# -- files


class Shelf:
    """A provider of files; a key that is not there is None, and `broken` cannot be read now."""

    def __init__(self, **files: bytes) -> None:
        self.files, self.broken = files, False

    def load(self, *, key: str) -> bytes | None:
        if self.broken:
            raise OSError("the disk is away")
        return self.files.get(key)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    made = Shelf(k1=b"a,b\r\n1,2\r\n", k2=b"\x00\xff" * 5_000)
    monkeypatch.setitem(providers._providers, AttachmentSource, [made])
    return made


FILES = [
    ("report.csv", "text/csv", "k1"),
    ('../../Übersicht \r\n".bin', "not a type", "k2"),
    ("mail.eml", "message/rfc822", "k1"),
]


def test_files_go_with_the_mail_and_are_not_kept_in_the_outbox(shelf: Shelf) -> None:
    mail = arrived(attachments=FILES)
    body, *parts = mail.iter_parts()
    assert body.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parts] == [
        "text/csv", "application/octet-stream", "application/octet-stream",
    ]  # fmt: skip
    assert [part.get_filename() for part in parts] == [
        "report.csv",
        "_.._Übersicht _.bin",
        "mail.eml",
    ]
    assert all(part.get_content_disposition() == "attachment" for part in parts)
    payloads = [part.get_payload(decode=True) for part in parts]
    assert payloads == [shelf.files["k1"], shelf.files["k2"], shelf.files["k1"]]
    row = Message.objects.get()
    assert row.attachments[0] == {"name": "report.csv", "content_type": "text/csv", "key": "k1"}
    assert row.remark == ""


def test_a_file_that_is_gone_does_not_hold_up_the_reply(shelf: Shelf) -> None:
    mail = arrived(attachments=[("old.csv", "text/csv", "gone"), *FILES[:1]])
    assert [part.get_filename() for part in mail.iter_attachments()] == ["report.csv"]
    assert Message.objects.get().remark == "Sent without old.csv (not there any more)."


def test_twenty_megabytes_is_all_that_a_mail_takes(shelf: Shelf) -> None:
    shelf.files |= {"big": b"x" * (outside.FILES_LIMIT - 20), "k1": b"y" * 10}
    row = Message(
        attachments=[{"name": k, "content_type": "text/csv", "key": k} for k in ("big", "k2", "k1")]
    )
    files, remark = outside.load(row)
    assert [len(one.content) for one in files] == [outside.FILES_LIMIT - 20, 10]
    assert remark == "Sent without k2 (too large)."
    with pytest.raises(Invalid):
        write(attachments=FILES * 10)


def test_files_that_cannot_be_read_now_are_waited_for_until_the_last_attempt(
    world: World, shelf: Shelf
) -> None:
    shelf.broken = True
    write(attachments=FILES)
    world.run()
    row = Message.objects.get()
    assert (row.status, row.error.partition(":")[0]) == ("pending", "attachments")
    world.advance(hours=40)
    [mail] = world.sent
    assert mail.outgoing.attachments == ()
    assert Message.objects.get().remark.startswith("Sent without its files")
    world.forget()


def test_without_anybody_who_keeps_files_the_words_go_alone(world: World) -> None:
    write(attachments=FILES[:1])
    world.run()
    assert Message.objects.get().remark == "Sent without report.csv (not there any more)."
    world.forget()


def test_a_server_that_takes_no_such_size_is_told_at_once() -> None:
    with smtp_receiver() as receiver:
        receiver.replies["MAIL"] = "552 5.3.4 too big"
        wired(receiver)
        write()
        notifications.send_due(now=START)
    row = Message.objects.get()
    assert (row.status, row.error.partition(":")[0]) == ("failed", "too_large")
