"""Recording what changed. Reporting the same change twice keeps one row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.changes.events import ChangeRecorded
from apps.changes.models import Change
from apps.core import events
from apps.intake.models import Event, Integration
from apps.ownership.models import Surface


@transaction.atomic
def record(
    *,
    kind: str,
    ref: str,
    summary: str,
    occurred_at: datetime,
    now: datetime,
    surface: Surface | None = None,
    url: str = "",
    source: str = "",
    details: dict[str, Any] | None = None,
) -> Change:
    """Write one change; the same (kind, ref, instant) again answers the first row."""
    row, fresh = Change.objects.get_or_create(
        kind=kind,
        ref=ref[:300],
        occurred_at=occurred_at,
        defaults={
            "summary": summary[:1024],
            "surface": surface,
            "url": url[:500],
            "source": source[:255],
            "recorded_at": now,
            "details": details or {},
        },
    )
    if fresh:
        events.publish(ChangeRecorded(change_id=row.pk, at=now))
    return row


def take(*, event: Event, integration: Integration, now: datetime) -> Change:
    """Record a canonical change event, under the source's own reference where it has one."""
    surface = Surface.objects.current().filter(key=event.surface_key.lower()).first()
    link: dict[str, str] = next(iter(event.links), {})
    what = str(event.details.get("change_kind") or event.dedup_key.partition(":")[0])
    kinds = {"deploy": Change.Kind.DEPLOYMENT, **{k: k for k in Change.Kind.values}}
    return record(
        kind=kinds.get(what, Change.Kind.OTHER),
        ref=event.dedup_key or f"delivery:{event.delivery_id}:{event.seq}",
        summary=event.summary,
        occurred_at=event.occurred_at or event.delivery.received_at,
        now=now,
        surface=surface if surface and integration.speaks_for(surface) else integration.surface,
        url=str(link.get("href", "")),
        source=event.source,
        details=event.details,
    )
