"""A mail's raw bytes as facts: who, to whom, in which thread, what is new in it, what is attached.

Pure. `parse` never raises and never takes long, whatever the bytes: it says what it could not read
in `problem` and what it left out in `truncated`.
"""

from __future__ import annotations

from apps.support.mailparse.addressing import reply_token, ticket_refs
from apps.support.mailparse.model import (
    Address,
    Attachment,
    Bounce,
    Limits,
    ParsedMail,
    Verdict,
)
from apps.support.mailparse.reading import parse

__all__ = [
    "Address",
    "Attachment",
    "Bounce",
    "Limits",
    "ParsedMail",
    "Verdict",
    "parse",
    "reply_token",
    "ticket_refs",
]
