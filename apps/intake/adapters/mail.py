"""A mail as it came, RFC 5322: one event for a ticket, of small facts from its headers alone.

The mail itself stays in the delivery, byte for byte; whoever takes the event reads it there.
A mail that comes again is known by its Message-ID with its sender and date, because ids are free
to choose, and one without by its bytes.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from apps.intake import mailheaders
from apps.intake.canonical import (
    Body,
    CanonicalEvent,
    Headers,
    InvalidEvent,
    make_event,
    source_clock,
)
from apps.intake.mailheaders import Head

KIND: Final[str] = "mail"
HEAD_BYTES: Final = 64 * 1024  # of the mail: all that is read here
MAX_FIELDS: Final = 300
# One of these makes it a mail; a form's part has none of them.
_SIGNS: Final = (
    "from", "to", "cc", "subject", "date", "message-id", "received", "return-path", "sender",
)  # fmt: skip
NOT_A_MAIL: Final = (
    "The body is not a mail. Send the message itself, headers first and with its line breaks "
    "(curl --data-binary @message.eml), not a form or JSON."
)


def check(raw: bytes) -> None:
    """Raise `InvalidEvent` for bytes that do not begin as a mail does."""
    head = _head(raw)
    if not any(head.has(name) for name in _SIGNS):
        raise InvalidEvent("not_a_mail", NOT_A_MAIL)


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """The one event of a mail, whose details are message_id, from, subject and size in bytes."""
    raw = _bytes(body)
    check(raw)
    head = _head(raw)
    senders = mailheaders.addresses(head.first("from"), 1)
    sender = senders[0].address if senders else ""
    subject = head.text("subject", 200)
    return [
        make_event(
            kind="ticket",
            action="mail",
            dedup_key=delivery_key(body, headers),
            summary=subject or "A mail without a subject",
            source=sender or None,
            occurred_at=source_clock(mailheaders.date(head.first("date")), received_at),
            details={
                "message_id": _message_id(head),
                "from": sender,
                "subject": subject,
                "size": len(raw),
            },
        )
    ]


def delivery_key(body: Body, headers: Headers) -> str | None:
    """`message-id:<sha256>` of Message-ID, sender and date; `sha256:<hex>` of all without an id."""
    raw = _bytes(body)
    head = _head(raw)
    if found := _message_id(head):
        senders = mailheaders.addresses(head.first("from"), 1)
        sender = senders[0].address.lower() if senders else ""
        whole = "\n".join((found, sender, str(mailheaders.date(head.first("date")))))
        return "message-id:" + hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def _message_id(head: Head) -> str:
    found, _ = mailheaders.ids(head.first("message-id")[:5000], 1)
    return found[0] if found else ""


def _head(raw: bytes) -> Head:
    """The headers, behind a `From ` line as mailbox files and some servers write it."""
    top = raw[:HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if b"\n" not in top:
        return Head()  # line breaks were lost on the way, or it is something else
    end, _ = mailheaders.split(top, 0, len(top))
    return mailheaders.read(top[:end], limit=HEAD_BYTES, fields=MAX_FIELDS)


def _bytes(body: Body) -> bytes:
    if not isinstance(body, bytes):
        raise InvalidEvent("not_a_mail", NOT_A_MAIL)
    return body
