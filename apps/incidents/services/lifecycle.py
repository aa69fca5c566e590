"""The steps of an incident."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core import events
from apps.core.audit import Actor
from apps.core.errors import IllegalTransition, Invalid
from apps.core.transitions import move
from apps.incidents.events import IncidentResolved
from apps.incidents.models import Incident
from apps.incidents.services.pages import end_duties, lock_pages
from apps.incidents.services.severity import begin_span, end_span
from apps.incidents.services.timeline import record

Status = Incident.Status

_SENTENCES = {
    Status.INVESTIGATING: "declared the incident",
    Status.IDENTIFIED: "identified the cause",
    Status.MITIGATED: "called it mitigated",
    Status.RESOLVED: "resolved the incident",
    Status.CLOSED: "closed the incident",
    Status.DECLINED: "declined it: not an incident",
    Status.TRIAGE: "put it back into triage",
    Status.IN_REVIEW: "opened the review",
}


@transaction.atomic
def transition(
    *,
    incident: Incident,
    to: str,
    actor: Actor,
    now: datetime,
    note: str = "",
    impact_summary: str = "",
    detection_source: str = "",
) -> Incident:
    """Move an incident on; reopening takes a reason. Resolving ends its pages.

    `impact_summary` and `detection_source` are written with the step where they are given.
    """
    if to == Status.MERGED:
        raise IllegalTransition("Merging needs the other incident; a plain move cannot do it.")
    lock_pages(incident)
    reopening = not incident.is_standing and to in {Status.INVESTIGATING, Status.TRIAGE}
    if reopening and not note.strip():
        raise Invalid(
            "Say why it is opened again.",
            code="note_needed",
            fields={"note": ["Reopening takes a reason."]},
        )
    stamps = _stamps(
        incident, to, max(now, incident.mitigated_at or incident.detected_at), reopening
    )
    said_now = {"impact_summary": impact_summary, "detection_source": detection_source}
    stamps |= {name: value for name, value in said_now.items() if value}
    was = incident.status
    move(incident, to=to, actor=actor, now=now, note=note, **stamps)
    said = "reopened it" if reopening else _SENTENCES[Status(to)]
    if was == Status.MITIGATED and to == Status.INVESTIGATING:
        said = "went back to investigating"
    record(
        incident=incident,
        what=to,
        text=f"{actor.label} {said}." + (f" {note}" if note else ""),
        actor=actor,
        now=now,
    )
    if reopening:
        begin_span(incident, reason=f"opened again: {note}", actor=actor, now=now)
    if to in {Status.RESOLVED, Status.DECLINED}:
        end_span(incident, now=now)
        end_duties(incident, actor, now)
    if to == Status.RESOLVED:
        events.publish(IncidentResolved(incident_id=incident.pk, at=now))
    return incident


def _stamps(incident: Incident, to: str, now: datetime, reopening: bool) -> dict[str, Any]:
    stamps: dict[str, datetime | None] = {}
    if to == Status.INVESTIGATING and incident.declared_at is None:
        stamps["declared_at"] = now
    if reopening or (incident.status == Status.MITIGATED and to == Status.INVESTIGATING):
        stamps |= {"resolved_at": None, "closed_at": None, "mitigated_at": None}
    if to == Status.MITIGATED:
        stamps["mitigated_at"] = now
    if to == Status.RESOLVED:
        stamps["resolved_at"] = now
    if to == Status.CLOSED:
        stamps["closed_at"] = now
    return stamps
