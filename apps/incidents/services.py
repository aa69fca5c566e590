"""Opening, driving and ending incidents; every change stands in the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.accounts.models import Person
from apps.alerts import services as alerts
from apps.alerts.models import Alert, AlertGroup
from apps.alerts.models import Severity as AlertSeverity
from apps.core import audit, events
from apps.core.audit import Actor
from apps.core.errors import Conflict, IllegalTransition, Invalid
from apps.core.transitions import move
from apps.incidents.events import IncidentResolved
from apps.incidents.models import Incident, IncidentLink, Severity, TimelineEntry
from apps.ownership.models import Surface
from apps.paging import services as paging
from apps.paging.models import Page

REOPENS_WITHIN = timedelta(minutes=30)
FROM_ALERT = {AlertSeverity.CRITICAL: Severity.SEV2, AlertSeverity.ERROR: Severity.SEV3}
Status = Incident.Status


def url_of(incident: Incident) -> str:
    """The incident's page, as other apps refer to it."""
    return f"/incidents/{incident.ref}/"


def record(
    *,
    incident: Incident,
    what: str,
    text: str,
    actor: Actor,
    now: datetime,
    at: datetime | None = None,
    is_markdown: bool = False,
    subject: tuple[str, str, str] = ("", "", ""),
) -> TimelineEntry:
    """Add a row to the timeline; `subject` is (kind, ref, url) of what it is about."""
    kind, ref, url = subject
    return TimelineEntry.objects.create(
        incident=incident,
        at=at or now,
        recorded_at=now,
        what=what,
        text=text,
        is_markdown=is_markdown,
        subject_kind=kind,
        subject_ref=ref,
        subject_url=url,
        **actor.columns(),
    )


# -- what alerts and pages bring up


@transaction.atomic
def take_alert(
    *, alert: Alert, group: AlertGroup, raised: bool, actor: Actor, now: datetime
) -> Incident | None:
    """An alert opens an incident in triage, joins its group's, reopens a recent one, or raises it.

    Warnings and infos open none, but are noted on the incident that their group has.
    """
    severity = FROM_ALERT.get(AlertSeverity(alert.severity))
    incident = _of_group(group, now)
    if severity is None and (incident is None or not incident.is_standing):
        return None  # what wakes nobody opens nothing, and opens nothing again
    if incident is None:
        assert severity is not None
        incident = _open(alert, group, severity, actor, now)
    else:
        incident = _join(incident, alert, severity, raised, actor, now)
    _link(incident, "alert", str(alert.pk), f"/alerts/{alert.pk}/", alert.summary, now)
    if group.incident_ref != incident.ref:
        alerts.link_incident(group=group, ref=incident.ref, url=url_of(incident))
    if group.page_id:
        _link(incident, "page", str(group.page_id), "", "", now)
        paging.relabel(
            page_id=group.page_id,
            label=incident.severity,
            opener_url=url_of(incident),
            thread_key=f"incident-{incident.pk}",
        )
    return incident


def _of_group(group: AlertGroup, now: datetime) -> Incident | None:
    """The group's standing incident, or the one that was resolved in triage a moment ago."""
    found = (
        Incident.objects.select_for_update()
        .filter(group_integration_id=group.integration_id, group_key=group.key)
        .order_by("-detected_at")
        .first()
    )
    if found is None or found.is_standing:
        return found
    recent = (
        found.status == Status.RESOLVED
        and found.declared_at is None
        and found.resolved_at is not None
        and now - found.resolved_at <= REOPENS_WITHIN
    )
    return found if recent else None


def _open(
    alert: Alert, group: AlertGroup, severity: Severity, actor: Actor, now: datetime
) -> Incident:
    incident = Incident.objects.create(
        title=alert.summary[:200],
        severity=severity,
        kind=alert.kind,
        surface=alert.surface,
        detection_source=Incident.Detection.ALERT,
        group_integration_id=group.integration_id,
        group_key=group.key,
        detected_at=now,
    )
    record(
        incident=incident,
        what="opened",
        text=f"{severity} opened in triage: {alert.summary}",
        actor=actor,
        now=now,
        subject=("alert", str(alert.pk), f"/alerts/{alert.pk}/"),
    )
    return incident


def _join(
    incident: Incident,
    alert: Alert,
    severity: Severity | None,
    raised: bool,
    actor: Actor,
    now: datetime,
) -> Incident:
    subject = ("alert", str(alert.pk), f"/alerts/{alert.pk}/")
    if incident.status == Status.RESOLVED:
        move(
            incident,
            to=Status.TRIAGE,
            actor=actor,
            now=now,
            note="triggered again",
            resolved_at=None,
            acknowledged_at=None,
        )
        text = f"Reopened: {alert.summary} fired again within 30 minutes."
        record(incident=incident, what="reopened", text=text, actor=actor, now=now, subject=subject)
    elif not raised:
        record(
            incident=incident,
            what="alert",
            text=f"Alert joined: {alert.summary}",
            actor=actor,
            now=now,
            subject=subject,
        )
    if severity is not None and severity < incident.severity:  # SEV2 sorts before SEV3
        _set_severity(incident, severity, f"raised by an alert: {alert.summary}", actor, now)
    return incident


def _set_severity(incident: Incident, severity: str, why: str, actor: Actor, now: datetime) -> None:
    was = incident.severity
    incident.severity = severity
    incident.save(update_fields=["severity"])
    record(
        incident=incident, what="severity", text=f"{was} → {severity}: {why}", actor=actor, now=now
    )


def _link(incident: Incident, kind: str, ref: str, url: str, label: str, now: datetime) -> None:
    IncidentLink.objects.get_or_create(
        incident=incident,
        kind=kind,
        ref=ref,
        defaults={"url": url, "label": label[:300], "created_at": now},
    )


@transaction.atomic
def alert_resolved(
    *, alert: Alert, group: AlertGroup, group_closed: bool, actor: Actor, now: datetime
) -> None:
    """With the last alert of its group an incident in triage resolves; a declared one notes it."""
    incident = _by_link("alert", str(alert.pk))
    if incident is None or not incident.is_standing:
        return
    record(
        incident=incident,
        what="alert_resolved",
        text=f"Alert resolved: {alert.summary}",
        actor=actor,
        now=now,
        subject=("alert", str(alert.pk), f"/alerts/{alert.pk}/"),
    )
    if group_closed and incident.status == Status.TRIAGE:
        move(
            incident,
            to=Status.RESOLVED,
            actor=actor,
            now=now,
            note="all alerts resolved",
            resolved_at=now,
        )
        record(
            incident=incident,
            what="resolved",
            text="All its alerts are resolved; nobody had declared it, so it is resolved.",
            actor=audit.SYSTEM,
            now=now,
        )
        events.publish(IncidentResolved(incident_id=incident.pk, at=now))
    elif group_closed:
        record(
            incident=incident,
            what="all_clear",
            text="All alerts of this group are resolved. Say whether the incident is over.",
            actor=audit.SYSTEM,
            now=now,
        )


def _by_link(kind: str, ref: str) -> Incident | None:
    return (
        Incident.objects.select_for_update(of=("self",))
        .filter(links__kind=kind, links__ref=ref)
        .order_by("-detected_at")
        .first()
    )


@transaction.atomic
def page_acknowledged(*, page_id: int, actor: Actor, now: datetime) -> None:
    """Stamp the first acknowledgement; who took it becomes a participant."""
    incident = _by_link("page", str(page_id))
    if incident is None or not incident.is_standing:
        return
    if incident.acknowledged_at is None:
        # The web's clock and the database's may differ by a moment; the order of events does not.
        incident.acknowledged_at = max(now, incident.detected_at)
        incident.save(update_fields=["acknowledged_at"])
    if actor.person_id:
        incident.participants.add(actor.person_id)
    record(
        incident=incident,
        what="acknowledged",
        text=f"{actor.label} acknowledged the page.",
        actor=actor,
        now=now,
        subject=("page", str(page_id), ""),
    )


@transaction.atomic
def alert_routed(*, alert: Alert, surface: Surface, now: datetime) -> None:
    """The surface of an alert that had none becomes its incident's, when that has none either."""
    incident = _by_link("alert", str(alert.pk))
    if incident is not None and incident.surface_id is None:
        incident.surface = surface
        incident.save(update_fields=["surface"])
        record(
            incident=incident,
            what="routed",
            text=f"Belongs to {surface.key}.",
            actor=audit.SYSTEM,
            now=now,
        )


def page_told(*, page_id: int, what: str, text: str, now: datetime) -> None:
    """Whom the page woke, or that nobody answered."""
    incident = _by_link("page", str(page_id))
    if incident is not None:
        record(
            incident=incident,
            what=what,
            text=text,
            actor=audit.SYSTEM,
            now=now,
            subject=("page", str(page_id), ""),
        )


# -- what people do


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
        commander=commander,
        detection_source=detection_source,
        kind=kind,
        visibility=visibility,
        detected_at=now,
    )
    for other in also:
        _link(incident, "surface", other.key, f"/ownership/{other.key}/", other.name, now)
    # Whoever opens a restricted incident must be able to see it.
    on_it = (actor.person_id, commander.pk if commander else None)
    incident.participants.add(*{pk for pk in on_it if pk is not None})
    record(
        incident=incident, what="opened", text=f"{severity} opened: {title}", actor=actor, now=now
    )
    return transition(incident=incident, to=Status.INVESTIGATING, actor=actor, now=now)


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
    if to in {Status.RESOLVED, Status.DECLINED}:
        _end_duties(incident, actor, now)
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


def page_ids(incident: Incident) -> list[int]:
    """The pages that belong to an incident."""
    return [int(ref) for ref in incident.links.filter(kind="page").values_list("ref", flat=True)]


def lock_pages(incident: Incident) -> list[Page]:
    """Lock the incident's pages before the incident, as everybody does."""
    return paging.lock(page_ids(incident))


def _end_duties(incident: Incident, actor: Actor, now: datetime) -> None:
    """Nobody is woken any more for what is over; firing alerts stay the source's to resolve."""
    for page in Page.objects.filter(pk__in=page_ids(incident)).standing():
        paging.resolve(page=page, actor=actor, now=now)


@transaction.atomic
def acknowledge(*, incident: Incident, actor: Actor, person: Person | None, now: datetime) -> int:
    """Acknowledge every waiting page of the incident; answers how many there were."""
    waiting = [page for page in lock_pages(incident) if page.is_waiting]
    for page in waiting:
        paging.acknowledge(page=page, actor=actor, person=person, now=now)
    return len(waiting)


@transaction.atomic
def comment(*, incident: Incident, text: str, actor: Actor, now: datetime) -> TimelineEntry:
    text = text.strip()
    if not text or len(text) > 10_000:
        raise Invalid(
            "A comment has 1 to 10,000 characters.", fields={"text": ["Write something."]}
        )
    if actor.person_id:
        incident.participants.add(actor.person_id)
    return record(
        incident=incident, what="comment", text=text, actor=actor, now=now, is_markdown=True
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
    _set_severity(locked, severity, reason or "raised", actor, now)
    for ref in locked.links.filter(kind="page").values_list("ref", flat=True):
        paging.relabel(
            page_id=int(ref),
            label=severity,
            opener_url=url_of(locked),
            thread_key=f"incident-{locked.pk}",
        )
    return locked


@transaction.atomic
def set_commander(*, incident: Incident, person: Person, actor: Actor, now: datetime) -> Incident:
    incident.commander = person
    incident.save(update_fields=["commander"])
    incident.participants.add(person)
    record(
        incident=incident,
        what="commander",
        text=f"{person.name} is commander.",
        actor=actor,
        now=now,
    )
    return incident
