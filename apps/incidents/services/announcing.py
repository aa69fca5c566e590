"""What tools outside hear of incidents: events on the outgoing webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.core.audit import Actor
from apps.incidents.models import Incident
from apps.notifications import services as notifications

WITHHELD = "(restricted)"  # an endpoint has no person, so who reads there is not known


def incident_facts(incident: Incident) -> dict[str, Any]:
    """An incident as every event of it tells it; a restricted one keeps its words to itself."""
    secret = incident.visibility == Incident.Visibility.RESTRICTED
    return {
        "id": str(incident.pk),
        "ref": incident.ref,
        "url": notifications.absolute(f"/incidents/{incident.ref}/"),
        "title": WITHHELD if secret else incident.title,
        "status": incident.status,
        "severity": incident.severity,
        "surface": incident.surface.key if incident.surface and not secret else None,
        "commander": incident.commander.email if incident.commander else None,
        "kind": incident.kind,
    }


def _tell(event: str, incident: Incident, once: str, now: datetime, **data: Any) -> None:
    notifications.emit(
        event=event,
        data={"incident": incident_facts(incident), **data},
        subject=("incident", str(incident.pk)),
        dedupe=f"incident:{incident.pk}:{once}",
        now=now,
    )


def declared(*, incident: Incident, by: Actor, now: datetime) -> None:
    """An incident was declared."""
    _tell("incident.declared", incident, "declared", now, by=by.label)


def moved(*, incident: Incident, was: str, by: Actor, now: datetime) -> None:
    """The incident went from one state to another."""
    step = {"from": was, "to": incident.status, "by": by.label}
    once = f"{was}>{incident.status}:{now.isoformat()}"
    _tell("incident.status_changed", incident, once, now, **step)


def weighed(*, incident: Incident, was: str, by: Actor, now: datetime) -> None:
    """Its severity is another."""
    step = {"from": was, "to": incident.severity, "by": by.label}
    once = f"severity:{incident.severity}:{now.isoformat()}"
    _tell("incident.severity_changed", incident, once, now, **step)
