"""Sentry's webhooks: issues and metric alerts begin and end; everything else is ignored.

An issue alert and the issue it is about share one alert. Sentry waits a second for the answer and
does not send again. Its `Request-ID` names a request; together with the body it makes a delivery,
so nothing is lost where an id comes twice. The hook's time stamp is the clock for the order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from apps.intake.canonical import (
    Action,
    Body,
    CanonicalEvent,
    Headers,
    InvalidEvent,
    epoch_time,
    header,
    make_event,
    mapping_of,
    missing,
    parse_time,
    read_object,
    refuse,
    severity_of,
    source_clock,
    text_of,
    web_link,
)

KIND: Final[str] = "sentry"

_ISSUES: Final[dict[str, Action]] = {
    **dict.fromkeys(("created", "unresolved"), "trigger"),
    **dict.fromkeys(("resolved", "archived", "ignored"), "resolve"),
}
_METRICS: Final[dict[str, Action]] = {
    "critical": "trigger",
    "warning": "trigger",
    "resolved": "resolve",
}
_FACTS: Final = (
    "shortId", "culprit", "platform", "environment", "level", "status", "substatus", "count",
    "userCount", "firstSeen", "lastSeen", "issue_id", "event_id",
)  # fmt: skip
_Payload = Mapping[str, Any]
_Fields = dict[str, Any]


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """The one event of an issue, an issue alert or a metric alert."""
    resource = header(headers, "Sentry-Hook-Resource")
    if resource is None:
        raise InvalidEvent("missing_header", "The Sentry-Hook-Resource header is missing.")
    payload = read_object(body)
    read = _READERS.get(resource)
    fields = read(payload) if read else None
    if fields is None:
        return []
    sent = _sent_at(headers)
    clock = source_clock(sent or fields["occurred_at"], received_at)
    occurred = fields.pop("occurred_at") or sent
    return [
        make_event(kind="alert", class_=resource, occurred_at=occurred, source_ts=clock, **fields)
    ]


def delivery_key(body: Body, headers: Headers) -> str | None:
    """`<Request-ID>:<SHA-256 of the body>`; None without an id."""
    name = header(headers, "Request-ID")
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"{name[:200]}:{hashlib.sha256(raw).hexdigest()}" if name else None


def _issue_alert(payload: _Payload) -> _Fields | None:
    event = mapping_of(mapping_of(payload.get("data")).get("event"))
    issue = text_of(event.get("issue_id"))
    refuse(missing({"data.event.issue_id": issue}))
    project = text_of(event.get("project"))
    rule = mapping_of(payload.get("data")).get("triggered_rule")
    tags = dict(_pairs(event.get("tags")))
    return {
        "action": "trigger",
        "dedup_key": f"issue:{issue}",
        "severity": severity_of(event.get("level")),
        "summary": text_of(event.get("title"), event.get("message"), rule) or f"Issue {issue}",
        "source": f"sentry:{project}" if project else "sentry",
        "surface": text_of(tags.get("surface")),
        "occurred_at": parse_time(event.get("datetime")),
        "links": web_link(event.get("web_url"), "Sentry event"),
        "details": {**_facts(event), "rule": rule},
    }


def _issue(payload: _Payload) -> _Fields | None:
    action = _ISSUES.get(str(payload.get("action")))
    if action is None:
        return None
    issue = mapping_of(mapping_of(payload.get("data")).get("issue"))
    name = text_of(issue.get("id"))
    refuse(missing({"data.issue.id": name}))
    project = mapping_of(issue.get("project"))
    seen = parse_time(issue.get("lastSeen")) or parse_time(issue.get("firstSeen"))
    return {
        "action": action,
        "dedup_key": f"issue:{name}",
        "severity": severity_of(issue.get("level")) if action == "trigger" else None,
        "summary": text_of(issue.get("title"), issue.get("culprit")) or f"Issue {name}",
        "source": text_of(project.get("slug"), project.get("name"), project.get("id")) or "sentry",
        "component": text_of(issue.get("platform")),
        "occurred_at": seen if action == "trigger" else None,
        "links": web_link(issue.get("web_url") or issue.get("permalink"), "Sentry issue"),
        "details": _facts(issue),
    }


def _metric(payload: _Payload) -> _Fields | None:
    word = str(payload.get("action"))
    action = _METRICS.get(word)
    if action is None:
        return None
    data = mapping_of(payload.get("data"))
    alert = mapping_of(data.get("metric_alert"))
    name = text_of(alert.get("id"))
    refuse(missing({"data.metric_alert.id": name}))
    projects = alert.get("projects")
    at = alert.get("date_started") if action == "trigger" else alert.get("date_closed")
    rule = mapping_of(alert.get("alert_rule"))
    return {
        "action": action,
        "dedup_key": f"metric:{name}",
        "severity": severity_of(word) if action == "trigger" else None,
        "summary": text_of(alert.get("title"), data.get("description_title")) or f"Metric {name}",
        "source": text_of(*(projects if isinstance(projects, list) else [])) or "sentry",
        "component": text_of(rule.get("aggregate")),
        "occurred_at": parse_time(at),
        "links": web_link(data.get("web_url"), "Sentry alert"),
        "details": {
            "description": data.get("description_text"),
            "rule": rule.get("name"),
            "query": rule.get("query"),
        },
    }


def _facts(data: _Payload) -> dict[str, Any]:
    return {name: data[name] for name in _FACTS if data.get(name) is not None}


def _pairs(tags: Any) -> list[tuple[str, Any]]:
    """Tags come as a list of pairs."""
    found = [tag for tag in tags if isinstance(tag, list)] if isinstance(tags, list) else []
    return [(tag[0], tag[1]) for tag in found if len(tag) == 2 and isinstance(tag[0], str)]


def _sent_at(headers: Headers) -> datetime | None:
    stamp = header(headers, "Sentry-Hook-Timestamp") or ""
    digits = stamp.isascii() and stamp.isdigit() and len(stamp) <= 12
    return epoch_time(int(stamp)) if digits else None


_READERS: Final[dict[str, Callable[[_Payload], _Fields | None]]] = {
    "event_alert": _issue_alert,
    "issue": _issue,
    "metric_alert": _metric,
}
