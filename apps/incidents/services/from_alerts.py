"""What alerts and pages bring up."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from apps.alerts import services as alerts
from apps.alerts.models import Alert, AlertGroup
from apps.alerts.models import Severity as AlertSeverity
from apps.core import audit
from apps.core.audit import Actor
from apps.core.transitions import move
from apps.incidents.models import Incident, Severity
from apps.incidents.services import status
from apps.incidents.services.lifecycle import announce_resolved
from apps.incidents.services.links import link
from apps.incidents.services.pages import show_on_page
from apps.incidents.services.severity import begin_span, end_span, write_severity
from apps.incidents.services.timeline import record, url_of
from apps.ownership.models import Surface
from apps.paging.models import PageStep

REOPENS_WITHIN = timedelta(minutes=30)
FROM_ALERT = {AlertSeverity.CRITICAL: Severity.SEV2, AlertSeverity.ERROR: Severity.SEV3}
Status = Incident.Status


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
    link(incident, "alert", str(alert.pk), f"/alerts/{alert.pk}/", alert.summary, now)
    if group.incident_ref != incident.ref:
        alerts.link_incident(group=group, ref=incident.ref, url=url_of(incident))
    if group.page_id:
        link(incident, "page", str(group.page_id), "", "", now)
        show_on_page(incident, group.page_id)
    return incident


def _of_group(group: AlertGroup, now: datetime) -> Incident | None:
    """The group's standing incident, or the one that was resolved in triage a moment ago."""
    found = (
        Incident.objects.filter(group_integration_id=group.integration_id, group_key=group.key)
        .order_by("-detected_at")
        .first()
    )
    found = _survivor(found) if found is not None else None
    if found is None or found.is_standing:
        return found
    recent = (
        found.status == Status.RESOLVED
        and found.declared_at is None
        and found.resolved_at is not None
        and now - found.resolved_at <= REOPENS_WITHIN
    )
    return found if recent else None


def _survivor(incident: Incident) -> Incident:
    """The incident that took this one, or that one's; itself when nobody merged it. Locked.

    Only the last one is: a merge locks the lower of two first, and who came from the other end
    would wait for it while it waits for them.
    """
    while incident.merged_into_id is not None:
        incident = Incident.objects.get(pk=incident.merged_into_id)
    locked = Incident.objects.select_for_update().get(pk=incident.pk)
    return locked if locked.merged_into_id is None else _survivor(locked)


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
    begin_span(incident, reason="opened by an alert", actor=actor, now=now)
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
        begin_span(incident, reason="fired again", actor=actor, now=now)
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
        write_severity(incident, severity, f"raised by an alert: {alert.summary}", actor, now)
    return incident


@transaction.atomic
def alert_resolved(
    *, alert: Alert, group: AlertGroup, group_closed: bool, actor: Actor, now: datetime
) -> None:
    """With the last alert of its group an incident in triage resolves; a declared one notes it."""
    incident = by_link("alert", str(alert.pk))
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
    all_clear = group_closed and not _others_burn(incident, group)
    if all_clear and incident.status == Status.TRIAGE:
        _resolve(incident, actor, now)
    elif group_closed:
        record(
            incident=incident,
            what="all_clear",
            text="All alerts of this group are resolved. Say whether the incident is over.",
            actor=audit.SYSTEM,
            now=now,
        )


def _resolve(incident: Incident, actor: Actor, now: datetime) -> None:
    """It cleared by itself before anybody declared it."""
    move(
        incident,
        to=Status.RESOLVED,
        actor=actor,
        now=now,
        note="all alerts resolved",
        resolved_at=now,
    )
    text = "All its alerts are resolved; nobody had declared it, so it is resolved."
    record(incident=incident, what="resolved", text=text, actor=audit.SYSTEM, now=now)
    end_span(incident, now=now)
    status.clear(incident=incident, now=now)
    announce_resolved(incident, now)


def _others_burn(incident: Incident, group: AlertGroup) -> bool:
    """Whether alerts of other groups still burn: they came along with a merge."""
    refs = incident.links.filter(kind="alert").values_list("ref", flat=True)
    alerts_of = Alert.objects.filter(pk__in=[int(ref) for ref in refs if ref.isdecimal()])
    return alerts_of.exclude(group=group).exclude(status=Alert.Status.RESOLVED).exists()


def by_link(kind: str, ref: str) -> Incident | None:
    """The newest incident that something is linked to, locked; None where it is linked to none."""
    return (
        Incident.objects.select_for_update(of=("self",))
        .filter(links__kind=kind, links__ref=ref)
        .order_by("-detected_at")
        .first()
    )


@transaction.atomic
def page_acknowledged(*, page_id: int, actor: Actor, now: datetime) -> None:
    """Stamp the first acknowledgement; who took it becomes a participant. Everybody sees pages
    and may take one: of a restricted incident only those who were called in get to see it."""
    incident = by_link("page", str(page_id))
    if incident is None or not incident.is_standing:
        return
    if incident.acknowledged_at is None:
        # The web's clock and the database's may differ by a moment; the order of events does not.
        incident.acknowledged_at = max(now, incident.detected_at)
        incident.save(update_fields=["acknowledged_at"])
    is_open = incident.visibility == Incident.Visibility.OPEN
    if actor.person_id and (is_open or _was_called(page_id, actor.person_id)):
        incident.participants.add(actor.person_id)
    record(
        incident=incident,
        what="acknowledged",
        text=f"{actor.label} acknowledged the page.",
        actor=actor,
        now=now,
        subject=("page", str(page_id), ""),
    )


def _was_called(page_id: int, person_id: int) -> bool:
    return PageStep.objects.filter(page=page_id, people=person_id).exists()


@transaction.atomic
def alert_routed(*, alert: Alert, surface: Surface, now: datetime) -> None:
    """The surface of an alert that had none becomes its incident's, when that has none either."""
    incident = by_link("alert", str(alert.pk))
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
    incident = by_link("page", str(page_id))
    if incident is not None:
        record(
            incident=incident,
            what=what,
            text=text,
            actor=audit.SYSTEM,
            now=now,
            subject=("page", str(page_id), ""),
        )
