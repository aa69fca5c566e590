"""What a release adds to a site that was set up before it, at the end of `migrate`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.accounts.models import Person
from apps.alerts.services import arriving
from apps.core import clock
from apps.incidents.models import SeverityLevel
from apps.incidents.seeds import ensure_incidents
from apps.notifications.models import Site
from apps.support.models import RequestType
from apps.support.seeds import ensure_support
from apps.telemetry.seeds import ensure_codes
from opsportal.schedules import SCHEDULES


def after_migrate(**_: Any) -> None:
    """Signal door: request types and promises for sites that are older than tickets; severity
    levels, audiences, templates and factors for those older than the framework.

    A site that is being set up gets them with its first manager.
    """
    set_up = Site.objects.filter(set_up_at__isnull=False).exists()
    if set_up and not RequestType.objects.exists():
        ensure_support(now=clock.now())
    if set_up:
        ensure_codes()
        watch_own_jobs(now=clock.now())
    if set_up and not SeverityLevel.objects.exists():
        ensure_incidents()


def watch_own_jobs(*, now: datetime) -> None:
    """A heartbeat for each schedule of ours, once there is somebody to tell."""
    if Person.objects.exists():
        own = [arriving.OwnJob(entry.name, entry.cron) for entry in SCHEDULES]
        arriving.ensure_own_heartbeats(own=own, now=now)
