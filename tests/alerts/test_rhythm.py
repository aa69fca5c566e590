"""When jobs are due, on nights on which clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.alerts.rhythm import Rhythm, bad_cron, bad_period

BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The clocks of Berlin: 2026-03-29 from 02:00 to 03:00 (01:00 UTC), 2026-10-25 from 03:00 back to
# 02:00 (01:00 UTC); those of Lord Howe move by half an hour, at 02:00 on 2026-10-04 (15:30 UTC).
DUE = [
    ("0 9 * * 1-5", BERLIN, "2026-09-11T07:00", "2026-09-14T07:00", "Friday, then Monday"),
    ("15 3 * * *", "UTC", "2026-09-11T03:14:59", "2026-09-11T03:15", "a second before"),
    ("15 3 * * *", "UTC", "2026-09-11T03:15", "2026-09-12T03:15", "the instant itself is past"),
    ("30 2 * * *", BERLIN, "2026-03-28T12:00", "2026-03-29T01:00", "skipped: when clocks moved"),
    ("30 2 * * *", BERLIN, "2026-03-29T01:00", "2026-03-30T00:30", "and then the next night"),
    ("0 3 * * *", BERLIN, "2026-03-28T12:00", "2026-03-29T01:00", "the first time after the gap"),
    ("0 9 * * *", BERLIN, "2026-03-28T08:00", "2026-03-29T07:00", "23 hours later"),
    ("0 9 * * *", BERLIN, "2026-10-24T07:00", "2026-10-25T08:00", "25 hours later"),
    ("30 2 * * *", BERLIN, "2026-10-24T12:00", "2026-10-25T00:30", "twice: the first time"),
    ("30 2 * * *", BERLIN, "2026-10-25T00:30", "2026-10-26T01:30", "not the second time"),
    ("30 2 * * *", BERLIN, "2026-10-25T01:10", "2026-10-26T01:30", "nor from within it"),
    ("0 * * * *", BERLIN, "2026-03-29T00:00", "2026-03-29T01:00", "hourly: 01:00, then 03:00"),
    ("0 * * * *", BERLIN, "2026-10-25T00:00", "2026-10-25T01:00", "hourly: 02:00 comes again"),
    ("*/15 * * * *", BERLIN, "2026-10-25T00:45", "2026-10-25T01:00", "each quarter that passes"),
    ("*/30 2 * * *", BERLIN, "2026-03-28T12:00", "2026-03-30T00:00", "no 02:00: the next night"),
    ("*/30 2 * * *", BERLIN, "2026-10-25T00:30", "2026-10-25T01:00", "four runs, as time passes"),
    ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", "2026-10-03T15:30", "half an hour"),
    ("30 4 1 * *", BERLIN, "2026-10-25T00:00", "2026-11-01T03:30", "the first of the month"),
    ("0 0 29 2 *", "UTC", "2026-03-01T00:00", "2028-02-29T00:00", "a leap day"),
    ("0 0 * * *", "Asia/Beirut", "2026-03-28T12:00", "2026-03-28T22:00", "midnight is skipped"),
]


@pytest.mark.parametrize(("cron", "zone", "after", "due", "why"), DUE, ids=[d[4] for d in DUE])
def test_a_cron_line_is_due_by_the_clock_of_its_zone(
    cron: str, zone: str, after: str, due: str, why: str
) -> None:
    assert Rhythm(cron=cron, zone=zone).after(at(after)) == at(due), why


def test_a_period_counts_the_time_that_passes() -> None:
    rhythm = Rhythm(period=timedelta(hours=24), zone=BERLIN)
    assert rhythm.after(at("2026-03-28T12:00")) == at("2026-03-29T12:00")


@settings(max_examples=150, deadline=None)
@given(
    st.datetimes(datetime(2026, 3, 27), datetime(2026, 3, 31), timezones=st.just(UTC))
    | st.datetimes(datetime(2026, 10, 23), datetime(2026, 10, 27), timezones=st.just(UTC)),
    st.sampled_from(["30 2 * * *", "0 3 * * *", "*/20 * * * *", "5 */2 * * *", "59 1 * * *"]),
)
def test_due_times_come_after_and_do_not_jump_over_one_another(moment: datetime, cron: str) -> None:
    rhythm = Rhythm(cron=cron, zone=BERLIN)
    first = rhythm.after(moment)
    assert first > moment
    assert rhythm.after(first - timedelta(microseconds=1)) == first
    halfway = moment + (first - moment) / 2
    assert rhythm.after(halfway) == first
    assert rhythm.after(first) - first <= timedelta(hours=25)


@pytest.mark.parametrize(
    "text",
    ["", "daily", "@daily", "* * * *", "* * * * * *", "61 * * * *", "* 24 * * *", "0 0 30 2 *",
     "*/0 * * * *", "H * * * *", "0 0 * * 8", "0\x00 0 * * *", "R R R R R", "9" * 200],
)  # fmt: skip
def test_fields_that_never_come_are_refused(text: str) -> None:
    assert bad_cron(text)


@pytest.mark.parametrize(
    "text", ["15 3 * * *", "*/5 8-18 * * MON-FRI", "0 0 29 2 *", " 0 9 1 * * "]
)
def test_fields_of_a_crontab_are_kept(text: str) -> None:
    assert not bad_cron(text)


@pytest.mark.parametrize(
    ("seconds", "fine"), [(29, False), (30, True), (86_400, True), (10**9, False)]
)
def test_a_period_has_sensible_ends(seconds: int, fine: bool) -> None:
    assert (bad_period(seconds) == "") is fine
