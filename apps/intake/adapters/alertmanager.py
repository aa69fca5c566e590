"""Prometheus Alertmanager's `webhook_config`, version 4: one event for each alert of the group.

A firing group may hold resolved alerts, so only the alert's own status counts. `startsAt` is not
stable over repeats and is never part of a key. An alert that cannot be read becomes an event of
kind `ignore` with the reason in its details, beside its readable neighbors; when none can be read
the whole body raises `InvalidEvent`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from apps.intake.canonical import (
    MAX_LINKS,
    Action,
    Body,
    CanonicalEvent,
    FieldError,
    Headers,
    InvalidEvent,
    Link,
    make_event,
    parse_time,
    read_object,
    severity_of,
    text_of,
    web_link,
)

KIND: Final[str] = "alertmanager"

# A storm comes as one body: a thousand alerts hold some 20,000 values.
MAX_VALUES: Final = 200_000
_ACTIONS: Final[dict[str, Action]] = {"firing": "trigger", "resolved": "resolve"}
_SOURCES: Final = ("instance", "host", "hostname", "node", "pod", "service", "job", "namespace")
_PLACES: Final = ("cluster", "zone", "region")
_COMPONENTS: Final = ("component", "service", "app", "job")
_SUMMARIES: Final = ("summary", "description", "message", "title")
_LINKS: Final = (
    ("Runbook", ("runbook_url", "runbook")),
    ("Dashboard", ("dashboard_url", "dashboard", "grafana_url", "__dashboardURL__")),
)
_ALERT_LINKS: Final = (
    ("Dashboard", "dashboardURL"),
    ("Panel", "panelURL"),
    ("Source", "generatorURL"),
    ("Silence", "silenceURL"),
)


@dataclass(frozen=True, slots=True)
class _Group:
    """What the alerts of one body have in common."""

    key: str | None
    status: Any
    sender: str
    details: dict[str, Any]


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """One event for each alert, in the order of the body."""
    data = read_object(body, max_values=MAX_VALUES)
    alerts = data.get("alerts")
    if not isinstance(alerts, list):
        raise _invalid("alerts", "must be a list")
    group = _group(data)
    events: list[CanonicalEvent] = []
    errors: list[FieldError] = []
    for number, alert in enumerate(alerts):
        try:
            events.append(_event(alert, group))
        except InvalidEvent as error:
            errors += [
                FieldError(field=f"alerts.{number}.{e['field']}", message=e["message"])
                for e in error.errors
            ]
            events.append(_unreadable(number, alert, error))
    if alerts and all(event.kind == "ignore" for event in events):
        raise InvalidEvent("invalid_event", "No alert in the body can be read.", errors)
    return events


def delivery_key(body: Body, headers: Headers) -> str | None:
    """None: the same body is sent again at every repeat interval, and each time counts."""
    return None


def _group(data: Mapping[str, Any]) -> _Group:
    names = ("receiver", "externalURL", "groupLabels", "notification_reason", "truncatedAlerts")
    details = {name: data[name] for name in names if data.get(name)}
    key = data.get("groupKey")
    return _Group(
        key=key if isinstance(key, str) else None,
        status=data.get("status"),
        sender="Grafana" if "orgId" in data else "Alertmanager",
        details=details,
    )


def _event(alert: Any, group: _Group) -> CanonicalEvent:
    if not isinstance(alert, dict):
        raise _invalid("alert", "must be an object")
    labels, annotations = _texts(alert, "labels"), _texts(alert, "annotations", optional=True)
    return make_event(
        kind="alert",
        action=_action(alert.get("status") or group.status),
        dedup_key=_fingerprint(alert, labels),
        group_key=group.key,
        severity=severity_of(labels.get("severity"), labels.get("priority"), labels.get("level")),
        summary=_first(annotations, _SUMMARIES) or labels.get("alertname") or "Unnamed alert",
        source=_first(labels, _SOURCES + _PLACES) or group.sender,
        component=_first(labels, _COMPONENTS),
        class_=labels.get("alertname"),
        surface=labels.get("surface"),
        occurred_at=parse_time(alert.get("startsAt")),
        links=_links(alert, annotations),
        details={**alert, **group.details},
    )


def _action(status: Any) -> Action:
    if isinstance(status, str) and status in _ACTIONS:
        return _ACTIONS[status]
    raise _invalid("status", f"must be one of {', '.join(_ACTIONS)}")


def _fingerprint(alert: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Alertmanager's hash of the labels; ours where a sender leaves it out."""
    fingerprint = alert.get("fingerprint")
    if isinstance(fingerprint, str) and fingerprint.strip():
        return fingerprint
    if fingerprint not in (None, "") or not labels:
        raise _invalid("fingerprint", "must be text")
    written = json.dumps(labels, sort_keys=True).encode()
    return "sha256:" + hashlib.sha256(written).hexdigest()


def _texts(alert: Mapping[str, Any], name: str, *, optional: bool = False) -> dict[str, str]:
    """Labels or annotations; numbers are written out, blank and nested values left out."""
    value = alert.get(name)
    if value is None and optional:
        return {}
    if not isinstance(value, dict):
        raise _invalid(name, "must be an object")
    return {key: text for key, given in value.items() if (text := text_of(given))}


def _first(texts: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((texts[name] for name in names if name in texts), None)


def _links(alert: Mapping[str, Any], annotations: Mapping[str, str]) -> list[Link]:
    found: list[Link] = []
    for text, names in _LINKS:
        found += [link for name in names for link in web_link(annotations.get(name), text)]
    for text, name in _ALERT_LINKS:
        found += web_link(alert.get(name), text)
    return list({link["href"]: link for link in reversed(found)}.values())[::-1][:MAX_LINKS]


def _unreadable(number: int, alert: Any, error: InvalidEvent) -> CanonicalEvent:
    return make_event(
        kind="ignore",
        action="note",
        dedup_key=None,
        summary=f"Alert {number + 1} of the group cannot be read: {error.message}",
        details={"alert": alert, "errors": [dict(e) for e in error.errors]},
    )


def _invalid(field: str, message: str) -> InvalidEvent:
    errors = [FieldError(field=field, message=message)]
    return InvalidEvent("invalid_event", f"'{field}' {message}.", errors)
