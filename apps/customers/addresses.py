"""Mail addresses as people paste them: which address, which name, which domains. Pure."""

from __future__ import annotations

import re
from email.utils import parseaddr

MAX_ADDRESS = 254
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
# Half the world writes from these: no account can own one.
SHARED = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com"}
    | {"icloud.com", "me.com", "gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com"}
)


def split(text: str) -> tuple[str, str]:
    """(name, address) of `Ana Ruiz <ana@bramble.example>` or of a bare address.

    The address comes back in lower case, its domain in ASCII. Raises ValueError, in words, for
    anything that no mail could be sent to.
    """
    text = text.strip().removeprefix("mailto:")
    if len(text) > 500 or any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise ValueError("This is not an e-mail address.")
    name, address = parseaddr(text) if "<" in text else ("", text)
    written, _, host = address.strip().rpartition("@")
    local = written.lower()  # after which a Kelvin sign would pass for a k
    try:
        clean = f"{local}@{domain(host)}"
    except ValueError as error:
        raise ValueError(f"“{text[:80]}” is not an e-mail address.") from error
    fits = len(local) <= 64 and len(clean) <= MAX_ADDRESS
    if not (written.isascii() and _LOCAL.fullmatch(local) and fits):
        raise ValueError(f"“{text[:80]}” is not an e-mail address.")
    return " ".join(name.split())[:120], clean


def domain(text: str) -> str:
    """A mail domain in lower-case ASCII, from `@Bramble.example` too. ValueError for others."""
    bare = text.strip().lower().removeprefix("@").rstrip(".")
    try:
        host = bare if bare.isascii() else bare.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError(f"“{text[:80]}” is not a mail domain.") from error
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError(f"“{text[:80]}” is not a mail domain.")
    return host


def domains_of(address: str) -> list[str]:
    """The domain of a clean address and those above it, nearest first, without the bare ending."""
    labels = address.rpartition("@")[2].split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]
