"""The sums by hour and day equal what the runs say, in whatever order and however often they come.

Expected values are counted in Python from the stored rows, by rules written down a second time.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from apps.core import clock
from apps.intake.models import Integration
from apps.intake.readings.shapes import ProfileRunIn
from apps.telemetry import histogram, services, tasks
from apps.telemetry.models import ProfiledSource, ProfileRun, ReportRun, RunHistogram, RunRollup
from apps.telemetry.services import rollups
from tests import builders as build
from tests.builders import telemetry as measured
from tests.builders.telemetry import BAD, CUT_OFF, NOON, THEIRS

pytestmark = pytest.mark.django_db
SINCE, UNTIL = NOON - timedelta(days=6), NOON + timedelta(days=1)
Sums = dict[tuple[Any, ...], tuple[int, ...]]


def parts(rows: list[Any], size: int) -> list[list[Any]]:
    return [rows[index : index + size] for index in range(0, len(rows), size)]


def some_runs(dice: random.Random, number: int) -> list[ProfileRunIn]:
    """Runs over five days: all outcomes, sizes, types and codes, some of them begun before."""
    made = []
    for _ in range(number):
        at = NOON - timedelta(seconds=dice.randrange(5 * 86_400))
        run = measured.run(
            at,
            dice.choice(
                ["succeeded"] * 5 + ["partial", "failed", "failed", "timed_out", "canceled"]
            ),
            source=f"source-{dice.randrange(4)}",
            warehouse_type=dice.choice(["snowflake", "bigquery"]),
            tables_attempted=dice.choice([None, 3, 40, 150, 900]),
            duration_ms=dice.choice([None, 0, 1, 900, 60_000, dice.randrange(1, 10_000_000)]),
            package=dice.choice(["0.9.1", "0.10.0"]),
            diagnostic_code=dice.choice(["", BAD, THEIRS, CUT_OFF, "ERR-NEVER-SEEN"]),
        )
        if dice.random() < 0.3:
            made.append(replace(run, outcome="running", finished_at=None, duration_ms=None))
        made.append(run)
    return made


def stored_sums() -> Sums:
    names = ["kind", "grain", "starts_at", "facet", "size", "package", "surface_id"]
    sums = ["good", "bad", "excluded", "canceled", "timed_out"]
    return {
        row[: len(names)]: row[len(names) :]
        for row in RunRollup.objects.values_list(*names, *sums)
        if any(row[len(names) :])
    }


def edges(at: datetime) -> list[tuple[str, datetime]]:
    hour = at.replace(minute=0, second=0, microsecond=0)
    return [("hour", hour), ("day", hour.replace(hour=0))]


def counted_sums() -> Sums:
    totals: dict[tuple[Any, ...], list[int]] = {}
    for run in ProfileRun.objects.exclude(outcome="running"):
        shape = ("profile", run.warehouse_type, run.size, run.package, run.surface_id)
        _count(totals, shape, run)
    for report in ReportRun.objects.all():
        _count(totals, ("report", report.template, "", report.package, report.surface_id), report)
    return {key: tuple(row) for key, row in totals.items()}


def _count(totals: dict[tuple[Any, ...], list[int]], shape: tuple[Any, ...], row: Any) -> None:
    kind, *rest = shape
    canceled = row.outcome == "canceled"
    for grain, start in edges(row.finished_at):
        into = totals.setdefault((kind, grain, start, *rest), [0, 0, 0, 0, 0])
        into[0] += row.verdict == "good"
        into[1] += row.verdict == "bad"
        into[2] += row.verdict == "excluded" and not canceled
        into[3] += canceled
        into[4] += row.verdict == "bad" and row.outcome == "timed_out"


def stored_buckets() -> Sums:
    names = ["grain", "starts_at", "facet", "size", "bucket"]
    return {
        row[:5]: row[5:]
        for row in RunHistogram.objects.values_list(*names, "count", "censored")
        if row[5]
    }


def counted_buckets() -> Sums:
    counts: Counter[tuple[Any, ...]] = Counter()
    censored: Counter[tuple[Any, ...]] = Counter()
    for run in ProfileRun.objects.filter(verdict__in=["good", "bad"]):
        if run.duration_ms is None or run.outcome == "failed":
            continue
        grain, start = edges(run.finished_at)[-1]
        bucket = histogram.bucket_of(run.duration_ms)
        key = (grain, start, run.warehouse_type, run.size, bucket)
        counts[key] += 1
        censored[key] += run.outcome == "timed_out"
    return {key: (number, censored[key]) for key, number in counts.items()}


def assert_exact() -> None:
    assert stored_sums() == counted_sums()
    assert stored_buckets() == counted_buckets()
    assert services.check_rollups(since=SINCE, until=UNTIL) == rollups.Check(0, 0)


def facts() -> list[tuple[Any, ...]]:
    """What is known of the runs and sources, without the accidents of how it came."""
    runs = ProfileRun.objects.order_by("run_id").values_list(
        "run_id", "outcome", "verdict", "blame", "size", "duration_ms", "finished_at",
        "source__name", "surface__key",
    )  # fmt: skip
    sources = ProfiledSource.objects.order_by("name").values_list(
        "name", "last_finished_at", "last_success_at", "first_seen_at"
    )
    return [*runs, *sources]


@pytest.fixture
def profiler() -> Integration:
    measured.codes()
    parent = build.surface("inspect.profiler")
    build.surface("inspect.profiler.snowflake", parent=parent)
    return measured.profiler(surface=parent)


@pytest.mark.parametrize("seed", range(6))
def test_random_runs_in_random_order_twice_and_in_parts_give_the_sums_of_their_rows(
    profiler: Integration, seed: int
):
    dice = random.Random(seed)
    runs = some_runs(dice, 120)
    services.save_objective(size="small", seconds=600, now=NOON)
    sent = runs + dice.sample(runs, 60)
    dice.shuffle(sent)
    while sent:
        part, sent = sent[: (size := dice.randrange(1, 60))], sent[size:]
        measured.keep(profiler, part)
    assert ProfileRun.objects.count() == 120
    assert not ProfileRun.objects.filter(outcome="running").exists()
    assert_exact()
    before = facts()
    stored = measured.keep(profiler, runs[::-1])
    assert (stored.new, stored.changed, stored.repeated) == (0, 0, len(runs))
    assert facts() == before
    assert_exact()


def test_the_same_runs_in_any_order_are_the_same_facts(profiler: Integration):
    dice = random.Random(11)
    runs = some_runs(dice, 80)
    measured.keep(profiler, runs)
    in_order = facts()
    ProfileRun.objects.all().delete()
    ProfiledSource.objects.all().delete()
    RunRollup.objects.all().delete()
    RunHistogram.objects.all().delete()
    dice.shuffle(runs)
    for part in parts(runs, 7):
        measured.keep(profiler, part)
    assert facts() == in_order
    assert_exact()


def test_a_rebuild_writes_what_is_there_already(profiler: Integration):
    measured.keep(profiler, some_runs(random.Random(5), 100))
    measured.reports(profiler, 4, bad=2)
    before = stored_sums(), stored_buckets()
    services.rebuild_rollups(since=SINCE, until=UNTIL)
    assert (stored_sums(), stored_buckets()) == before


def test_the_check_finds_what_somebody_wrote_by_hand(profiler: Integration):
    measured.runs(profiler, 3)
    RunRollup.objects.filter(grain="day").update(good=7)
    found = services.check_rollups(since=SINCE, until=UNTIL)
    assert not found.right
    assert (found.rollups, found.buckets) == (2, 0)  # what stands, and what should
    services.rebuild_rollups(since=NOON, until=NOON)
    assert_exact()


def test_the_nightly_check_mends_what_differs_and_says_how_much(profiler: Integration):
    measured.runs(profiler, 3, at=clock.now())
    assert tasks.check_sums() == 0
    RunHistogram.objects.update(count=9)
    assert tasks.check_sums() == 2
    assert tasks.check_sums() == 0
    assert stored_buckets() == counted_buckets()


def test_a_rebuild_leaves_the_days_around_it(profiler: Integration):
    measured.runs(profiler, 1)
    measured.runs(profiler, 1, at=NOON - timedelta(days=2))
    RunRollup.objects.update(good=9)
    services.rebuild_rollups(since=NOON, until=NOON + timedelta(hours=1))
    by_day = dict(RunRollup.objects.filter(grain="day").values_list("starts_at__day", "good"))
    assert by_day == {NOON.day: 1, NOON.day - 2: 9}


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (NOON, NOON, 1),
        (NOON.replace(hour=0), NOON.replace(hour=0) + timedelta(days=1), 1),
        (NOON, NOON + timedelta(days=1), 2),
    ],
)
def test_a_stretch_touches_whole_days(since: datetime, until: datetime, days: int):
    first, last = rollups.days(since, until)
    assert (first.hour, last.hour, (last - first).days) == (0, 0, days)


def test_days_are_those_of_utc_whatever_the_session_says(profiler: Integration):
    late = datetime(2026, 9, 7, 23, 30, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone TO 'Pacific/Auckland'")
        measured.runs(profiler, 1, at=late)
        cursor.execute("SET LOCAL timezone TO 'UTC'")
    assert sorted(RunRollup.objects.values_list("starts_at", flat=True)) == [
        datetime(2026, 9, 7, tzinfo=UTC),
        datetime(2026, 9, 7, 23, tzinfo=UTC),
    ]
    assert_exact()


def test_the_database_puts_durations_into_the_buckets_of_the_calculator(profiler: Integration):
    durations = [0, 1, 2, 3, 49, 50, 51, 999, 1000, 59_999, 3_600_000, 86_400_000 * 400]
    durations += [
        round(histogram.GAMMA**power) + step for power in range(50, 600, 37) for step in (0, 1)
    ]
    measured.keep(profiler, [measured.run(duration_ms=duration) for duration in durations])
    assert_exact()


def test_what_is_older_than_runs_are_kept_is_left_out(profiler: Integration):
    """Whether it had been counted before its row was deleted, nobody could say."""
    late = measured.run(NOON - services.KEEP_RUNS - timedelta(seconds=1))
    just = measured.run(NOON - services.KEEP_RUNS)
    stored = measured.keep(profiler, [late, just])
    assert (stored.new, stored.old) == (1, 1)
    assert ProfileRun.objects.get().run_id == just.run_id
    report = measured.report(NOON - services.KEEP_RUNS - timedelta(seconds=1))
    stored = services.store_reports(integration=profiler, reports=[report], now=NOON)
    assert (stored.new, stored.old) == (0, 1)
