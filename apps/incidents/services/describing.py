"""What an incident is called, what kind of thing it is, and what it hurts."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.incidents.models import Incident, IncidentType
from apps.incidents.services.pages import lock_pages
from apps.incidents.services.running import make_tasks
from apps.incidents.services.timeline import record, refuse_merged
from apps.ownership.models import Surface


@transaction.atomic
def describe(
    *,
    incident: Incident,
    title: str,
    summary: str,
    surface: Surface | None,
    type: IncidentType | None,
    actor: Actor,
    now: datetime,
) -> Incident:
    """Keep what is known better by now; the timeline says what changed.

    A type that becomes known brings its tasks. Raises Invalid by field, Conflict for an incident
    that was merged.
    """
    refuse_merged(incident)
    title, summary = " ".join(title.split()), summary.strip()
    if not title or len(title) > 200:
        text = "A title has 1 to 200 characters."
        raise Invalid(text, fields={"title": [text]})
    if len(summary) > 10_000:
        text = "A summary has up to 10,000 characters."
        raise Invalid(text, fields={"summary": [text]})
    lock_pages(incident)
    rows = Incident.objects.select_for_update(of=("self",)).select_related("surface", "type")
    locked = rows.get(pk=incident.pk)
    said = _changes(locked, title, summary, surface, type)
    if not said:
        return locked
    typed = type is not None and type != locked.type
    locked.title, locked.summary, locked.surface, locked.type = title, summary, surface, type
    locked.save(update_fields=["title", "summary", "surface", "type"])
    record(incident=locked, what="described", text=" ".join(said), actor=actor, now=now)
    if typed and locked.is_standing and locked.declared_at is not None:
        make_tasks(incident=locked, actor=actor, now=now)
    return locked


def _changes(
    was: Incident,
    title: str,
    summary: str,
    surface: Surface | None,
    type: IncidentType | None,
) -> list[str]:
    said = []
    if title != was.title:
        said.append(f"Renamed: {was.title} → {title}.")
    if surface != was.surface:
        old, new = (one.key if one else "no surface" for one in (was.surface, surface))
        said.append(f"Surface: {old} → {new}.")
    if type != was.type:
        before, after = (one.name if one else "not known" for one in (was.type, type))
        said.append(f"Type: {before} → {after}.")
    if summary != was.summary:
        said.append("What is known was written anew.")
    return said
