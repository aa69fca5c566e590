"""What django-q2 runs for this app."""

from __future__ import annotations

from datetime import timedelta

from apps.core import clock
from apps.notifications import services

KEEP_WEBHOOKS = timedelta(days=30)
BATCHES = 50


def purge_webhooks() -> int:
    """Delete finished webhook deliveries after a month, in small batches that never lock."""
    now, gone = clock.now(), 0
    for _ in range(BATCHES):
        batch = services.purge_webhooks(now=now, keep=KEEP_WEBHOOKS)
        gone += batch
        if not batch:
            break
    return gone
