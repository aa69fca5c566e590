"""What the ledger's tests share."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from apps.accounts.models import Person
from apps.core import audit
from apps.followups import services as followups
from apps.followups.models import FollowUp, FollowUpNote
from apps.notifications.models import Message

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
URL = "https://ci.example.org/runs/8812"
NOTE = "The fixture fails on the old tag and passes on the new one."


def promise(person: Person, *, by: Person | None = None, **more: Any) -> FollowUp:
    """A follow-up that is due in a week."""
    given: dict[str, Any] = {
        "title": "Sample wide text with a budget",
        "acceptance": "p95 on the XS fixture stays below 300 s",
        "aim": "prevent",
        "priority": "P1",
        "owner": person,
        "due_on": date(2026, 3, 9),
        "source": ("incident", "INC-42", "/incidents/INC-42/", "Snowflake profiling times out"),
        "actor": audit.person(by) if by else audit.SYSTEM,
        "now": NOW,
        **more,
    }
    return followups.open_follow_up(**given)


def done(owner: Person, *, now: datetime | None = None, **more: Any) -> FollowUp:
    """One that is done, with evidence."""
    made = promise(owner, **more)
    at = now or NOW + timedelta(hours=1)
    by = {"actor": audit.person(owner), "now": at}
    followups.add_evidence(follow_up=made, type="regression", url=URL, note=NOTE, **by)
    followups.mark_done(follow_up=made, person=owner, **by)
    made.refresh_from_db()
    return made


def verified(owner: Person, by: Person, *, now: datetime | None = None, **more: Any) -> FollowUp:
    made = done(owner, **more)
    at = now or NOW + timedelta(hours=2)
    followups.verify(follow_up=made, person=by, actor=audit.person(by), now=at)
    made.refresh_from_db()
    return made


def told(person: Person, what: str = "") -> list[str]:
    """The subjects of the messages that somebody got, in order."""
    rows = Message.objects.filter(person=person).order_by("pk")
    return list((rows.filter(what=what) if what else rows).values_list("subject", flat=True))


def story(follow_up: FollowUp) -> list[str]:
    """What happened to it, as its log has it."""
    rows = FollowUpNote.objects.filter(follow_up=follow_up).order_by("at", "pk")
    return list(rows.values_list("what", flat=True))
