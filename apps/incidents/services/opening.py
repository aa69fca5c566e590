"""Declaring what no alert opened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.incidents.models import Incident, Severity
from apps.incidents.models.framework import Role
from apps.incidents.services.lifecycle import transition
from apps.incidents.services.links import link
from apps.incidents.services.roles import assign
from apps.incidents.services.severity import begin_span
from apps.incidents.services.timeline import record
from apps.ownership.models import Surface

Status = Incident.Status


@transaction.atomic
def open_incident(
    *,
    title: str,
    severity: str,
    surface: Surface | None,
    summary: str = "",
    commander: Person | None = None,
    detection_source: str = Incident.Detection.INTERNAL,
    kind: str = "real",
    visibility: str = Incident.Visibility.OPEN,
    also: Sequence[Surface] = (),
    actor: Actor,
    now: datetime,
) -> Incident:
    """Declare an incident that no alert opened; it is under investigation from the start.

    `surface` is the one that decides who sees it; `also` are others that suffer, kept as links.
    """
    if severity not in Severity.values:
        raise Invalid("A severity is SEV1, SEV2, SEV3 or SEV4.", fields={"severity": ["Unknown."]})
    title = " ".join(title.split())
    if not title or len(title) > 200:
        raise Invalid("A title has 1 to 200 characters.", fields={"title": ["Say what is wrong."]})
    incident = Incident.objects.create(
        title=title,
        summary=summary,
        status=Status.TRIAGE,
        severity=severity,
        surface=surface,
        detection_source=detection_source,
        kind=kind,
        visibility=visibility,
        detected_at=now,
    )
    for other in also:
        link(incident, "surface", other.key, f"/ownership/{other.key}/", other.name, now)
    # Whoever opens a restricted incident must be able to see it.
    if actor.person_id is not None:
        incident.participants.add(actor.person_id)
    record(
        incident=incident, what="opened", text=f"{severity} opened: {title}", actor=actor, now=now
    )
    begin_span(incident, reason="declared", actor=actor, now=now)
    if commander is not None:
        assign(incident=incident, role=Role.COMMANDER, person=commander, actor=actor, now=now)
    return transition(incident=incident, to=Status.INVESTIGATING, actor=actor, now=now)
