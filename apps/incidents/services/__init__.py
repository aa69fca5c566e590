"""Opening, driving and ending incidents; every change stands in the timeline."""

from __future__ import annotations

from apps.incidents.selectors.commander import commander_for
from apps.incidents.services.from_alerts import (
    FROM_ALERT,
    REOPENS_WITHIN,
    alert_resolved,
    alert_routed,
    page_acknowledged,
    page_told,
    take_alert,
)
from apps.incidents.services.lifecycle import Blocked, transition
from apps.incidents.services.links import NewLink, add_link, link, link_all, unlink
from apps.incidents.services.merging import merge, undo_merge
from apps.incidents.services.milestones import set_milestones
from apps.incidents.services.opening import open_incident
from apps.incidents.services.pages import acknowledge, lock_pages, page_by_hand, page_ids
from apps.incidents.services.roles import assign, roles_of, set_commander
from apps.incidents.services.running import make_tasks
from apps.incidents.services.severity import set_severity
from apps.incidents.services.timeline import comment, correct, record, url_of

__all__ = [
    "FROM_ALERT",
    "REOPENS_WITHIN",
    "Blocked",
    "NewLink",
    "acknowledge",
    "add_link",
    "alert_resolved",
    "alert_routed",
    "assign",
    "commander_for",
    "comment",
    "correct",
    "link",
    "link_all",
    "lock_pages",
    "make_tasks",
    "merge",
    "open_incident",
    "page_acknowledged",
    "page_by_hand",
    "page_ids",
    "page_told",
    "record",
    "roles_of",
    "set_commander",
    "set_milestones",
    "set_severity",
    "take_alert",
    "transition",
    "undo_merge",
    "unlink",
    "url_of",
]
