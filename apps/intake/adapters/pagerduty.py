"""PagerDuty Events API v2: `/v2/enqueue` and `/v2/change/enqueue`, with PagerDuty's own answers.

A change event is one without an `event_action`; the doors refuse whatever does not fit its path,
so a stored body needs no note of where it came in. PagerDuty's `group` is a label for people, not
a set of alerts that belong together, and goes to the details.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from apps.intake.canonical import (
    MAX_KEY,
    SEVERITIES,
    Action,
    Body,
    CanonicalEvent,
    FieldError,
    Headers,
    InvalidEvent,
    known_severity,
    make_event,
    mapping_of,
    parse_time,
    read_images,
    read_links,
    read_object,
    refuse,
    severity_of,
    text_of,
    web_link,
)

KIND: Final[str] = "pagerduty"

_ACTIONS: Final[dict[str, Action]] = {
    "trigger": "trigger",
    "acknowledge": "acknowledge",
    "resolve": "resolve",
}
_BLANK: Final = "is missing or blank"
_DETAILS: Final = ("group", "custom_details", "timestamp", "severity")


def validate(body: Body, headers: Headers, *, fallback_key: str) -> list[str | None]:
    """The dedup key that the answer to `/v2/enqueue` gives; `fallback_key` when none was sent."""
    data = read_object(body)
    refuse(_required(data, "routing_key") + _alert_problems(data))
    return [_key(data, fallback_key)]


def validate_change(body: Body, headers: Headers) -> None:
    """Raise `InvalidEvent` unless the body is a change event, as `/v2/change/enqueue` takes it."""
    data = read_object(body)
    refuse(_required(data, "routing_key") + _change_problems(data))


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """The one alert or change event of the body."""
    data = read_object(body)
    if data.get("event_action") is None:
        refuse(_change_problems(data))
        return [_change(data)]
    refuse(_alert_problems(data))
    return [_alert(data, _key(data, fallback_key))]


def delivery_key(body: Body, headers: Headers) -> str | None:
    """None: the protocol has no delivery id, so every delivery is kept and alerts deduplicate."""
    return None


def accepted(dedup_key: str | None) -> dict[str, str]:
    """The body of the 202; without a key that of a change event."""
    if dedup_key is None:
        return {"status": "success", "message": "Change event processed"}
    return {"status": "success", "message": "Event processed", "dedup_key": dedup_key}


def invalid(errors: Iterable[FieldError | str]) -> dict[str, str | list[str]]:
    """The body of the 400: PagerDuty's sentences, one for each field."""
    return {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": [e if isinstance(e, str) else f"'{e['field']}' {e['message']}" for e in errors],
    }


def _alert(data: Mapping[str, Any], dedup_key: str | None) -> CanonicalEvent:
    payload = mapping_of(data.get("payload"))
    action = _ACTIONS[data["event_action"]]
    word = payload.get("severity")
    return make_event(
        kind="alert",
        action=action,
        dedup_key=dedup_key,
        severity=severity_of(word) if action == "trigger" else known_severity(word),
        component=text_of(payload.get("component")),
        class_=text_of(payload.get("class")),
        **_common(data, payload),
    )


def _change(data: Mapping[str, Any]) -> CanonicalEvent:
    payload = mapping_of(data.get("payload"))
    return make_event(
        kind="change", action="change", dedup_key=None, severity="info", **_common(data, payload)
    )


def _common(data: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    client = text_of(data.get("client"))
    details = {name: payload[name] for name in _DETAILS if payload.get(name) is not None}
    custom = mapping_of(payload.get("custom_details"))
    return {
        "summary": text_of(payload.get("summary")),
        "source": text_of(payload.get("source")),
        "occurred_at": parse_time(payload.get("timestamp")),
        "links": read_links(data.get("links")) + web_link(data.get("client_url"), client),
        "images": read_images(data.get("images")),
        "surface": text_of(custom.get("surface")),
        "details": {**details, **({"client": client} if client else {})},
    }


def _key(data: Mapping[str, Any], fallback_key: str | None) -> str | None:
    key: str | None = data.get("dedup_key")
    if key and key.strip():
        return key
    if not fallback_key:
        raise InvalidEvent("dedup_key_missing", "The trigger has no dedup_key and none was made.")
    return fallback_key


def _alert_problems(data: Mapping[str, Any]) -> list[FieldError]:
    action = data.get("event_action")
    errors = _key_problems(data.get("dedup_key"), needed=action in ("acknowledge", "resolve"))
    if not isinstance(action, str) or action not in _ACTIONS:
        errors.append(_error("event_action", f"must be one of {', '.join(_ACTIONS)}"))
    payload = data.get("payload")
    if action == "trigger" or payload is not None:
        errors += _payload_problems(payload, required=action == "trigger")
    return errors


def _change_problems(data: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    if data.get("event_action") is not None:
        errors.append(_error("event_action", "is not part of a change event"))
    payload = data.get("payload")
    if not isinstance(payload, dict):
        return [*errors, _error("payload", "must be an object")]
    return errors + _required(payload, "summary", prefix="payload.")


def _payload_problems(payload: Any, *, required: bool) -> list[FieldError]:
    if not isinstance(payload, dict):
        return [_error("payload", "must be an object" if payload is not None else _BLANK)]
    if not required:
        return []
    errors = _required(payload, "summary", "source", prefix="payload.")
    if payload.get("severity") not in SEVERITIES:
        message = f"must be one of {', '.join(SEVERITIES)}"
        errors.append(_error("payload.severity", message))
    return errors


def _key_problems(key: Any, *, needed: bool) -> list[FieldError]:
    if key is None or (isinstance(key, str) and not key.strip()):
        return [_error("dedup_key", _BLANK)] if needed else []
    if not isinstance(key, str):
        return [_error("dedup_key", "must be text")]
    if len(key) > MAX_KEY:
        return [_error("dedup_key", f"is longer than {MAX_KEY} characters")]
    return []


def _required(data: Mapping[str, Any], *names: str, prefix: str = "") -> list[FieldError]:
    """Errors for what must be text that is not blank."""
    return [
        _error(prefix + name, _BLANK)
        for name in names
        if not isinstance(data.get(name), str) or not data[name].strip()
    ]


def _error(field: str, message: str) -> FieldError:
    return FieldError(field=field, message=message)
