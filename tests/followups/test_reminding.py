"""Reminders: each once, however often or late the job runs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from apps.core import audit
from apps.followups import services as followups
from apps.followups.models import FollowUp, Reminder
from apps.notifications.models import Message
from tests import builders as build
from tests.conftest import Cast
from tests.followups.kit import NOW, done, promise, told, verified

WHAT = "follow_up_reminder"
TITLE = "Sample wide text with a budget"


def clock(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def run(since: datetime, until: datetime, every: timedelta) -> int:
    """The job by its schedule; answers how many reminders it sent."""
    sent, now = 0, since
    while now <= until:
        sent += followups.remind_due(now=now)
        now += every
    return sent


def slots(row: FollowUp, was_sent: bool) -> list[str]:
    found = Reminder.objects.filter(follow_up=row, was_sent=was_sent).order_by("pk")
    return [one.slot.partition(":")[2] for one in found]


def test_each_reminder_is_sent_once_though_the_job_runs_all_day(cast: Cast) -> None:
    """Ravi is in Berlin, where 09:00 is 08:00 UTC in winter."""
    row = promise(cast.ravi)
    assert run(clock("2026-03-06T07:45"), clock("2026-03-06T07:59"), timedelta(minutes=7)) == 0
    sent = run(clock("2026-03-06T08:00"), clock("2026-03-10T20:00"), timedelta(hours=1))
    assert sent == 3
    assert told(cast.ravi, WHAT) == [
        f"[{row.ref}] is due in 3 days: {TITLE}",
        f"[{row.ref}] is due today: {TITLE}",
        f"[{row.ref}] was due yesterday: {TITLE}",
    ]
    assert told(cast.maya, WHAT) == []


def test_a_worker_that_was_off_for_three_hours_sends_each_once(cast: Cast) -> None:
    row = promise(cast.ravi)
    followups.remind_due(now=clock("2026-03-09T07:59"))
    assert slots(row, True) == ["ahead"]  # it was off since Friday, too
    assert followups.remind_due(now=clock("2026-03-09T11:00")) == 1
    assert followups.remind_due(now=clock("2026-03-09T11:00")) == 0
    assert told(cast.ravi, WHAT)[-1] == f"[{row.ref}] is due today: {TITLE}"


def test_a_worker_that_was_off_for_days_sends_the_latest_and_passes_over_the_rest(
    cast: Cast,
) -> None:
    row = promise(cast.ravi)
    assert followups.remind_due(now=clock("2026-03-25T03:00")) == 1
    assert slots(row, True) == ["week2"]
    assert slots(row, False) == ["ahead", "due", "late", "week1"]
    assert told(cast.ravi, WHAT) == [f"[{row.ref}] is 16 days overdue: {TITLE}"]
    assert run(clock("2026-03-25T03:15"), clock("2026-03-30T06:45"), timedelta(hours=6)) == 0
    assert followups.remind_due(now=clock("2026-03-30T07:00")) == 1  # 09:00 in summer
    assert slots(row, True) == ["week2", "week3"]


@pytest.mark.parametrize(
    ("due_on", "before", "at"),
    [
        (date(2026, 3, 29), "2026-03-29T06:59", "2026-03-29T07:00"),
        (date(2026, 10, 25), "2026-10-25T07:59", "2026-10-25T08:00"),
    ],
)
def test_a_night_that_changes_the_clock_moves_no_reminder_and_doubles_none(
    due_on: date, before: str, at: str, cast: Cast
) -> None:
    row = promise(cast.ravi, due_on=due_on)
    followups.remind_due(now=clock(before) - timedelta(days=1))
    assert slots(row, True) == ["ahead"]
    night = clock(before) - timedelta(hours=12)
    assert run(night, clock(before), timedelta(minutes=15)) == 0
    assert followups.remind_due(now=clock(at)) == 1
    assert run(clock(at), clock(at) + timedelta(hours=12), timedelta(minutes=15)) == 0
    assert slots(row, True) == ["ahead", "due"]


def test_from_a_week_on_the_lead_of_the_owners_team_hears_of_it(cast: Cast) -> None:
    build.team("inspect", lead=cast.bea, members=[cast.ravi])
    row = promise(cast.ravi)
    followups.remind_due(now=clock("2026-03-15T12:00"))
    assert told(cast.bea, WHAT) == []
    followups.remind_due(now=clock("2026-03-16T08:00"))
    subject = f"[{row.ref}] is 7 days overdue: {TITLE}"
    assert told(cast.bea, WHAT) == [subject] == told(cast.ravi, WHAT)[1:]
    assert told(cast.maya, WHAT) == []
    why = "Why you got this: you lead Inspect."
    assert why in Message.objects.get(person=cast.bea, what=WHAT).body


def test_without_a_team_the_surfaces_lead_hears_of_it_else_the_managers(cast: Cast) -> None:
    surface = build.surface(team=build.team("inspect", lead=cast.sam))
    promise(cast.ravi, surface=surface)
    promise(cast.ravi)
    followups.remind_due(now=clock("2026-03-16T08:00"))
    assert (len(told(cast.sam, WHAT)), len(told(cast.maya, WHAT))) == (1, 1)


def test_a_lead_who_owns_it_is_told_once(cast: Cast) -> None:
    build.team("inspect", lead=cast.ravi, members=[cast.ravi])
    promise(cast.ravi)
    followups.remind_due(now=clock("2026-03-16T08:00"))
    assert (len(told(cast.ravi, WHAT)), len(told(cast.maya, WHAT))) == (1, 1)


ENDS: dict[str, Any] = {
    "done": lambda cast: done(cast.ravi),
    "verified": lambda cast: verified(cast.ravi, cast.maya),
    "drill": lambda cast: promise(cast.ravi, kind="drill"),
}


@pytest.mark.parametrize("state", ENDS)
def test_nobody_is_reminded_of_what_is_done_or_part_of_a_play(state: str, cast: Cast) -> None:
    ENDS[state](cast)
    assert run(clock("2026-03-06T08:00"), clock("2026-03-08T20:00"), timedelta(hours=6)) == 0


def test_what_is_done_and_not_verified_is_brought_up_after_a_week(cast: Cast) -> None:
    row = done(cast.ravi)  # Monday 2 March, 14:00 in Berlin
    assert followups.remind_due(now=clock("2026-03-09T07:59")) == 0
    assert run(clock("2026-03-09T08:00"), clock("2026-03-15T08:00"), timedelta(hours=5)) == 1
    subject = f"[{row.ref}] is done and nobody has verified it: {TITLE}"
    assert told(cast.ravi, WHAT) == [subject] == told(cast.maya, WHAT)


def test_what_came_before_a_promise_was_made_or_moved_reminds_nobody(cast: Cast) -> None:
    row = promise(cast.ravi, due_on=date(2026, 3, 3))
    assert slots(row, False) == ["ahead"]
    assert followups.remind_due(now=NOW + timedelta(minutes=15)) == 0
    assert followups.remind_due(now=clock("2026-03-03T08:00")) == 1
    followups.edit(
        follow_up=row, due_on=date(2026, 3, 5), reason="It needs two days more.",
        actor=audit.SYSTEM, now=clock("2026-03-03T09:00"),
    )  # fmt: skip
    assert followups.remind_due(now=clock("2026-03-04T23:00")) == 0
    assert followups.remind_due(now=clock("2026-03-05T08:00")) == 1


def test_a_reminder_that_was_not_sent_yet_is_taken_back_when_it_is_done(cast: Cast) -> None:
    row = promise(cast.ravi)
    followups.remind_due(now=clock("2026-03-06T08:00"))
    followups.mark_done(
        follow_up=row, person=cast.ravi, actor=audit.person(cast.ravi),
        now=clock("2026-03-06T08:01"),
    )  # fmt: skip
    assert Message.objects.get(what=WHAT).status == Message.Status.CANCELLED


def test_one_that_cannot_be_sent_does_not_keep_the_others_from_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.core.errors import Invalid
    from apps.followups.services import telling

    first, second = promise(cast.ravi), promise(cast.bea)
    tell = telling.tell

    def refusing(**given: Any) -> None:
        if given["follow_up"] == first:
            raise Invalid("This cannot be written.")
        tell(**given)

    monkeypatch.setattr(telling, "tell", refusing)
    assert followups.remind_due(now=clock("2026-03-06T10:00")) == 1
    assert (slots(first, True), slots(second, True)) == ([], ["ahead"])
    monkeypatch.undo()
    assert followups.remind_due(now=clock("2026-03-06T10:15")) == 1


def test_a_run_with_nothing_due_takes_a_fixed_number_of_statements(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        promise(cast.ravi)
    followups.remind_due(now=clock("2026-03-16T08:00"))
    with django_assert_num_queries(2):
        followups.remind_due(now=clock("2026-03-16T08:15"))
