"""What alerts hears from below."""

from __future__ import annotations

from apps.alerts import services
from apps.alerts.services import arriving, slack_calls
from apps.intake.events import EventsNormalised
from apps.paging.events import PageAcknowledged, PageStepTaken


def take_events(event: EventsNormalised) -> None:
    if event.kind == "alert":
        for row in event.events:
            services.take(event=row, integration=event.delivery.integration, now=event.at)
    elif event.kind == "heartbeat":
        arriving.take_delivery(delivery=event.delivery, now=event.at)


def page_acknowledged(event: PageAcknowledged) -> None:
    services.page_was_acknowledged(page_id=event.page_id, actor=event.by, now=event.at)


def page_step_taken(event: PageStepTaken) -> None:
    slack_calls.announce_page(page_id=event.page_id)
