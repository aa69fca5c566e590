"""Alerts from their first event to their resolve, and work that is announced beforehand."""

from __future__ import annotations

from apps.alerts.services.life import (
    URGENCY,
    acknowledge,
    comment,
    give_surface,
    group_key,
    link_incident,
    note,
    page_was_acknowledged,
    resolve,
    take,
)
from apps.alerts.services.maintenance import (
    announce_maintenance,
    cancel_maintenance,
    change_maintenance,
    end_maintenance,
    maintain_due,
)

__all__ = [
    "URGENCY",
    "acknowledge",
    "announce_maintenance",
    "cancel_maintenance",
    "change_maintenance",
    "comment",
    "end_maintenance",
    "give_surface",
    "group_key",
    "link_incident",
    "maintain_due",
    "note",
    "page_was_acknowledged",
    "resolve",
    "take",
]
