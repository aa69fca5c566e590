"""Whom not to answer: programs, lists, bounces, and our own mail coming back."""

from __future__ import annotations

import pytest

from apps.support.mailparse import Bounce, Verdict
from tests.support.mails import mail, multipart, told, without

JUDGED: list[tuple[dict[str, str], Verdict]] = [
    ({"Auto_Submitted": "auto-replied"}, Verdict.AUTO_REPLY),
    ({"Auto_Submitted": "Auto-Generated; x=y"}, Verdict.AUTO_REPLY),
    ({"Auto_Submitted": "no"}, Verdict.NORMAL),
    ({"X_Auto_Response_Suppress": "All"}, Verdict.AUTO_REPLY),
    ({"X_Auto_Response_Suppress": "None"}, Verdict.NORMAL),
    ({"X_Autoreply": "yes"}, Verdict.AUTO_REPLY),
    ({"X_Autoreply": "no"}, Verdict.NORMAL),
    ({"Precedence": "AUTO_REPLY"}, Verdict.AUTO_REPLY),
    ({"Return_Path": "<>"}, Verdict.AUTO_REPLY),
    ({"Return_Path": "<ana@bramble.example>"}, Verdict.NORMAL),
    ({"Precedence": "bulk"}, Verdict.BULK),
    ({"Precedence": "list"}, Verdict.BULK),
    ({"Precedence": "junk"}, Verdict.BULK),
    ({"Precedence": "first-class"}, Verdict.NORMAL),
    ({"List_Id": "News <news.bramble.example>"}, Verdict.BULK),
    ({"X_OpsPortal_Event": "4f1c"}, Verdict.LOOP),
    ({"X_OpsPortal_Event": "4f1c", "Auto_Submitted": "auto-generated"}, Verdict.LOOP),
    ({"List_Id": "<news.x>", "Auto_Submitted": "auto-replied"}, Verdict.AUTO_REPLY),
    ({}, Verdict.NORMAL),
]


@pytest.mark.parametrize(("fields", "wanted"), JUDGED)
def test_a_mail_is_judged_by_its_headers_and_a_verdict_has_a_reason(
    fields: dict[str, str], wanted: Verdict
) -> None:
    found = told(mail(**fields))
    assert found.verdict is wanted
    assert bool(found.reason) == (wanted is not Verdict.NORMAL)


def test_our_own_mail_is_known_by_its_event() -> None:
    assert told(mail(X_OpsPortal_Event="4f1c-77")).event == "4f1c-77"


DAEMON = without("from", "subject") + (
    "From: MAILER-DAEMON@fish.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
)
STATUS = (
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.fish.example\r\n\r\n"
    "Final-Recipient: rfc822; ana@bramble.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
)
RETURNED = "Message-ID: <t7.m2@fish.example>\r\nSubject: Re: Profile\r\n"


def report(*parts: str) -> bytes:
    raw = multipart("\r\nIt could not be delivered.", *parts, kind="report", top=DAEMON)
    return raw.replace(b'boundary="cut"', b'boundary="cut"; report-type=delivery-status')


@pytest.mark.parametrize(
    "copy",
    [
        f"Content-Type: message/rfc822\r\n\r\n{RETURNED}\r\nbody",
        f"Content-Type: text/rfc822-headers\r\n\r\n{RETURNED}",
    ],
)
def test_a_bounce_says_who_was_not_reached_and_which_mail_came_back(copy: str) -> None:
    found = told(report(STATUS, copy))
    assert found.verdict is Verdict.BOUNCE
    assert found.bounce == Bounce(
        address="ana@bramble.example",
        message_id="t7.m2@fish.example",
        status="5.1.1",
        action="failed",
    )
    assert found.reason == "A mail to ana@bramble.example could not be delivered."


def test_a_warning_of_delay_is_told_from_a_failure() -> None:
    found = told(report(STATUS.replace("failed", "delayed").replace("5.1.1", "4.4.1")))
    assert found.bounce is not None and (found.bounce.action, found.bounce.status) == (
        "delayed",
        "4.4.1",
    )
    assert "is delayed" in found.reason


def test_a_bounce_without_a_report_is_known_by_its_sender_and_its_words() -> None:
    text = f"Sorry.\r\n--- Below is a copy:\r\n{RETURNED}\r\nbody\r\n"
    found = told(mail(text, DAEMON, X_Failed_Recipients="ana@bramble.example, x@y"))
    assert found.verdict is Verdict.BOUNCE and found.bounce is not None
    assert (found.bounce.address, found.bounce.message_id) == (
        "ana@bramble.example",
        "t7.m2@fish.example",
    )
    assert told(mail(text, DAEMON)).verdict is Verdict.BOUNCE


def test_a_person_who_writes_of_a_bounce_is_no_bounce() -> None:
    raw = mail(top=without("subject"), Subject="Undelivered mail returned to sender")
    assert told(raw).verdict is Verdict.NORMAL


def test_a_read_receipt_is_no_bounce() -> None:
    raw = report().replace(b"delivery-status", b"disposition-notification")
    raw = raw.replace(b"MAILER-DAEMON@", b"ana@").replace(b"Undelivered", b"Read:")
    assert (told(raw).verdict, told(raw).bounce) == (Verdict.AUTO_REPLY, None)
