"""From raw bytes to a `ParsedMail`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from apps.intake import mailheaders as headers
from apps.intake.mailheaders import Head
from apps.intake.mailtext import decode, lines
from apps.support.mailparse import files, markup, quoting, verdicts
from apps.support.mailparse.model import Address, Attachment, Limits, ParsedMail
from apps.support.mailparse.structure import Part, Reader

_BOM: Final = b"\xef\xbb\xbf"
_UNIX_FROM: Final = re.compile(rb">?From [^\r\n]{0,1000}\r?\n")
_FOR: Final = re.compile(r"\bfor <([^<>\s]{3,254})>")
_DELIVERED: Final = (
    "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to",
    "x-forwarded-to", "apparently-to",
)  # fmt: skip
_REPORTS: Final = ("message/delivery-status", "text/rfc822-headers", "message/feedback-report")


def parse(raw: bytes, limits: Limits | None = None) -> ParsedMail:
    """Everything that a mail says. Never raises; see `ParsedMail.problem`."""
    try:
        return read(raw, limits or Limits())
    except Exception as error:  # noqa: BLE001 - the mail is kept raw, and a person must hear of it
        return ParsedMail(size=len(raw), problem="unreadable", reason=type(error).__name__)


def read(raw: bytes, limits: Limits) -> ParsedMail:
    """As `parse`, without the net below it."""
    size = len(raw)
    if size > limits.raw_bytes:
        return ParsedMail(size=size, problem="too_large")
    if not raw.strip():
        return ParsedMail(size=size, problem="empty")
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    reader = Reader(raw, limits)
    top = reader.mail(_start(raw))
    if not top.head.fields:
        return ParsedMail(size=size, problem="not_a_mail")
    return _told(top, reader, size)


def _start(raw: bytes) -> int:
    """Past a byte order mark, empty lines and the `From ` line of a mailbox file."""
    at = len(_BOM) if raw.startswith(_BOM) else 0
    while raw[at : at + 1] in (b"\r", b"\n"):
        at += 1
    match = _UNIX_FROM.match(raw, at)
    return match.end() if match else at


def _told(top: Part, reader: Reader, size: int) -> ParsedMail:
    head, limits = top.head, reader.limits
    parts = list(_leaves(top))
    body = _body(top, reader)
    bounce = verdicts.bounce_of(top, parts, body.text, limits)
    verdict, reason = verdicts.judge(top, bounce)
    subject = head.text("subject", limits.subject)
    origin = quoting.forwarded(subject, body.text) or _attached_author(subject, parts, limits)
    references, cut = headers.ids(" ".join(head.all("references")), limits.references)
    if cut:
        reader.truncated["references"] = None
    from_ = _first(head, "from")
    return ParsedMail(
        size=size,
        problem="" if from_ else "no_from",
        message_id=_one_id(head, "message-id"),
        in_reply_to=_one_id(head, "in-reply-to"),
        references=references,
        from_=from_,
        sender=_first(head, "sender"),
        reply_to=_all(head, "reply-to", limits),
        to=_all(head, "to", limits),
        cc=_all(head, "cc", limits),
        delivered_to=_delivered(head, limits),
        subject=subject,
        date=headers.date(head.first("date")),
        text=body.text,
        new_text=quoting.new_text(body.text, forward=origin is not None),
        html=body.html,
        attachments=tuple(body.attachments),
        verdict=verdict,
        reason=reason,
        bounce=bounce,
        forwarded=origin,
        event=head.text("x-opsportal-event", 100),
        remote_images=body.remote_images,
        truncated=tuple(reader.truncated),
    )


# -- fields


def _first(head: Head, name: str) -> Address | None:
    found = headers.addresses(head.first(name), 1)
    return found[0] if found else None


def _all(head: Head, name: str, limits: Limits) -> tuple[Address, ...]:
    return headers.addresses(", ".join(head.all(name)), limits.addresses)


def _one_id(head: Head, name: str) -> str:
    found, _ = headers.ids(head.first(name)[:5000], 1)
    return found[0] if found else ""


def _delivered(head: Head, limits: Limits) -> tuple[str, ...]:
    """Whom servers say they delivered it to: in fields of their own, and in their stamps."""
    said = [headers.address(value[:300]) for value in head.all(*_DELIVERED)[: limits.addresses]]
    for stamp in head.all("received")[:20]:
        said += [headers.address(match[1]) for match in _FOR.finditer(stamp[:2000])]
    return tuple(dict.fromkeys(one for one in said if one))[: limits.addresses]


def _attached_author(subject: str, parts: list[Part], limits: Limits) -> Address | None:
    """The author of a mail that was forwarded as an attachment."""
    if not quoting.is_forward(subject):
        return None
    for part in parts:
        if part.main == "message/rfc822":
            return _first(files.head_of_copy(part, limits), "from")
    return None


# -- the body


@dataclass(slots=True)
class _Piece:
    """One thing to read: as plain text, as HTML, or as both when its sender gave the choice."""

    plain: str = ""
    html: str = ""


@dataclass(slots=True)
class _Body:
    text: str = ""
    html: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    remote_images: bool = False


def _body(top: Part, reader: Reader) -> _Body:
    pieces: list[_Piece] = []
    others: list[Part] = []
    _sort(top, pieces, others, reader.limits)
    if not pieces and (deep := next((leaf for leaf in _leaves(top) if leaf.deep), None)):
        pieces.append(_Piece(plain=_text(deep, reader.limits)))  # as it stands, better than nothing
    body = _Body()
    texts: list[str] = []
    shown: list[str] = []
    for piece in pieces:
        read = markup.read(piece.html, reader.limits) if piece.html else None
        if read is not None:
            shown.append(read.html)
            body.remote_images |= read.remote_images
            if read.truncated:
                reader.truncated["html"] = None
        texts.append(piece.plain.strip("\n") or (read.text if read else ""))
    body.text = _clipped("\n\n".join(text for text in texts if text), reader)
    body.html = _bounded("\n".join(shown), reader)
    body.attachments = _attachments(others, reader)
    return body


def _sort(part: Part, pieces: list[_Piece], others: list[Part], limits: Limits) -> None:
    """Parts to read and parts to attach, in their order."""
    if part.main == "multipart/alternative":
        found: list[_Piece] = []
        for child in part.children:
            _sort(child, found, others, limits)
        plain = "\n\n".join(one.plain for one in found if one.plain.strip())
        pieces.append(_Piece(plain, "\n".join(one.html for one in found if one.html)))
    elif part.children:
        for child in part.children:
            _sort(child, pieces, others, limits)
    elif part.deep:
        return
    elif part.main.startswith("multipart/"):
        # Without a boundary that is found, what is there is read as plain text.
        pieces.append(_Piece(plain=_text(part, limits)))
    elif _is_text(part):
        text = _text(part, limits)
        pieces.append(_Piece(html=text) if part.main == "text/html" else _Piece(plain=text))
    elif part.main not in _REPORTS:
        others.append(part)


def _is_text(part: Part) -> bool:
    if part.main not in ("text/plain", "text/html", "text/enriched"):
        return False
    where, _ = part.disposition()
    return where != "attachment" and not files.given_name(part)


def _text(part: Part, limits: Limits) -> str:
    most = limits.html_source if part.main == "text/html" else limits.text
    data = part.content(most * 4)
    text = lines(decode(data, part.parameters.get("charset")))
    if part.parameters.get("format", "").lower() == "flowed":
        return _unflowed(text, part.parameters.get("delsp", "").lower() == "yes")
    return text


def _unflowed(text: str, delete_space: bool) -> str:
    """Soft line breaks (RFC 3676) taken out of what is not quoted."""
    out: list[str] = []
    open_line = False
    for row in text.split("\n"):
        quoted = row.startswith(">")
        plain = row.removeprefix(" ") if not quoted else row
        flows = plain.endswith(" ") and plain != "-- " and not quoted
        content = plain[:-1] if flows and delete_space else plain
        if open_line and not quoted and plain != "-- ":
            out[-1] += content
        else:
            out.append(content)
        open_line = flows
    return "\n".join(out)


def _clipped(text: str, reader: Reader) -> str:
    if len(text) <= reader.limits.text:
        return text
    reader.truncated["text"] = None
    return text[: reader.limits.text]


def _bounded(html: str, reader: Reader) -> str:
    """HTML that sums up to more than its limit is left out: cut HTML is no HTML."""
    # The sanitizer writes attributes of its own into every link.
    if len(html) <= reader.limits.html * 2:
        return html
    reader.truncated["html"] = None
    return ""


def _attachments(parts: list[Part], reader: Reader) -> list[Attachment]:
    limits = reader.limits
    if len(parts) > limits.attachments:
        reader.truncated["attachments"] = None
    found = [files.attachment(part, limits) for part in parts[: limits.attachments]]
    if any(one.content is None for one in found):
        reader.truncated["attachments"] = None
    return found


def _leaves(part: Part) -> list[Part]:
    if not part.children:
        return [part]
    return [leaf for child in part.children for leaf in _leaves(child)]
