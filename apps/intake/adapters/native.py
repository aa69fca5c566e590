"""The product's own event: `POST /api/v1/events`, and each line of `/api/v1/events/batch`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, get_args

from apps.intake.canonical import (
    MAX_KEY,
    SEVERITIES,
    Action,
    Body,
    CanonicalEvent,
    FieldError,
    Headers,
    InvalidEvent,
    Severity,
    header,
    known_severity,
    make_event,
    mapping_of,
    parse_time,
    read_links,
    read_object,
    refuse,
)

KIND: Final[str] = "native"
ACTIONS: Final[tuple[Action, ...]] = ("trigger", "acknowledge", "resolve", "change")

_TEXTS: Final = ("surface", "source", "group_key", "component", "class")
_KNOWN: Final = frozenset(
    ("id", "action", "summary", "severity", "dedup_key", "occurred_at", "links", "details", "test")
).union(_TEXTS)
_IDEMPOTENCY: Final = "Idempotency-Key"


def validate(body: Body, headers: Headers, *, fallback_key: str) -> list[str | None]:
    """The dedup key of the event, before the answer; `fallback_key` for a trigger without one.

    Raises `InvalidEvent` naming every field that is wrong.
    """
    data = read_object(body)
    errors = problems(data)
    if len(header(headers, _IDEMPOTENCY) or "") > MAX_KEY:
        errors.append(FieldError(field=_IDEMPOTENCY, message=f"is longer than {MAX_KEY}"))
    refuse(errors)
    return [_key(data, fallback_key)]


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """The one event of the body. `fallback_key` is the key that the answer gave, if it made one."""
    data = read_object(body)
    refuse(problems(data))
    return [to_event(data, dedup_key=_key(data, fallback_key))]


def delivery_key(body: Body, headers: Headers) -> str | None:
    """The sender's `id`, else its `Idempotency-Key`: a repeat is the same delivery."""
    sent = read_object(body).get("id")
    if isinstance(sent, str) and sent:
        return sent
    key = header(headers, _IDEMPOTENCY)
    return f"idempotency-key:{key}" if key else None


def problems(data: Mapping[str, Any]) -> list[FieldError]:
    """Everything that is wrong with a native event, one entry for each field."""
    errors: list[FieldError] = []
    for name, problem in _CHECKS.items():
        if (value := data.get(name)) is not None and (message := problem(value)):
            errors.append(FieldError(field=name, message=message))
    errors.extend(_missing(data))
    return errors


def to_event(
    data: Mapping[str, Any], *, dedup_key: str | None, details: Mapping[str, Any] | None = None
) -> CanonicalEvent:
    """The event of fields that `problems` has passed. Fields it does not know go to the details."""
    action: Action = data["action"]
    unknown = {name: value for name, value in data.items() if name not in _KNOWN}
    return make_event(
        kind="change" if action == "change" else "alert",
        action=action,
        dedup_key=dedup_key,
        group_key=data.get("group_key"),
        severity=_severity(action, data.get("severity")),
        summary=data.get("summary"),
        source=data.get("source"),
        component=data.get("component"),
        class_=data.get("class"),
        surface=data.get("surface"),
        occurred_at=parse_time(data.get("occurred_at")),
        links=read_links(data.get("links")),
        details={**unknown, **mapping_of(data.get("details")), **(details or {})},
        test=data.get("test") is True,
    )


def _severity(action: Action, word: Any) -> Severity | None:
    """Only what starts something is severe: an acknowledgement or a resolve changes no severity."""
    if action in ("acknowledge", "resolve"):
        return None
    return known_severity(word) or ("info" if action == "change" else "error")


def _key(data: Mapping[str, Any], fallback_key: str | None) -> str | None:
    key: str | None = data.get("dedup_key")
    if not _blank(key) or data["action"] != "trigger":
        return key
    if not fallback_key:
        raise InvalidEvent("dedup_key_missing", "The trigger has no dedup_key and none was made.")
    return fallback_key


def _missing(data: Mapping[str, Any]) -> list[FieldError]:
    needed = {
        "trigger": "summary",
        "change": "summary",
        "acknowledge": "dedup_key",
        "resolve": "dedup_key",
    }
    action = data.get("action")
    name = "action" if action is None else needed.get(action) if isinstance(action, str) else None
    if name is None or not _blank(data.get(name)):
        return []
    return [FieldError(field=name, message="is missing or blank")]


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be text"


def _key_text(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    return f"is longer than {MAX_KEY} characters" if len(value) > MAX_KEY else None


def _action(value: Any) -> str | None:
    return None if value in ACTIONS else f"must be one of {', '.join(ACTIONS)}"


def _severity_word(value: Any) -> str | None:
    return None if known_severity(value) else f"must be one of {', '.join(SEVERITIES)}"


def _time(value: Any) -> str | None:
    return None if parse_time(value) else "must be an RFC 3339 time with an offset, after 1970"


def _list_of_objects(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return None
    return "must be a list of objects"


def _object(value: Any) -> str | None:
    return None if isinstance(value, dict) else "must be an object"


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


_CHECKS: Final[dict[str, Callable[[Any], str | None]]] = {
    "id": _key_text,
    "action": _action,
    "summary": _text,
    "severity": _severity_word,
    "dedup_key": _key_text,
    "occurred_at": _time,
    "links": _list_of_objects,
    "details": _object,
    "test": _boolean,
    **dict.fromkeys(_TEXTS, _text),
}
assert set(_CHECKS) == _KNOWN and set(ACTIONS) <= set(get_args(Action))
