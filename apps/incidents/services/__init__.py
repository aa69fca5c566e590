"""Opening, driving and ending incidents; every change stands in the timeline."""

from __future__ import annotations

from apps.incidents.services.from_alerts import (
    FROM_ALERT,
    REOPENS_WITHIN,
    alert_resolved,
    alert_routed,
    page_acknowledged,
    page_told,
    take_alert,
)
from apps.incidents.services.lifecycle import transition
from apps.incidents.services.links import link
from apps.incidents.services.opening import open_incident
from apps.incidents.services.pages import acknowledge, lock_pages, page_ids
from apps.incidents.services.roles import assign, set_commander
from apps.incidents.services.severity import set_severity
from apps.incidents.services.timeline import comment, record, url_of

__all__ = [
    "FROM_ALERT",
    "REOPENS_WITHIN",
    "acknowledge",
    "alert_resolved",
    "alert_routed",
    "assign",
    "comment",
    "link",
    "lock_pages",
    "open_incident",
    "page_acknowledged",
    "page_ids",
    "page_told",
    "record",
    "set_commander",
    "set_severity",
    "take_alert",
    "transition",
    "url_of",
]
