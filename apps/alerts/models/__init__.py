"""Alerts and their groups, announced work and silences, the rules that raise alerts, heartbeats."""

from __future__ import annotations

from apps.alerts.models.heartbeats import Heartbeat, Ping
from apps.alerts.models.life import (
    RANK,
    Alert,
    AlertGroup,
    AlertNote,
    MaintenanceWindow,
    RoutingRule,
    Severity,
    SourceClock,
)
from apps.alerts.models.rules import AlertRule, Firing, RuleGroup
from apps.alerts.models.silences import Silence
from apps.alerts.models.slack import SlackGroup, SlackMember

__all__ = [
    "RANK",
    "Alert",
    "AlertGroup",
    "AlertNote",
    "AlertRule",
    "Firing",
    "Heartbeat",
    "MaintenanceWindow",
    "Ping",
    "RoutingRule",
    "RuleGroup",
    "Severity",
    "Silence",
    "SlackGroup",
    "SlackMember",
    "SourceClock",
]
