"""The timeline's geometry: elapsed time across, local days as ticks, gaps named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.portal import charts
from apps.portal.charts import Row, Scale, Shift

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 9, 7, tzinfo=BERLIN)


def scale(start: datetime, days: int, *, now: datetime | None = None) -> Scale:
    end = charts.after_days(start, days, BERLIN)
    return Scale(start=start, end=end, zone=BERLIN, cycle="24", now=now or start)


def shift(start: datetime, hours: float, who: str | None = "Ravi Menon", **more: Any) -> Shift:
    return Shift(start=start, end=start + timedelta(hours=hours), who=who, **more)


def bars(shifts: list[Shift], at: Scale) -> list[charts.Bar]:
    return list(charts.timeline([Row(label="Profiler", shifts=shifts)], at).lanes[0].bars)


def test_a_shift_is_as_wide_as_its_share_of_the_window() -> None:
    [bar] = bars([shift(MONDAY + timedelta(hours=42), 84)], scale(MONDAY, 7))
    assert (bar.x, bar.width) == (25.0, 50.0)


def test_a_shift_is_cut_at_the_edges_but_its_title_tells_all_of_it() -> None:
    [bar] = bars([shift(MONDAY - timedelta(days=1), 24 * 9)], scale(MONDAY, 7))
    assert (bar.x, bar.width) == (0.0, 100.0)
    assert bar.title == "Ravi Menon, Sun 6 Sep 00:00 to Tue 15 Sep 00:00, 9 d"


def test_what_lies_outside_or_has_no_length_is_not_drawn() -> None:
    before, after = shift(MONDAY - timedelta(days=2), 48), shift(MONDAY + timedelta(days=7), 24)
    assert bars([before, after, shift(MONDAY, 0)], scale(MONDAY, 7)) == []


def test_in_the_week_the_clock_goes_back_sunday_is_an_hour_wider() -> None:
    monday = datetime(2026, 10, 19, tzinfo=BERLIN)
    week = scale(monday, 7)
    assert (week.end.astimezone(UTC) - week.start.astimezone(UTC)) == timedelta(hours=169)

    ticks = [tick.x for tick in charts.timeline([], week).ticks]
    widths = [round(b - a, 1) for a, b in zip(ticks, [*ticks[1:], 100.0], strict=True)]
    assert widths == [14.2] * 6 + [14.8]


def test_in_the_week_the_clock_goes_forward_sunday_is_an_hour_narrower() -> None:
    week = scale(datetime(2026, 3, 23, tzinfo=BERLIN), 7)
    ticks = [tick.x for tick in charts.timeline([], week).ticks]
    assert len(ticks) == 7
    assert round(100 - ticks[-1], 2) == round(23 / 167 * 100, 2)


def test_a_handoff_at_nine_stays_at_nine_on_both_sides_of_the_change() -> None:
    friday = datetime(2026, 10, 23, 9, tzinfo=BERLIN)
    monday = datetime(2026, 10, 26, 9, tzinfo=BERLIN)
    one = Shift(start=friday, end=monday, who="Bea Castell")

    [bar] = bars([one], scale(datetime(2026, 10, 19, tzinfo=BERLIN), 14))
    assert bar.title == "Bea Castell, Fri 23 Oct 09:00 to Mon 26 Oct 09:00, 3 d 1 h"
    assert bar.width == round(73 / 337 * 100, 2)


def test_weekends_are_bands_and_a_band_ends_with_the_window() -> None:
    chart = charts.timeline([], scale(MONDAY, 6))  # Monday to Saturday
    assert [(band.x, band.width) for band in chart.weekends] == [(83.33, 16.67)]


@pytest.mark.parametrize(
    ("days", "first_day", "texts"),
    [
        (21, 0, ["Mon 7 Sep", "Mon 14 Sep", "Mon 21 Sep"]),
        (21, 6, ["Sun 13 Sep", "Sun 20 Sep", "Sun 27 Sep"]),
        (3, 0, ["Mon 7 Sep", "Tue 8 Sep", "Wed 9 Sep"]),
    ],
)
def test_ticks_are_weeks_of_the_viewer_or_days(days: int, first_day: int, texts: list[str]) -> None:
    chart = charts.timeline([], scale(MONDAY, days), first_day=first_day)
    assert [tick.text for tick in chart.ticks] == texts


@pytest.mark.parametrize(
    ("hours", "text", "centered"),
    [(48, "Ravi Menon", False), (12, "Ravi", False), (6, "RM", True), (2, "", True)],
)
def test_the_name_is_written_as_far_as_it_fits(hours: float, text: str, centered: bool) -> None:
    [bar] = bars([shift(MONDAY, hours)], scale(MONDAY, 7))
    assert (bar.text, bar.centered) == (text, centered)


def test_a_gap_is_named_and_listed() -> None:
    gap = shift(MONDAY + timedelta(days=5), 24, who=None)
    rows = [Row(label="Packs", shifts=[gap]), Row(label="1 Primary", shifts=[gap], layer=True)]
    chart = charts.timeline(rows, scale(MONDAY, 7))

    assert [bar.title for bar in chart.gaps] == [
        "Gap: nobody on call, Sat 12 Sep 00:00 to Sun 13 Sep 00:00, 1 d"
    ]
    assert (chart.gaps[0].text, chart.gaps[0].classes) == ("Gap 1 d", "shift shift--gap")


def test_classes_tell_planned_past_and_overridden_apart() -> None:
    now = MONDAY + timedelta(days=2)
    drawn = bars(
        [
            shift(MONDAY, 24, hue=3),
            shift(MONDAY + timedelta(days=1), 48, planned=True, hue=4),
            shift(MONDAY + timedelta(days=3), 24, override=True, hue=5, note="Swap: Bea for Ravi"),
        ],
        scale(MONDAY, 7, now=now),
    )
    assert [bar.classes for bar in drawn] == [
        "shift p3 shift--past",
        "shift p4 shift--plan",
        "shift p5 shift--swap",
    ]
    assert drawn[1].title.startswith("Ravi Menon (planned), ")
    assert drawn[2].title.endswith("1 d. Swap: Bea for Ravi")


def test_the_now_line_is_drawn_inside_the_window_only_and_its_label_stays_readable() -> None:
    inside = charts.timeline([], scale(MONDAY, 7, now=MONDAY + timedelta(minutes=30)))
    outside = charts.timeline([], scale(MONDAY, 7, now=MONDAY - timedelta(minutes=1)))

    assert (inside.now_x, inside.now_tag_x, inside.now_text) == (0.3, 4.5, "Now 00:30")
    assert outside.now_x is None


def test_a_label_makes_room_for_the_now_line() -> None:
    near = charts.timeline([], scale(MONDAY, 21, now=MONDAY + timedelta(hours=9)))
    assert [tick.dx for tick in near.ticks] == [24, 8, 8]


def test_lanes_stand_below_the_axis_in_their_order() -> None:
    rows = [Row(label=name, shifts=[]) for name in ("Profiler", "Platform", "Support")]
    chart = charts.timeline(rows, scale(MONDAY, 7))
    assert [(lane.label, lane.y) for lane in chart.lanes] == [
        ("Profiler", 40), ("Platform", 76), ("Support", 112),
    ]  # fmt: skip
    assert chart.height == 148


def test_a_phone_gets_one_line_per_week_across_a_clock_change() -> None:
    start = datetime(2026, 10, 19, tzinfo=BERLIN)
    now = datetime(2026, 10, 27, 12, tzinfo=BERLIN)
    gap = shift(datetime(2026, 10, 31, tzinfo=BERLIN), 24, who=None)
    weeks = charts.weeks(Row(label="Packs", shifts=[gap]), scale(start, 14, now=now))

    assert [week.text for week in weeks] == [
        "Mon 19 Oct to Sun 25 Oct",
        "Mon 26 Oct to Sun 1 Nov",
    ]
    assert [week.current for week in weeks] == [False, True]
    assert [week.gap for week in weeks] == ["", "Gap Sat 31 Oct 00:00, 1 d"]
    assert " ".join(tick.text for tick in weeks[1].ticks) == "Mon Tue Wed Thu Fri Sat Sun"
    assert weeks[0].now_x is None
    assert weeks[1].now_x == round(36 / 168 * 100, 2)


@pytest.mark.parametrize(("first_day", "day"), [(0, 26), (6, 25), (5, 24)])
def test_a_week_begins_at_local_midnight_of_the_chosen_day(first_day: int, day: int) -> None:
    at = datetime(2026, 10, 28, 12, tzinfo=BERLIN)
    begins = charts.start_of_week(at, BERLIN, first_day)
    assert begins.astimezone(BERLIN) == datetime(2026, 10, day, tzinfo=BERLIN)
    assert charts.start_of_week(begins, BERLIN, first_day) == begins


def test_where_midnight_is_skipped_the_day_begins_with_the_jump() -> None:
    beirut = ZoneInfo("Asia/Beirut")  # midnight of 29 March 2026 does not exist there
    begins = charts.local_midnight(datetime(2026, 3, 29).date(), beirut)
    assert begins == datetime(2026, 3, 28, 22, tzinfo=UTC)


def test_a_daily_label_beside_the_now_line_says_the_weekday_alone() -> None:
    start = datetime(2026, 9, 7, tzinfo=UTC)
    scale = charts.Scale(
        start=start, end=start + timedelta(days=14), zone=UTC, cycle="24",
        now=start + timedelta(hours=9),
    )  # fmt: skip
    ticks = charts.timeline([], scale).ticks
    assert (ticks[0].text, ticks[1].text) == ("Mon", "Tue 8 Sep")
    assert ticks[0].dx > ticks[1].dx
