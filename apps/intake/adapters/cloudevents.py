"""CloudEvents 1.0 over HTTP: structured, binary and batch. The `data` is a native event.

The event's `source` and `type` become source and class, `time` and `subject` fill in for a missing
`occurred_at` and summary, and an extension attribute `surface` routes. Without a `dedup_key` in the
data a trigger is known by its source and id, which every producer must keep unique.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from apps.core.safe_json import scrub_text
from apps.intake.adapters import native
from apps.intake.canonical import (
    Body,
    CanonicalEvent,
    FieldError,
    Headers,
    InvalidEvent,
    fit_key,
    header,
    parse_body,
    read_object,
    refuse,
    text_of,
)

KIND: Final[str] = "cloudevents"

_REQUIRED: Final = ("id", "source", "type")
_KNOWN: Final = frozenset(
    ("specversion", "datacontenttype", "dataschema", "time", "subject", "data", "data_base64")
).union(_REQUIRED)
_STRUCTURED: Final = "application/cloudevents+json"
_BATCH: Final = "application/cloudevents-batch+json"


def is_cloudevent(headers: Headers) -> bool:
    """Whether the request says that it carries CloudEvents, in any of the three modes."""
    return _media_type(headers) in (_STRUCTURED, _BATCH) or bool(header(headers, "ce-specversion"))


def validate(body: Body, headers: Headers, *, fallback_key: str) -> list[str | None]:
    """The dedup key of every event, in order. All or nothing: one bad event refuses the batch.

    `fallback_key` is not needed here: source and id stand in for a missing key.
    """
    return [_key(event, _native(event)) for event in _checked(body, headers)]


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """One canonical event for each CloudEvent, in order."""
    return [_to_event(event) for event in _checked(body, headers)]


def delivery_key(body: Body, headers: Headers) -> str | None:
    """Source and id, which the specification makes unique; of a batch those of all its events."""
    names = [_name(event) for event in _events(body, headers)]
    return fit_key("ce:" + "\n".join(names)) if names and all(names) else None


def _to_event(event: dict[str, Any]) -> CanonicalEvent:
    data = _native(event)
    attributes = {name: value for name, value in event.items() if name not in _KNOWN}
    about = {"id": event["id"], "type": event["type"], "subject": event.get("subject")}
    details = {"cloudevent": {**about, **attributes}}
    return native.to_event(data, dedup_key=_key(event, data), details=details)


def _native(event: dict[str, Any]) -> dict[str, Any]:
    """The data as a native event, completed from the envelope."""
    data = dict(event.get("data") or {})
    if data.get("source") not in (None, event.get("source")):
        data["data_source"] = data["source"]
    data["source"] = event.get("source")
    starts = data.get("action") in ("trigger", "change")
    for name, value in (
        ("class", event.get("type")),
        ("occurred_at", event.get("time")),
        ("surface", text_of(event.get("surface"))),
        ("summary", text_of(event.get("subject"), event.get("type")) if starts else None),
    ):
        if data.get(name) is None:
            data[name] = value
    return data


def _key(event: dict[str, Any], data: dict[str, Any]) -> str | None:
    key = data.get("dedup_key")
    if isinstance(key, str) and key.strip():
        return key
    return fit_key(_name(event)) if data["action"] == "trigger" else None


def _name(event: dict[str, Any]) -> str:
    source, name = event.get("source"), event.get("id")
    return f"{source} {name}" if source and name else ""


def _checked(body: Body, headers: Headers) -> list[dict[str, Any]]:
    events = _events(body, headers)
    if not events:
        raise InvalidEvent("empty", "The batch holds no events.")
    several = _media_type(headers) == _BATCH
    errors: list[FieldError] = []
    for number, event in enumerate(events):
        prefix = f"{number}." if several else ""
        found = _envelope_problems(event) or _data_problems(event)
        errors.extend(FieldError(field=prefix + e["field"], message=e["message"]) for e in found)
    refuse(errors)
    return events


def _envelope_problems(event: dict[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    if event.get("specversion") != "1.0":
        errors.append(FieldError(field="specversion", message="must be 1.0"))
    for name in _REQUIRED:
        if not isinstance(event.get(name), str) or not event[name].strip():
            errors.append(FieldError(field=name, message="is missing or blank"))
    if not isinstance(event.get("data", {}), dict | None):
        errors.append(FieldError(field="data", message="must be a JSON object"))
    return errors


def _data_problems(event: dict[str, Any]) -> list[FieldError]:
    own_time = (event.get("data") or {}).get("occurred_at") is not None
    names = {} if own_time else {"occurred_at": "time"}
    return [
        FieldError(field=names.get(e["field"], f"data.{e['field']}"), message=e["message"])
        for e in native.problems(_native(event))
    ]


def _events(body: Body, headers: Headers) -> list[dict[str, Any]]:
    media = _media_type(headers)
    if media == _BATCH:
        batch = parse_body(body, allow_array=True)
        if not isinstance(batch, list):
            raise InvalidEvent("not_an_array", "A batch is a JSON array of CloudEvents.")
        return [_decoded(event) for event in batch]
    if media == _STRUCTURED:
        return [_decoded(read_object(body))]
    return [_from_headers(body, headers, media)]


def _from_headers(body: Body, headers: Headers, media: str) -> dict[str, Any]:
    """Binary mode: the attributes are percent-encoded headers, the body is the data."""
    event: dict[str, Any] = {
        name.lower()[3:]: scrub_text(unquote(value.strip().strip('"')))
        for name, value in headers.items()
        if name.lower().startswith("ce-")
    }
    if body == b"":
        return event
    if media and media != "application/json" and not media.endswith("+json"):
        raise InvalidEvent("not_json", "The data of a CloudEvent must be JSON.")
    return {**event, "data": read_object(body)}


def _decoded(event: dict[str, Any]) -> dict[str, Any]:
    """An event whose data came in base64, with that data read as JSON."""
    encoded = event.get("data_base64")
    if encoded is None or event.get("data") is not None:
        return event
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise InvalidEvent("not_base64", "data_base64 is not base64.") from error
    return {**event, "data": read_object(raw)}


def _media_type(headers: Headers) -> str:
    return (header(headers, "Content-Type") or "").partition(";")[0].strip().lower()
