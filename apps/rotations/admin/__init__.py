"""Schedules on one page each, and the lists around them."""

from __future__ import annotations

from apps.rotations.admin import lists, schedules

__all__ = ["lists", "schedules"]
