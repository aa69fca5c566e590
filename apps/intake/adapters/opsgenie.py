"""The subset of Opsgenie's alert API that its clients use to raise, take and close an alert.

What is done and to which alert stands in the path, and acknowledging and closing clients often
send no body: the door writes the verb into a header of ours, and the alias into the delivery.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from apps.intake.canonical import (
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
    missing,
    read_object,
    refuse,
    severity_of,
    text_of,
)

KIND: Final[str] = "opsgenie"
VERB: Final = "x-opsportal-verb"  # written by the door alone
VERBS: Final[dict[str, Action]] = {
    "create": "trigger",
    "acknowledge": "acknowledge",
    "close": "resolve",
    "notes": "note",
}
MAX_ALIAS: Final = 512

_DETAILS: Final = ("description", "priority", "tags", "responders", "details", "user", "note")


def validate(body: Body, headers: Headers, *, fallback_key: str) -> list[str | None]:
    """The alias that the alert goes by; `fallback_key` where none was sent."""
    verb, data = _read(body, headers)
    return [_key(verb, data, fallback_key)]


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """The one event of a request. `fallback_key` is the alias of the path, or the one made."""
    verb, data = _read(body, headers)
    opens = verb == "create"
    details = mapping_of(data.get("details"))
    return [
        make_event(
            kind="alert",
            action=VERBS[verb],
            dedup_key=_key(verb, data, fallback_key),
            severity=_severity(data, details) if opens else None,
            summary=text_of(data.get("message")) if opens else text_of(data.get("note")),
            source=text_of(data.get("source"), data.get("user")),
            component=text_of(data.get("entity")),
            surface=text_of(details.get("surface")),
            details={name: data[name] for name in _DETAILS if data.get(name)},
        )
    ]


def delivery_key(body: Body, headers: Headers) -> str | None:
    """None: the protocol has no delivery id, so every delivery is kept and aliases deduplicate."""
    return None


def _severity(data: Mapping[str, Any], details: Mapping[str, Any]) -> Severity:
    """The priority; Alertmanager sends none, but all labels as details; P3 as Opsgenie says."""
    return severity_of(data.get("priority") or known_severity(details.get("severity")) or "P3")


def _read(body: Body, headers: Headers) -> tuple[str, dict[str, Any]]:
    """The verb, and the body checked for it; no body at all is fine but for a new alert."""
    verb = header(headers, VERB) or "create"
    if verb not in VERBS:
        raise InvalidEvent("unknown_verb", f"There is nothing to do that is called {verb}.")
    empty = isinstance(body, bytes) and not body.strip() and verb in ("acknowledge", "close")
    data = {} if empty else read_object(body)
    refuse(_problems(verb, data))
    return verb, data


def _problems(verb: str, data: Mapping[str, Any]) -> list[FieldError]:
    if verb == "notes":
        return missing({"note": data.get("note")})
    if verb != "create":
        return []
    errors = missing({"message": data.get("message")})
    alias = data.get("alias")
    if alias is not None and (not isinstance(alias, str) or len(alias) > MAX_ALIAS):
        errors.append(FieldError(field="alias", message=f"must be text of at most {MAX_ALIAS}"))
    return errors


def _key(verb: str, data: Mapping[str, Any], fallback_key: str | None) -> str | None:
    alias: str | None = data.get("alias") if verb == "create" else None
    if alias and alias.strip():
        return alias
    if not fallback_key:
        raise InvalidEvent("alias_missing", "The request names no alert.")
    return fallback_key
