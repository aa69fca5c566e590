"""Bodies as the vendors' tools write them, with our own invented content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

REPOSITORY = "dataface-example/dataface"
_GIT = f"https://git.dataface.example/{REPOSITORY}"
_METRICS = "https://prometheus.dataface.example"
_CONSOLE = "https://console.dataface.example"


@dataclass(frozen=True)
class Rule:
    """One alert of Alertmanager; its labels name it, as they do there."""

    name: str
    summary: str
    severity: str
    labels: Mapping[str, str] = field(default_factory=dict)
    description: str = ""

    @property
    def all_labels(self) -> dict[str, str]:
        return {"alertname": self.name, "severity": self.severity, **self.labels}

    @property
    def fingerprint(self) -> str:
        text = json.dumps(self.all_labels, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def alertmanager(
    rules: Sequence[tuple[Rule, str]], *, group: Mapping[str, str], started_at: datetime
) -> bytes:
    """A notification of one group; each rule with its status, firing or resolved."""
    labels = ", ".join(f'{name}="{value}"' for name, value in group.items())
    firing = any(status == "firing" for _, status in rules)
    return _dump(
        {
            "version": "4",
            "groupKey": f"{{}}:{{{labels}}}",
            "truncatedAlerts": 0,
            "status": "firing" if firing else "resolved",
            "receiver": "opsportal",
            "groupLabels": dict(group),
            "commonLabels": dict(group),
            "commonAnnotations": {},
            "externalURL": "https://alertmanager.dataface.example",
            "alerts": [_alert(rule, status, started_at) for rule, status in rules],
        }
    )


def _alert(rule: Rule, status: str, started_at: datetime) -> dict[str, Any]:
    return {
        "status": status,
        "labels": rule.all_labels,
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "dashboard_url": f"https://grafana.dataface.example/d/{rule.name.lower()}",
        },
        "startsAt": started_at.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": f"{_METRICS}/graph?g0.expr={rule.name}",
        "fingerprint": rule.fingerprint,
    }


def gcp(
    *,
    incident: str,
    state: str,
    summary: str,
    condition: str,
    service: str,
    severity: str,
    started_at: datetime,
    ended_at: datetime | None = None,
) -> bytes:
    """A notification of Cloud Monitoring about a Cloud Run service."""
    return _dump(
        {
            "version": "1.2",
            "incident": {
                "incident_id": incident,
                "scoping_project_id": "dataface-example",
                "url": f"{_CONSOLE}/monitoring/alerting/incidents/{incident}",
                "started_at": int(started_at.timestamp()),
                "ended_at": int(ended_at.timestamp()) if ended_at else None,
                "state": state,
                "severity": severity,
                "summary": summary,
                "policy_name": condition,
                "condition_name": condition,
                "resource": {
                    "type": "cloud_run_revision",
                    "labels": {"service_name": service, "location": "europe-west3"},
                },
                "resource_name": service,
            },
        }
    )


def deployment(*, number: int, revision: str, state: str, at: datetime, why: str) -> bytes:
    """GitHub's `deployment_status` for a run of the deploy workflow."""
    moment = at.isoformat()
    return _dump(
        {
            "action": "created",
            "deployment_status": {
                "state": state,
                "environment": "dataface-cloud",
                "description": why,
                "created_at": moment,
                "target_url": f"{_GIT}/actions/runs/{9_000_000 + number}",
            },
            "deployment": {
                "id": 77_000 + number,
                "ref": revision,
                "sha": hashlib.sha256(revision.encode()).hexdigest()[:40],
                "task": "deploy",
                "environment": "dataface-cloud",
                "creator": {"login": "jonas-weber"},
                "created_at": moment,
            },
            "repository": _repository(),
        }
    )


def release(*, version: str, at: datetime, notes: str) -> bytes:
    """GitHub's `release` event for a package version."""
    tag = f"v{version}"
    return _dump(
        {
            "action": "published",
            "release": {
                "tag_name": tag,
                "name": tag,
                "body": notes,
                "prerelease": False,
                "html_url": f"{_GIT}/releases/{tag}",
                "published_at": at.isoformat(),
                "author": {"login": "mara-lindqvist"},
            },
            "repository": _repository(),
        }
    )


def push(*, branch: str) -> bytes:
    """A push: stored, and nothing to do."""
    return _dump({"ref": f"refs/heads/{branch}", "commits": [], "repository": _repository()})


def pagerduty(*, routing_key: str, action: str, key: str, **payload: Any) -> bytes:
    """An Events API v2 body; `payload` holds summary, source, severity, component, class."""
    body: dict[str, Any] = {"routing_key": routing_key, "event_action": action, "dedup_key": key}
    if payload:
        body |= {"payload": payload, "client": "profile-worker"}
    return _dump(body)


def _repository() -> dict[str, str]:
    return {"full_name": REPOSITORY, "html_url": _GIT}


def _dump(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode()
