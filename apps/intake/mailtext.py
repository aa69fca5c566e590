"""Text in mails from strangers: charsets, encoded words, one-line fields. Pure, and never raises.

Every function takes time in proportion to its input, whatever is in it.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from encodings.aliases import aliases
from typing import Final

REPLACEMENT: Final = "\ufffd"

# Charsets are looked up in the list that Python ships: asking for an unknown one costs a search
# for a module, and some codecs are no charsets or take time that grows with the square.
_CHARSETS: Final = frozenset(aliases.values()) - {
    *("base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"),
    *("mbcs", "idna", "punycode", "ascii"),
}
# What senders call by a narrower name than what they send, as browsers read it.
_WIDER: Final = {
    "latin_1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
_WORD: Final = re.compile(
    r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z0-9-]{0,20})?\?([BbQq])\?([^?\r\n]{0,3000})\?="
)
_NOT_BASE64: Final = bytes(
    byte
    for byte in range(256)
    if byte not in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
)
_BREAKS: Final = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_UNSEEN: Final = re.compile("[\u061c\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def decode(data: bytes, charset: str | None) -> str:
    """Bytes as text; an unknown or wrong charset is read as UTF-8, else as Windows-1252."""
    name = re.sub(r"[^a-z0-9]+", "_", (charset or "")[:60].lower()).strip("_")
    codec = aliases.get(name, name)
    codec = _WIDER.get(codec, codec)
    if codec in _CHARSETS:
        try:
            return data.decode(codec, "replace")
        except (UnicodeError, LookupError, ValueError):
            pass
    return guess(data)


def guess(data: bytes) -> str:
    """UTF-8 when it is that, else Windows-1252, which every byte has a reading in."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def from_base64(data: bytes) -> bytes:
    """What base64 says, broken or cut as it may be: foreign bytes and a lonely end are left out."""
    clean = data.translate(None, _NOT_BASE64).partition(b"=")[0]
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def words(value: str) -> str:
    """A header's value with its encoded words (RFC 2047) decoded.

    Neighbors in one charset are joined before they are decoded, as a character may be split.
    """
    out: list[str] = []
    held: tuple[str, bytes] = ("", b"")
    end = 0
    for match in _WORD.finditer(value):
        between, end_before, end = value[end : match.start()], end, match.end()
        charset, data = match[1].lower(), _word_bytes(match[2], match[3])
        neighbors = end_before > 0 and not between.strip()
        if neighbors and charset == held[0]:
            held = (charset, held[1] + data)
            continue
        out.append(decode(held[1], held[0]))
        out.append("" if neighbors else between)
        held = (charset, data)
    return "".join([*out, decode(held[1], held[0]), value[end:]])


def _word_bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "bB":
        return from_base64(raw)
    return binascii.a2b_qp(raw, header=True)


def one_line(text: str, limit: int) -> str:
    """One line of at most `limit` characters, without control and bidirectional characters."""
    # Cut first: the work is bounded whatever came; what is cut away later was white space.
    flat = _BREAKS.sub(" ", _UNSEEN.sub("", text[: limit * 8]))
    return clip(_SURROGATE.sub(REPLACEMENT, flat).strip(), limit)


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, without splitting a letter from its marks; `…` says it is cut."""
    if len(text) <= limit:
        return text
    end = limit - 1
    floor = max(end - 64, 0)
    while end > floor and (
        unicodedata.combining(text[end]) or text[end] in "\u200d\ufe0f" or text[end - 1] == "\u200d"
    ):
        end -= 1
    return text[:end].rstrip() + "…"


def lines(text: str) -> str:
    """Text of many lines: breaks become `\\n`, control characters and lone surrogates go."""
    even = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    return _CONTROL.sub(lambda found: "" if found[0] < "\x7f" else REPLACEMENT, even)
