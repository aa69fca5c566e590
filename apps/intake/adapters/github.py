"""GitHub's webhooks: deployments and releases become changes, failures alerts, issues tickets.

Only a finished deployment says something: `error` and `failure` trigger, `success` resolves, each
with the change beside it; pending and superseded ones, pings, pushes and every other event are
stored and ignored. GitHub sends a body as JSON or as a form field, by the hook's own setting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs

from apps.intake.canonical import (
    Action,
    Body,
    CanonicalEvent,
    Headers,
    InvalidEvent,
    fit_key,
    header,
    make_event,
    mapping_of,
    missing,
    parse_time,
    read_object,
    refuse,
    source_clock,
    text_of,
    web_link,
)

KIND: Final[str] = "github"

_FINISHED: Final[dict[str, Action]] = {
    "error": "trigger",
    "failure": "trigger",
    "success": "resolve",
}
_ISSUES: Final[dict[str, Action]] = {
    "opened": "open_ticket",
    "reopened": "open_ticket",
    "closed": "close_ticket",
}
_Payload = Mapping[str, Any]


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """The alert and the change of a deployment, the change of a release, the ticket of an issue."""
    name = header(headers, "X-GitHub-Event")
    if name is None:
        raise InvalidEvent("missing_header", "The X-GitHub-Event header is missing.")
    read = _READERS.get(name)
    return read(_payload(body, headers), received_at) if read else []


def delivery_key(body: Body, headers: Headers) -> str | None:
    """GitHub's delivery id: the same for a redelivery."""
    return fit_key(header(headers, "X-GitHub-Delivery"))


def _payload(body: Body, headers: Headers) -> dict[str, Any]:
    media = (header(headers, "Content-Type") or "").lower()
    if isinstance(body, bytes) and media.startswith("application/x-www-form-urlencoded"):
        body = _form_field(body)
    return read_object(body)


def _form_field(raw: bytes) -> bytes:
    """The one field of the form, `payload`, which holds the JSON."""
    try:
        fields = parse_qs(raw.decode("latin-1"), max_num_fields=10, encoding="utf-8")
    except ValueError as error:
        raise InvalidEvent("not_json", "The form holds more than a payload.") from error
    return "".join(fields.get("payload", [])[:1]).encode()


def _deployment(data: _Payload, received_at: datetime) -> list[CanonicalEvent]:
    status, deployment = (
        mapping_of(data.get("deployment_status")),
        mapping_of(data.get("deployment")),
    )
    state = text_of(status.get("state"))
    environment = text_of(status.get("environment"), deployment.get("environment"))
    repository = _repository(data)
    refuse(
        missing({"deployment_status.state": state, "deployment_status.environment": environment})
    )
    if state not in _FINISHED:
        return []
    ref = text_of(deployment.get("ref"), deployment.get("sha")) or "a deployment"
    moment = parse_time(status.get("created_at"))
    common: dict[str, Any] = {
        "summary": f"Deployment {state}: {ref} to {environment}",
        "source": repository,
        "class_": "deployment",
        "occurred_at": moment,
        "source_ts": source_clock(moment, received_at),
        "links": web_link(status.get("target_url"), "Deployment log")
        + web_link(status.get("environment_url"), environment)
        + web_link(_html_url(data), repository),
        "details": _deployment_details(status, deployment, repository, environment),
    }
    alert = make_event(
        kind="alert",
        action=_FINISHED[state],
        severity="error" if _FINISHED[state] == "trigger" else None,
        dedup_key=f"deploy:{repository}:{environment}",
        **common,
    )
    key = f"deployment:{repository}#{text_of(deployment.get('id')) or ref}"
    change = make_event(kind="change", action="change", severity="info", dedup_key=key, **common)
    return [alert, change]


def _deployment_details(
    status: _Payload, deployment: _Payload, repository: str, environment: str | None
) -> dict[str, Any]:
    return {
        "change": "deployment",
        "repository": repository,
        "environment": environment,
        "state": status.get("state"),
        "description": status.get("description") or deployment.get("description"),
        "deployment_id": deployment.get("id"),
        "ref": deployment.get("ref"),
        "sha": deployment.get("sha"),
        "task": deployment.get("task"),
        "creator": mapping_of(deployment.get("creator")).get("login"),
    }


def _release(data: _Payload, received_at: datetime) -> list[CanonicalEvent]:
    """GitHub sends `created`, `published` and `released` for one release; the second counts."""
    if data.get("action") != "published":
        return []
    release = mapping_of(data.get("release"))
    tag = text_of(release.get("tag_name"))
    repository = _repository(data)
    refuse(missing({"release.tag_name": tag}))
    moment = parse_time(release.get("published_at")) or parse_time(release.get("created_at"))
    return [
        make_event(
            kind="change",
            action="change",
            severity="info",
            dedup_key=f"release:{repository}@{tag}",
            summary=f"Released {tag}",
            source=repository,
            class_="release",
            occurred_at=moment,
            source_ts=source_clock(moment, received_at),
            links=web_link(release.get("html_url"), f"{repository} {tag}"),
            details={
                "change": "release",
                "repository": repository,
                "tag": tag,
                "name": release.get("name"),
                "notes": release.get("body"),
                "prerelease": release.get("prerelease"),
                "author": mapping_of(release.get("author")).get("login"),
            },
        )
    ]


def _issue(data: _Payload, received_at: datetime) -> list[CanonicalEvent]:
    action = _ISSUES.get(str(data.get("action")))
    if action is None:
        return []
    issue = mapping_of(data.get("issue"))
    number, title = text_of(issue.get("number")), text_of(issue.get("title"))
    repository = _repository(data)
    refuse(missing({"issue.number": number, "issue.title": title}))
    ended = issue.get("closed_at") if action == "close_ticket" else issue.get("updated_at")
    moment = parse_time(ended) or parse_time(issue.get("created_at"))
    return [
        make_event(
            kind="ticket",
            action=action,
            dedup_key=f"issue:{repository}#{number}",
            summary=title,
            source=repository,
            class_="issue",
            occurred_at=moment,
            source_ts=source_clock(moment, received_at),
            links=web_link(issue.get("html_url"), f"{repository}#{number}"),
            details={
                "repository": repository,
                "number": issue.get("number"),
                "body": issue.get("body"),
                "labels": _label_names(issue.get("labels")),
                "author": mapping_of(issue.get("user")).get("login"),
            },
        )
    ]


def _label_names(labels: Any) -> list[str]:
    items = labels if isinstance(labels, list) else []
    return [name for item in items if (name := text_of(mapping_of(item).get("name")))]


def _repository(data: _Payload) -> str:
    name = text_of(mapping_of(data.get("repository")).get("full_name"))
    if name is None:
        refuse(missing({"repository.full_name": None}))
    return name or ""


def _html_url(data: _Payload) -> Any:
    return mapping_of(data.get("repository")).get("html_url")


_READERS: Final[dict[str, Callable[[_Payload, datetime], list[CanonicalEvent]]]] = {
    "deployment_status": _deployment,
    "release": _release,
    "issues": _issue,
}
