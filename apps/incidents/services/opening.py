"""Declaring what no alert opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.core.models import Kind
from apps.incidents.models import Incident, IncidentType, Severity
from apps.incidents.services.commanding import Command
from apps.incidents.services.lifecycle import declare_opened
from apps.incidents.services.links import Linkable, link, link_all
from apps.incidents.services.severity import begin_span
from apps.incidents.services.timeline import record
from apps.ownership.models import Surface

Status, Visibility = Incident.Status, Incident.Visibility


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
    visibility: str = Visibility.OPEN,
    also: Sequence[Surface] = (),
    type: IncidentType | None = None,
    suggested: str = "",
    severity_answers: Mapping[str, str] | None = None,
    severity_reason: str = "",
    links: Iterable[Linkable] = (),
    impact_started_at: datetime | None = None,
    detected_at: datetime | None = None,
    actor: Actor,
    now: datetime,
) -> Incident:
    """Declare an incident that no alert opened; it is under investigation from the start.

    `surface` is the one that decides who sees it; `also` are others that suffer, kept as links.
    Nobody is turned away for not knowing the surface: the timeline says so. A commander who is
    not named is found (on call, primary, backup, lead of the team, else the person who declares);
    `commander_named` keeps how. `suggested` is what the four answers led to; another severity
    takes a reason. `links` are hints or `NewLink`s that somebody confirmed.

    Raises Invalid, by field, for a title, severity, reason, link or instants that cannot be.
    """
    title = " ".join(title.split())
    _check(title, severity, detection_source, kind, visibility, summary)
    _check_severity(severity, suggested, severity_reason)
    detected_at = detected_at or now
    _check_instants(impact_started_at, detected_at, now)
    if type is not None and type.starts_restricted:
        visibility = Visibility.RESTRICTED
    incident = Incident.objects.create(
        title=title,
        summary=summary,
        type=type,
        status=Status.TRIAGE,
        severity=severity,
        suggested_severity=suggested,
        severity_answers=dict(severity_answers or {}),
        severity_reason=severity_reason.strip(),
        surface=surface,
        detection_source=detection_source,
        kind=kind,
        visibility=visibility,
        impact_started_at=impact_started_at,
        detected_at=detected_at,
    )
    for other in also:
        link(incident, "surface", other.key, f"/ownership/{other.key}/", other.name, now)
    # Whoever opens a restricted incident must be able to see it.
    if actor.person_id is not None:
        incident.participants.add(actor.person_id)
    text = f"{severity} opened: {title}"
    record(incident=incident, what="opened", text=text, actor=actor, now=now)
    begin_span(incident, reason=_why(suggested, severity, severity_reason), actor=actor, now=now)
    link_all(incident=incident, links=links, actor=actor, now=now)
    first = Command.find(incident, surface, commander, actor, now)
    return declare_opened(incident, first, actor, now)


def _why(suggested: str, severity: str, reason: str) -> str:
    if not suggested:
        return "declared"
    if severity == suggested:
        return "as the answers suggest"
    return f"{suggested} was suggested: {reason.strip()}"


def _check(
    title: str, severity: str, source: str, kind: str, visibility: str, summary: str
) -> None:
    if severity not in Severity.values:
        raise Invalid("A severity is SEV1, SEV2, SEV3 or SEV4.", fields={"severity": ["Unknown."]})
    if not title or len(title) > 200:
        raise Invalid("A title has 1 to 200 characters.", fields={"title": ["Say what is wrong."]})
    if len(summary) > 10_000:
        text = "A summary has up to 10,000 characters."
        raise Invalid(text, fields={"summary": [text]})
    known: dict[str, tuple[str, Any]] = {
        "detection_source": (source, Incident.Detection.values),
        "kind": (kind, Kind.values),
        "visibility": (visibility, Visibility.values),
    }
    for name, (value, values) in known.items():
        if value not in values:
            text = f"One of {', '.join(values)}."
            raise Invalid(text, fields={name: [text]})


def _check_severity(severity: str, suggested: str, reason: str) -> None:
    if suggested and suggested not in Severity.values:
        raise Invalid("No such severity.", fields={"suggested": ["SEV1, SEV2, SEV3 or SEV4."]})
    if suggested and severity != suggested and not reason.strip():
        text = f"The answers suggest {suggested}. Say why it is {severity}."
        raise Invalid(text, fields={"severity_reason": [text]})


def _check_instants(began: datetime | None, detected: datetime, now: datetime) -> None:
    if detected > now:
        text = "It cannot be detected in the future."
        raise Invalid(text, fields={"detected_at": [text]})
    if began is not None and began > detected:
        text = "The impact cannot begin after it was detected."
        raise Invalid(text, fields={"impact_started_at": [text]})
