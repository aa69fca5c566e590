"""A trial body for each kind of integration, as its tool would send one: pure.

A delivery of it carries `x-opsportal-test`, which makes every event of it a test: it is stored,
read and shown as any other, and pages nobody.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

Body = dict[str, Any]
SUMMARY: Final = "Trial event from OpsPortal"


@dataclass(frozen=True)
class Sample:
    """What to take in: the body to the byte, and the headers that its adapter reads."""

    body: bytes
    headers: dict[str, str]


def sample(kind: str, *, now: datetime) -> Sample | None:
    """A trial delivery of a kind; None where a trial has to come from outside."""
    make = _MAKERS.get(kind)
    if make is None:
        return None
    trial = uuid.uuid4().hex
    body, headers = make(trial, now)
    return Sample(json.dumps(body).encode(), {"content-type": "application/json", **headers})


def _native(trial: str, now: datetime) -> tuple[Body, dict[str, str]]:
    return {"action": "trigger", "summary": SUMMARY, "dedup_key": trial, "severity": "info"}, {}


def _pagerduty(trial: str, now: datetime) -> tuple[Body, dict[str, str]]:
    payload = {"summary": SUMMARY, "source": "opsportal", "severity": "info"}
    body = {"routing_key": "trial", "event_action": "trigger", "dedup_key": trial}
    return {**body, "payload": payload}, {}


def _alertmanager(trial: str, now: datetime) -> tuple[Body, dict[str, str]]:
    alert = {
        "status": "firing",
        "labels": {"alertname": "Trial", "severity": "info"},
        "annotations": {"summary": SUMMARY},
        "startsAt": now.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": trial[:16],
    }
    body = {"version": "4", "status": "firing", "receiver": "opsportal", "alerts": [alert]}
    return {**body, "groupKey": f"trial:{trial}", "groupLabels": {}, "commonLabels": {}}, {}


def _gcp(trial: str, now: datetime) -> tuple[Body, dict[str, str]]:
    incident = {
        "incident_id": trial,
        "state": "open",
        "started_at": int(now.timestamp()),
        "summary": SUMMARY,
        "severity": "info",
        "policy_name": "Trial",
    }
    return {"version": "1.2", "incident": incident}, {}


def _github(trial: str, now: datetime) -> tuple[Body, dict[str, str]]:
    at = now.isoformat()
    body = {
        "action": "created",
        "deployment": {"id": 1, "ref": "main", "sha": trial, "environment": "trial"},
        "deployment_status": {
            "id": 1, "state": "success", "description": SUMMARY, "environment": "trial",
            "created_at": at, "updated_at": at,
        },
        "repository": {"full_name": "opsportal/trial", "html_url": "https://github.com"},
    }  # fmt: skip
    return body, {"x-github-event": "deployment_status", "x-github-delivery": trial}


def _stripe(trial: str, now: datetime) -> tuple[Body, dict[str, str]]:
    invoice = {"id": f"in_{trial[:20]}", "object": "invoice", "customer": "cus_trial"}
    body = {"id": f"evt_{trial[:20]}", "object": "event", "type": "invoice.payment_failed"}
    facts = {"created": int(now.timestamp()), "livemode": False, "data": {"object": invoice}}
    return {**body, **facts}, {}


def _fivetran(trial: str, now: datetime) -> tuple[Body, dict[str, str]]:
    body = {
        "event": "sync_end",
        "created": now.isoformat(),
        "connector_type": "trial",
        "connector_id": f"trial_{trial[:8]}",
        "connector_name": "trial",
        "sync_id": trial,
        "destination_group_id": "trial",
        "data": {"status": "FAILURE", "reason": SUMMARY},
    }
    return body, {}


def _sentry(trial: str, now: datetime) -> tuple[Body, dict[str, str]]:
    issue = {
        "id": trial[:12],
        "shortId": "TRIAL-1",
        "title": SUMMARY,
        "level": "info",
        "status": "unresolved",
        "lastSeen": now.isoformat(),
        "project": {"slug": "trial"},
    }
    body = {"action": "created", "installation": {"uuid": trial}, "data": {"issue": issue}}
    return body, {"sentry-hook-resource": "issue", "request-id": trial}


def _opsgenie(trial: str, now: datetime) -> tuple[Body, dict[str, str]]:
    return {"message": SUMMARY, "alias": trial, "priority": "P5", "source": "opsportal"}, {}


_MAKERS: Final[dict[str, Callable[[str, datetime], tuple[Body, dict[str, str]]]]] = {
    "native": _native,
    "pagerduty": _pagerduty,
    "alertmanager": _alertmanager,
    "grafana": _alertmanager,
    "gcp": _gcp,
    "github": _github,
    "stripe": _stripe,
    "fivetran": _fivetran,
    "sentry": _sentry,
    "opsgenie": _opsgenie,
}
