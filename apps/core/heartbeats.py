"""Signs of life: each part of the system writes a row, and everybody may look."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from apps.core.models import Heartbeat

ENGINE = "engine"
CLUSTER = "cluster"


def beat(name: str, *, now: datetime, **detail: Any) -> None:
    """Say that `name` is alive at `now`."""
    Heartbeat.objects.update_or_create(name=name, defaults={"beat_at": now, "detail": detail})


def age(name: str, *, now: datetime) -> timedelta | None:
    """How long ago `name` was last alive; None if it never was."""
    found = Heartbeat.objects.filter(name=name).values_list("beat_at", flat=True).first()
    return None if found is None else max(timedelta(), now - found)
