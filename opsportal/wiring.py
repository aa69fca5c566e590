"""Everything that goes up, on one page: who listens to which event, who provides which port.

The order of the lines is the order of the calls.
"""

from __future__ import annotations

from apps.accounts.events import PersonDeactivated, PersonReactivated
from apps.alerts import handlers as alerts
from apps.alerts import services as alerting
from apps.alerts.events import AlertFired, AlertResolved, AlertRouted, MaintenanceChanged
from apps.alerts.ports import AgeSource
from apps.calendars.events import CalendarChanged
from apps.changes import handlers as changes
from apps.changes.events import ChangeRecorded
from apps.core.events import subscribe
from apps.core.providers import provide
from apps.customers.events import TierChanged
from apps.followups import handlers as followups
from apps.followups.ports import EvidenceSource, SourceAccess
from apps.incidents import handlers as incidents
from apps.incidents.events import IncidentResolved, UpdatePublished
from apps.incidents.ports import CloseBlocker, DeclareHint
from apps.incidents.providers import IncidentAccess
from apps.intake import services as intake
from apps.intake.events import EventsNormalised
from apps.notifications import services as notifications
from apps.notifications.events import MessageFailed
from apps.notifications.ports import AttachmentSource
from apps.paging import handlers as paging
from apps.paging import services as escalation
from apps.paging.events import PageAcknowledged, PageExhausted, PageStepTaken
from apps.portal.selectors.runbooks import Incidents
from apps.rotations import handlers as rotations
from apps.runbooks import handlers as runbooks
from apps.runbooks.events import ExecutionNoted
from apps.runbooks.ports import RunContext
from apps.runbooks.providers import Executions
from apps.support import ages
from apps.support import handlers as support
from apps.support import providers as desk
from apps.support.services import conversation, files
from apps.telemetry import handlers as telemetry
from opsportal.engine import Step


def wire() -> None:
    """Called once when the project is ready."""
    subscribe(PersonDeactivated, rotations.person_deactivated)
    subscribe(PersonDeactivated, followups.person_deactivated)
    subscribe(PersonDeactivated, runbooks.person_deactivated)
    subscribe(PersonDeactivated, support.person_deactivated)
    subscribe(PersonReactivated, rotations.person_reactivated)
    subscribe(CalendarChanged, support.calendar_changed)
    subscribe(TierChanged, support.tier_changed)
    subscribe(EventsNormalised, telemetry.take_events)
    subscribe(EventsNormalised, alerts.take_events)
    subscribe(EventsNormalised, changes.take_events)
    subscribe(EventsNormalised, support.take_events)
    subscribe(MessageFailed, paging.message_failed)
    subscribe(MessageFailed, support.message_failed)
    subscribe(PageAcknowledged, alerts.page_acknowledged)
    subscribe(PageAcknowledged, incidents.page_acknowledged)
    subscribe(PageAcknowledged, support.page_acknowledged)
    subscribe(PageStepTaken, alerts.page_step_taken)
    subscribe(PageStepTaken, incidents.page_step_taken)
    subscribe(PageExhausted, incidents.page_exhausted)
    subscribe(AlertFired, incidents.alert_fired)
    subscribe(AlertResolved, incidents.alert_resolved)
    subscribe(AlertRouted, incidents.alert_routed)
    subscribe(ChangeRecorded, support.change_recorded)
    subscribe(ExecutionNoted, incidents.execution_noted)
    subscribe(IncidentResolved, incidents.review_asked)
    subscribe(IncidentResolved, support.incident_resolved)
    subscribe(MaintenanceChanged, incidents.maintenance_changed)
    subscribe(MessageFailed, incidents.message_failed)
    subscribe(UpdatePublished, support.update_published)
    provide(EvidenceSource, Executions())  # type: ignore[type-abstract] # a port is its protocol
    provide(RunContext, Incidents())  # type: ignore[type-abstract] # as above
    provide(SourceAccess, IncidentAccess())  # type: ignore[type-abstract] # as above
    provide(CloseBlocker, desk.AnsweredTickets())  # type: ignore[type-abstract] # as above
    provide(DeclareHint, desk.MatchingTickets())  # type: ignore[type-abstract] # as above
    provide(AgeSource, ages.TicketAges())  # type: ignore[type-abstract] # a port is its protocol
    provide(AttachmentSource, files.Files())  # type: ignore[type-abstract] # a port is its protocol


def engine_steps() -> list[Step]:
    """The lanes of the alert path before the senders, in the order in which work flows."""
    return [
        # Before the alert path, so that each lane of that wakes the next one of it.
        Step("webhooks", notifications.send_webhooks, limit=8),
        Step("held replies", conversation.release_held, limit=50),
        Step("deliveries", intake.normalise_due, limit=100),
        Step("muted", alerting.unmute_due, limit=50),
        Step("pages", escalation.take_due_steps, limit=50),
    ]
