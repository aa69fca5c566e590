"""Whoever changes whom a code blames changes what counts, and the sums follow."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from apps.core.errors import Invalid
from apps.intake.models import Integration
from apps.telemetry import seeds, services
from apps.telemetry.classify import Rules, judge, size_of
from apps.telemetry.models import (
    DiagnosticCode,
    DurationObjective,
    ProfiledSource,
    ProfileRun,
    RunRollup,
)
from tests.builders import telemetry as measured
from tests.builders.telemetry import BAD, CUT_OFF, NOON, THEIRS
from tests.telemetry.test_rollups import assert_exact, some_runs

CODE = "ERR-WAREHOUSE-CONNECTION"


@pytest.fixture
def profiler(db) -> Integration:
    measured.codes()
    return measured.profiler()


def day() -> tuple[int, int, int, int]:
    row = RunRollup.objects.get(grain="day", kind="profile")
    return row.good, row.bad, row.excluded, row.timed_out


def test_a_code_blamed_on_the_customer_leaves_the_rate(profiler: Integration):
    measured.runs(profiler, 5, bad=2, diagnostic_code=CODE)
    assert day() == (5, 2, 0, 0)
    services.save_code(code=CODE, blame="customer", now=NOON)
    assert day() == (5, 0, 2, 0)
    assert set(ProfileRun.objects.exclude(verdict="good").values_list("verdict", "blame")) == {
        ("excluded", "customer")
    }
    services.save_code(code=CODE, blame="us", now=NOON)
    assert day() == (5, 2, 0, 0)
    assert_exact()


def test_a_code_that_means_time_ran_out_makes_time_outs_and_back(profiler: Integration):
    measured.runs(profiler, 1, bad=2, timed_out=1, diagnostic_code=CODE)
    assert day() == (1, 3, 0, 1)
    services.save_code(code=CODE, blame="unknown", is_timeout=True, now=NOON)
    assert day() == (1, 3, 0, 3)
    services.save_code(code=CODE, blame="unknown", is_timeout=False, now=NOON)
    assert day() == (1, 3, 0, 1)
    assert_exact()


def test_the_last_outcome_of_a_source_follows(profiler: Integration):
    measured.runs(profiler, 1, bad=1, diagnostic_code=CODE)
    assert ProfiledSource.objects.get().last_outcome == "failed"
    services.save_code(code=CODE, blame="unknown", is_timeout=True, now=NOON)
    assert ProfiledSource.objects.get().last_outcome == "timed_out"


def test_reports_follow_as_well(profiler: Integration):
    measured.reports(profiler, 1, bad=2, diagnostic_code=CODE)
    assert services.reclassify(code=CODE, now=NOON) == 0
    services.save_code(code=CODE, blame="customer", now=NOON)
    row = RunRollup.objects.get(grain="day", kind="report")
    assert (row.good, row.bad, row.excluded) == (1, 0, 2)
    assert_exact()


def test_what_is_older_than_ninety_days_stays_as_it_was_judged(profiler: Integration):
    then = NOON - services.KEEP_RUNS
    measured.runs(profiler, 0, bad=1, diagnostic_code=CODE, at=then)
    services.save_code(code=CODE, blame="customer", now=NOON + timedelta(seconds=1))
    assert ProfileRun.objects.get().verdict == "bad"


def test_an_objective_makes_slow_successes_bad_and_its_end_makes_them_good(profiler: Integration):
    for seconds in (59, 60, 61):
        measured.runs(profiler, 1, duration_ms=seconds * 1000)
    assert day() == (3, 0, 0, 0)
    objective = services.save_objective(size="small", seconds=60, now=NOON)
    assert day() == (2, 1, 0, 0)
    services.save_objective(size="huge", seconds=1, now=NOON)
    assert day() == (2, 1, 0, 0)
    services.drop_objective(objective=objective, now=NOON)
    assert day() == (3, 0, 0, 0)
    assert_exact()


@pytest.mark.parametrize("seed", range(3))
def test_random_changes_of_the_tables_leave_the_sums_exact(profiler: Integration, seed: int):
    dice = random.Random(seed)
    measured.keep(profiler, some_runs(dice, 120))
    for _ in range(6):
        if dice.random() < 0.5:
            services.save_objective(
                size=dice.choice(["small", "medium", "unknown"]),
                seconds=dice.randrange(1, 4000),
                now=NOON,
            )
        else:
            services.save_code(
                code=dice.choice([BAD, THEIRS, CUT_OFF, "ERR-NEVER-SEEN"]),
                blame=dice.choice(["us", "customer", "vendor", "unknown"]),
                is_timeout=dice.random() < 0.5,
                now=NOON,
            )
        assert_exact()


def test_what_no_table_can_say_is_refused(profiler: Integration):
    for code, blame in (("", "us"), ("ERR", "nobody")):
        with pytest.raises(Invalid):
            services.save_code(code=code, blame=blame, now=NOON)
    for size, seconds in (("small", 0), ("giant", 5)):
        with pytest.raises(Invalid):
            services.save_objective(size=size, seconds=seconds, now=NOON)


@pytest.mark.django_db
def test_seeds_fill_an_empty_table_and_leave_what_was_edited():
    assert seeds.ensure_codes() == len(seeds.CODES)
    DiagnosticCode.objects.filter(code=THEIRS).update(blame="us")
    DiagnosticCode.objects.filter(code=BAD).delete()
    DurationObjective.objects.all().delete()
    assert seeds.ensure_codes() == 1
    assert DiagnosticCode.objects.get(code=THEIRS).blame == "us"
    assert not DurationObjective.objects.exists()


@pytest.mark.parametrize(
    ("rows", "tables", "size"),
    [
        ("", None, "unknown"), ("", 0, "small"), ("", 10, "small"), ("", 11, "medium"),
        ("", 50, "medium"), ("", 51, "large"), ("", 200, "large"), ("", 201, "huge"),
        ("1k-10k", 500, "small"), ("<1000", None, "small"), ("10k-100k", None, "small"),
        ("100K–1M", None, "medium"), ("1m..10m", None, "medium"), (">10m", None, "large"),
        ("10M+", None, "large"), ("100m-1b", None, "large"), (">1B", None, "huge"),
        ("1b+", None, "huge"), ("1_000_000", None, "medium"), ("Large", 1, "large"),
        ("no idea", 11, "medium"),
    ],
)  # fmt: skip
def test_the_size_of_a_run_is_that_of_its_rows_else_of_its_tables(
    rows: str, tables: int | None, size: str
):
    assert size_of(rows, tables) == size


def test_a_success_of_unknown_duration_is_good():
    rules = Rules(seconds={"small": 1})
    assert (
        judge("succeeded", code="", duration_ms=None, size="small", rules=rules).verdict == "good"
    )
    assert judge("succeeded", code="", duration_ms=1001, size="small", rules=rules).verdict == "bad"
