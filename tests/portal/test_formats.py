"""How times are written: cut, never rounded up; in the viewer's zone; true across clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from apps.portal import formats

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 9, 7, 7, 12, 4, tzinfo=UTC)  # Monday, 09:12:04 in Berlin


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 m"),
        (119, "1 m"),
        (3599, "59 m"),
        (3600, "1 h"),
        (3600 + 59, "1 h"),
        (3600 + 4 * 60, "1 h 04 m"),
        (7800, "2 h 10 m"),
        (86399, "23 h 59 m"),
        (86400, "1 d"),
        (86400 + 3599, "1 d"),
        (9 * 86400 + 3 * 3600, "9 d 3 h"),
        (29 * 86400 + 23 * 3600, "29 d 23 h"),
        (30 * 86400 + 5 * 3600, "30 d"),
        (400 * 86400, "400 d"),
        (-7800, "2 h 10 m"),
    ],
)
def test_a_duration_has_at_most_two_units_and_is_cut(seconds: float, text: str) -> None:
    assert formats.duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "now"),
        (-0.4, "now"),
        (1, "in 1 s"),
        (-1, "1 s ago"),
        (6480, "in 1 h 48 m"),
        (-31 * 60 - 59, "31 m ago"),
        (-86400, "1 d ago"),
    ],
)
def test_distance_from_now_says_its_direction(seconds: float, text: str) -> None:
    assert formats.relative(NOW + timedelta(seconds=seconds), NOW) == text


def test_distance_is_real_time_even_when_both_ends_carry_the_same_zone() -> None:
    before = datetime(2026, 10, 25, 1, 30, tzinfo=BERLIN)
    after = datetime(2026, 10, 25, 3, 30, tzinfo=BERLIN)

    assert formats.relative(after, before) == "in 3 h"
    assert formats.elapsed(before, after) == timedelta(hours=3)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 9, 7, 14, 40, tzinfo=UTC), "16:40 Berlin"),
        (datetime(2026, 9, 6, 22, 0, tzinfo=UTC), "00:00 Berlin"),
        (datetime(2026, 9, 6, 21, 59, tzinfo=UTC), "yesterday 23:59"),
        (datetime(2026, 9, 8, 7, 0, tzinfo=UTC), "tomorrow 09:00"),
        (datetime(2026, 9, 9, 10, 0, tzinfo=UTC), "Wed 9 Sep 12:00"),
        (datetime(2027, 1, 1, 8, 0, tzinfo=UTC), "Fri 1 Jan 2027 09:00"),
        (datetime(2025, 12, 31, 22, 30, tzinfo=UTC), "Wed 31 Dec 2025 23:30"),
    ],
)
def test_an_instant_names_its_place_today_and_its_day_otherwise(at: datetime, text: str) -> None:
    assert formats.absolute(at, BERLIN, "24", NOW) == text


@pytest.mark.parametrize(
    ("hour", "text"),
    [(0, "12:05 am"), (1, "1:05 am"), (11, "11:05 am"), (12, "12:05 pm"), (23, "11:05 pm")],
)
def test_twelve_hours_know_noon_from_midnight(hour: int, text: str) -> None:
    assert formats.clock(datetime(2026, 9, 7, hour, 5, tzinfo=UTC), UTC, "12") == text


def test_seconds_are_shown_where_they_are_asked_for() -> None:
    assert formats.clock(NOW, BERLIN, seconds=True) == "09:12:04"
    assert formats.clock(NOW, BERLIN, "12", seconds=True) == "9:12:04 am"


def test_the_hour_that_happens_twice_says_which_one_it_is() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = first + timedelta(hours=1)

    assert formats.clock(first, BERLIN) == "02:30 UTC+2"
    assert formats.clock(second, BERLIN) == "02:30 UTC+1"
    assert formats.clock(second + timedelta(hours=1), BERLIN) == "03:30"


def test_tomorrow_is_the_next_day_of_the_viewer_and_not_a_day_of_24_hours() -> None:
    now = datetime(2026, 10, 25, 0, 0, tzinfo=BERLIN)  # this day has 25 hours
    at = datetime(2026, 10, 25, 23, 30, tzinfo=BERLIN)

    assert formats.absolute(at, BERLIN, "24", now) == "23:30 Berlin"
    assert formats.relative(at, now) == "in 1 d"
    assert formats.absolute(at + timedelta(hours=1), BERLIN, "24", now) == "tomorrow 00:30"


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        (ZoneInfo("Europe/Berlin"), "Berlin"),
        (ZoneInfo("America/Argentina/Buenos_Aires"), "Buenos Aires"),
        (ZoneInfo("UTC"), "UTC"),
        (UTC, "UTC"),
    ],
)
def test_a_zone_is_called_by_its_place(zone: ZoneInfo, text: str) -> None:
    assert formats.place(zone) == text


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, "UTC"), (120, "UTC+2"), (-210, "UTC-3:30"), (345, "UTC+5:45")]
)
def test_an_offset_is_written_in_hours_and_only_then_minutes(minutes: int, text: str) -> None:
    zone = timezone(timedelta(minutes=minutes))
    assert formats.offset(datetime(2026, 9, 7, 12, tzinfo=zone)) == text


def test_distance_and_instant_stand_together_in_both_orders() -> None:
    at = NOW + timedelta(hours=2)
    assert formats.both(at, NOW, BERLIN) == "in 2 h, 11:12 Berlin"
    assert formats.until(at, NOW, BERLIN) == "today 11:12, in 2 h"
    assert formats.both(NOW, NOW, BERLIN, "12") == "now, 9:12 am Berlin"


def test_the_full_form_leaves_nothing_to_guess() -> None:
    assert formats.full(NOW, BERLIN) == "Monday 7 September 2026, 09:12 Berlin (07:12 UTC)"
    assert formats.full(NOW, UTC) == "Monday 7 September 2026, 07:12 UTC"


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (8, "Mon 7 Sep 09:12 to 17:12"),
        (24 * 7, "Mon 7 Sep 09:12 to Mon 14 Sep 09:12"),
        (24 * 120, "Mon 7 Sep 09:12 to Tue 5 Jan 2027 08:12"),
    ],
)
def test_a_span_repeats_the_day_only_when_it_changes(hours: int, text: str) -> None:
    end = NOW + timedelta(hours=hours)
    assert formats.span(NOW, end, BERLIN, "24", NOW) == text


def test_days_near_today_have_names() -> None:
    today = date(2026, 9, 7)
    names = [formats.day(today + timedelta(days=days), today) for days in (-2, -1, 0, 1, 2)]
    assert names == ["Sat 5 Sep", "yesterday", "today", "tomorrow", "Wed 9 Sep"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Maya Lindqvist", "ML"),
        ("Maya de la Cruz", "MC"),
        ("Jean-Luc", "JL"),
        ("Support", "SU"),
        ("Ö", "Ö"),
        ("ßarah ßmith", "SS"),
        ("  ", "?"),
        ("(external) Ravi", "RA"),
    ],
)
def test_initials_are_two_letters_at_most(name: str, text: str) -> None:
    assert formats.initials(name) == text


def test_a_color_is_the_same_for_the_same_name_in_every_process() -> None:
    assert formats.hue("Maya Lindqvist") == formats.hue("Maya Lindqvist") == 9
    assert {formats.hue(str(number)) for number in range(200)} == set(range(1, 11))
