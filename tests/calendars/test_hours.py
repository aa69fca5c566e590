"""Opening hours and dates as people write them."""

from __future__ import annotations

import pytest

from apps.calendars import hours
from apps.calendars.businesstime import DAYS

OFFICE = [[540, 750], [810, 1080]]


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [
        ("09:00-12:30, 13:30-18:00", OFFICE),
        ("9:00 - 12:30,13:30 to 18:00,", OFFICE),
        ("9–12.30, 13.30–18", OFFICE),
        ("0-24", [[0, 1440]]),
        ("All day", [[0, 1440]]),
        ("24/7", [[0, 1440]]),
        ("", []),
        (" Closed ", []),
    ],
)
def test_a_days_hours_are_read(typed: str, minutes: list[list[int]]) -> None:
    assert hours.read_hours(typed) == minutes


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nine to five", "cannot be read"),
        ("09:00", "cannot be read"),
        ("09:00-12:00-13:00", "cannot be read"),
        ("٠٩:٠٠-١٨:٠٠", "cannot be read"),
        ("22:00-06:00", "Hours past midnight belong to the next day"),
        ("09:00-09:00", "closes before it opens"),
        ("25:00-26:00", "“25:00” is no time of day"),
        ("09:00-24:01", "“24:01” is no time of day"),
        ("09:60-10:00", "“09:60” is no time of day"),
        (",".join(["1-2"] * 25), "at most 24 stretches"),
    ],
)
def test_hours_that_cannot_be_read_are_refused_in_words(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        hours.read_hours(typed)


def test_dates_are_read_line_by_line() -> None:
    typed = """2026-12-24 09:00-12:00, 13-14 Christmas Eve
        2026-12-31 closed

    2027-01-01 Closed: New Year
    2027-01-02 all day Stocktaking"""
    found = hours.read_dates(typed)
    assert {on: (row["spans"], row["name"]) for on, row in found.items()} == {
        "2026-12-24": ([[540, 720], [780, 840]], "Christmas Eve"),
        "2026-12-31": ([], ""),
        "2027-01-01": ([], "New Year"),
        "2027-01-02": ([[0, 1440]], "Stocktaking"),
    }
    assert {row["source"] for row in found.values()} == {"manual"}
    assert hours.read_dates(hours.write_dates(found)) == found


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("tomorrow closed", "Line 1: “tomorrow” is no date such as 2026-12-24."),
        ("\n2026-02-30 closed", "Line 2: “2026-02-30” is no date"),
        ("0001-01-01 closed", "Line 1: “0001-01-01” is no date"),
        ("2026-12-24 half day", "Line 1: After the date write “closed” or hours"),
        ("2026-12-24", "Line 1: After the date write “closed” or hours"),
        ("2026-12-24 18:00-09:00 Late", "Line 1: “18:00-09:00” closes before it opens"),
        ("2026-12-24 closed\n2026-12-24 9-12", "Line 2: 2026-12-24 is there twice."),
        ("2026-12-24 closed " + "x" * 81, "Line 1: The name has at most 80"),
        ("x" * 500, "Line 1: That is too long."),
        ("a\nb", "Line 1: .* Line 2: "),
        ("\n" * 900, "At most 800 lines."),
    ],
)
def test_dates_that_cannot_be_read_are_named_by_their_line(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        hours.read_dates(typed)


def test_a_week_is_said_in_a_line() -> None:
    plain = {day: [[540, 1080]] for day in DAYS[:5]}
    assert hours.in_words(plain) == "Mon-Fri 09:00-18:00"
    assert hours.in_words({**plain, "wed": OFFICE, "sun": [[0, 60]]}) == (
        "Mon-Tue 09:00-18:00; Wed 09:00-12:30, 13:30-18:00; Thu-Fri 09:00-18:00; Sun 00:00-01:00"
    )
    assert hours.in_words({day: [[0, 1440]] for day in DAYS}) == "24 x 7"
    assert hours.in_words({}) == ""
