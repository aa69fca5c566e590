"""Google Cloud Monitoring's webhook channel, version 1.2: an incident opens or closes.

Older payloads have no severity. A notification of version `test`, sent by the "send test" button,
is no event. Started and ended times are the source's own clock: an incident id is used once, so a
late "open" never reopens what has closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from apps.intake.canonical import (
    MAX_LINKS,
    Action,
    Body,
    CanonicalEvent,
    FieldError,
    Headers,
    Link,
    epoch_time,
    make_event,
    mapping_of,
    read_object,
    refuse,
    severity_of,
    source_clock,
    text_of,
    web_link,
)

KIND: Final[str] = "gcp"

_ACTIONS: Final[dict[str, Action]] = {"open": "trigger", "closed": "resolve"}


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """The one event of the incident; none for a test notification."""
    data = read_object(body)
    if (text_of(data.get("version")) or "").lower() == "test":
        return []
    incident = mapping_of(data.get("incident"))
    refuse(_problems(data, incident))
    return [_event(incident, received_at)]


def delivery_key(body: Body, headers: Headers) -> str | None:
    """None: the channel sends no delivery id."""
    return None


def _event(incident: Mapping[str, Any], received_at: datetime) -> CanonicalEvent:
    action = _ACTIONS[str(incident["state"]).strip().lower()]
    labels = mapping_of(incident.get("policy_user_labels"))
    moment = _moment(incident, action)
    return make_event(
        kind="alert",
        action=action,
        dedup_key=text_of(incident["incident_id"]),
        severity=severity_of(incident.get("severity"), labels.get("severity")),
        summary=_summary(incident),
        source=_source(incident),
        component=text_of(mapping_of(incident.get("resource")).get("type")),
        class_=text_of(incident.get("condition_name"), incident.get("policy_name")),
        surface=text_of(labels.get("surface")),
        occurred_at=moment,
        links=_links(incident),
        details={name: value for name, value in incident.items() if name != "summary"},
        source_ts=source_clock(moment, received_at),
    )


def _problems(data: Mapping[str, Any], incident: Mapping[str, Any]) -> list[FieldError]:
    if not isinstance(data.get("incident"), dict):
        return [FieldError(field="incident", message="must be an object")]
    errors: list[FieldError] = []
    if not text_of(incident.get("incident_id")):
        errors.append(FieldError(field="incident.incident_id", message="is missing or blank"))
    state = incident.get("state")
    if not isinstance(state, str) or state.strip().lower() not in _ACTIONS:
        errors.append(FieldError(field="incident.state", message="must be open or closed"))
    return errors


def _moment(incident: Mapping[str, Any], action: Action) -> datetime | None:
    ended = epoch_time(incident.get("ended_at")) if action == "resolve" else None
    return ended or epoch_time(incident.get("started_at"))


def _summary(incident: Mapping[str, Any]) -> str:
    documentation = mapping_of(incident.get("documentation"))
    named = text_of(incident.get("condition_name"), incident.get("policy_name"))
    fallback = f"{named or 'An alerting policy'} needs attention"
    return text_of(incident.get("summary"), documentation.get("subject"), fallback) or fallback


def _source(incident: Mapping[str, Any]) -> str | None:
    names = ("resource_name", "resource_display_name", "resource_id", "policy_name")
    return text_of(*(incident.get(name) for name in names), "Google Cloud Monitoring")


def _links(incident: Mapping[str, Any]) -> list[Link]:
    found = web_link(incident.get("url"), "Google Cloud incident")
    written = mapping_of(incident.get("documentation")).get("links")
    for item in written if isinstance(written, list) else []:
        link = mapping_of(item)
        found += web_link(link.get("url"), link.get("displayName"))
    return found[:MAX_LINKS]
