"""What tests of updates share: two levels with their targets, audiences without prepared words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.accounts.models import Person
from apps.core import audit
from apps.incidents.models import Audience, Incident, SeverityLevel, StatusUpdate
from apps.incidents.services import updates

# Seconds: first inside, first outside, cadence at first, cadence after.
LEVELS = {"SEV1": (600, 900, 1800, 3600), "SEV2": (1200, 1800, 3600, 7200)}


def framework(*, approve: bool = False, **more: Any) -> None:
    """SEV1 and SEV2 as the book has them, SEV3 with a daily word inside, SEV4 with nothing."""
    for key, (inside, outside, first, after) in LEVELS.items():
        SeverityLevel.objects.create(
            key=key,
            name=key,
            definition="…",
            internal_update_seconds=inside,
            public_update_seconds=outside,
            cadence_first_seconds=first,
            cadence_after_seconds=after,
            approve_updates=approve,
            **more,
        )
    SeverityLevel.objects.create(
        key="SEV3", name="minor", definition="…", internal_update_seconds=4 * 3600,
        cadence_first_seconds=86_400, cadence_after_seconds=86_400, clock="business",
    )  # fmt: skip
    SeverityLevel.objects.create(key="SEV4", name="low", definition="…")


def audience(key: str = "public", **more: Any) -> Audience:
    """`public` reaches page, subscribers and tickets; `internal` whoever is on the incident."""
    outside = key != "internal"
    given: dict[str, Any] = {
        "name": key.title(),
        "side": "public" if outside else "internal",
        "on_status_page": key == "public",
        "to_subscribers": key == "public",
        "to_tickets": outside,
        "to_participants": not outside,
    }
    row, _ = Audience.objects.get_or_create(key=key, defaults=given | more)
    return row


def draft(
    incident: Incident, by: Person, now: datetime, *, to: str = "public", **more: Any
) -> StatusUpdate:
    given: dict[str, Any] = {
        "stage": "update",
        "subject": "Profiling is slow",
        "body": "We are working on it.",
    }
    return updates.draft(
        incident=incident,
        audience=audience(to),
        actor=audit.person(by),
        now=now,
        **given | more,
    )


def publish(row: StatusUpdate, by: Person, now: datetime, **more: Any) -> StatusUpdate:
    return updates.publish(update=row, person=by, actor=audit.person(by), now=now, **more)


def told(
    incident: Incident, by: Person, now: datetime, *, to: str = "public", **more: Any
) -> StatusUpdate:
    """Drafted and published at once."""
    return publish(draft(incident, by, now, to=to, **more), by, now)
