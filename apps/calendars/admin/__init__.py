"""Business calendars on one page each."""

from __future__ import annotations

from apps.calendars.admin import calendars

__all__ = ["calendars"]
