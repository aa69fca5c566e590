"""The timeline: append-only, and a correction is a row of its own."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.incidents.models import Incident, TimelineEntry


def url_of(incident: Incident) -> str:
    """The incident's page, as other apps refer to it."""
    return f"/incidents/{incident.ref}/"


def record(
    *,
    incident: Incident,
    what: str,
    text: str,
    actor: Actor,
    now: datetime,
    at: datetime | None = None,
    is_markdown: bool = False,
    subject: tuple[str, str, str] = ("", "", ""),
) -> TimelineEntry:
    """Add a row to the timeline; `subject` is (kind, ref, url) of what it is about."""
    kind, ref, url = subject
    return TimelineEntry.objects.create(
        incident=incident,
        at=at or now,
        recorded_at=now,
        what=what,
        text=text,
        is_markdown=is_markdown,
        subject_kind=kind,
        subject_ref=ref,
        subject_url=url,
        **actor.columns(),
    )


@transaction.atomic
def comment(*, incident: Incident, text: str, actor: Actor, now: datetime) -> TimelineEntry:
    text = text.strip()
    if not text or len(text) > 10_000:
        raise Invalid(
            "A comment has 1 to 10,000 characters.", fields={"text": ["Write something."]}
        )
    if actor.person_id:
        incident.participants.add(actor.person_id)
    return record(
        incident=incident, what="comment", text=text, actor=actor, now=now, is_markdown=True
    )
