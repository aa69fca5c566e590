"""Severity: set with a reason where it falls, and the time in each kept."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.incidents.models import Incident, Severity, SeveritySpan
from apps.incidents.services.pages import lock_pages
from apps.incidents.services.timeline import record, url_of
from apps.paging import services as paging


def begin_span(incident: Incident, *, reason: str, actor: Actor, now: datetime) -> None:
    """The severity that the incident has now counts from now; the one before ends."""
    standing = SeveritySpan.objects.filter(incident=incident, to_at=None)
    started = standing.values_list("from_at", flat=True).first()
    standing.update(to_at=max(now, started) if started else now)
    SeveritySpan.objects.create(
        incident=incident,
        severity=incident.severity,
        from_at=max(now, started) if started else now,
        reason=reason,
        by_label=actor.label[:120],
    )


def end_span(incident: Incident, *, now: datetime) -> None:
    """No severity counts on while nothing burns."""
    standing = SeveritySpan.objects.filter(incident=incident, to_at=None).first()
    if standing is not None:
        standing.to_at = max(now, standing.from_at)
        standing.save(update_fields=["to_at"])


def write_severity(
    incident: Incident, severity: str, why: str, actor: Actor, now: datetime
) -> None:
    was = incident.severity
    incident.severity = severity
    incident.save(update_fields=["severity"])
    if incident.is_standing:
        begin_span(incident, reason=why, actor=actor, now=now)
    record(
        incident=incident, what="severity", text=f"{was} → {severity}: {why}", actor=actor, now=now
    )


@transaction.atomic
def set_severity(
    *, incident: Incident, severity: str, reason: str, actor: Actor, now: datetime
) -> Incident:
    """Change the severity; lowering it takes a reason."""
    if severity not in Severity.values:
        raise Invalid("A severity is SEV1, SEV2, SEV3 or SEV4.", fields={"severity": ["Unknown."]})
    if severity == incident.severity:
        raise Conflict(f"It is {severity} already.")
    if severity > incident.severity and not reason.strip():
        raise Invalid("Lowering the severity takes a reason.", fields={"reason": ["Say why."]})
    lock_pages(incident)
    locked = Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
    write_severity(locked, severity, reason or "raised", actor, now)
    for ref in locked.links.filter(kind="page").values_list("ref", flat=True):
        paging.relabel(
            page_id=int(ref),
            label=severity,
            opener_url=url_of(locked),
            thread_key=f"incident-{locked.pk}",
        )
    return locked
