"""Headers of mails from strangers: found, unfolded, and read field by field. Pure, never raises."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from apps.intake.mailtext import decode, guess, one_line, words

MAX_NAME: Final = 120
MAX_ID: Final = 250
_VALUE: Final = 100_000  # characters of one header
_LIST: Final = 40_000  # characters of a list of addresses
_FIELD: Final = re.compile(rb"([!-9;-~]{1,100})[ \t]{0,20}:")
_ID: Final = re.compile(r"<([^<>\s]{1,1000})>")
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.){0,1000}+"|<[^<>]{0,1000}>|[,;]|[^",;<]++|["<]')
_COMMENT: Final = re.compile(r"\(([^()]{0,200})\)")
_ADDRESS: Final = re.compile(
    r"([^\s@<>\"(),:;\\\x00-\x20\x7f]{1,64})@([^\s@<>\"(),:;\\/\x00]{1,190})"
)
_PARAMETER: Final = re.compile(
    r';\s*+([A-Za-z0-9_.-]{1,40})(?:\*([0-9]{1,3}))?(\*)?\s*+=\s*+("(?:[^"\\]|\\.){0,2000}+"?|[^;"]{0,2000}+)'
)
_PERCENT: Final = re.compile(rb"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Address:
    """`address` has its domain in lower case; the part before the @ is as it was sent."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Head:
    """The fields of one header block, in order, with lower-case names and unfolded values."""

    fields: tuple[tuple[str, str], ...] = ()
    cut: bool = field(default=False)

    def first(self, name: str) -> str:
        """The first field of this name as it stands, or nothing: a second one is not believed."""
        return next((value for key, value in self.fields if key == name), "")

    def all(self, *names: str) -> list[str]:
        return [value for key, value in self.fields if key in names]

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.fields)

    def text(self, name: str, limit: int) -> str:
        """A field for people: encoded words decoded, on one line, clipped."""
        return one_line(words(self.first(name)[: limit * 20]), limit)

    def word(self, name: str) -> str:
        """A field for programs: its first 200 characters in lower case."""
        return one_line(self.first(name), 200).lower()


def split(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the header block in `raw[start:end]` ends, and where its body starts."""
    if raw[start : start + 1] == b"\n":
        return start, start + 1
    if raw[start : start + 2] == b"\r\n":
        return start, start + 2
    plain = raw.find(b"\n\n", start, end)
    dos = raw.find(b"\n\r\n", start, end if plain < 0 else plain)
    if dos >= 0:
        return dos, dos + 3
    return (plain, plain + 2) if plain >= 0 else (end, end)


def read(block: bytes, *, limit: int, fields: int) -> Head:
    """The fields of a header block, at most `limit` bytes and `fields` of it."""
    found: list[tuple[str, list[bytes]]] = []
    cut = len(block) > limit
    for line in block[:limit].replace(b"\r\n", b"\n").split(b"\n"):
        if line[:1] in (b" ", b"\t"):
            if found:
                found[-1][1].append(line.strip())
        elif match := _FIELD.match(line):
            if len(found) >= fields:
                cut = True
                break
            found.append((match[1].decode("ascii").lower(), [line[match.end() :].strip()]))
    return Head(tuple((name, guess(b" ".join(parts))[:_VALUE]) for name, parts in found), cut)


# -- message ids


def ids(value: str, limit: int) -> tuple[tuple[str, ...], bool]:
    """The message ids of a field, oldest first: the first and the newest, and whether some went."""
    found = _ID.findall(value)
    if not found:
        found = [word for word in value.split()[: limit * 2] if "@" in word]
    unique = list(dict.fromkeys(bounded_id(one) for one in found))
    if len(unique) <= limit:
        return tuple(unique), False
    return (unique[0], *unique[-(limit - 1) :]), True


def bounded_id(text: str) -> str:
    """A message id that fits a column; what is longer is known by its digest."""
    plain = one_line(text, 2000).replace(" ", "")
    if len(plain) <= MAX_ID:
        return plain
    return "sha256:" + hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


# -- addresses


def addresses(value: str, limit: int) -> tuple[Address, ...]:
    """The mailboxes of a field. What has no address is left out: groups, names alone."""
    found: list[Address] = []
    for piece in _pieces(value[:_LIST]):
        if len(found) >= limit:
            break
        if one := _mailbox(piece):
            found.append(one)
    return tuple(found)


def address(text: str) -> str:
    """One bare address with its domain in lower case; nothing when it is none."""
    match = _ADDRESS.fullmatch(text.strip().strip("<>").removeprefix("mailto:").strip())
    return f"{match[1]}@{match[2].lower().rstrip('.')}" if match else ""


def _pieces(value: str) -> Iterator[list[str]]:
    piece: list[str] = []
    for match in _TOKEN.finditer(value):
        if match[0] in ",;":
            yield piece
            piece = []
        else:
            piece.append(match[0])
    yield piece


def _mailbox(piece: list[str]) -> Address | None:
    """`"Name" <address>`, `address (Name)` or a bare address."""
    angled = next((token for token in reversed(piece) if token.startswith("<")), None)
    rest = "".join(_unquoted(token) for token in piece if token is not angled)
    if angled is not None and (found := address(angled)):
        return Address(one_line(words(rest), MAX_NAME), found)
    bare = "".join(piece)
    names = _COMMENT.findall(bare)
    if found := address(_COMMENT.sub("", bare)):
        return Address(one_line(words(names[0] if names else ""), MAX_NAME), found)
    return None


def _unquoted(token: str) -> str:
    if len(token) > 1 and token[0] == token[-1] == '"':
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    return token


# -- parameters


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """The first word of `Content-Type` or `Content-Disposition` and its parameters (RFC 2231)."""
    main = one_line(value.partition(";")[0], 100).lower()
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for number, match in enumerate(_PARAMETER.finditer(value[:8000])):
        if number >= 100:
            break
        text = _unquoted(match[4].strip()) if match[4][:1] != '"' else _quoted(match[4])
        part = int(match[2]) if match[2] else 0
        key = match[1].lower()
        # `name*` is meant for programs that understand it, and is better than a plain `name`.
        if match[2] is None and pieces.get(key) and not match[3]:
            continue
        if match[2] is None:
            pieces[key] = []
        pieces.setdefault(key, []).append((part, bool(match[3]), text))
    return main, {key: _joined(found) for key, found in pieces.items()}


def _quoted(token: str) -> str:
    return _unquoted(token if len(token) > 1 and token.endswith('"') else token + '"')


def _joined(pieces: list[tuple[int, bool, str]]) -> str:
    pieces = sorted(pieces, key=lambda piece: piece[0])
    if not any(encoded for _, encoded, _ in pieces):
        return "".join(text for _, _, text in pieces)
    charset = ""
    data = b""
    for at, (_, encoded, text) in enumerate(pieces):
        if encoded and at == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        raw = text.encode("utf-8", "replace")
        data += _PERCENT.sub(lambda hit: bytes([int(hit[1], 16)]), raw) if encoded else raw
    return decode(data, charset)


# -- time


def date(value: str) -> datetime | None:
    """The sender's time in UTC; None when it cannot be read or is absurd."""
    try:
        moment = parsedate_to_datetime(value[:100])
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if 1970 < moment.year < 9000 else None
