"""Two at the same moment: real commits, two threads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core import audit
from apps.core.errors import Conflict, DomainError
from apps.followups import services as followups
from apps.followups.models import Evidence, FollowUp, Reminder
from apps.notifications.models import Message
from tests import builders as build
from tests.followups.kit import NOTE, NOW, URL, done, promise, story
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOW + timedelta(days=1)


def verify(row: FollowUp, person: Any) -> Callable[[], Any]:
    return lambda: followups.verify(
        follow_up=FollowUp.objects.get(pk=row.pk), person=person, actor=audit.person(person),
        now=LATER,
    )  # fmt: skip


def test_of_two_who_verify_one_does_and_the_other_is_told() -> None:
    ravi, maya = build.person("Ravi Rao"), build.person("Maya Lind", "manager")
    bea = build.person("Bea Bell")
    row = done(ravi)
    answers = at_once(verify(row, maya), verify(row, bea))
    (lost,) = [one for one in answers if isinstance(one, DomainError)]
    assert isinstance(lost, Conflict)
    row.refresh_from_db()
    assert row.status == "verified"
    assert story(row).count("verified") == 1


def test_evidence_and_a_verdict_do_not_cross() -> None:
    """Either the verdict knew of the withdrawal and was refused, or it came first and evidence
    that ended is not taken back; never is something verified without evidence."""
    ravi, maya = build.person("Ravi Rao"), build.person("Maya Lind", "manager")
    row = done(ravi)
    piece = row.evidence.get()
    answers = at_once(
        verify(row, maya),
        lambda: followups.withdraw(
            piece=piece, why="It ran on another branch.", actor=audit.person(ravi), now=LATER
        ),
    )
    assert sum(isinstance(one, Conflict) for one in answers) == 1
    row.refresh_from_db()
    stands = Evidence.objects.standing().filter(follow_up=row).exists()
    assert (row.status == "verified") == stands


def test_two_workers_remind_once() -> None:
    ravi = build.person("Ravi Rao")
    rows = [promise(ravi) for _ in range(5)]
    at = datetime(2026, 3, 9, 12, tzinfo=UTC)
    at_once(*[lambda: followups.remind_due(now=at)] * 2)
    followups.remind_due(now=at)  # what one skipped because the other held it
    for row in rows:
        sent = Reminder.objects.filter(follow_up=row, was_sent=True)
        assert [one.slot for one in sent] == ["2026-03-09:due"]
    assert Message.objects.filter(what="follow_up_reminder").count() == 5


def test_two_edits_of_one_version_leave_one_of_them() -> None:
    ravi = build.person("Ravi Rao")
    row = promise(ravi)
    given: dict[str, Any] = {"follow_up": row, "seen_version": 1, "actor": audit.SYSTEM, "now": NOW}
    answers = at_once(
        lambda: followups.edit(title="By the one", **given),
        lambda: followups.edit(title="By the other", **given),
    )
    (lost,) = [one for one in answers if isinstance(one, Conflict)]
    assert lost.code == "stale"
    row.refresh_from_db()
    assert row.version == 2
    followups.add_evidence(
        follow_up=row, type="url", url=URL, note=NOTE, actor=audit.SYSTEM, now=NOW
    )
    assert Evidence.objects.count() == 1
