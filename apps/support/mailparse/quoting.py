"""What is new in a mail: the text without the history under it, the quotes and the signature.

Heuristics, by nature: the full text is always kept beside it. Lines are looked at once or twice.
"""

from __future__ import annotations

import re
from typing import Final

from apps.intake import mailheaders as headers
from apps.support.mailparse.model import Address

_WROTE: Final = (
    "wrote:", "schrieb:", "schrieb am", "schrieb ", "a écrit :", "a écrit:", "escribió:",
    "ha scritto:", "schreef:", "escreveu:", "skrev:", "napisał",
)  # fmt: skip
_BEGINS: Final = ("on ", "am ", "le ", "el ", "il ", "op ", "em ", "den ", "dnia ", "w dniu ")
_FROM: Final = ("from", "von", "de", "da", "van", "från", "od")
_OTHERS: Final = (
    {"sent", "date", "to", "cc", "subject", "reply-to"}
    | {"gesendet", "datum", "an", "betreff", "kopie"}
    | {"envoyé", "à", "objet", "enviado", "fecha", "para", "asunto", "inviato", "oggetto", "a"}
    | {"verzonden", "aan", "onderwerp", "data", "assunto", "skickat", "till", "ämne"}
)
_FORWARDED: Final = (
    "forwarded message", "begin forwarded message", "weitergeleitete nachricht",
    "message transféré", "mensaje reenviado", "messaggio inoltrato", "doorgestuurd bericht",
    "anfang der weitergeleiteten", "début du message",
)  # fmt: skip
_ORIGINAL: Final = (
    "original message", "ursprüngliche nachricht", "original-nachricht", "message d'origine",
    "mensaje original", "messaggio originale", "oorspronkelijk bericht", "original appointment",
)  # fmt: skip
_DEVICES: Final = (
    "sent from my ", "sent from mail for", "get outlook for", "von meinem ", "gesendet von",
    "envoyé de mon", "enviado desde mi", "sent from outlook", "holen sie sich outlook",
)  # fmt: skip
_FORWARD_SUBJECT: Final = re.compile(r"\s*(?:fwd?|wg|tr|rv|enc|i|doorst)\s?:", re.IGNORECASE)
_LABEL: Final = re.compile(r"[>\s*]{0,12}([^\W\d_][\w-]{0,20})\*?\s?:\*?\s?(.{0,400})")
_MANY: Final = 50_000  # lines that are looked at


def new_text(text: str, *, forward: bool) -> str:
    """The part that its sender typed now; the whole text when nothing else would be left.

    In a forward what was forwarded is the matter itself and stays.
    """
    rows = text.split("\n")[:_MANY]
    if forward:
        return text
    kept = _unquoted(rows)
    kept = _unsigned(kept)
    found = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return found or text.strip()


def _unquoted(rows: list[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(rows):
        row = rows[at]
        if row.lstrip().startswith(">"):
            at += 1
            continue
        if _history_begins(rows, at):
            break
        if (after := _attribution(rows, at)) is not None:
            following = next((one for one in rows[after : after + 10] if one.strip()), "")
            if not following.lstrip().startswith(">"):
                break  # history without marks: all that follows is old
            at = after
            continue
        kept.append(row)
        at += 1
    return kept


def _history_begins(rows: list[str], at: int) -> bool:
    """A separator, or the block of headers that Outlook puts above what it quotes."""
    row = rows[at].strip()
    lowered = row[:100].lower()
    if row.startswith("--") and any(word in lowered for word in (*_ORIGINAL, *_FORWARDED)):
        return True
    if len(row) >= 20 and not row.strip("_"):
        return any(_header_block(rows, below) for below in range(at + 1, min(at + 4, len(rows))))
    return _header_block(rows, at)


def _header_block(rows: list[str], at: int) -> bool:
    match = _LABEL.match(rows[at])
    if match is None or match[1].lower() not in _FROM:
        return False
    labels = (_LABEL.match(row) for row in rows[at + 1 : at + 7])
    return len({one[1].lower() for one in labels if one} & _OTHERS) >= 2


def _attribution(rows: list[str], at: int) -> int | None:
    """Past `On Monday, Ana wrote:`, which may be broken over three lines; None when it is none."""
    first = rows[at].strip()
    if not first or len(first) > 300:
        return None
    if not first.lower().startswith(_BEGINS) and "@" not in first and "<" not in first:
        return None
    joined = ""
    for end in range(at, min(at + 3, len(rows))):
        joined = f"{joined} {rows[end].strip()}".strip()
        if len(joined) > 400:
            return None
        if joined.endswith(":") and _says_wrote(joined):
            return end + 1
    return None


def _says_wrote(line: str) -> bool:
    lowered = line.lower()
    dated = any(letter.isdigit() for letter in line) or "@" in line
    return dated and any(word in lowered for word in _WROTE)


def _unsigned(rows: list[str]) -> list[str]:
    """Without what follows `-- `, and without the line that a phone adds."""
    for at, row in enumerate(rows):
        if row == "-- " or (row.rstrip() == "--" and _short(rows[at + 1 : at + 201])):
            rows = rows[:at]
            break
    end = len(rows)
    while end and (not rows[end - 1].strip() or _by_device(rows[end - 1])):
        end -= 1
    return rows[:end]


def _by_device(row: str) -> bool:
    return row[:80].strip().lower().startswith(_DEVICES)


def _short(rows: list[str]) -> bool:
    return sum(1 for row in rows if row.strip()) <= 12


def forwarded(subject: str, text: str) -> Address | None:
    """Who wrote what was forwarded, when the mail looks like a forward. A guess, to be confirmed.

    Says nothing of a reply that quotes: its subject is no forward's, and no line says "forwarded".
    """
    rows = text.split("\n")[:2000]
    marked = is_forward(subject)
    for at, row in enumerate(rows):
        lowered = row[:100].lower()
        says = any(word in lowered for word in _FORWARDED) and len(row) < 120
        begins = says or (marked and _header_block(rows, at))
        if begins and (found := _author(rows[at : at + 12])):
            return found
    return None


def is_forward(subject: str) -> bool:
    """Whether a subject begins as forwards do: `Fwd:`, `WG:`."""
    return _FORWARD_SUBJECT.match(subject) is not None


def _author(rows: list[str]) -> Address | None:
    for row in rows:
        match = _LABEL.match(row)
        if match and match[1].lower() in _FROM:
            found = headers.addresses(
                match[2].replace("mailto:", "").replace("[", "<").replace("]", ">"), 1
            )
            return found[0] if found else None
    return None
