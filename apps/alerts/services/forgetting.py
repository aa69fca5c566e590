"""What rules and sources leave behind is kept for longer than any report looks back, then goes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from apps.alerts.models import Firing, SourceClock

KEPT = timedelta(days=400)


def forget(*, now: datetime, limit: int = 1000) -> int:
    """Delete one small batch of firings that ended, and of source clocks that stood still, so long
    ago; answers how many rows went. What fires still stays."""
    past = now - KEPT
    over: tuple[QuerySet[Any], ...] = (
        Firing.objects.filter(resolved_at__lt=past),
        SourceClock.objects.filter(resolved_ts__lt=past),
    )
    gone = 0
    for rows in over:
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[:limit])
        gone += rows.filter(pk__in=ids).delete()[0]
    return gone
