"""Fivetran's webhooks: a sync or a dbt job fails, and ends its alert when it succeeds again.

A sync that succeeded is also a `schema` event: what it loaded may look different now, so a snapshot
is due. A sync that was put off is a note and pages nobody. Everything else, the event with which
Fivetran tries a new address among it, is stored and ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from apps.intake.canonical import (
    Action,
    Body,
    CanonicalEvent,
    Headers,
    Severity,
    fit_key,
    make_event,
    mapping_of,
    missing,
    parse_time,
    read_object,
    refuse,
    source_clock,
    text_of,
)

KIND: Final[str] = "fivetran"

_STATUSES: Final[dict[str, tuple[Action, Severity | None]]] = {
    "SUCCESSFUL": ("resolve", None),
    "FAILURE": ("trigger", "error"),
    "FAILED": ("trigger", "error"),
    "FAILURE_WITH_TASK": ("trigger", "error"),
    "RESCHEDULED": ("note", "info"),
}
_ONCE: Final = ("event", "connector_id", "transformation_id", "sync_id", "created")
_Payload = Mapping[str, Any]


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """The events of a sync's end or a dbt job's; none for anything else."""
    data = read_object(body)
    name = text_of(data.get("event"))
    refuse(missing({"event": name}))
    read = _READERS.get(name or "")
    return read(data, received_at) if read else []


def delivery_key(body: Body, headers: Headers) -> str | None:
    """Event, connector, sync and time, since Fivetran sends no id; None without a time."""
    data = read_object(body)
    if not text_of(data.get("created")):
        return None
    job = mapping_of(data.get("data")).get("dbtJobId")
    parts = [*(data.get(name) for name in _ONCE), job]
    return fit_key("|".join(text_of(part) or "" for part in parts))


def _sync(data: _Payload, received_at: datetime) -> list[CanonicalEvent]:
    inner = mapping_of(data.get("data"))
    status = (text_of(inner.get("status"), data.get("status")) or "").upper()
    connector = text_of(data.get("connector_id"))
    refuse(missing({"connector_id": connector, "data.status": status}))
    if status not in _STATUSES:
        return []
    action, severity = _STATUSES[status]
    name = text_of(data.get("connector_name")) or connector
    moment = parse_time(data.get("created"))
    common: dict[str, Any] = {
        "dedup_key": connector,
        "source": connector,
        "component": text_of(data.get("connector_type")),
        "class_": "sync",
        "occurred_at": moment,
        "source_ts": source_clock(moment, received_at),
        "details": _sync_details(data, inner, status),
    }
    summary = f"Fivetran sync {status}: {name}"
    alert = make_event(kind="alert", action=action, severity=severity, summary=summary, **common)
    if status != "SUCCESSFUL":
        return [alert]
    due = f"Snapshot due: {name} was synced"
    return [alert, make_event(kind="schema", action="change", summary=due, **common)]


def _sync_details(data: _Payload, inner: _Payload, status: str) -> dict[str, Any]:
    facts = {
        "status": status,
        "reason": inner.get("reason"),
        "task_type": inner.get("taskType"),
        "connector_type": data.get("connector_type"),
        "connector_name": data.get("connector_name"),
        "sync_id": data.get("sync_id"),
        "destination": text_of(data.get("destination_group_id"), data.get("group_id")),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _dbt(data: _Payload, received_at: datetime) -> list[CanonicalEvent]:
    inner = mapping_of(data.get("data"))
    job = text_of(inner.get("dbtJobId"), data.get("transformation_id"))
    refuse(missing({"data.dbtJobId": job}))
    failed = data["event"] == "dbt_run_failed"
    name = text_of(inner.get("dbtJobName")) or job
    result = mapping_of(inner.get("result"))
    why = _first_failure(result)
    moment = parse_time(data.get("created"))
    return [
        make_event(
            kind="alert",
            action="trigger" if failed else "resolve",
            dedup_key=f"dbt:{job}",
            severity="error" if failed else None,
            summary=f"dbt job {name} " + (f"failed: {why}" if failed else "succeeded"),
            source=text_of(data.get("destination_group_id"), data.get("group_id")) or "fivetran",
            component="dbt",
            class_="dbt_run",
            occurred_at=moment,
            details={"job": job, "job_name": name, "result": dict(result)},
            source_ts=source_clock(moment, received_at),
        )
    ]


def _first_failure(result: _Payload) -> str:
    """What the first failed step said, else how many steps failed."""
    steps = result.get("stepResults")
    for step in map(mapping_of, steps if isinstance(steps, list) else []):
        told = mapping_of(step.get("commandResult"))
        if step.get("success") is False and (
            said := text_of(told.get("output"), told.get("error"))
        ):
            return said
    return text_of(result.get("description")) or "no reason was given"


_READERS: Final[dict[str, Callable[[_Payload, datetime], list[CanonicalEvent]]]] = {
    "sync_end": _sync,
    "dbt_run_failed": _dbt,
    "dbt_run_succeeded": _dbt,
}
