"""Stale runbooks are chased: the owner, then the backup too, then the lead every week."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.notifications import services as notifications
from apps.runbooks import notices, selectors
from apps.runbooks.freshness import Band, Freshness, Slot, slot
from apps.runbooks.models import Chase, Runbook, RunbookVersion
from apps.runbooks.services import telling


def chase_stale(*, now: datetime) -> int:
    """Remind of every runbook that is stale; answers how many reminders went out.

    Level-triggered: after a pause only the latest slot of each is sent, and each slot once.
    """
    rows = Runbook.objects.current().filter(versions__status=RunbookVersion.Status.APPROVED)
    runbooks = list(rows.select_related("owner", "backup").order_by("pk"))
    fresh = selectors.freshness_of(runbooks, now=now)
    versions = selectors.current_versions(runbooks)
    sent = 0
    for runbook in runbooks:
        found = fresh[runbook.pk]
        if found.band == Band.STALE and found.stale_at is not None:
            due = slot(found.stale_at, now)
            if due is not None:
                sent += _chase(runbook, versions[runbook.pk], found, due, now)
    return sent


@transaction.atomic
def _chase(
    runbook: Runbook, version: RunbookVersion, found: Freshness, due: Slot, now: datetime
) -> int:
    _, fresh = Chase.objects.get_or_create(runbook=runbook, slot=due.key, defaults={"at": now})
    if not fresh:
        return 0
    for person, why in readers(runbook, due):
        notifications.notify(
            person=person,
            what="runbook_stale",
            write=notices.stale,
            facts=notices.Stale(
                key=runbook.key,
                title=runbook.title,
                url=telling.url_of(runbook),
                why=why,
                stale_at=found.stale_at or now,
                last_at=found.at,
                cadence_days=runbook.cadence_days,
                suspect_note=version.suspect_note if found.is_suspect else "",
            ),
            urgency="low",
            subject=("runbook", runbook.key),
            dedupe=f"runbook:{runbook.pk}:stale:{due.key}",
            now=now,
        )
    return 1


def readers(runbook: Runbook, due: Slot) -> list[telling.Reached]:
    """Whom a slot goes to; each person once. Where nobody holds it, the lead hears at once."""
    held = telling.holders(runbook)
    found = held[:1] if due.week == 0 else held
    if due.week >= 2 or not found:
        found = found + telling.leads(runbook)
    return list({person.pk: (person, why) for person, why in reversed(found)}.values())[::-1]
