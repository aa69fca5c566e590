"""Somebody read what stands, and says what they found."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.runbooks import selectors
from apps.runbooks.models import Runbook, RunbookReview, RunbookVersion
from apps.runbooks.services.writing import check_intact

SHORTEST_NOTE = 10
BY_HAND = ("confirmed", "needs_work", "retire")


@transaction.atomic
def review(
    *, runbook: Runbook, outcome: str, note: str, actor: Actor, now: datetime
) -> RunbookReview:
    """Keep what somebody found in the approved version: confirmed, needs_work or retire.

    Confirming it takes the suspicion off it. Changing it is a new version, whose approval is the
    review. Raises Invalid for a note of fewer than 10 characters: a date alone shows nothing.
    """
    row = Runbook.objects.select_for_update(of=("self",), no_key=True).get(pk=runbook.pk)
    version = selectors.current_version(row)
    if version is None:
        raise Conflict(f"{row.key} has no approved version to review.", code="no_version")
    said = note.strip()
    fields: dict[str, list[str]] = {}
    if outcome not in BY_HAND:
        fields["outcome"] = ["Say what you found. To change it, write a new version."]
    if not SHORTEST_NOTE <= len(said) <= 10_000:
        fields["note"] = [f"Say what you looked at, in at least {SHORTEST_NOTE} characters."]
    if fields:
        raise Invalid(" ".join(text for texts in fields.values() for text in texts), fields=fields)
    check_intact(version)
    if outcome == RunbookReview.Outcome.CONFIRMED and version.suspect_at is not None:
        RunbookVersion.objects.filter(pk=version.pk).update(suspect_at=None, suspect_note="")
    return RunbookReview.objects.create(
        runbook=row,
        version=version,
        outcome=outcome,
        note=said,
        digest=version.digest,
        at=now,
        **actor.columns(),
    )
