"""Incidents and all that hangs on them."""

from __future__ import annotations

from apps.incidents.models.comms import (
    Audience,
    CommsTemplate,
    Component,
    ComponentImpact,
    Snooze,
    StatusUpdate,
    Subscription,
)
from apps.incidents.models.framework import (
    IncidentType,
    Severity,
    SeverityLevel,
    TaskTemplate,
)
from apps.incidents.models.incident import (
    Incident,
    IncidentLink,
    Merge,
    SeveritySpan,
    TimelineEntry,
)
from apps.incidents.models.review import Review, ReviewComment, ReviewFactor
from apps.incidents.models.running import Impact, IncidentTask, Mark, RoleAssignment

__all__ = [
    "Audience",
    "CommsTemplate",
    "Component",
    "ComponentImpact",
    "Impact",
    "Incident",
    "IncidentLink",
    "IncidentTask",
    "IncidentType",
    "Mark",
    "Merge",
    "Review",
    "ReviewComment",
    "ReviewFactor",
    "RoleAssignment",
    "Severity",
    "SeverityLevel",
    "SeveritySpan",
    "Snooze",
    "StatusUpdate",
    "Subscription",
    "TaskTemplate",
    "TimelineEntry",
]
