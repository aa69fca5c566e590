"""What managers configure of alerts: routing, announced work, silences; and the records."""

from __future__ import annotations

from apps.alerts.admin import alerts, maintenance, routing, rules, silences

__all__ = ["alerts", "maintenance", "routing", "rules", "silences"]
