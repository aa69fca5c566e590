"""The project's own scheduled work: signs of life, the watch over the engine, retention."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings

from apps.alerts import services as alerts
from apps.core import clock, heartbeats
from apps.core.models import IdempotencyKey
from apps.intake import services as intake
from opsportal import engine, health, upgrade

log = structlog.get_logger("opsportal.watch")
KEEP_DELIVERIES = timedelta(days=90)
RETENTION_BATCHES = 50


def canary() -> None:
    """Shows that the cluster takes tasks and runs them."""
    heartbeats.beat(heartbeats.CLUSTER, now=clock.now())


def watch_engine() -> None:
    """An engine that is late is told, and stood in for: pages go out from here until it is back."""
    now = clock.db_now()
    state = health.look(now=now)
    if state.engine_late:
        log.error("engine late", age=str(state.engine_age))
        health.tell(what="engine", age=state.engine_age, now=now)
        engine.run_once(now=now)
        return
    health.all_clear(what="engine", now=now)
    if settings.HEARTBEAT_URL and state.clean:
        _ping(settings.HEARTBEAT_URL)


def own_jobs() -> None:
    """Each schedule of ours has a heartbeat, also on a site that was set up a moment ago."""
    upgrade.watch_own_jobs(now=clock.now())


def _ping(url: str) -> None:
    """An outside dead-man's switch hears from us only while everything is in order."""
    if not url.startswith(("https://", "http://")):
        return
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - the scheme is checked above
    except (urllib.error.URLError, OSError) as error:
        log.warning("heartbeat ping failed", error=str(error)[:200])


def retention() -> int:
    """Delete old raw deliveries, firings and idempotency keys in small batches that never lock."""
    now = clock.now()
    IdempotencyKey.objects.filter(created_at__lt=now - timedelta(days=1)).delete()
    gone = _in_batches(lambda: intake.purge(now=now, keep=KEEP_DELIVERIES))
    return gone + _in_batches(lambda: alerts.forget(now=now))


def _in_batches(purge: Callable[[], int]) -> int:
    """Call until nothing is left, or until the night is over."""
    gone = 0
    for _ in range(RETENTION_BATCHES):
        batch = purge()
        gone += batch
        if not batch:
            break
    return gone
