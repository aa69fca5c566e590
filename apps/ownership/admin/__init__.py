"""Surfaces, what they lean on, and who answers for them. The surface's page itself is registered
two floors up, by paging, which adds who covers it and whom it wakes."""

from __future__ import annotations

from apps.ownership.admin import assignments, parties, positions

__all__ = ["assignments", "parties", "positions"]
