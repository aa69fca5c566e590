"""Severity: set with a reason where it falls, and the time in each kept."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.incidents.models import Incident, Severity, SeveritySpan
from apps.incidents.services import announcing
from apps.incidents.services.pages import lock_pages, show_on_pages
from apps.incidents.services.running import make_tasks
from apps.incidents.services.timeline import record


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
    """Write the severity down with its reason and its span; the caller holds the incident."""
    was = incident.severity
    incident.severity = severity
    incident.save(update_fields=["severity"])
    if incident.is_standing:
        begin_span(incident, reason=why, actor=actor, now=now)
    record(
        incident=incident, what="severity", text=f"{was} → {severity}: {why}", actor=actor, now=now
    )
    announcing.weighed(incident=incident, was=was, by=actor, now=now)


@transaction.atomic
def set_severity(
    *, incident: Incident, severity: str, reason: str, actor: Actor, now: datetime
) -> Incident:
    """Change the severity; lowering it takes a reason. A raised one brings its tasks along.

    Raises Invalid for a severity that is none and a reason that is missing or endless; Conflict
    for the one that it has already, and for an incident that was merged or declined.
    """
    if severity not in Severity.values:
        raise Invalid("A severity is SEV1, SEV2, SEV3 or SEV4.", fields={"severity": ["Unknown."]})
    if len(reason) > 10_000:
        text = "A reason has at most 10,000 characters."
        raise Invalid(text, fields={"reason": [text]})
    lock_pages(incident)
    locked = Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
    if locked.status in {Incident.Status.MERGED, Incident.Status.DECLINED}:
        raise Conflict(f"{locked.ref} is {locked.get_status_display().lower()}.")
    if severity == locked.severity:
        raise Conflict(f"It is {severity} already.")
    if severity > locked.severity and not reason.strip():
        raise Invalid("Lowering the severity takes a reason.", fields={"reason": ["Say why."]})
    raised = severity < locked.severity  # SEV1 sorts before SEV2
    write_severity(locked, severity, reason.strip() or "raised", actor, now)
    if raised and locked.is_standing and locked.declared_at is not None:
        make_tasks(incident=locked, actor=actor, now=now)
    show_on_pages(locked)
    return locked
