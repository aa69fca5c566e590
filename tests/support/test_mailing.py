"""Mail that comes in finds its ticket, or opens one; nothing is lost, nothing is posted twice."""

from __future__ import annotations

import pytest

from apps.core import audit
from apps.core.models import StatusChange
from apps.notifications.models import Message
from apps.support import tokens
from apps.support.models import InboundMail, Mailbox, Queue, RequestType, Ticket, TicketMessage
from apps.support.services import conversation, mailing, merging
from tests import builders as build
from tests.conftest import Cast
from tests.world import World

pytestmark = pytest.mark.django_db
BOX = "support@fish.example"
ANA = "ana@bramble.test"


@pytest.fixture
def box(world: World, cast: Cast) -> Mailbox:
    world.at("2026-09-07T10:00")
    build.surface("inspect.profiler", primary=cast.ravi, now=world.now)
    build.support(now=world.now)
    return Mailbox.objects.create(
        name="Support",
        address=BOX,
        queue=Queue.objects.get(key="support"),
        request_type=RequestType.objects.get(key="stale_profile"),
    )


def raw(
    body: str = "The profile shows Friday.",
    *,
    sender: str = f"Ana Ruiz <{ANA}>",
    to: str = BOX,
    subject: str = "Profile is stale",
    message_id: str = "<m1@bramble.test>",
    **fields: str,
) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: {message_id}\r\n"
        f"Date: Mon, 7 Sep 2026 09:58:00 +0000\r\n{more}\r\n{body}\r\n"
    ).encode()


def take(world: World, box: Mailbox, mail: bytes) -> InboundMail:
    return mailing.take_mail(raw=mail, received_at=world.now, now=world.now, mailbox=box)


def opened(world: World, box: Mailbox) -> Ticket:
    """A ticket by mail, answered once; what was sent about it is read."""
    found = take(world, box, raw()).ticket
    assert found is not None
    conversation.reply(ticket=found, body="We look.", actor=audit.system("Sam"), now=world.now)
    world.run()
    world.forget()
    return found


def our_id(ticket: Ticket) -> str:
    return f"<{ticket.messages.filter(author='agent').latest('pk').message_id}>"


def test_a_mail_opens_a_ticket_from_when_it_was_received_and_gets_a_receipt(
    world: World, box: Mailbox, cast: Cast
) -> None:
    received = world.now
    world.advance(minutes=5)
    mail = mailing.take_mail(raw=raw(), received_at=received, now=world.now, mailbox=box)
    ticket = mail.ticket
    assert ticket is not None and mail.status == "posted"
    assert (ticket.subject, ticket.channel, ticket.created_at) == (
        "Profile is stale",
        "mail",
        received,
    )
    assert ticket.owner == cast.ravi
    assert ticket.messages.get().body == "The profile shows Friday."
    world.run()
    receipt = world.expect_message(to=ticket.requester)  # type: ignore[arg-type] # a contact has an address, too
    assert f"[{ticket.ref}]" in receipt.subject and "18:00" not in receipt.subject
    assert "We answer by" in receipt.text
    tag = tokens.reply_tag(ticket.pk, 1)
    assert receipt.outgoing.sender.reply_to == f"support+{tag}@fish.example"
    world.expect_message(to=cast.ravi, containing="is new")


def test_the_same_mail_again_is_the_same_row(world: World, box: Mailbox) -> None:
    first = take(world, box, raw())
    again = take(world, box, raw())
    assert again.pk == first.pk
    assert Ticket.objects.count() == 1 and InboundMail.objects.count() == 1
    world.forget()


def test_a_mail_without_message_id_is_known_by_its_content(world: World, box: Mailbox) -> None:
    mail = raw(message_id="")
    assert take(world, box, mail).pk == take(world, box, mail).pk


def test_an_answer_to_the_signed_address_lands_on_its_ticket(world: World, box: Mailbox) -> None:
    ticket = opened(world, box)
    to = f"Support+{tokens.reply_tag(ticket.pk, 1).upper()}@FISH.example"
    mail = take(world, box, raw("Still Friday.", to=to, subject="no number", message_id="<m2@x>"))
    assert mail.ticket == ticket and mail.message and mail.message.body == "Still Friday."


def test_an_answer_is_found_by_what_it_answers(world: World, box: Mailbox) -> None:
    ticket = opened(world, box)
    answer = raw("Thanks.", subject="Re: whatever", message_id="<m3@x>", In_Reply_To=our_id(ticket))
    assert take(world, box, answer).ticket == ticket


def test_the_number_counts_only_from_somebody_who_takes_part(world: World, box: Mailbox) -> None:
    ticket = opened(world, box)
    subject = f"Re: [{ticket.ref}] Profile is stale"
    mine = take(world, box, raw("Mine.", subject=subject, message_id="<m4@x>"))
    assert mine.ticket == ticket
    forged = raw("Let me in.", sender="eve@evil.test", subject=subject, message_id="<m5@x>")
    other = take(world, box, forged)
    assert other.ticket is not None and other.ticket != ticket
    world.run()
    world.forget()


def test_a_stranger_in_a_thread_is_heard_but_not_copied_in(
    world: World, box: Mailbox, cast: Cast
) -> None:
    ticket = opened(world, box)
    mail = raw(
        "I am a colleague.", sender="eve@evil.test", message_id="<m6@x>",
        In_Reply_To=our_id(ticket),
    )  # fmt: skip
    assert take(world, box, mail).ticket == ticket
    assert not ticket.contacts.exists()
    assert ticket.events.filter(what="stranger").exists()
    world.run()
    world.forget()
    conversation.reply(ticket=ticket, body="Here.", actor=audit.person(cast.ravi), now=world.now)
    world.run()
    assert [sent.address for sent in world.sent] == [ANA]
    world.forget()


def test_a_customers_own_message_id_is_no_key_for_others(world: World, box: Mailbox) -> None:
    ticket = opened(world, box)
    mail = raw(
        "Forged.", sender="eve@evil.test", message_id="<m7@x>", References="<m1@bramble.test>"
    )
    assert take(world, box, mail).ticket != ticket
    world.run()
    world.forget()


def test_an_ended_link_is_an_ended_address(world: World, box: Mailbox, cast: Cast) -> None:
    from apps.support.services import requester

    ticket = opened(world, box)
    to = f"support+{tokens.reply_tag(ticket.pk, 1)}@fish.example"
    requester.end_links(ticket=ticket, actor=audit.person(cast.maya), now=world.now)
    mail = raw("Hello", sender="eve@evil.test", to=to, message_id="<m8@x>")
    assert take(world, box, mail).ticket != ticket
    world.run()
    world.forget()


def test_mail_to_a_merged_ticket_lands_in_the_one_it_went_into(
    world: World, box: Mailbox, cast: Cast
) -> None:
    ticket = opened(world, box)
    into = build.ticket("Everything is stale", requester=ticket.requester, now=world.now)
    merging.merge(ticket=ticket, into=into, actor=audit.person(cast.sam), now=world.now)
    to = f"support+{tokens.reply_tag(ticket.pk, 1)}@fish.example"
    mail = take(world, box, raw("And now?", to=to, message_id="<m9@x>"))
    assert mail.ticket == into
    world.run()
    world.forget()


AUTOMATIC = {
    "an out-of-office note": {"Auto_Submitted": "auto-replied"},
    "one that suppresses answers": {"X_Auto_Response_Suppress": "All"},
    "bulk": {"Precedence": "bulk"},
    "a list": {"List_Id": "<news.bramble.test>"},
}


@pytest.mark.parametrize("fields", AUTOMATIC.values(), ids=AUTOMATIC.keys())
def test_a_machines_mail_opens_nothing_and_is_kept(
    world: World, box: Mailbox, fields: dict[str, str]
) -> None:
    mail = take(world, box, raw(**fields))
    assert mail.status == "ignored" and mail.reason and mail.raw
    assert not Ticket.objects.exists() and not Message.objects.exists()


def test_an_out_of_office_note_on_a_ticket_wakes_nothing(world: World, box: Mailbox) -> None:
    ticket = opened(world, box)
    version, state = ticket.version, ticket.status
    mail = raw(
        "I am away.", message_id="<ooo@x>", Auto_Submitted="auto-replied",
        In_Reply_To=our_id(ticket),
    )  # fmt: skip
    assert take(world, box, mail).status == "noted"
    ticket.refresh_from_db()
    assert (ticket.status, ticket.clocks.filter(metric="next_reply").exists()) == (
        state,
        False,
    ) or (version != ticket.version)
    assert ticket.events.filter(what="auto_reply").exists()


def test_our_own_mail_that_comes_back_is_a_loop(world: World, box: Mailbox) -> None:
    assert take(world, box, raw(sender=BOX, message_id="<own@x>")).status == "ignored"
    assert not Ticket.objects.exists()
    ticket = opened(world, box)
    ours = Message.objects.filter(person__isnull=False).latest("pk")
    back = raw(X_OpsPortal_Event="7", message_id=f"<{ours.message_id}>")
    assert take(world, box, back).status == "ignored"
    theirs = raw(X_OpsPortal_Event="7", message_id="<another@ops.example.org>")
    assert take(world, box, theirs).ticket not in {None, ticket}
    world.run()
    world.forget()


def test_a_group_address_takes_mail_that_came_through_a_list(world: World, box: Mailbox) -> None:
    box.takes_lists = True
    box.save()
    mail = raw(List_Id="<support.fish.example>", Precedence="list")
    assert take(world, box, mail).status == "posted"
    world.run()
    world.forget()


def test_a_mail_server_that_still_tries_is_no_failure(world: World, box: Mailbox) -> None:
    ticket = opened(world, box)
    text = bounce(our_id(ticket)).replace(b"Action: failed", b"Action: delayed")
    assert take(world, box, text).status == "ignored"
    assert not ticket.messages.get(author="agent").delivery_error


def test_mail_by_the_hook_is_kept_by_the_engine_and_placed_by_the_worker(
    world: World, box: Mailbox, cast: Cast
) -> None:
    from apps.intake import services as intake
    from apps.intake.models import Delivery
    from apps.support import tasks

    made = build.integration("mail")
    Delivery.objects.create(integration=made.row, adapter="mail", received_at=world.now, body=raw())
    intake.normalise_due(now=world.now, limit=10)
    mail = InboundMail.objects.get()
    assert mail.mailbox == box
    tasks.place_mail(mail.pk)  # the queue ran it already: a second time does no harm
    assert Ticket.objects.get().owner == cast.ravi
    world.run()
    world.forget()


def test_a_machine_that_answers_everything_is_stopped(
    world: World, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "MOST_AN_HOUR", 3)
    states = [take(world, box, raw(message_id=f"<loop{n}@x>")).status for n in range(5)]
    assert states == ["posted", "posted", "posted", "ignored", "ignored"]
    world.forget()


def bounce(message_id: str) -> bytes:
    """What a mail server says of a mail that it could not deliver."""
    return (
        "From: MAILER-DAEMON@mx.test\r\nTo: support@fish.example\r\nSubject: Undelivered\r\n"
        "Message-ID: <b1@mx.test>\r\nReturn-Path: <>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.test\r\n\r\n"
        f"Final-Recipient: rfc822; {ANA}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\n\r\n"
        "--b--\r\n"
    ).encode()


def test_a_bounce_is_noted_on_the_reply_that_did_not_arrive(
    world: World, box: Mailbox, cast: Cast
) -> None:
    ticket = opened(world, box)
    assert take(world, box, bounce(our_id(ticket))).status == "noted"
    message = ticket.messages.get(author="agent")
    assert "5.1.1" in message.delivery_error
    world.run()
    world.expect_message(to=cast.ravi, containing="did not arrive")


def test_one_of_us_by_mail_is_a_note_and_never_goes_out(
    world: World, box: Mailbox, cast: Cast
) -> None:
    ticket = opened(world, box)
    mail = raw(
        "Looks like the cache.", sender=f"Bea <{cast.bea.email}>", message_id="<bea@x>",
        In_Reply_To=our_id(ticket),
    )  # fmt: skip
    assert take(world, box, mail).status == "noted"
    assert ticket.messages.latest("pk").author == "note"
    world.run()
    assert ANA not in [sent.address for sent in world.sent]
    world.forget()


def test_files_come_along_and_refused_ones_are_named(world: World, box: Mailbox) -> None:
    mail = (
        b"From: ana@bramble.test\r\nTo: support@fish.example\r\nSubject: Files\r\n"
        b"Message-ID: <f@x>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n"
        b"--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=a.png\r\n\r\n"
        b"PNG\r\n"
        b"--b\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Disposition: attachment; filename=setup.exe\r\n\r\nMZ\r\n--b--\r\n"
    )
    ticket = take(world, box, mail).ticket
    assert ticket is not None
    message = ticket.messages.get()
    assert [one.name for one in message.attachments.all()] == ["a.png"]
    assert "setup.exe" in ticket.events.get(what="files_refused").text
    world.run()
    world.forget()


def test_a_very_long_text_is_shortened_and_attached_whole(world: World, box: Mailbox) -> None:
    ticket = take(world, box, raw("a line of a log\r\n" * 20_000)).ticket
    assert ticket is not None
    message = ticket.messages.get()
    assert message.body.endswith("(The whole text is attached.)")
    assert message.attachments.get().name == "mail.txt"
    world.run()
    world.forget()


def test_what_fails_is_kept_and_tried_again(
    world: World, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(mailing.rows, "open_ticket", _fail)
        mail = take(world, box, raw())
    assert (mail.status, mail.attempts) == ("failed", 1)
    world.advance(minutes=1)
    assert mailing.place_waiting(now=world.now) == 1
    mail.refresh_from_db()
    assert mail.status == "posted"
    assert not StatusChange.objects.filter(kind="support.inboundmail").exists()
    world.run()
    world.forget()


def _fail(**_: object) -> Ticket:
    raise ValueError("broken")


def test_a_mail_that_was_kept_by_a_process_that_died_is_placed(world: World, box: Mailbox) -> None:
    mailing.keep(raw=raw(), received_at=world.now, now=world.now, mailbox=box)
    assert not Ticket.objects.exists()
    world.advance(minutes=1)
    mailing.place_waiting(now=world.now)
    assert Ticket.objects.count() == 1
    world.run()
    world.forget()


def test_a_blocked_contacts_mail_opens_nothing_until_somebody_takes_it(
    world: World, box: Mailbox
) -> None:
    from apps.customers.services import block_contact

    contact = build.contact(ANA, now=world.now)
    block_contact(contact=contact, actor=audit.SYSTEM, now=world.now)
    mail = take(world, box, raw())
    assert mail.status == "ignored" and not Ticket.objects.exists()
    mailing.place(mail=mail, now=world.now, by_hand=True)
    assert Ticket.objects.count() == 1
    world.run()
    world.forget()


def test_an_answer_after_closing_opens_a_follow_up(world: World, box: Mailbox, cast: Cast) -> None:
    ticket = opened(world, box)
    conversation.reply(
        ticket=ticket, body="Done.", then="resolve", resolution_code="fixed",
        actor=audit.person(cast.ravi), now=world.now,
    )  # fmt: skip
    world.advance(days=1)
    from apps.support.services import lifecycle

    lifecycle.transition(ticket=ticket, verb="close", actor=audit.person(cast.ravi), now=world.now)
    mail = raw("Again!", message_id="<again@x>", In_Reply_To=our_id(ticket))
    fresh = take(world, box, mail).ticket
    assert fresh is not None and fresh != ticket and fresh.follows == ticket
    assert TicketMessage.objects.get(message_id="again@x").ticket == fresh
    world.run()
    world.forget()
