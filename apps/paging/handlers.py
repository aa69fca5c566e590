"""What paging hears from below."""

from __future__ import annotations

from apps.notifications.events import MessageFailed
from apps.paging import services


def message_failed(event: MessageFailed) -> None:
    if event.subject_kind == "page" and event.what == "page_step":
        services.hurry(page_id=int(event.subject_ref), person_id=event.person_id, now=event.at)
