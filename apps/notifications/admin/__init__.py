"""People with their invitations and how they can be reached, and the outbox."""

from __future__ import annotations

from apps.notifications.admin import messages, people

__all__ = ["messages", "people"]
