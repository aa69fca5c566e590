"""What incidents hears from below."""

from __future__ import annotations

from apps.alerts.events import AlertFired, AlertResolved, AlertRouted, MaintenanceChanged
from apps.core import audit
from apps.incidents import services
from apps.incidents.events import IncidentResolved
from apps.incidents.services import from_runbooks, reviews, subscriptions
from apps.notifications.events import MessageFailed
from apps.paging.events import PageAcknowledged, PageExhausted, PageStepTaken
from apps.runbooks.events import ExecutionNoted


def alert_fired(event: AlertFired) -> None:
    services.take_alert(
        alert=event.alert,
        group=event.group,
        raised=event.raised,
        now=event.at,
        actor=audit.system(event.alert.integration.name),
    )


def alert_resolved(event: AlertResolved) -> None:
    services.alert_resolved(
        alert=event.alert,
        group=event.group,
        group_closed=event.group_closed,
        now=event.at,
        actor=audit.system(event.alert.integration.name),
    )


def page_acknowledged(event: PageAcknowledged) -> None:
    services.page_acknowledged(page_id=event.page_id, actor=event.by, now=event.at)


def page_step_taken(event: PageStepTaken) -> None:
    services.page_told(page_id=event.page_id, what="paged", text=event.text, now=event.at)


def page_exhausted(event: PageExhausted) -> None:
    services.page_told(
        page_id=event.page_id,
        what="exhausted",
        now=event.at,
        text="Every step of the escalation was taken and nobody acknowledged.",
    )


def alert_routed(event: AlertRouted) -> None:
    services.alert_routed(alert=event.alert, surface=event.surface, now=event.at)


def review_asked(event: IncidentResolved) -> None:
    reviews.open_if_asked(incident_id=event.incident_id, now=event.at)


def execution_noted(event: ExecutionNoted) -> None:
    from_runbooks.execution_noted(
        execution_id=event.execution_id,
        what=event.what,
        text=event.text,
        actor=event.by,
        now=event.at,
    )


def maintenance_changed(event: MaintenanceChanged) -> None:
    subscriptions.announce_maintenance(window_id=event.window_id, what=event.what, now=event.at)


def message_failed(event: MessageFailed) -> None:
    if event.subject_kind == "subscription":
        pk = int(event.subject_ref)
        subscriptions.not_delivered(subscription_id=pk, error=event.error, now=event.at)
