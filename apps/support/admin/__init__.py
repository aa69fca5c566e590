"""Support as managers set it up and look into it."""

from __future__ import annotations

from apps.support.admin import desk, mail, policies, tickets

__all__ = ["desk", "mail", "policies", "tickets"]
