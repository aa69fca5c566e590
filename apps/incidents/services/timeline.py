"""The timeline: append-only, and a correction is a row of its own."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.incidents.models import Incident, TimelineEntry


def url_of(incident: Incident) -> str:
    """The incident's page, as other apps refer to it."""
    return f"/incidents/{incident.ref}/"


def thread_of(incident: Incident) -> str:
    """By which its mails and pages stand together."""
    return f"incident-{incident.pk}"


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
    corrects: TimelineEntry | None = None,
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
        corrects=corrects,
        **actor.columns(),
    )


def refuse_merged(incident: Incident) -> None:
    """The story of a merged incident goes on in the one that took it: Conflict."""
    if incident.status == Incident.Status.MERGED and incident.merged_into is not None:
        raise Conflict(f"{incident.ref} was merged into {incident.merged_into.ref}: go on there.")


@transaction.atomic
def comment(*, incident: Incident, text: str, actor: Actor, now: datetime) -> TimelineEntry:
    """Somebody says something; whoever speaks is on the incident from then on."""
    refuse_merged(incident)
    text = _said(text)
    if actor.person_id:
        incident.participants.add(actor.person_id)
    return record(
        incident=incident, what="comment", text=text, actor=actor, now=now, is_markdown=True
    )


@transaction.atomic
def correct(*, entry: TimelineEntry, text: str, actor: Actor, now: datetime) -> TimelineEntry:
    """Say what is wrong with an entry, in a row of its own that points to it.

    What was corrected before is corrected again by correcting the entry, not the correction.
    Raises Invalid for an empty or endless text, Conflict for a correction.
    """
    if entry.corrects_id is not None:
        raise Conflict("That is a correction. Correct the entry that it belongs to.")
    text = _said(text)
    if actor.person_id:
        entry.incident.participants.add(actor.person_id)
    return record(
        incident=entry.incident, what="correction", text=text, actor=actor, now=now,
        is_markdown=True, subject=("timeline", str(entry.pk), ""), corrects=entry,
    )  # fmt: skip


def _said(text: str) -> str:
    text = text.strip()
    if not text or len(text) > 10_000:
        raise Invalid(
            "A comment has 1 to 10,000 characters.", fields={"text": ["Write something."]}
        )
    return text
