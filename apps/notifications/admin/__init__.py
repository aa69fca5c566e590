"""People with their invitations and how they can be reached, the outbox, outgoing webhooks."""

from __future__ import annotations

from apps.notifications.admin import messages, people, webhooks

__all__ = ["messages", "people", "webhooks"]
