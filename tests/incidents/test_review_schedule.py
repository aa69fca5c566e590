"""When a review is due and when somebody is reminded of it, in business days. No database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from apps.calendars.businesstime import DAYS, BusinessTimeError, Calendar
from apps.incidents import review_schedule as schedule

BERLIN = Calendar.of(
    "Europe/Berlin",
    {day: [[540, 1080]] for day in DAYS[:5]},
    {"2026-12-24": [[540, 720]], "2026-12-25": []},
)
ALWAYS = Calendar.of("UTC", {day: [[0, 1440]] for day in DAYS})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "start", "days", "due", "why"),
    [
        (BERLIN, "2026-09-07 07:10", 3, "2026-09-10 16:00", "Monday, three days: Thursday 18:00"),
        (BERLIN, "2026-09-10 07:10", 3, "2026-09-15 16:00", "a weekend does not count"),
        (BERLIN, "2026-09-12 07:10", 1, "2026-09-14 16:00", "from a Saturday on: Monday"),
        (BERLIN, "2026-09-07 22:30", 1, "2026-09-09 16:00", "it is Tuesday in Berlin already"),
        (BERLIN, "2026-10-22 12:00", 2, "2026-10-26 17:00", "18:00 in winter is an hour later"),
        (BERLIN, "2026-12-23 12:00", 1, "2026-12-24 11:00", "Christmas Eve closes at noon"),
        (BERLIN, "2026-12-23 12:00", 2, "2026-12-28 17:00", "Christmas Day is none"),
        (ALWAYS, "2026-09-07 07:10", 2, "2026-09-10 00:00", "open all day: the end of Wednesday"),
    ],
)
def test_business_days_count_from_the_day_after(
    calendar: Calendar, start: str, days: int, due: str, why: str
) -> None:
    assert schedule.due_at(calendar, at(start), days) == at(due), why


def test_a_calendar_that_never_opens_is_told() -> None:
    never = Calendar.of("UTC", {})
    with pytest.raises(BusinessTimeError, match="400 days"):
        schedule.due_at(never, at("2026-09-07 07:10"), 1)


DRAFT, PUBLISH = at("2026-09-10 16:00"), at("2026-09-14 16:00")  # Thursday, Monday


def _names(now: str, *, is_draft: bool = True) -> list[str]:
    slots = schedule.people_slots(
        BERLIN, draft_due_at=DRAFT, publish_due_at=PUBLISH, is_draft=is_draft, now=at(now)
    )
    return [slot.name.removeprefix("review:2026-09-") for slot in slots]


@pytest.mark.parametrize(
    ("now", "names"),
    [
        ("2026-09-10 06:59", []),
        ("2026-09-10 07:00", ["10:draft"]),
        ("2026-09-14 07:00", ["10:draft", "14:publish"]),
        ("2026-09-17 06:59", ["10:draft", "14:publish"]),
        ("2026-09-17 07:00", ["10:draft", "14:publish", "14:late3"]),
        ("2026-09-22 12:00", ["10:draft", "14:publish", "14:late3", "14:late6"]),
    ],
)
def test_author_and_commander_hear_on_both_days_and_then_every_third(
    now: str, names: list[str]
) -> None:
    assert _names(now) == names


def test_what_was_handed_in_is_not_asked_for_as_a_draft() -> None:
    assert _names("2026-09-10 12:00", is_draft=False) == []
    assert _names("2026-09-14 12:00", is_draft=False) == ["14:publish"]


def test_the_lead_hears_from_the_fifth_business_day_on() -> None:
    def names(now: str) -> list[str]:
        found = schedule.lead_slots(BERLIN, publish_due_at=PUBLISH, now=at(now))
        return [slot.name.removeprefix("review:2026-09-14:") for slot in found]

    assert names("2026-09-21 06:59") == []
    assert names("2026-09-21 07:00") == ["lead5"]
    assert names("2026-09-24 07:00") == ["lead5", "lead8"]


def test_reminders_never_end_while_it_is_not_published() -> None:
    year = schedule.people_slots(
        BERLIN, draft_due_at=None, publish_due_at=PUBLISH, is_draft=True, now=at("2027-09-14 12:00")
    )
    assert len(year) > 80
    assert year[-1].at > at("2027-09-09 00:00")
    assert all(a.at < b.at and b.late - a.late == 3 for a, b in pairwise(year[1:]))


def test_a_worker_that_slept_sends_the_latest_and_passes_over_the_rest() -> None:
    slots = schedule.people_slots(
        BERLIN,
        draft_due_at=DRAFT,
        publish_due_at=PUBLISH,
        is_draft=True,
        now=at("2026-09-18 12:00"),
    )
    due = schedule.pick(slots, frozenset())
    assert due is not None
    assert due.send.name.endswith("late3")
    assert [slot.name[-7:] for slot in due.passed] == ["0:draft", "publish"]
    used = frozenset({due.send.name, *(slot.name for slot in due.passed)})
    assert schedule.pick(slots, used) is None


def test_a_slot_that_was_used_is_not_used_again_when_an_older_one_comes_up() -> None:
    slots = [schedule.Slot("a", DRAFT), schedule.Slot("b", PUBLISH)]
    assert schedule.pick(slots, frozenset({"b"})) is None
    due = schedule.pick(slots, frozenset({"a"}))
    assert due == schedule.Due(slots[1])


def test_each_slot_stands_on_an_opening_of_the_calendar() -> None:
    slots = schedule.people_slots(
        BERLIN,
        draft_due_at=DRAFT,
        publish_due_at=PUBLISH,
        is_draft=True,
        now=at("2026-12-29 12:00"),
    )
    for slot in slots:
        local = slot.at + timedelta(hours=2 if slot.at < at("2026-10-25 01:00") else 1)
        assert (local.hour, local.minute) == (9, 0), slot
        assert local.weekday() < 5 and local.strftime("%m-%d") != "12-25"
