"""Attached files: names that are safe to save under, and what is kept of the content."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from apps.intake import mailheaders as headers
from apps.intake.mailheaders import Head
from apps.intake.mailtext import one_line, words
from apps.support.mailparse.model import Attachment, Limits
from apps.support.mailparse.structure import Part

MAX_NAME: Final = 120
_UNSAFE: Final = re.compile(r'[<>:"|?*\x00-\x1f]+')
_SEPARATOR: Final = re.compile(r"[/\\]+")
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+_-]{0,80}")
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_ENDINGS: Final = {
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/csv": ".csv",
    "application/pdf": ".pdf",
    "application/json": ".json",
    "application/zip": ".zip",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
}


def file_name(given: str, content_type: str = "") -> str:
    """A base name without folders, control and bidirectional characters, of bounded length.

    Never empty, never hidden, never a device of some system; its ending survives the cut.
    """
    flat = unicodedata.normalize("NFC", one_line(words(given[:4000]), 1000))
    base = next((part for part in reversed(_SEPARATOR.split(flat)) if part.strip(" .")), "")
    plain = _UNSAFE.sub("_", base).strip(" .")
    if not plain:
        return "attachment" + _ENDINGS.get(content_type, "")
    if _RESERVED.fullmatch(plain):
        plain = f"_{plain}"
    if len(plain) <= MAX_NAME:
        return plain
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending) > 12:
        return plain[:MAX_NAME].rstrip(" .")
    return f"{stem[: MAX_NAME - len(ending) - 1].rstrip(' .')}.{ending}"


def given_name(part: Part) -> str:
    """The name that its sender gave a part, in one of the two places for it."""
    _, disposition = part.disposition()
    return disposition.get("filename") or part.parameters.get("name", "")


def attachment(part: Part, limits: Limits) -> Attachment:
    """A part as a file; one that is larger than the limit without its content."""
    kind = part.main if _TYPE.fullmatch(part.main) else "application/octet-stream"
    name = given_name(part)
    if not name and part.main == "message/rfc822":
        name = _subject(part, limits)
    # Encoded, a file is at most 4/3 of this plus its line breaks: more need not be decoded.
    large = part.size > limits.attachment_bytes * 3 // 2
    content = None if large else part.content()
    if content is not None and len(content) > limits.attachment_bytes:
        large, content = True, None
    where, _ = part.disposition()
    content_id = headers.bounded_id(part.head.first("content-id")[:300].strip(" <>"))
    return Attachment(
        filename=file_name(name, kind),
        content_type=kind,
        size=part.size if content is None else len(content),
        content=content,
        inline=where == "inline" or (bool(content_id) and where != "attachment"),
        content_id=content_id,
    )


def head_of_copy(part: Part, limits: Limits) -> Head:
    """The headers of a mail that is a part of this one."""
    copy = part.content(limits.header_bytes)
    end, _ = headers.split(copy, 0, len(copy))
    return headers.read(copy[:end], limit=limits.header_bytes, fields=limits.headers)


def _subject(part: Part, limits: Limits) -> str:
    subject = head_of_copy(part, limits).text("subject", 80)
    return f"{subject.replace('/', '-').replace(chr(92), '-')}.eml" if subject else ""
