"""Secrets that senders put into events are taken out before anything is stored in the open.

The raw delivery keeps its bytes behind a permission of its own; what pages and messages show comes
from the redacted event. Keys that name a secret lose their values, and texts lose what looks like
one: our own keys, keys of common vendors, tokens, private keys and passwords in addresses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from apps.core.safe_json import scrub_text
from apps.intake.canonical import CanonicalEvent, Headers, Link

REDACTED: Final = "[redacted]"
MAX_HEADER: Final = 2048

_KEPT_HEADERS: Final = frozenset(
    (
        "content-type",
        "content-length",
        "user-agent",
        "idempotency-key",
        "request-id",
        "x-request-id",
        "x-opsportal-test",
        "x-opsportal-verb",
        "x-github-event",
        "x-github-delivery",
        "x-github-hook-id",
        "sentry-hook-resource",
        "sentry-hook-timestamp",
        "webhook-id",
        "webhook-timestamp",
    )
)
_NAMES: Final = (
    r"(?:authori[sz]ation|token|secret|passw(?:or)?d|pass[ _-]?phrase|pwd|cookie|signature"
    r"|credential|session[ _-]?id|(?:api|private|access|routing|integration)[ _-]?key)"
)
_SECRET_KEY: Final = re.compile(_NAMES, re.IGNORECASE)
_SECRET_TAIL: Final = re.compile(_NAMES + r"\Z", re.IGNORECASE)
# What an error code looks like: `404`, `42P01`, `ECONNREFUSED`, `ERR-WAREHOUSE-AUTH`. Any other
# text under `code` may be the code of an OAuth grant.
_ERROR_CODE: Final = re.compile(
    r"[A-Z0-9]{1,5}|[A-Z]{2,40}|[A-Z][A-Z0-9]{0,40}(?:[-_.][A-Z0-9]{1,40}){1,8}"
)
# Every alternative begins at a boundary and is bounded or possessive: no text makes it slow.
_SECRET_VALUE: Final = re.compile(
    r"""
    (?<![A-Za-z0-9_-])(?:
        opk_[A-Za-z0-9_]{8,}+
      | [sr]k_(?:live|test)_[A-Za-z0-9]{8,}+
      | whsec_[A-Za-z0-9+/=_-]{8,}+
      | gh[pousr]_[A-Za-z0-9]{16,}+
      | github_pat_[A-Za-z0-9_]{16,}+
      | glpat-[A-Za-z0-9_-]{16,}+
      | xox[a-z]-[A-Za-z0-9-]{10,}+
      | A(?:KI|SI)A[A-Z0-9]{16}(?![A-Za-z0-9])
      | AIza[A-Za-z0-9_-]{35}
      | ya29\.[A-Za-z0-9_-]{16,}+
      | dapi[0-9a-f]{32}
      | eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+
    )
    | -----BEGIN\ [A-Z0-9 ]{0,32}PRIVATE\ KEY(?:\ BLOCK)?-----(?:(?!-----END\ ).)*+
      (?:-----END\ [A-Z0-9 ]{0,48}-----)?
    """,
    re.VERBOSE | re.DOTALL,
)
# Here a part before the secret stays: the name of a parameter, the user of an address.
_SECRET_TEXT: Final = re.compile(
    r"""
      (?P<user>://[^\s/:@]{0,128}:)[^\s/@]{1,256}(?=@)
    | (?P<name>(?<![A-Za-z0-9])(?:[A-Za-z0-9]{1,32}[_-]){0,3}
        (?:token|secret|passw(?:or)?d|pwd|api[_-]?key|signature)=)[^\s&"'<>,;]{3,}+
    | (?P<scheme>(?<![A-Za-z])bearer\ {1,8})(?=[^\s\d]{0,128}\d)[A-Za-z0-9._~+/=-]{12,}+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")


def redact_headers(headers: Headers) -> dict[str, str]:
    """The headers worth keeping, by lower-case name: what adapters read and tells the sender."""
    kept: dict[str, str] = {}
    for name, value in headers.items():
        lowered = name.lower()
        if lowered.startswith("ce-") and _names_a_secret(lowered):
            kept[lowered] = REDACTED
        elif lowered.startswith("ce-") or lowered in _KEPT_HEADERS:
            kept[lowered] = redact_text(scrub_text(value))[:MAX_HEADER]
    return kept


def redact(details: Mapping[str, Any], *, emails: bool = False) -> dict[str, Any]:
    """A copy of an event's details without secrets, and with `emails` without mail addresses."""
    return {key: _value(key, value, emails=emails) for key, value in details.items()}


def redact_text(text: str, *, emails: bool = False) -> str:
    """`text` with everything that looks like a secret replaced by `[redacted]`."""
    if len(text) < 8:
        return text
    clean = _SECRET_VALUE.sub(REDACTED, text)
    if "=" in clean or "@" in clean or "earer" in clean.lower():
        clean = _SECRET_TEXT.sub(_keep_name, clean)
    return _EMAIL.sub("[email]", clean) if emails and "@" in clean else clean


def redact_event(event: CanonicalEvent, *, emails: bool = False) -> CanonicalEvent:
    """The event with clean summary, links and details; its keys stay as they were sent."""
    summary = event.summary
    return replace(
        event,
        summary=redact_text(summary, emails=emails) if summary else summary,
        links=[_link(link) for link in event.links],
        details=redact(event.details, emails=emails),
    )


def _link(link: Link) -> Link:
    return Link(href=redact_text(link["href"]), text=redact_text(link["text"]))


def _value(key: str, value: Any, *, emails: bool) -> Any:
    if key.lower() == "code" and isinstance(value, str):
        return value if _ERROR_CODE.fullmatch(value) else REDACTED
    if _names_a_secret(key):
        return _hidden(value, counts=_SECRET_TAIL.search(key) is None)
    return _plain(value, emails=emails)


def _plain(value: Any, *, emails: bool) -> Any:
    if isinstance(value, str):
        return redact_text(value, emails=emails)
    if isinstance(value, Mapping):
        return redact(value, emails=emails)
    if isinstance(value, list | tuple):
        return [_plain(item, emails=emails) for item in value]
    return value


def _hidden(value: Any, *, counts: bool) -> Any:
    """Everything under a secret's key; numbers stay where the key counts (`tokens_used: 500`)."""
    if value is None or isinstance(value, bool) or value == "":
        return value
    if isinstance(value, Mapping):
        return {key: _hidden(item, counts=counts) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(item, counts=counts) for item in value]
    return value if counts and isinstance(value, int | float) else REDACTED


def _names_a_secret(key: str) -> bool:
    """Keys repeat from event to event; only short ones are worth remembering."""
    return _known_secret(key) if len(key) <= 64 else _SECRET_KEY.search(key) is not None


@lru_cache(maxsize=2048)
def _known_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


def _keep_name(match: re.Match[str]) -> str:
    return (match["user"] or match["name"] or match["scheme"]) + REDACTED
