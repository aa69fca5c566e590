"""What a mail says, once it is read, and how much of a mail is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from apps.intake.mailheaders import Address

__all__ = ["Address", "Attachment", "Bounce", "Limits", "ParsedMail", "Verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is read of one mail. What is beyond is left out, and `truncated` says so."""

    raw_bytes: int = 26 << 20  # a larger mail is not read at all: problem `too_large`
    header_bytes: int = 128 << 10  # of the mail; a part's headers may have an eighth of that
    headers: int = 500
    depth: int = 20  # multiparts inside each other
    parts: int = 200
    text: int = 300_000  # characters
    html_source: int = 1_500_000  # characters of HTML that are looked at
    html: int = 400_000  # characters of HTML that are kept
    html_tags: int = 20_000
    attachments: int = 50
    attachment_bytes: int = 20 << 20  # of one; of a larger one the name and size are kept
    references: int = 50  # the first, and the newest others
    addresses: int = 100  # of one header
    subject: int = 200  # characters


class Verdict(StrEnum):
    """Who wrote it: a person, or which kind of program."""

    NORMAL = "normal"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    BULK = "bulk"
    LOOP = "loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file. `content` is None when it was too large to be kept apart from the raw mail."""

    filename: str  # a base name that is safe to save under
    content_type: str
    size: int  # bytes, decoded; of one that was too large the encoded size
    content: bytes | None = field(repr=False)
    inline: bool = False
    content_id: str = ""  # what `cid:` in the HTML names


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What a delivery report says: `action` is failed, delayed, … or empty."""

    address: str = ""  # who was not reached
    message_id: str = ""  # of the mail that came back
    status: str = ""  # as 5.1.1
    action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedMail:
    """A mail as far as it could be read. `problem` is empty, or says what was wrong:

    `empty`, `too_large`, `not_a_mail` (no header at all), `no_from`, `unreadable`.
    Message ids are without their angle brackets; one longer than 250 is its SHA-256.
    """

    size: int  # bytes of the raw mail
    problem: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()  # oldest first
    from_: Address | None = None
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    delivered_to: tuple[str, ...] = ()  # whom the servers on the way delivered it to
    subject: str = ""
    date: datetime | None = None  # what the sender's clock said, in UTC
    text: str = ""
    new_text: str = ""  # `text` without quoted history and signature, never empty if text is not
    html: str = ""  # sanitized, without remote images; may be empty
    attachments: tuple[Attachment, ...] = ()
    verdict: Verdict = Verdict.NORMAL
    reason: str = ""  # for the verdict, in words
    bounce: Bounce | None = None
    forwarded: Address | None = None  # who wrote it first, for a person to confirm
    event: str = ""  # of a mail that this product sent: the id of its event
    remote_images: bool = False  # the HTML had images from elsewhere
    truncated: tuple[str, ...] = ()  # headers, parts, depth, text, html, attachments, references

    @property
    def thread_ids(self) -> tuple[str, ...]:
        """The mails that this one may answer, nearest first."""
        found = (self.in_reply_to, *reversed(self.references))
        return tuple(dict.fromkeys(one for one in found if one))

    @property
    def recipients(self) -> tuple[str, ...]:
        """Every address that it was sent to: where a reply token may stand."""
        named = (one.address for one in (*self.to, *self.cc))
        return tuple(dict.fromkeys((*named, *self.delivered_to)))
