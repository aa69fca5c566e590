"""What belongs to an incident, by reference."""

from __future__ import annotations

from datetime import datetime

from apps.incidents.models import Incident, IncidentLink


def link(incident: Incident, kind: str, ref: str, url: str, label: str, now: datetime) -> None:
    IncidentLink.objects.get_or_create(
        incident=incident,
        kind=kind,
        ref=ref,
        defaults={"url": url, "label": label[:300], "created_at": now},
    )
