"""Where events come from, and what came."""

from __future__ import annotations

from apps.intake.admin import deliveries, integrations

__all__ = ["deliveries", "integrations"]
