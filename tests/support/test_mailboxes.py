"""Mailboxes are read from a real IMAP server: each mail once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.core.errors import Invalid
from apps.support.models import InboundMail, Mailbox, Queue, RequestType, Ticket
from apps.support.services import mailboxes, mailing
from tests import builders as build
from tests.conftest import Cast
from tests.support.imap import PASSWORD, USER, ImapServer, imap_server
from tests.support.test_mailing import raw
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[ImapServer]:
    with imap_server() as running:
        yield running


@pytest.fixture
def box(world: World, cast: Cast, server: ImapServer) -> Mailbox:
    server.empty()
    build.support(now=world.now)
    made = Mailbox.objects.create(
        name="Support",
        address="support@fish.example",
        queue=Queue.objects.get(key="support"),
        request_type=RequestType.objects.get(key="stale_profile"),
        imap_host="127.0.0.1",
        imap_port=server.port,
        imap_security="none",
        imap_user=USER,
    )
    mailboxes.set_password(mailbox=made, password=PASSWORD)
    made.refresh_from_db()
    return made


def fetch(world: World, box: Mailbox) -> int:
    taken = mailboxes.fetch(mailbox=box, now=world.now)
    box.refresh_from_db()
    world.run()
    world.forget()
    return taken


def test_new_mails_are_taken_once_and_in_order(
    world: World, box: Mailbox, server: ImapServer
) -> None:
    for number in range(3):
        server.put(raw(subject=f"Mail {number}", message_id=f"<n{number}@x>"))
    assert fetch(world, box) == 3
    assert list(Ticket.objects.order_by("pk").values_list("subject", flat=True)) == [
        "Mail 0",
        "Mail 1",
        "Mail 2",
    ]
    assert fetch(world, box) == 0
    server.put(raw(subject="One more", message_id="<n9@x>"))
    assert fetch(world, box) == 1
    assert Ticket.objects.count() == 4


def test_a_server_that_numbers_anew_brings_nothing_twice(
    world: World, box: Mailbox, server: ImapServer
) -> None:
    server.put(raw())
    fetch(world, box)
    Mailbox.objects.filter(pk=box.pk).update(uid_validity=1, last_uid=999_999)
    box.refresh_from_db()
    fetch(world, box)
    assert Ticket.objects.count() == InboundMail.objects.count() == 1
    assert box.uid_validity != 1


def test_a_death_between_keeping_and_remembering_brings_nothing_twice(
    world: World, box: Mailbox, server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(raw())
    with monkeypatch.context() as killed:
        killed.setattr(mailboxes, "_remember", _die)
        with pytest.raises(SystemExit):
            mailboxes.fetch(mailbox=box, now=world.now)
    assert fetch(world, box) == 1
    assert Ticket.objects.count() == 1


def _die(*_: object) -> None:
    raise SystemExit


def test_a_mail_of_thirty_megabytes_is_told_and_stays_where_it_is(
    world: World, box: Mailbox, server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "LARGEST", 2_000)
    server.put(raw("x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 100))
    fetch(world, box)
    mail = InboundMail.objects.get()
    assert mail.ticket is not None and mail.size > 7_000 and len(bytes(mail.raw or b"")) < 1_000
    assert "still in the mailbox" in mail.ticket.events.get(what="too_large").text


def test_reading_marks_nothing(world: World, box: Mailbox, server: ImapServer) -> None:
    server.put(raw())
    fetch(world, box)
    assert not [flags for flags in server.flags() if b"Seen" in flags]


def test_a_wrong_password_is_said_and_holds_up_no_other_mailbox(
    world: World, box: Mailbox, server: ImapServer
) -> None:
    bad = Mailbox.objects.create(
        name="Bad",
        address="a@fish.example",
        queue=box.queue,
        request_type=box.request_type,
        imap_host="127.0.0.1",
        imap_port=server.port,
        imap_security="none",
        imap_user="nobody",
    )
    server.put(raw())
    assert mailboxes.fetch_all(now=world.now) == 1
    bad.refresh_from_db()
    assert bad.failing_since == world.now
    assert bad.last_error == "The server refused user or password."
    with pytest.raises(Invalid, match="refused"):
        mailboxes.check(mailbox=bad)
    assert "holds 1 mails" in mailboxes.check(mailbox=box)
    world.run()
    world.forget()


def test_a_server_that_is_away_is_said(world: World, box: Mailbox) -> None:
    Mailbox.objects.filter(pk=box.pk).update(imap_port=1)
    assert fetch(world, box) == 0
    assert "cannot be reached" in box.last_error


def test_mail_that_cannot_be_placed_does_not_stop_the_next(
    world: World, box: Mailbox, server: ImapServer
) -> None:
    server.put(b"\x00\xff no mail at all \x80\r\n\r\n")
    server.put(raw())
    assert fetch(world, box) == 2
    assert Ticket.objects.count() == 1
    assert InboundMail.objects.filter(status="ignored").count() == 1
    assert mailing.place_waiting(now=world.now) == 0
