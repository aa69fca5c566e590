"""What pings say together, in whatever order and how often they are read."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from apps.alerts.pulse import Beat, Pulse, read
from apps.alerts.rhythm import Rhythm

NINE = datetime(2026, 9, 7, 9, tzinfo=UTC)
A, B = "a" * 8, "b" * 8
HOURLY, GRACE = Rhythm(period=timedelta(hours=1)), timedelta(minutes=10)


def beats(*written: tuple[int, str, str]) -> list[Beat]:
    return [
        Beat(NINE + timedelta(minutes=minute), number, kind, ref)
        for number, (minute, kind, ref) in enumerate(written)
    ]


def minute(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - NINE).total_seconds() / 60


CASES: list[tuple[str, list[tuple[int, str, str]], int | None, int | None]] = [
    # what, pings (minute, kind, run), minute of the last end, running since
    ("nothing", [], None, None),
    ("a run", [(0, "start", ""), (5, "success", "")], 5, None),
    ("a run that goes on", [(0, "success", ""), (60, "start", "")], 0, 60),
    ("starting over and over", [(0, "start", ""), (1, "start", ""), (2, "start", "")], None, 0),
    ("words in between", [(0, "start", ""), (1, "log", ""), (2, "success", "")], 2, None),
    ("its own end", [(0, "start", A), (5, "success", A)], 5, None),
    ("the end of another", [(0, "start", A), (1, "start", B), (5, "success", A)], 5, 1),
    ("a later run ended", [(0, "start", A), (1, "start", B), (5, "success", B)], 5, None),
    ("an end without a name", [(0, "start", A), (1, "start", B), (5, "success", "")], 5, None),
    ("an end overtakes its start", [(0, "success", A), (1, "start", A)], 0, None),
    ("an end of nothing known", [(0, "start", A), (1, "success", B)], 1, 0),
    ("a failure ends too", [(0, "start", A), (3, "fail", A)], 3, None),
]


@pytest.mark.parametrize(("what", "written", "ended", "since"), CASES, ids=[c[0] for c in CASES])
def test_pings_say_the_same_in_any_order_and_twice(
    what: str, written: list[tuple[int, str, str]], ended: int | None, since: int | None
) -> None:
    given = beats(*written)
    for order in itertools.permutations(given):
        for found in (read(order, since=NINE), read([*order, *order], since=NINE)):
            last = found.ended.at if found.ended else None
            assert (minute(last), minute(found.running_since)) == (ended, since), what


def test_a_run_from_before_the_clock_began_is_not_waited_for() -> None:
    found = read(beats((0, "start", ""), (30, "log", "")), since=NINE + timedelta(minutes=10))
    assert found.running_since is None


def test_the_length_of_a_run_is_that_of_its_own_start() -> None:
    found = read(
        beats((0, "start", A), (2, "start", B), (5, "success", B), (9, "fail", A)), since=NINE
    )
    assert found.lengths == {2: timedelta(minutes=3)}  # the run of A was given up by then


@pytest.mark.parametrize(
    ("written", "since", "due"),
    [
        ([], 0, 70),
        ([(5, "success", "")], 0, 75),
        ([(5, "success", ""), (20, "start", "")], 0, 30),
        ([(5, "success", "")], 40, 110),
        ([(5, "success", ""), (6, "log", "")], 0, 75),
    ],
    ids=["from the beginning", "from the last end", "a run has the grace", "begun anew", "words"],
)
def test_silence_is_too_long_after_a_period_and_its_grace(
    written: list[tuple[int, str, str]], since: int, due: int
) -> None:
    begun = NINE + timedelta(minutes=since)
    assert minute(read(beats(*written), since=begun).due(HOURLY, GRACE, begun)) == due


@pytest.mark.parametrize(
    ("second", "days"), [(-31, 0), (-30, 1), (-3, 1), (0, 1), (40, 1)], ids=lambda n: str(n)
)
def test_a_job_whose_clock_is_a_little_ahead_is_not_waited_for_again(
    second: int, days: int
) -> None:
    """A cron line says 09:00; the run ends so many seconds from it."""
    daily = Rhythm(cron="0 9 * * *")
    ended = read([Beat(NINE + timedelta(seconds=second), 1, "success")], since=NINE - 3 * GRACE)
    assert ended.due(daily, GRACE, NINE - 3 * GRACE) == NINE + timedelta(days=days) + GRACE


def test_only_the_last_end_says_whether_it_failed() -> None:
    assert read(beats((0, "fail", ""), (1, "log", "")), since=NINE).failed
    assert not read(beats((0, "fail", ""), (1, "success", "")), since=NINE).failed
    assert not Pulse().failed
