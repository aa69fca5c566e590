"""Attachments: what is taken, and how it is kept. They are only ever served as downloads."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.core.errors import Invalid
from apps.core.text import clip
from apps.support.models import Attachment, StoredFile, TicketMessage

MAX_FILE = 10 * 1024 * 1024  # bytes
MAX_FILES = 10  # on one message
MAX_TOTAL = 20 * 1024 * 1024  # bytes on one message
# Programs and what opens as one: nobody needs them to describe a fault.
REFUSED = frozenset(
    {"exe", "com", "bat", "cmd", "scr", "pif", "msi", "dll", "js", "jse", "vbs", "vbe", "wsf"}
    | {"hta", "jar", "ps1", "lnk", "reg", "cpl", "iso", "img", "appx", "apk", "dmg", "url"}
)
_KNOWN = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "log": "text/plain",
    "csv": "text/csv",
    "json": "application/json",
    "yml": "text/plain",
    "yaml": "text/plain",
    "sql": "text/plain",
    "zip": "application/zip",
    "gz": "application/gzip",
}


@dataclass(frozen=True)
class Accepted:
    """A file that passed: its safe name, what we say it is, its bytes."""

    name: str
    content_type: str
    content: bytes


def accept(*, name: str, content: bytes) -> Accepted:
    """Check one file. Raises Invalid with what to do: too large, empty, or of a refused kind.

    The type is told by the name's ending alone; what the sender says it is counts for nothing.
    """
    safe = safe_name(name)
    ending = safe.rpartition(".")[2].lower() if "." in safe else ""
    if ending in REFUSED:
        raise refused(f"{safe}: files of this kind are not taken. Put it in a .zip if it matters.")
    if not content:
        raise refused(f"{safe} is empty.")
    if len(content) > MAX_FILE:
        size = len(content) / 1024 / 1024
        raise refused(f"{safe} has {size:.1f} MB; at most {MAX_FILE // 1024 // 1024} MB fit.")
    return Accepted(safe, _KNOWN.get(ending, "application/octet-stream"), content)


def accept_all(given: Iterable[tuple[str, bytes]]) -> list[Accepted]:
    """Check the files of one message together: their number and their sum, too."""
    accepted = [accept(name=name, content=content) for name, content in given]
    if len(accepted) > MAX_FILES:
        raise refused(f"At most {MAX_FILES} files go on one message.")
    if sum(len(one.content) for one in accepted) > MAX_TOTAL:
        raise refused(f"The files have more than {MAX_TOTAL // 1024 // 1024} MB together.")
    return accepted


def safe_name(name: str) -> str:
    """The last part of a path, without control and direction characters; never empty."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in last if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"})
    return clip(kept.strip(". ") or "file", 200)


def refused(text: str) -> Invalid:
    """The answer to a file that is not taken, in words."""
    return Invalid(text, code="file_refused", fields={"files": [text]})


def attach(*, message: TicketMessage, given: Sequence[Accepted]) -> list[Attachment]:
    """Keep the files of a message; the same content is stored once."""
    rows = []
    for one in given:
        digest = hashlib.sha256(one.content).hexdigest()
        StoredFile.objects.bulk_create(
            [StoredFile(sha256=digest, content=one.content)], ignore_conflicts=True
        )
        rows.append(
            Attachment(
                message=message,
                name=one.name,
                content_type=one.content_type,
                size=len(one.content),
                stored_id=digest,
            )
        )
    return Attachment.objects.bulk_create(rows)


class Files:
    """The port through which the outbox reads the files of a reply when it leaves."""

    def load(self, *, key: str) -> bytes | None:
        kind, _, digest = key.partition(":")
        if kind != "support":
            return None
        row = StoredFile.objects.filter(pk=digest).values_list("content", flat=True).first()
        return bytes(row) if row is not None else None
