"""django-q2 entry points. The rows are the truth; a task that runs twice or late does no harm."""

from __future__ import annotations

from apps.calendars import services
from apps.core import clock


def refresh() -> int:
    """Daily: public holidays of the years ahead, and another release of the zone data."""
    return services.refresh_all(now=clock.now())
