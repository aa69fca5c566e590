"""When whom to remind: pure, by table, and across nights in which the clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.followups.schedule import due, local_day, to_do, to_verify

DUE = date(2026, 3, 9)
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata",
                                     "Australia/Lord_Howe", "Pacific/Kiritimati")]  # fmt: skip


def names(until: date) -> list[str]:
    return [slot.name.partition(":")[2] for slot in to_do(DUE, until)]


@pytest.mark.parametrize(
    ("day", "come"),
    [
        (date(2026, 3, 5), []),
        (date(2026, 3, 6), ["ahead"]),
        (date(2026, 3, 8), ["ahead"]),
        (date(2026, 3, 9), ["ahead", "due"]),
        (date(2026, 3, 10), ["ahead", "due", "late"]),
        (date(2026, 3, 15), ["ahead", "due", "late"]),
        (date(2026, 3, 16), ["ahead", "due", "late", "week1"]),
        (date(2026, 4, 6), ["ahead", "due", "late", "week1", "week2", "week3", "week4"]),
    ],
)
def test_reminders_come_three_days_ahead_on_the_day_after_it_and_every_week(
    day: date, come: list[str]
) -> None:
    assert names(day) == come


def test_the_lead_hears_of_it_from_a_week_on() -> None:
    found = {slot.name.partition(":")[2]: slot.to_lead for slot in to_do(DUE, date(2026, 3, 23))}
    assert found == {"ahead": False, "due": False, "late": False, "week1": True, "week2": True}


def test_what_is_done_and_unverified_is_brought_up_every_week() -> None:
    found = list(to_verify(date(2026, 3, 10), date(2026, 3, 24)))
    assert [(slot.name, slot.on) for slot in found] == [
        ("2026-03-10:verify1", date(2026, 3, 17)), ("2026-03-10:verify2", date(2026, 3, 24)),
    ]  # fmt: skip
    assert all(slot.to_lead for slot in found)
    assert list(to_verify(date(2026, 3, 10), date(2026, 3, 16))) == []


@pytest.mark.parametrize(
    ("day", "utc"),
    [
        (date(2026, 3, 28), "2026-03-28T08:00"),  # winter
        (date(2026, 3, 29), "2026-03-29T07:00"),  # the night that lost an hour
        (date(2026, 10, 24), "2026-10-24T07:00"),
        (date(2026, 10, 25), "2026-10-25T08:00"),  # the night that had an hour twice
    ],
)
def test_nine_o_clock_stays_nine_o_clock_when_the_clock_changes(day: date, utc: str) -> None:
    slot = list(to_do(day, day))[-1]
    assert f"{slot.instant(BERLIN):%Y-%m-%dT%H:%M}" == utc


def test_nothing_is_due_a_minute_before_nine() -> None:
    before, at = datetime(2026, 3, 9, 7, 59, tzinfo=UTC), datetime(2026, 3, 9, 8, tzinfo=UTC)
    used = {"2026-03-09:ahead"}
    assert due(to_do(DUE, DUE), used, BERLIN, before) is None
    found = due(to_do(DUE, DUE), used, BERLIN, at)
    assert found is not None and found.send.name == "2026-03-09:due"


def test_of_several_that_came_due_only_the_latest_is_sent() -> None:
    now = datetime(2026, 3, 17, 12, tzinfo=UTC)
    found = due(to_do(DUE, local_day(now, BERLIN)), {"2026-03-09:ahead"}, BERLIN, now)
    assert found is not None
    assert found.send.name == "2026-03-09:week1"
    assert [slot.name for slot in found.passed] == ["2026-03-09:due", "2026-03-09:late"]


def test_an_older_slot_is_not_sent_after_a_newer_one() -> None:
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert due(to_do(DUE, local_day(now, BERLIN)), {"2026-03-09:late"}, BERLIN, now) is None


@given(
    zone=st.sampled_from(ZONES),
    due_on=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    gaps=st.lists(st.integers(1, 60 * 24 * 9), min_size=1, max_size=40),
)
def test_however_the_job_runs_each_slot_is_used_once_and_the_last_is_always_sent(
    zone: ZoneInfo, due_on: date, gaps: list[int]
) -> None:
    """Against a plain count of days: whatever came is used, and nothing is sent twice."""
    now = datetime.combine(due_on, datetime.min.time(), UTC) - timedelta(days=5)
    used: list[str] = []
    sent: list[str] = []
    for minutes in gaps:
        now += timedelta(minutes=minutes)
        found = due(to_do(due_on, local_day(now, zone)), used, zone, now)
        if found is not None:
            used += [slot.name for slot in (*found.passed, found.send)]
            sent.append(found.send.name)
        local = now.astimezone(zone)
        behind = (local.date() - due_on).days - (0 if local.hour >= 9 else 1)
        wanted = sum((behind >= -3, behind >= 0, behind >= 1)) + max(behind, 0) // 7
        assert len(used) == len(set(used)) == wanted
    assert len(sent) == len(set(sent))
    order = [slot.name for slot in to_do(due_on, local_day(now, zone))]
    assert all(order.index(a) < order.index(b) for a, b in pairwise(used))
