"""The canonical event: the one form that every source is brought into, and its limits.

Adapters read a stranger's body with the helpers below and build events with `make_event`, which
cuts and hashes to the limits, so that no later step meets a value that is too long.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypedDict, get_args

from apps.core import safe_json

Kind = Literal["alert", "change", "ticket", "heartbeat", "telemetry", "schema", "command", "ignore"]
Action = Literal[
    "trigger", "acknowledge", "resolve", "note", "change", "open_ticket", "close_ticket", "mail"
]
Severity = Literal["critical", "error", "warning", "info"]
Headers = Mapping[str, str]
Body = bytes | Mapping[str, Any] | list[dict[str, Any]]

MAX_KEY: Final = 255
MAX_NAME: Final = 255
MAX_SUMMARY: Final = 1024
MAX_LINKS: Final = 20
MAX_URL: Final = 2048
MAX_PARSED_BYTES: Final = 8 * 1024 * 1024  # the doors have their own, smaller limits
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)

_SEVERITY_WORDS: Final[dict[str, Severity]] = {
    **dict.fromkeys(("critical", "crit", "fatal", "emergency", "page", "p1"), "critical"),
    **dict.fromkeys(("error", "err", "high", "major", "p2"), "error"),
    **dict.fromkeys(("warning", "warn", "medium", "minor", "p3"), "warning"),
    **dict.fromkeys(("info", "informational", "low", "none", "debug"), "info"),
    **dict.fromkeys(("p4", "p5", "notice"), "info"),
}
# Outside these years a time cannot be shown in every zone, and is a sender's empty value anyway.
_EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)
_CLOCK_SKEW: Final = timedelta(hours=1)
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_NO_LABELS: Final = re.compile(r"(?:\{.*\}:)?\{\s*\}", re.DOTALL)
_WEB: Final = re.compile(r"https?://[^\s\x00-\x1f\x7f<>\"]+", re.IGNORECASE)


class FieldError(TypedDict):
    """One sentence about one field: `'dedup_key' is missing or blank`."""

    field: str
    message: str


class Link(TypedDict):
    href: str
    text: str


class Image(TypedDict):
    src: str
    href: str
    alt: str


class InvalidEvent(Exception):
    """A body that is no event of its kind. A door answers 400, the engine quarantines.

    `errors` name the fields; it may be empty when the body as a whole cannot be read.
    """

    def __init__(self, code: str, message: str, errors: Iterable[FieldError] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.errors = list(errors)


def refuse(errors: Iterable[FieldError]) -> None:
    """Raise `InvalidEvent` if there is anything to refuse."""
    if found := list(errors):
        listed = "; ".join(f"'{error['field']}' {error['message']}" for error in found)
        raise InvalidEvent("invalid_event", f"The event is not valid: {listed}.", found)


def missing(values: Mapping[str, Any]) -> list[FieldError]:
    """An error for each field without a text or a number."""
    return [
        FieldError(field=name, message="is missing or blank")
        for name, value in values.items()
        if text_of(value) is None
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonicalEvent:
    """What happened, in the product's words, whoever sent it.

    `dedup_key` is unique inside its integration. `source_ts` is set for sources with a clock of
    their own: the instant by which late and early events of one key are put in order.
    `surface` is a key as the sender wrote it; it may name nothing.
    """

    kind: Kind
    action: Action
    dedup_key: str | None = None
    group_key: str | None = None
    severity: Severity | None = None
    summary: str | None = None
    source: str | None = None
    component: str | None = None
    class_: str | None = None
    occurred_at: datetime | None = None
    links: list[Link] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    surface: str | None = None
    test: bool = False
    source_ts: datetime | None = None


def make_event(
    *,
    kind: Kind,
    action: Action,
    dedup_key: str | None,
    group_key: str | None = None,
    summary: str | None = None,
    source: str | None = None,
    component: str | None = None,
    class_: str | None = None,
    surface: str | None = None,
    **rest: Any,
) -> CanonicalEvent:
    """An event within its limits: long keys are hashed, long names and summaries cut."""
    return CanonicalEvent(
        kind=kind,
        action=action,
        dedup_key=fit_key(dedup_key),
        group_key=fit_key(group_key),
        summary=_line(summary, MAX_SUMMARY),
        source=_line(source, MAX_NAME),
        component=_line(component, MAX_NAME),
        class_=_line(class_, MAX_NAME),
        surface=_line(surface, MAX_NAME),
        **rest,
    )


def fit_key(key: str | None) -> str | None:
    """A key as it was sent, or when it is longer than 255 its SHA-256: `sha256:<hex>`."""
    if not key:
        return None
    if len(key) <= MAX_KEY:
        return key
    return "sha256:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def meaningful_group(group_key: str | None) -> bool:
    """Whether the key says which alerts belong together.

    Alertmanager and Grafana write `{route}:{labels}`; without grouping labels (`{}:{}`) the key
    would lump together all alerts of a route, so it counts as none.
    """
    key = (group_key or "").strip()
    return bool(key) and _NO_LABELS.fullmatch(key) is None


def known_severity(word: Any) -> Severity | None:
    """The severity that a sender's word means, else None."""
    return _SEVERITY_WORDS.get(word.strip().lower()) if isinstance(word, str) else None


def severity_of(*words: Any) -> Severity:
    """The first word that means a severity; error when none does."""
    for word in words:
        if severity := known_severity(word):
            return severity
    return "error"


def text_of(*values: Any) -> str | None:
    """The first value that is text (or a number, written out) and not blank, stripped."""
    for value in values:
        if isinstance(value, str):
            if stripped := value.strip():
                return stripped
        elif isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return None


def mapping_of(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one: for parts an event can do without."""
    return value if isinstance(value, dict) else {}


def parse_time(text: Any) -> datetime | None:
    """An RFC 3339 time in UTC; None for anything else, for a missing offset or an absurd year."""
    if not isinstance(text, str) or not 16 <= len(text) <= 64:
        return None
    written = text.strip().upper()
    if written.endswith("+00:00Z"):  # what the `pagerduty` client's own clock writes
        written = written[:-1]
    try:
        moment = datetime.fromisoformat(written)
        return _sane(moment.astimezone(UTC)) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def epoch_time(seconds: Any) -> datetime | None:
    """Seconds since 1970 as a time in UTC; None for zero, which senders use for "not yet"."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return _sane(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def source_clock(moment: datetime | None, received_at: datetime) -> datetime | None:
    """The source's own time for ordering; a clock that runs far ahead is not believed."""
    if moment is not None and moment > received_at + _CLOCK_SKEW:
        return received_at
    return moment


def web_link(href: Any, text: Any = None) -> list[Link]:
    """No or one link: only http and https, so that nobody can smuggle in `javascript:`."""
    if not isinstance(href, str):
        return []
    url = href.strip()
    if len(url) > MAX_URL or _WEB.fullmatch(url) is None:
        return []
    return [Link(href=url, text=_line(text_of(text), MAX_NAME) or url)]


def read_links(value: Any) -> list[Link]:
    """The usable ones of a list of `{"href", "text"}`; the others are left out."""
    items = value if isinstance(value, list) else []
    found = [web_link(item.get("href"), item.get("text")) for item in items if _is_object(item)]
    return [link for links in found for link in links][:MAX_LINKS]


def read_images(value: Any) -> list[Image]:
    """The usable ones of a list of `{"src", "href", "alt"}`; the others are left out."""
    images: list[Image] = []
    for item in value if isinstance(value, list) else []:
        if not _is_object(item) or not (src := web_link(item.get("src"))):
            continue
        href = web_link(item.get("href"))
        alt = _line(text_of(item.get("alt")), MAX_NAME) or ""
        images.append(Image(src=src[0]["href"], href=href[0]["href"] if href else "", alt=alt))
    return images[:MAX_LINKS]


def header(headers: Headers, name: str) -> str | None:
    """A header's value whatever the case of its name; None when absent or blank."""
    value = headers.get(name.lower())
    if value is None:
        wanted = name.lower()
        value = next((v for k, v in headers.items() if k.lower() == wanted), None)
    return safe_json.scrub_text(value.strip()) or None if value is not None else None


def read_object(body: Body, *, max_values: int = safe_json.MAX_VALUES) -> dict[str, Any]:
    """The body as an object: parsed safely if it is bytes, taken as it is if parsed already."""
    value = parse_body(body, max_values=max_values)
    if isinstance(value, list):
        raise InvalidEvent("not_an_object", "The body must be a JSON object.")
    return value


def parse_body(
    body: Body, *, allow_array: bool = False, max_values: int = safe_json.MAX_VALUES
) -> dict[str, Any] | list[dict[str, Any]]:
    """As `read_object`, with arrays of objects where the kind has them."""
    if not isinstance(body, bytes):
        return body if isinstance(body, list) else dict(body)
    try:
        return safe_json.loads_object(
            body, max_bytes=MAX_PARSED_BYTES, allow_array=allow_array, max_values=max_values
        )
    except safe_json.UnsafeJson as error:
        raise InvalidEvent(error.code, error.message) from error


def cut(text: str, limit: int) -> str:
    """At most `limit` code points of `text`, without splitting what readers see as one character.

    Follows the rules of Unicode text segmentation that matter in practice: combining marks, emoji
    sequences, flags and Hangul. A pile of marks longer than 64 is cut anyway.
    """
    if len(text) <= limit:
        return text
    for end in range(limit, max(limit - 64, 0), -1):
        if not _inside_character(text, end):
            return text[:end]
    return text[:limit]


def _line(text: str | None, limit: int) -> str | None:
    """One line of at most `limit` code points: line breaks and control characters become spaces."""
    if text is None:
        return None
    parts = (part.strip() for part in _BREAKS.split(text))
    return cut(" ".join(part for part in parts if part), limit) or None


def _inside_character(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if before == "\u200d" or after in "\u200c\u200d" or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    if unicodedata.category(after)[0] == "M" or "\U000e0020" <= after <= "\U000e007f":
        return True
    if _is_flag_half(before) and _is_flag_half(after):
        start = at
        while start and _is_flag_half(text[start - 1]):
            start -= 1
        return (at - start) % 2 == 1
    return "\u1100" <= before <= "\u115f" or "\u1160" <= after <= "\u11ff"


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _sane(moment: datetime) -> datetime | None:
    return moment if _EARLIEST <= moment <= _LATEST else None
