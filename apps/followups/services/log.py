"""What happened to a follow-up, in order. Append-only."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core.audit import Actor
from apps.followups.models import FollowUp, FollowUpNote
from apps.followups.services.checking import MAX_TEXT, Wrong


def write(
    *,
    follow_up: FollowUp,
    what: str,
    text: str,
    actor: Actor,
    now: datetime,
    is_markdown: bool = False,
) -> FollowUpNote:
    """A line in the story of a follow-up; lines are never changed."""
    return FollowUpNote.objects.create(
        follow_up=follow_up,
        at=now,
        what=what,
        text=text,
        is_markdown=is_markdown,
        **actor.columns(),
    )


@transaction.atomic
def comment(*, follow_up: FollowUp, text: str, actor: Actor, now: datetime) -> FollowUpNote:
    """Words of somebody, in Markdown."""
    wrong = Wrong()
    given = wrong.text("text", text, empty="Write something.", most=MAX_TEXT)
    wrong.raise_any("This cannot be kept as a comment.")
    return write(
        follow_up=follow_up, what="comment", text=given, actor=actor, now=now, is_markdown=True
    )
