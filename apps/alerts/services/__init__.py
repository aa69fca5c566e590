"""Alerts from their first event to their resolve, and work that is announced beforehand."""

from __future__ import annotations

from apps.alerts.services.evaluation import evaluate_due, look_now
from apps.alerts.services.forgetting import forget
from apps.alerts.services.life import (
    acknowledge,
    give_surface,
    group_key,
    link_incident,
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
from apps.alerts.services.notes import comment, note
from apps.alerts.services.replaying import Draft, NotReplayable, draft_of, replay
from apps.alerts.services.rules import (
    archive_rule,
    change_rule,
    create_rule,
    switch_off,
    switch_on,
)
from apps.alerts.services.silencing import change_silence, create_silence, end_silence
from apps.alerts.services.starting import starter_rules
from apps.alerts.services.waking import URGENCY, unmute_due

__all__ = [
    "URGENCY",
    "Draft",
    "NotReplayable",
    "acknowledge",
    "announce_maintenance",
    "archive_rule",
    "cancel_maintenance",
    "change_maintenance",
    "change_rule",
    "change_silence",
    "comment",
    "create_rule",
    "create_silence",
    "draft_of",
    "end_maintenance",
    "end_silence",
    "evaluate_due",
    "forget",
    "give_surface",
    "group_key",
    "link_incident",
    "look_now",
    "maintain_due",
    "note",
    "page_was_acknowledged",
    "replay",
    "resolve",
    "starter_rules",
    "switch_off",
    "switch_on",
    "take",
    "unmute_due",
]
