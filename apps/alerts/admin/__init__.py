"""What managers configure of alerts: routing, announced work, silences; and the records."""

from __future__ import annotations

from apps.alerts.admin import alerts, maintenance, rules, silences
from apps.alerts.admin.routing import RoutingRuleAdmin

__all__ = ["RoutingRuleAdmin", "alerts", "maintenance", "rules", "silences"]
