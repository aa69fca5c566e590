"""Declaring with the first messages prepared; writing an update and sending it in one go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import Person
from apps.core import audit
from apps.incidents import services
from apps.incidents.models import Audience, Incident, StatusUpdate
from apps.incidents.models.comms import Stage
from apps.incidents.services import templates, updates


@transaction.atomic
def declare(*, person: Person, drafts: Collection[str], now: datetime, **given: Any) -> Incident:
    """Open an incident (`given` as `open_incident` takes it) and draft the first message for each
    side in `drafts` for which words are prepared."""
    actor = audit.person(person)
    made = services.open_incident(actor=actor, now=now, **given)
    for side in drafts:
        audience = first_audience(side, made.severity)
        if audience is None:
            continue
        if templates.fitting(incident=made, audience=audience, stage=Stage.INITIAL) is None:
            continue
        updates.draft(incident=made, audience=audience, stage=Stage.INITIAL, actor=actor, now=now)
    return made


def first_audience(side: str, severity: str) -> Audience | None:
    """Whom the first message of a side goes to: the first that the level tells, else the first."""
    rows = Audience.objects.filter(side=side, archived_at=None).order_by("position", "key")
    asked = rows.filter(severitylevel=severity).first()
    return asked or rows.first()


@transaction.atomic
def say(
    *,
    incident: Incident,
    audience: Audience,
    known: StatusUpdate | None,
    words: Mapping[str, Any],
    version: int | None,
    send: bool,
    person: Person,
    now: datetime,
) -> StatusUpdate:
    """Keep an update (`known`, or a new one) with `words`, and send it when `send`.

    `words`: stage, subject, body, states, next_update_at. Nothing is kept when it cannot be sent.
    """
    actor = audit.person(person)
    if known is None:
        row = updates.draft(incident=incident, audience=audience, actor=actor, now=now, **words)
    else:
        row = updates.edit(
            update=known,
            version=version if version is not None else known.version,
            clear_next=words["next_update_at"] is None,
            actor=actor,
            now=now,
            **words,
        )
    if not send:
        return row
    return updates.publish(update=row, person=person, actor=actor, now=now)
