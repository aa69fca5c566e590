"""What support hears from below."""

from __future__ import annotations

from apps.accounts.events import PersonDeactivated
from apps.calendars.events import CalendarChanged
from apps.changes.events import ChangeRecorded
from apps.core import audit
from apps.customers.events import TierChanged
from apps.incidents.events import IncidentResolved, UpdatePublished
from apps.intake.events import EventsNormalised
from apps.notifications.events import MessageFailed
from apps.paging.events import PageAcknowledged
from apps.support.services import (
    bounces,
    escalate,
    from_tools,
    incident_updates,
    leaving,
    mailing,
    policies,
    retiming,
    unblocking,
)


def person_deactivated(event: PersonDeactivated) -> None:
    leaving.free_tickets(person_id=event.person_id, actor=event.by, now=event.at)


def take_events(event: EventsNormalised) -> None:
    if event.kind != "ticket":
        return
    for row in event.events:
        if row.action == "mail":
            mailing.keep_delivery(delivery=event.delivery, now=event.at)
        else:
            from_tools.take(event=row, integration=event.delivery.integration, now=event.at)


def incident_resolved(event: IncidentResolved) -> None:
    unblocking.incident_resolved(incident_id=event.incident_id, at=event.at, now=event.at)


def update_published(event: UpdatePublished) -> None:
    incident_updates.update_published(update_id=event.update_id)


def change_recorded(event: ChangeRecorded) -> None:
    unblocking.change_recorded(change_id=event.change_id, now=event.at)


def page_acknowledged(event: PageAcknowledged) -> None:
    escalate.page_acknowledged(page_id=event.page_id, actor=event.by, now=event.at)


def message_failed(event: MessageFailed) -> None:
    if event.subject_kind == "ticket_message":
        error = f"{event.address_hint}: {event.error}" if event.address_hint else event.error
        bounces.not_delivered(message_pk=int(event.subject_ref), error=error, now=event.at)


def calendar_changed(event: CalendarChanged) -> None:
    retiming.calendar_changed(
        calendar_id=event.calendar_id,
        version_id=event.version_id,
        at=event.at,
        actor=audit.system("Calendars"),
        now=event.at,
    )


def tier_changed(event: TierChanged) -> None:
    policies.tier_changed(account_id=event.account_id)
