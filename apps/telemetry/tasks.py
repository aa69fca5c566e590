"""django-q2 entry points. The rows are the truth; a task that runs twice or late does no harm."""

from __future__ import annotations

from datetime import timedelta

import structlog

from apps.core import clock
from apps.telemetry import services

log = structlog.get_logger("opsportal.telemetry")
LOOK_BACK = timedelta(days=8)


def purge() -> int:
    """Nightly: what is older than its time goes in small batches; answers how many rows went."""
    return sum(services.purge(now=clock.now()).values())


def check_sums() -> int:
    """Nightly: the sums of the last days against the runs; what differs is told, and counted anew.

    Answers how many sums differed, which is none unless somebody wrote to the tables by hand.
    """
    now = clock.now()
    found = services.check_rollups(since=now - LOOK_BACK, until=now)
    if not found.right:
        log.error("sums differ from runs", rollups=found.rollups, buckets=found.buckets)
        services.rebuild_rollups(since=now - LOOK_BACK, until=now)
    return found.rollups + found.buckets
