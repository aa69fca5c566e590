"""Mails for tests: written as they come over the wire, so that what is broken can be broken."""

from __future__ import annotations

from email.message import EmailMessage

from apps.support.mailparse import Limits, ParsedMail
from apps.support.mailparse.reading import read

TOP = (
    "From: Ana Ruiz <ana@bramble.example>\r\n"
    "To: support@fish.example\r\n"
    "Subject: Profile is stale\r\n"
    "Date: Mon, 7 Sep 2026 09:30:00 +0200\r\n"
    "Message-ID: <m1@bramble.example>\r\n"
)


def mail(body: str = "Hello\r\n", /, top: str = TOP, **fields: str) -> bytes:
    """A plain mail; `fields` are added above, `content_type` is `Content-Type`."""
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"{extra}{top}\r\n{body}".encode()


def without(*names: str) -> str:
    """The usual headers but for these."""
    rows = TOP.split("\r\n")
    return "\r\n".join(row for row in rows if row.partition(":")[0].lower() not in names)


def multipart(*parts: str, kind: str = "mixed", top: str = TOP) -> bytes:
    """Parts between boundaries; each is its headers, an empty line and its body."""
    inner = "".join(f"--cut\r\n{part}\r\n" for part in parts)
    return mail(f"{inner}--cut--\r\n", top, Content_Type=f'multipart/{kind}; boundary="cut"')


def composed(
    text: str = "Hello\n", html: str = "", subject: str = "Profile is stale"
) -> EmailMessage:
    """A mail that the standard library writes."""
    message = EmailMessage()
    message["From"] = "Ana Ruiz <ana@bramble.example>"
    message["To"] = "support@fish.example"
    message["Subject"] = subject
    message["Message-ID"] = "<m1@bramble.example>"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def told(raw: bytes | EmailMessage, limits: Limits | None = None) -> ParsedMail:
    """What a mail says, without the net below the reader."""
    given = raw.as_bytes() if isinstance(raw, EmailMessage) else raw
    return read(given, limits or Limits())
