"""What managers configure of alerts: routing, announced work, silences; and the records."""

from __future__ import annotations

from apps.alerts.admin import alerts, heartbeats, maintenance, rules, silences
from apps.alerts.admin.routing import RoutingRuleAdmin

__all__ = ["RoutingRuleAdmin", "alerts", "heartbeats", "maintenance", "rules", "silences"]
