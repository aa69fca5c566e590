"""What tools outside hear of alerts: events on the outgoing webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.alerts.models import Alert
from apps.core.audit import Actor
from apps.notifications import services as notifications


def alert_facts(alert: Alert) -> dict[str, Any]:
    """An alert as every event of it tells it."""
    return {
        "id": str(alert.pk),
        "url": notifications.absolute(f"/alerts/{alert.pk}/"),
        "summary": alert.summary,
        "severity": alert.severity,
        "status": alert.status,
        "surface": alert.surface.key if alert.surface else None,
        "source": alert.source,
        "dedup_key": alert.dedup_key,
        "kind": alert.kind,
    }


def _tell(event: str, alert: Alert, once: str, now: datetime, **data: Any) -> None:
    notifications.emit(
        event=event,
        data={"alert": alert_facts(alert), **data},
        subject=("alert", str(alert.pk)),
        dedupe=f"alert:{alert.pk}:{once}",
        now=now,
    )


def fired(*, alert: Alert, raised: bool, now: datetime) -> None:
    """An alert opened, or rose to a higher severity."""
    _tell("alert.fired", alert, f"fired:{alert.severity}:{alert.count}", now, raised=raised)


def resolved(*, alert: Alert, by: Actor, now: datetime) -> None:
    """An alert ended."""
    _tell("alert.resolved", alert, "resolved", now, by=by.label)
