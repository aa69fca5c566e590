"""What outgoing webhooks can tell: every event's name, meaning and an example. Pure.

Names are a contract: add freely, rename nothing. `data` of an event has at least the keys of its
example; a receiver ignores keys that it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apps.notifications.layout import printable

BODY_LIMIT = 20 * 1024  # bytes; the advice of Standard Webhooks
TEST = "test"
_CUTS = (8000, 2000, 500, 100)  # characters of each text, tried until the body fits


@dataclass(frozen=True)
class EventType:
    """One kind of event: `about` says when it is sent, `example` is a `data` as it would be."""

    name: str
    about: str
    example: Mapping[str, Any] = field(repr=False)


_TICKET: dict[str, Any] = {
    "id": "7",
    "ref": "TCK-7",
    "url": "https://ops.example.org/tickets/TCK-7/",
    "subject": "The profile of orders is stale",
    "type": "stale_profile",
    "status": "open",
    "priority": "P2",
    "surface": "inspect.profiler",
    "owner": "ravi@example.org",
    "account": "bramble",
    "kind": "real",
}
_CLOCK: dict[str, Any] = {
    "metric": "first_reply",
    "state": "running",
    "target_seconds": 7200,
    "due_at": "2026-11-20T14:00:00Z",
}
_ALERT: dict[str, Any] = {
    "id": "31",
    "url": "https://ops.example.org/alerts/31/",
    "summary": "Snowflake profiling fails: 8 of 21 runs in the last hour",
    "severity": "critical",
    "status": "firing",
    "surface": "inspect.profiler.snowflake",
    "source": "opsportal",
    "dedup_key": "rule:profiler-failures:snowflake",
    "kind": "real",
}
_INCIDENT: dict[str, Any] = {
    "id": "4",
    "ref": "INC-4",
    "url": "https://ops.example.org/incidents/INC-4/",
    "title": "Snowflake profiling times out",
    "status": "investigating",
    "severity": "SEV2",
    "surface": "inspect.profiler.snowflake",
    "commander": "ravi@example.org",
    "kind": "real",
}

_ALL = (
    EventType(
        "alert.fired",
        "An alert opened; `raised` when a standing one rose to a higher severity.",
        {"alert": _ALERT, "raised": False},
    ),
    EventType(
        "alert.resolved",
        "An alert ended.",
        {"alert": {**_ALERT, "status": "resolved"}, "by": "Prometheus Alertmanager"},
    ),
    EventType(
        "incident.declared", "An incident was declared.", {"incident": _INCIDENT, "by": "Ravi Rao"}
    ),
    EventType(
        "incident.status_changed",
        "The incident moved from one state to another.",
        {
            "incident": {**_INCIDENT, "status": "mitigated"},
            "from": "investigating",
            "to": "mitigated",
            "by": "Ravi Rao",
        },
    ),
    EventType(
        "incident.severity_changed",
        "The incident's severity is another.",
        {
            "incident": {**_INCIDENT, "severity": "SEV1"},
            "from": "SEV2",
            "to": "SEV1",
            "by": "Ravi Rao",
        },
    ),
    EventType("ticket.created", "A ticket was logged, by whatever way.", {"ticket": _TICKET}),
    EventType(
        "ticket.updated",
        "Owner, priority, surface, type, subject or tags changed; `changed` names them.",
        {"ticket": _TICKET, "changed": ["priority", "owner"], "by": "Sam Sand"},
    ),
    EventType(
        "ticket.message",
        "A reply or an internal note was added; `public` tells them apart.",
        {
            "ticket": _TICKET,
            "message": {
                "id": "12",
                "public": True,
                "direction": "out",
                "author": "Sam Sand",
                "text": "We are on it.",
                "at": "2026-11-20T12:10:00Z",
            },
        },
    ),
    EventType(
        "ticket.status_changed",
        "The ticket moved from one state to another.",
        {"ticket": _TICKET, "from": "open", "to": "waiting_customer", "by": "Sam Sand"},
    ),
    EventType(
        "ticket.sla_warning",
        "Part of a promise's time is used up: `percent` of it.",
        {"ticket": _TICKET, "clock": _CLOCK, "percent": 80},
    ),
    EventType(
        "ticket.sla_breached",
        "A promise was not kept; `breached_at` is when it was due, whenever that was noticed.",
        {
            "ticket": _TICKET,
            "clock": {**_CLOCK, "state": "breached", "breached_at": "2026-11-20T14:00:00Z"},
        },
    ),
    EventType(
        "ticket.merged",
        "The ticket was merged into another one, where it goes on.",
        {"ticket": {**_TICKET, "status": "merged"}, "into": {"id": "3", "ref": "TCK-3"}},
    ),
)
EVENTS: dict[str, EventType] = {one.name: one for one in _ALL}
EXAMPLE = EventType(
    TEST, "Somebody pressed the test button.", {"message": "This is a test. Nothing happened."}
)


def matches(patterns: Iterable[str], event: str) -> bool:
    """Whether one of `*`, `ticket.*` or a whole name covers the event."""
    return any(
        one in ("*", event) or (one.endswith(".*") and event.startswith(one[:-1]))
        for one in patterns
    )


def refused(patterns: Iterable[str]) -> list[str]:
    """The patterns that cover no event at all, as written."""
    return [one for one in patterns if not any(matches([one], name) for name in EVENTS)]


def encode(event: str, data: Mapping[str, Any], at: datetime) -> str:
    """The body as it is signed and sent: `{"type", "timestamp", "data"}`, at most 20 KB.

    Longer texts are cut, which `"cut": true` in the data tells; a receiver asks the API for the
    whole. What does not fit even so is left out but for the data's plain values.
    """
    body = _body(event, data, at)
    for limit in _CUTS:
        if len(body.encode()) <= BODY_LIMIT:
            return body
        body = _body(event, {**_shortened(data, limit), "cut": True}, at)
    if len(body.encode()) <= BODY_LIMIT:
        return body
    plain = {k[:100]: _shortened(v, 100) for k, v in data.items() if not isinstance(v, dict | list)}
    few = dict(list(plain.items())[:20])
    return _body(event, {**few, "cut": True}, at)


def _body(event: str, data: Mapping[str, Any], at: datetime) -> str:
    when = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    whole = {"type": event, "timestamp": when, "data": data}
    text = json.dumps(whole, ensure_ascii=False, default=_known, separators=(",", ":"))
    return printable(text)


def _known(value: object) -> str:
    """Instants in UTC as the API writes them; of anything else its text."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)


def _shortened(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= limit else f"{value[:limit]}..."
    if isinstance(value, Mapping):
        return {key: _shortened(one, limit) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(one, limit) for one in value]
    return value
