"""How a message is laid out: safe cutting, SMS, human times, and plain text beside HTML.

Pure: no Django, no clock. Fixed wording is ASCII, so that an ordinary mail needs no encoding.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

SMS_LIMIT = 160  # septets of GSM 03.38; a longer text is sent, and billed, in pieces

_GSM = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("^{}\\[~]|€")  # each takes an escape and a second septet
_PLAIN = str.maketrans(
    dict.fromkeys("[{", "(")
    | dict.fromkeys("]}", ")")
    | dict.fromkeys("‘’‚′`´^", "'")
    | dict.fromkeys("“”„″«»", '"')
    | dict.fromkeys("‐‑‒–—−~·", "-")
    | dict.fromkeys("|\\⁄", "/")
    | {"…": "...", "•": "*", "→": "->", "←": "<-", "≥": ">=", "≤": "<=", "×": "x", "€": "EUR"}
    | {"Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "ı": "i", "Œ": "OE", "œ": "oe", "ẞ": "SS"}
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


# -- text ------------------------------------------------------------------------------------


def one_line(text: str) -> str:
    """Line breaks, control characters and bidirectional overrides become single spaces."""
    return " ".join("".join(" " if _breaks(char) else char for char in printable(text)).split())


def _breaks(char: str) -> bool:
    # Not all of category Cf: the zero-width joiner in it holds emoji and Indic letters together.
    return unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in "\u202a\u202b\u202d\u202e"


def printable(text: str) -> str:
    """Valid Unicode without control characters other than line breaks and tabs."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    return "".join(char for char in whole if char in "\n\t" or unicodedata.category(char) != "Cc")


def cut(text: str, limit: int, mark: str = "...") -> str:
    """At most `limit` characters, ending in `mark` when cut, never inside a grapheme."""
    if len(text) <= limit:
        return text
    end = max(limit - len(mark), 0)
    while end > 0 and _joined(text, end):
        end -= 1
    return text[:end].rstrip() + mark if end else mark[:limit]


def _joined(text: str, at: int) -> bool:
    """Whether the characters before and after position `at` belong to one grapheme."""
    before, after = text[at - 1], text[at]
    if unicodedata.category(after) in ("Mn", "Me", "Mc") or before == "\u200d":
        return True
    if after == "\u200d" or "\U0001f3fb" <= after <= "\U0001f3ff" or after >= "\U000e0020":
        return after <= "\U000e007f"
    if _is_flag(before) and _is_flag(after):
        start = at - 1
        while start > 0 and _is_flag(text[start - 1]):
            start -= 1
        return (at - start) % 2 == 1
    return "\u1100" <= before <= "\u11ff" and "\u1160" <= after <= "\u11ff"  # Hangul by letters


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


# -- SMS -------------------------------------------------------------------------------------


def septets(text: str) -> int:
    """How much of an SMS `text` takes, when all of it is in the GSM alphabet."""
    return sum(2 if char in _GSM_TWICE else 1 for char in text)


def gsm(text: str) -> str:
    """`text` in the plain GSM alphabet: letters lose foreign accents, what has no form goes."""
    composed = unicodedata.normalize("NFC", one_line(text)).translate(_PLAIN)
    return " ".join("".join(map(_nearest, composed)).split())


def _nearest(char: str) -> str:
    if char in _GSM:
        return char
    folded = unicodedata.normalize("NFKD", char).translate(_PLAIN)
    kept = "".join(part for part in folded if part in _GSM)
    if kept:
        return kept
    if char.isalnum():
        return "?"  # a letter of a script that GSM lacks
    return " " if unicodedata.category(char)[0] in "PZ" else ""


def sms(head: str, tail: str, link: str | None = None) -> str:
    """`head. tail link` in one SMS: the head is cut first, and a link is kept whole or not at all.

    A link so long that fewer than 40 septets would be left for words is left out.
    """
    ending = f" {gsm(tail)}" if tail else ""
    if link and septets(link) + septets(ending) <= SMS_LIMIT - 41 and link.isascii():
        ending += f" {link}"
    room = SMS_LIMIT - septets(ending)
    start = sentence(gsm(head))
    if len(start) > room:
        start = start[: max(room - 3, 0)].rstrip(" .") + "..."
    return (start + ending).strip()[:SMS_LIMIT]


def sentence(text: str) -> str:
    """`text` ending in a full stop, unless it ends in a mark of its own."""
    stripped = text.rstrip()
    return stripped if not stripped or stripped[-1] in ".!?:;" else f"{stripped}."


# -- time ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Who reads it: times are shown in `zone`, with 24 hours or with am and pm."""

    name: str
    zone: ZoneInfo
    clock24: bool = True


def duration(span: timedelta) -> str:
    """A length of time as people say it: `under a minute`, `6 m`, `2 h 10 m`, `3 d 4 h`."""
    minutes = int(abs(span).total_seconds()) // 60
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes % 60} m" if minutes % 60 else f"{hours} h"
    return f"{minutes} m" if minutes else "under a minute"


def moment(at: datetime, reader: Reader, now: datetime) -> str:
    """`02:14` today, `Mon 09:00` within six days, else `Mon 9 Mar 09:00`, in the reader's zone."""
    local, today = at.astimezone(reader.zone), now.astimezone(reader.zone)
    if reader.clock24:
        clock = f"{local:%H:%M}"
    else:
        clock = f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"
    away = abs((local.date() - today.date()).days)
    if away == 0:
        return clock
    day = _DAYS[local.weekday()]
    if away > 6:
        day += f" {local.day} {_MONTHS[local.month - 1]}"
    if local.year != today.year and away > 6:
        day += f" {local.year}"
    return f"{day} {clock}"


def city(zone: ZoneInfo) -> str:
    """The short name of a zone: `Berlin` for Europe/Berlin."""
    return zone.key.rpartition("/")[2].replace("_", " ")


def since(at: datetime, reader: Reader, now: datetime) -> str:
    """`02:14 Berlin, 6 m ago`."""
    ago = "just now" if now - at < timedelta(minutes=1) else f"{duration(now - at)} ago"
    return f"{moment(at, reader, now)} {city(reader.zone)}, {ago}"


def coming(at: datetime, reader: Reader, now: datetime) -> str:
    """`at 02:24 Berlin, in 10 m`, or `now`."""
    if at - now < timedelta(minutes=1):
        return "now"
    return f"at {moment(at, reader, now)} {city(reader.zone)}, in {duration(at - now)}"


# -- plain text and HTML ---------------------------------------------------------------------


@dataclass(frozen=True)
class Facts:
    """Lines of `label: value`; empty values are left out."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Action:
    """A link with its verb; one that says what following it does is the button of the message."""

    verb: str
    url: str
    effect: str = ""


Block = str | Facts | Action


def plain(blocks: Sequence[Block]) -> str:
    """The blocks as plain text, an empty line between them, a line break at the end."""
    return "\n\n".join(filter(None, map(_plain, blocks))) + "\n"


def _plain(block: Block) -> str:
    if isinstance(block, Facts):
        return "\n".join(f"{label}: {one_line(value)}" for label, value in block.rows if value)
    if isinstance(block, Action):
        return f"{block.verb}: {block.url}" + (f"\n{block.effect}" if block.effect else "")
    return printable(block).strip()


def html(blocks: Sequence[Block]) -> str:
    """The same blocks as a small HTML page; everything from outside is escaped."""
    body = "\n".join(filter(None, map(_html, blocks)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="color-scheme" content="light dark"></head>\n'
        '<body style="font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:1em">\n'
        f"{body}\n</body></html>\n"
    )


def _html(block: Block) -> str:
    if isinstance(block, Facts):
        rows = "".join(
            f'<tr><td style="padding:0 1em 0 0;vertical-align:top">{escape(label)}</td>'
            f"<td>{escape(one_line(value))}</td></tr>\n"
            for label, value in block.rows
            if value
        )
        return f"<table>\n{rows}</table>" if rows else ""
    if isinstance(block, Action):
        return _html_action(block)
    text = printable(block).strip()
    return f"<p>{escape(text).replace(chr(10), '<br>' + chr(10))}</p>" if text else ""


def _html_action(action: Action) -> str:
    if not action.url.startswith(("https://", "http://")):
        return f"<p>{escape(action.verb)}: {escape(action.url)}</p>"
    style = (
        ' style="display:inline-block;padding:.6em 1.2em;border-radius:6px;background:#1f4fd8;'
        'color:#fff;text-decoration:none"'
    )
    button = style if action.effect else ""
    link = f'<p><a href="{escape(action.url)}"{button}>{escape(action.verb)}</a></p>'
    return link + (f"\n<p>{escape(action.effect)}</p>" if action.effect else "")


# -- the message -----------------------------------------------------------------------------

SUBJECT_LIMIT = 180


@dataclass(frozen=True)
class Texts:
    """One message in its forms; `short` fits one SMS."""

    subject: str
    text: str
    html: str | None
    short: str


def texts(subject: str, blocks: Sequence[Block], short: str) -> Texts:
    """The message made of these blocks."""
    whole = cut(one_line(subject), SUBJECT_LIMIT)
    return Texts(subject=whole, text=plain(blocks), html=html(blocks), short=short)
