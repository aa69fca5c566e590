"""Weekly windows: each rule as a sentence."""

from __future__ import annotations

from datetime import datetime, time

import pytest

from apps.rotations import timeline
from apps.rotations.timeline import Window
from tests.rotations.moments import at, june

BERLIN, UTC_ZONE = timeline.zone("Europe/Berlin"), timeline.zone("UTC")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
EVERY_DAY = " ".join(timeline.DAYS)


def window(days: str, start: str, end: str) -> Window:
    return Window(tuple(days.split()), time.fromisoformat(start), time.fromisoformat(end))


@pytest.mark.parametrize(
    ("windows", "instant", "start", "end"),
    [
        # overnight, from inside and from before
        ([window("mon", "20:00", "08:00")], june(2, 3), june(1, 20), june(2, 8)),
        ([window("mon", "20:00", "08:00")], june(2, 8), june(8, 20), june(9, 8)),
        # equal times are 24 hours; touching and overlapping windows are one
        ([window("mon tue", "08:00", "08:00")], june(1), june(1, 8), june(3, 8)),
        ([window("mon", "08:00", "12:00"), window("mon", "12:00", "18:00")],
         june(1), june(1, 8), june(1, 18)),
        ([window("mon", "08:00", "15:00"), window("mon", "12:00", "18:00")],
         june(1, 17), june(1, 8), june(1, 18)),
        # over the end of the week
        ([window("sun", "20:00", "00:00"), window("mon", "00:00", "06:00")],
         june(1, 1), at("2026-05-31 20:00"), june(1, 6)),
        ([window("sat sun mon", "00:00", "00:00")], june(1, 1), at("2026-05-30 00:00"), june(2)),
    ],
)  # fmt: skip
def test_the_open_stretch_around_or_after_an_instant(
    windows: list[Window], instant: datetime, start: datetime, end: datetime
) -> None:
    assert timeline.next_window(windows, UTC_ZONE, instant) == (start, end)
    assert timeline.is_active(windows, UTC_ZONE, instant) is (start <= instant < end)


def test_windows_that_cover_the_week_never_close() -> None:
    for windows in ([], [window(EVERY_DAY, "08:00", "08:00")]):
        assert timeline.next_window(windows, UTC_ZONE, june(1)) is None
        assert timeline.is_active(windows, UTC_ZONE, june(1))


def test_a_window_begins_with_the_first_and_ends_with_the_last_occurrence() -> None:
    into = [window("sun", "00:00", "02:30")]
    assert timeline.next_window(into, BERLIN, at("2026-10-25 00:00")) == (
        at("2026-10-24 22:00"),
        at("2026-10-25 01:30"),
    )
    out_of = [window("sun", "02:30", "04:00")]
    assert timeline.next_window(out_of, BERLIN, at("2026-10-24 12:00")) == (
        at("2026-10-25 00:30"),
        at("2026-10-25 03:00"),
    )


def test_windows_that_overlap_only_in_the_repeated_hour_are_one() -> None:
    apart = [window("sun", "00:00", "02:10"), window("sun", "02:40", "04:00")]
    found = timeline.next_window(apart, BERLIN, at("2026-10-24 12:00"))
    assert found == (at("2026-10-24 22:00"), at("2026-10-25 03:00"))


def test_a_window_inside_the_skipped_hour_vanishes_and_one_around_it_is_shorter() -> None:
    skipped = [window("sun", "02:10", "02:50")]
    found = timeline.next_window(skipped, BERLIN, at("2026-03-28 12:00"))
    assert found == (at("2026-04-05 00:10"), at("2026-04-05 00:50"))
    around = [window("sun", "01:00", "04:00")]
    assert timeline.next_window(around, BERLIN, at("2026-03-28 12:00")) == (
        at("2026-03-29 00:00"),
        at("2026-03-29 02:00"),
    )


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-06-01 06:59", "2026-06-01 07:00"),
        ("2026-06-01 07:00", "2026-06-02 07:00"),
        ("2026-06-06 12:00", "2026-06-08 07:00"),
    ],
)
def test_the_next_weekly_time_comes_strictly_after(instant: str, expected: str) -> None:
    assert timeline.next_weekly_time(WEEKDAYS, time(9), BERLIN, at(instant)) == at(expected)


def test_a_weekly_time_that_is_skipped_comes_with_the_jump() -> None:
    found = timeline.next_weekly_time(("sun",), time(2, 30), BERLIN, at("2026-03-28 12:00"))
    assert found == at("2026-03-29 01:00")
