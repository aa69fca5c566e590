"""A pasted e-mail: its headers, who asks, and what could be the subject."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from apps.intake.mailtext import one_line
from apps.support.pasting.model import URL, Finding, finding

_HEADER: Final = re.compile(
    r"[ \t>*]{0,6}([^\W\d_][\w-]{0,20})\*?[ \t]?:\*?[ \t]{0,20}([^\r\n]{0,500})"
)
_NAMES: Final = {
    **dict.fromkeys(("from", "von", "de", "da", "van", "sender", "reporter", "requester"), "from"),
    **dict.fromkeys(("subject", "betreff", "objet", "asunto", "oggetto", "onderwerp"), "subject"),
    **dict.fromkeys(("to", "an", "cc", "date", "sent", "datum", "gesendet", "reply-to"), "other"),
    **dict.fromkeys(("kopie", "message-id", "para", "enviado", "fecha", "bcc"), "other"),
}
_PREFIXES: Final = re.compile(
    r"(?:\s{0,5}(?:(?:re|aw|fwd?|wg|sv|tr|rv|antw)\s?(?:\[\d{1,3}\])?\s?:"
    r"|\[(?:TCK-|#)\d{1,9}\])){1,10}+\s{0,5}",
    re.IGNORECASE,
)
_HEADER_LINES: Final = 40


@dataclass(slots=True)
class Mail:
    """The headers that were found: the first of each name, and where the block ends."""

    found: dict[str, Finding] = field(default_factory=dict)
    end: int = 0


def headers(text: str) -> Mail:
    """The block at the top, when there is one: two known names, or a lonely `Subject:`."""
    mail, count = Mail(), 0
    at = len(text) - len(text.lstrip())
    for start, end in _rows(text, at, _HEADER_LINES):
        row = text[start:end]
        match = _HEADER.match(row)
        name = _NAMES.get(match[1].lower()) if match else None
        if match is None or name is None:
            if count and not row.strip():
                mail.end = min(len(text), end + 1)
            if count or row.strip():
                break
            continue
        count += 1
        mail.end = end
        value = match[2].strip()
        where = start + match.start(2)
        mail.found.setdefault(name, Finding(value, where, where + len(value)))
    known = count > 1 or "subject" in mail.found or "@" in _value(mail.found.get("from"))
    return mail if known else Mail()


def _rows(text: str, at: int, most: int) -> Iterator[tuple[int, int]]:
    """Start and end of the lines from here on."""
    for _ in range(most):
        if at > len(text):
            return
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        yield at, end
        at = end + 1


def _value(finding: Finding | None) -> str:
    return finding.value if finding else ""


# -- who, and a subject

_ADDRESS: Final = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9][\w.+%-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}",
    re.ASCII,
)
_ROBOTS: Final = re.compile(
    r"(?:no-?reply|do-?not-?reply|mailer-daemon|postmaster|notifications?|bounces?)(?:[+.-]|@)",
    re.IGNORECASE,
)
_GREETING: Final = re.compile(
    r"(?:hi|hello|hey|dear|hallo|guten (?:tag|morgen)|good (?:morning|afternoon|day)|moin|team"
    r"|thanks)\b[^\r\n]{0,40}",
    re.IGNORECASE,
)


def requester(text: str, mail: Mail, own_domains: Collection[str]) -> tuple[Finding | None, str]:
    ours = {domain.lower().lstrip("@") for domain in own_domains}
    header = mail.found.get("from")
    spans = [(header.start, header.end)] if header else []
    for start, end in [*spans, (0, len(text))]:
        for match in _ADDRESS.finditer(text, start, end):
            host = match[0].rpartition("@")[2].lower()
            if host in ours or _ROBOTS.match(match[0]):
                continue
            return Finding(match[0].lower(), match.start(), match.end()), _name(text, match.start())
    return None, ""


def _name(text: str, at: int) -> str:
    """The name before `<address>` or in front of `(address)` on the same line."""
    at -= len("mailto:") if text.endswith("mailto:", 0, at) else 0
    if text[at - 1 : at] not in ("<", "[", "("):
        return ""
    line = text[max(0, at - 121, text.rfind("\n", 0, at) + 1) : at - 1]
    name = line.rpartition(":")[2].strip(" \t\"'*>,;")
    return one_line(name, 120) if 1 < len(name) <= 80 and "@" not in name else ""


def subject(text: str, mail: Mail) -> Finding | None:
    header = mail.found.get("subject")
    if header is None:
        return None
    prefix = _PREFIXES.match(header.value)
    start = header.start + (prefix.end() if prefix else 0)
    return finding(text, start, header.end)


def first_line(text: str, at: int) -> Finding | None:
    """The first line that says something: no greeting, no lonely address, no frame."""
    for start, end in _rows(text, at, 60):
        row = text[start:end].strip()
        letters = sum(1 for letter in row[:400] if letter.isalpha())
        if letters < 4 or _GREETING.fullmatch(row) or URL.fullmatch(row) or "@" in row[:80]:
            continue
        begin = start + len(text[start:end]) - len(text[start:end].lstrip(" \t>*-#"))
        return finding(text, begin, end)
    return None


_MADE_UP: Final = {
    "stale_profile": ("Stale profile", ("connection", "run_id")),
    "wrong_column_type": ("Wrong column type", ("column",)),
    "failed_report": ("Failed report", ("report", "diagnostic_code", "run_id")),
    "billing": ("Billing", ("invoice",)),
    "connectivity": ("Connection problem", ("connection", "warehouse_type", "diagnostic_code")),
    "pack": ("Pack problem", ("connector",)),
    "cost_surprise": ("Unexpected cost", ("amount", "warehouse_type")),
    "other": ("Problem", ("diagnostic_code", "run_id")),
}


def made_up(kind: str, fields: Mapping[str, Finding]) -> Finding | None:
    """For a text of one address or one id: the type's name and its most telling fact."""
    label, keys = _MADE_UP.get(kind, ("", ()))
    fact = next((fields[key] for key in keys if key in fields), None)
    if not label or fact is None:
        return None
    return Finding(f"{label}: {fact.value}", fact.start, fact.end)
