"""What is written into an alert's own timeline."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.alerts.models import Alert, AlertNote
from apps.core.audit import Actor
from apps.core.errors import Invalid


@transaction.atomic
def note(*, alert: Alert, what: str, text: str, actor: Actor, now: datetime) -> AlertNote:
    """Add a row to the alert's timeline."""
    return AlertNote.objects.create(alert=alert, at=now, what=what, text=text, **actor.columns())


def comment(*, alert: Alert, text: str, actor: Actor, now: datetime) -> AlertNote:
    text = text.strip()
    if not text or len(text) > 10_000:
        raise Invalid(
            "A comment has 1 to 10,000 characters.", fields={"text": ["Write something."]}
        )
    return note(alert=alert, what="comment", text=text, actor=actor, now=now)
