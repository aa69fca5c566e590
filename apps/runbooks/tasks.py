"""Scheduled work of runbooks."""

from __future__ import annotations

from apps.core import clock
from apps.runbooks import services


def chase() -> int:
    return services.chase_stale(now=clock.now())
