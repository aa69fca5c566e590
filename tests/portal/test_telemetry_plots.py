"""Drawings of telemetry: intervals drawn, few told, nothing where nothing ran."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.portal import telemetry_plots as plots
from apps.portal.telemetry_plots import Day, Lengths, Moment, Rate, Sample
from apps.telemetry.proportions import wilson

NINE = datetime(2026, 9, 7, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")


def rate(k: int, n: int) -> Rate:
    found = wilson(k, n)
    return Rate(k, n, found.p, found.lower, found.upper)


def moments(*pairs: tuple[int, int]) -> list[Moment]:
    return [
        Moment(NINE + at * HOUR, NINE + (at + 1) * HOUR, rate(k, n), f"hour {at}")
        for at, (k, n) in enumerate(pairs)
    ]


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "none"), (0.0, "0 %"), (1.0, "100 %"), (0.339, "33.9 %"), (0.0002, "under 0.1 %"),
        (0.9999, "over 99.9 %"), (0.5, "50.0 %"),
    ],
)  # fmt: skip
def test_a_share_says_none_or_all_only_when_it_is(share: float | None, text: str) -> None:
    assert plots.percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""), (0, "0 s"), (0.42, "420 ms"), (4.2, "4.2 s"), (9, "9 s"), (48.4, "48 s"),
        (60, "1 m"), (372, "6 m 12 s"), (7_800, "2 h 10 m"),
    ],
)  # fmt: skip
def test_a_length_is_as_fine_as_it_is_short(seconds: float | None, text: str) -> None:
    assert plots.length(seconds) == text


def test_bars_stand_on_one_axis_that_begins_at_zero() -> None:
    drawn = plots.shares([rate(38, 112), rate(2, 140), rate(0, 61)])
    assert drawn.top == 0.5
    snowflake, bigquery, postgres = drawn.bars
    assert (snowflake.width, snowflake.lower, snowflake.upper) == (67.86, 51.65, 86.2)
    assert bigquery.width < bigquery.upper < snowflake.lower
    assert (postgres.width, postgres.lower) == (0.0, 0.0)
    assert postgres.upper > 0, "none of 61 may still be some"
    assert [tick.text for tick in drawn.ticks] == ["0 %", "10 %", "20 %", "30 %", "40 %", "50 %"]


def test_too_few_runs_are_told_and_not_judged() -> None:
    few, enough = plots.shares([rate(1, 9), rate(1, 10)]).bars
    assert few.few
    assert not enough.few
    assert "1 of 9" in few.title


def test_one_wide_interval_does_not_flatten_the_others_and_is_seen_to_go_on() -> None:
    drawn = plots.shares([rate(2, 400), rate(0, 10)])
    assert drawn.top == 0.02
    assert not drawn.bars[0].is_cut
    assert drawn.bars[1].is_cut
    assert drawn.bars[1].upper == 100


def test_a_bar_is_never_cut_off() -> None:
    drawn = plots.shares([rate(2, 400), rate(6, 10)])
    assert drawn.top == 1.0
    assert drawn.bars[1].width == 60.0


def test_what_is_allowed_is_on_the_axis() -> None:
    drawn = plots.shares([rate(0, 5000)], limit=0.05)
    assert drawn.top == 0.05
    assert drawn.limit == 100.0


def test_a_step_without_runs_is_empty_and_says_so() -> None:
    first, gap, last = plots.over_time(moments((0, 20), (0, 0), (10, 20)), ()).columns
    assert gap.y is None
    assert gap.volume == 0
    assert gap.title == "hour 1: no runs"
    assert first.y == plots.GROUND
    assert last.y is not None
    assert plots.TOP <= last.upper < last.y < last.lower < plots.GROUND
    assert "50.0 %" in last.title
    assert "10 of 20" in last.title


def test_where_all_are_few_the_axis_is_theirs() -> None:
    drawn = plots.over_time(moments((2, 2), (0, 3)), ())
    assert drawn.ticks[-1].text == "100 %"
    assert drawn.columns[0].y == plots.TOP
    assert plots.shares([rate(1, 1)]).ticks == (), "nothing to be judged has no axis"


def test_a_rate_of_few_is_marked_so_and_does_not_stretch_the_axis() -> None:
    drawn = plots.over_time(moments((3, 4), (1, 100)), ())
    assert drawn.columns[0].few
    assert drawn.columns[0].y is None, "75 % lie beyond the axis and must not seem to be 10 %"
    assert drawn.columns[0].volume > 0
    assert not drawn.columns[1].few
    assert drawn.ticks[-1].text == "10 %"
    assert drawn.most == 100


def test_no_steps_draw_nothing() -> None:
    assert plots.over_time((), ()).columns == ()


def test_releases_close_to_each_other_share_a_number() -> None:
    marks = plots.marks([(10.0, "a"), (11.0, "b"), (12.5, "c"), (40.0, "d")])
    assert [mark.text for mark in marks] == ["1–3", "", "", "4"]
    assert [mark.x for mark in marks] == [10.0, 11.0, 12.5, 40.0]


def test_times_below_the_axis_are_round_in_the_readers_zone() -> None:
    start = datetime(2026, 9, 6, 9, 12, tzinfo=UTC)
    ticks = plots.time_labels(start, start + timedelta(hours=24), BERLIN)
    assert [tick.text for tick in ticks] == ["12:00", "18:00", "Mon 7", "06:00"]
    assert ticks[0].at == pytest.approx(3.33)


@pytest.mark.parametrize(
    ("days", "texts"),
    [(28, ["14 Aug", "18 Aug", "22 Aug", "26 Aug", "30 Aug", "3 Sep"]),
     (90, ["15 Jun", "29 Jun", "13 Jul", "27 Jul", "10 Aug"])],
)  # fmt: skip
def test_long_axes_name_days(days: int, texts: list[str]) -> None:
    end = datetime(2026, 9, 7, 12, tzinfo=UTC)
    found = [tick.text for tick in plots.time_labels(end - timedelta(days=days), end, UTC)]
    assert found[: len(texts)] == texts


def test_lengths_of_seconds_and_hours_stand_on_one_axis() -> None:
    drawn = plots.spreads(
        [Lengths("Small", 2.0, 10.0, None, 60.0), Lengths("Huge", 600.0, None, None, None)]
    )
    small, huge = drawn.rows
    assert [tick.text for tick in drawn.ticks] == ["1 s", "10 s", "1 m", "10 m"]
    assert small.p50 is not None
    assert small.last == small.p95
    assert small.p50 < (small.p95 or 0) < (small.limit or 0) < (huge.p50 or 0) == 100
    assert (huge.p95, huge.last) == (None, None)
    assert small.title == "Small: p50 2 s, p95 10 s, objective 1 m"


def test_of_no_lengths_there_is_no_axis() -> None:
    drawn = plots.spreads([Lengths("Small", None, None, None, None)])
    assert drawn.ticks == ()
    assert drawn.rows[0].p50 is None


def sample(at: int, p50: float | None, p95: float | None = None, *, cut: bool = False) -> Sample:
    return Sample(NINE + at * HOUR, NINE + (at + 1) * HOUR, 30, p50, p95, False, cut, f"hour {at}")


def test_a_line_is_broken_where_nothing_ran() -> None:
    drawn = plots.trend([sample(0, 10), sample(1, 12), sample(2, None), sample(3, 11)], ())
    rows = [row for row in drawn.stretches if row.look == "p50"]
    assert [len(row.points) for row in rows] == [2, 1]
    assert [len(row.steps) for row in rows] == [1, 0]


def test_a_percentile_at_what_was_cut_off_is_a_lower_bound() -> None:
    drawn = plots.trend([sample(0, 100, 600, cut=True)], (), limit=480)
    [p95] = [row for row in drawn.stretches if row.look == "p95"]
    assert p95.points[0].censored
    assert "p95 ≥ 10 m" in p95.points[0].title
    [p50] = [row for row in drawn.stretches if row.look == "p50"]
    assert not p50.points[0].censored
    assert drawn.limit is not None


def test_a_limit_beyond_the_axis_is_not_drawn() -> None:
    assert plots.trend([sample(0, 10, 20)], (), limit=1800).limit is None
    assert plots.trend([sample(0, None)], (), limit=1800).stretches == ()


def test_days_without_a_run_are_not_good_ones() -> None:
    days = [Day("Mon", 9, 10), Day("Tue", 0, 0), Day("Wed", 0, 3), Day("Thu", 5, 10)]
    assert [one.look for one in plots.strip(days)] == ["ok", "none", "bad", "part"]
    assert [one.title for one in plots.strip(days)][:2] == ["Mon: 9 of 10 good", "Tue: no runs"]
    assert {band.look: band.path.count("M") for band in plots.strip_bands(days)} == {
        "ok": 1, "none": 1, "bad": 1, "part": 1,
    }  # fmt: skip


def test_a_whisker_lies_between_the_floor_and_all() -> None:
    floor = plots.floor_of([0.743, 0.925])
    assert floor == 0.6
    row = plots.whisker(0.8, 0.7, 0.9, 0.95, floor)
    assert (row.point, row.lower, row.upper, row.target) == (50.0, 25.0, 75.0, 87.5)
    assert plots.floor_of([0.2]) == 0.0


def test_readings_are_drawn_from_zero_with_their_limit() -> None:
    drawn = plots.spark([50, 100, 75], limit=200)
    assert drawn is not None
    assert drawn.limit == 4.0
    assert drawn.points == "0.0,73.0 50.0,50.0 100.0,61.5"
    assert plots.spark([1.0]) is None
    flat = plots.spark([0.0, 0.0])
    assert flat is not None
    assert flat.points == "0.0,96.0 100.0,96.0"
