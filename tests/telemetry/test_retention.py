"""What is kept how long; deleting never counts anything anew, and never waits for anybody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from apps.core import clock
from apps.intake.readings.shapes import TableIn
from apps.telemetry import services, tasks
from apps.telemetry.models import (
    ColumnType,
    Measurement,
    ProfiledTable,
    ProfileRun,
    ReportRun,
    RunHistogram,
    RunRollup,
    SemanticLabel,
    SliCount,
    TypeChange,
)
from apps.telemetry.services import retention
from tests.builders import telemetry as measured
from tests.builders.telemetry import NOON

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
KEPT = [
    (ProfileRun, 91),
    (ReportRun, 91),
    (Measurement, 91),
    (SemanticLabel, 400),
    (SliCount, 400),
    (TypeChange, 400),
    (ColumnType, 400),
]


def everything() -> None:
    """One row of each kind, all at NOON."""
    profiler = measured.profiler()
    measured.runs(profiler, 1)
    measured.reports(profiler, 1)
    measured.measurements(profiler, "latency", 1.0)
    measured.labels(profiler, 1)
    measured.counts(profiler, "smoke", (1, 1))
    measured.inventory(profiler, {"a.b.c.d": "email"}, at=NOON - timedelta(seconds=1))
    measured.inventory(profiler, {"a.b.c.d": "string"})


@pytest.mark.parametrize("days", [91, 400])
def test_rows_go_when_their_time_is_over_and_not_before(days: int):
    everything()
    services.purge(now=NOON + days * DAY)
    assert {model for model, kept in KEPT if not model.objects.exists()} == {
        model for model, kept in KEPT if kept < days
    }
    services.purge(now=NOON + days * DAY + timedelta(seconds=1))
    assert {model for model, kept in KEPT if not model.objects.exists()} == {
        model for model, kept in KEPT if kept <= days
    }


def test_sums_by_hour_go_after_four_hundred_days_and_those_by_day_stay():
    everything()
    gone = services.purge(now=NOON + 401 * DAY)
    assert gone["run rollups"] == 2  # of a run and of a report
    assert set(RunRollup.objects.values_list("grain", flat=True)) == {"day"}
    assert RunHistogram.objects.get().count == 1


def test_the_nightly_task_counts_what_went():
    old = clock.now() - 92 * DAY
    measured.runs(measured.profiler(), 3, at=old, now=old)
    assert (tasks.purge(), tasks.purge()) == (3, 0)


def test_a_run_that_never_ended_goes_as_well():
    profiler = measured.profiler()
    measured.keep(profiler, [measured.run(outcome="running")])
    assert services.purge(now=NOON + 91 * DAY) == {}
    assert services.purge(now=NOON + 92 * DAY) == {"profile runs": 1}


def test_small_batches_take_all_and_a_night_ends():
    profiler = measured.profiler()
    measured.runs(profiler, 25)
    late = NOON + 92 * DAY
    assert services.purge(now=late, batch=4, most=10) == {"profile runs": 10}
    assert services.purge(now=late, batch=4) == {"profile runs": 15}
    assert services.purge(now=late, batch=4) == {}


def test_each_batch_is_found_along_an_index():
    everything()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    asked = list(retention._old(NOON + 401 * DAY))
    assert {rows.model for rows in asked} >= {model for model, _ in KEPT}
    for rows in asked:
        assert "Sort" not in rows[:10].explain(), rows.query


def test_columns_and_tables_that_nobody_has_seen_for_so_long_are_forgotten():
    profiler = measured.profiler()
    measured.inventory(profiler, {"a.b.c.gone": "email", "a.b.c.here": "email"})
    measured.keep(profiler, [measured.run(tables=(TableIn("b", "gone", "succeeded"),))])
    late = NOON + 399 * DAY
    measured.inventory(profiler, {"a.b.c.here": "email"}, at=late)
    measured.keep(profiler, [measured.run(late, tables=(TableIn("b", "here", "succeeded"),))],
                  now=late)  # fmt: skip
    services.purge(now=NOON + 400 * DAY)
    assert (ColumnType.objects.count(), ProfiledTable.objects.count()) == (2, 2)
    services.purge(now=NOON + 400 * DAY + timedelta(seconds=1))
    assert ColumnType.objects.get().column_ref == "a.b.c.here"
    assert ProfiledTable.objects.get().table == "here"


def test_a_run_sent_again_after_it_was_deleted_is_not_counted_again():
    profiler = measured.profiler()
    run = measured.run()
    measured.keep(profiler, [run])
    late = NOON + services.KEEP_RUNS + DAY + timedelta(seconds=1)
    services.purge(now=late)
    assert not ProfileRun.objects.exists()
    assert measured.keep(profiler, [run], now=late).old == 1
    assert RunRollup.objects.get(grain="day").good == 1
