"""What a release adds to a site that was set up before it, at the end of `migrate`."""

from __future__ import annotations

from typing import Any

from apps.core import clock
from apps.incidents.models import SeverityLevel
from apps.incidents.seeds import ensure_incidents
from apps.notifications.models import Site
from apps.support.models import RequestType
from apps.support.seeds import ensure_support


def after_migrate(**_: Any) -> None:
    """Signal door: request types and promises for sites that are older than tickets; severity
    levels, audiences, templates and factors for those older than the framework.

    A site that is being set up gets them with its first manager.
    """
    set_up = Site.objects.filter(set_up_at__isnull=False).exists()
    if set_up and not RequestType.objects.exists():
        ensure_support(now=clock.now())
    if set_up and not SeverityLevel.objects.exists():
        ensure_incidents()
