"""Fresh by use and review: the bands, what counts, and when a stale one is chased."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.runbooks.freshness import Band, Freshness, Read, Run, freshness, proves, slot

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def fresh(*signals: Read | Run, cadence: int = 100, suspect: datetime | None = None) -> Freshness:
    return freshness(
        cadence_days=cadence,
        reviews=[one for one in signals if isinstance(one, Read)],
        executions=[one for one in signals if isinstance(one, Run)],
        suspect_at=suspect,
        now=NOW,
    )


BANDS = [
    (0, Band.FRESH, 100),
    (75, Band.FRESH, 25),
    (75.01, Band.AGING, 24),
    (100, Band.AGING, 0),
    (100.01, Band.STALE, -1),
    (130, Band.STALE, -30),
]


@pytest.mark.parametrize(("days", "band", "left"), BANDS)
def test_the_band_follows_from_the_share_of_the_cadence_that_is_used_up(
    days: float, band: Band, left: int
) -> None:
    found = fresh(Read(ago(days), "confirmed"))
    assert (found.band, found.days_left, found.by) == (band, left, "review")


def test_what_nobody_used_or_reviewed_was_never_fresh() -> None:
    assert fresh() == Freshness(Band.NEVER)


@pytest.mark.parametrize("outcome", ["needs_work", "retire"])
def test_a_review_that_found_it_wanting_does_not_count(outcome: str) -> None:
    assert fresh(Read(ago(1), outcome)).band == Band.NEVER


RUNS = [
    (Run(NOW, 5, 4), True),  # exactly 80 %
    (Run(NOW, 9, 7), False),  # 78 %
    (Run(NOW, 10, 10, any_wrong=True), False),
    (Run(NOW, 0, 0), False),
    (Run(NOW, 1, 1), True),
]


@pytest.mark.parametrize(("run", "counts"), RUNS)
def test_a_run_counts_when_four_fifths_were_done_and_none_was_wrong(run: Run, counts: bool) -> None:
    assert proves(run) is counts
    assert (fresh(run).band == Band.FRESH) is counts


def test_the_later_of_use_and_review_decides() -> None:
    found = fresh(Read(ago(90), "changed"), Run(ago(10), 4, 4))
    assert (found.at, found.by, found.band) == (ago(10), "run", Band.FRESH)
    assert found.stale_at == ago(10) + timedelta(days=100)


def test_a_suspect_one_is_stale_until_somebody_looks_after_the_doubt() -> None:
    before, after = Run(ago(5), 4, 4), Read(ago(1), "confirmed")
    found = fresh(before, suspect=ago(3))
    assert (found.band, found.is_suspect, found.stale_at) == (Band.STALE, True, ago(3))
    assert found.days_left == -3
    assert fresh(before, after, suspect=ago(3)).band == Band.FRESH
    assert fresh(suspect=ago(0)).band == Band.STALE


def test_reminders_come_once_a_week_from_the_hour_it_went_stale() -> None:
    stale_at = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
    days = (-1, 0, 6, 7, 13, 14, 365)
    found = [slot(stale_at, stale_at + timedelta(days=day)) for day in days]
    assert [one.week if one else None for one in found] == [None, 0, 0, 1, 1, 2, 52]
    assert found[3] is not None and found[3].key == "2026-03-01:1"


@given(
    days=st.lists(st.floats(0, 800), max_size=6),
    cadence=st.integers(7, 730),
    suspect=st.none() | st.floats(0, 800),
)
def test_more_signals_never_make_it_less_fresh(
    days: list[float], cadence: int, suspect: float | None
) -> None:
    doubt = None if suspect is None else ago(suspect)
    order = [Band.NEVER, Band.STALE, Band.AGING, Band.FRESH]
    reads = [Read(ago(day), "confirmed") for day in days]
    some = fresh(*reads[1:], cadence=cadence, suspect=doubt)
    more = fresh(*reads, cadence=cadence, suspect=doubt)
    assert order.index(more.band) >= order.index(some.band)
