"""Who looks: the zone, clock and week that every time on a page is written in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.template import Context

from apps.core import clock
from apps.portal import formats


@dataclass(frozen=True)
class Viewer:
    """The viewer's choices; `week_start` counts from Monday = 0."""

    zone: tzinfo = UTC
    cycle: str = "24"
    week_start: int = 0


def viewer_of(context: Context) -> Viewer:
    """From `request.user`; UTC and 24 hours for a visitor or a zone that no longer exists."""
    user = getattr(context.get("request"), "user", None)
    return Viewer(
        zone=_zone(getattr(user, "time_zone", None)),
        cycle="12" if str(getattr(user, "hour_cycle", "24")) == "12" else "24",
        week_start=_weekday(getattr(user, "week_start", 0)),
    )


def now_of(context: Context) -> datetime:
    """The page's one instant: `now` where the view gave it, else the clock."""
    given = context.get("now")
    return given if isinstance(given, datetime) else clock.now()


def _zone(name: Any) -> tzinfo:
    if not name or str(name) == "UTC":
        return UTC
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _weekday(value: Any) -> int:
    if isinstance(value, int):
        return value % 7
    names = [day.lower() for day in formats.DAYS]
    short = str(value)[:3].lower()
    return names.index(short) if short in names else 0
