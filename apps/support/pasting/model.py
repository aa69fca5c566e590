"""What was found in a pasted text, and where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from apps.intake.mailtext import one_line

MAX_TEXT: Final = 500_000  # characters that are looked at; 5,000 long lines are fewer
MAX_VALUE: Final = 200
URL: Final = re.compile(r"https?://[^\s<>\"'`\x00-\x20]{3,2000}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """A value, and the piece of the text that it was read from: `text[start:end]`."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """What was found. `request_type` is a key or empty; `why` are the words that spoke for it."""

    requester: Finding | None = None  # an address
    requester_name: str = ""
    subject: Finding | None = None
    request_type: str = ""
    why: tuple[Finding, ...] = ()
    fields: Mapping[str, Finding] = field(default_factory=dict)
    body_start: int = 0  # where the message begins, behind the headers of a pasted e-mail


def finding(text: str, start: int, end: int, value: str = "") -> Finding | None:
    """What stands there, without white space and punctuation around it."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in ",;"):
        end -= 1
    clean = one_line(value or text[start:end], MAX_VALUE)
    return Finding(clean, start, end) if clean else None
