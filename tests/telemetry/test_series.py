"""What rules look at, counted exactly over any stretch of time."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.telemetry.models import (
    ProfiledSource,
    ProfiledTable,
    ProfileRun,
    RunRollup,
    StratumWeight,
)
from apps.telemetry.selectors import past, readings, series, watched
from tests import builders as build
from tests.builders import telemetry as told
from tests.builders.telemetry import NOON

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def brute(since: Any, until: Any, key: Callable[[ProfileRun], str]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for run in ProfileRun.objects.select_related("surface", "source"):
        if run.verdict in {"good", "bad"} and since <= run.finished_at < until:
            bad, total = found.get(key(run), (0, 0))
            found[key(run)] = (bad + (run.verdict == "bad"), total + 1)
    return found


@pytest.fixture
def fortnight(db: None) -> None:
    told.codes()
    dice = random.Random(3)
    sources = [told.profiler(), told.profiler(surface=build.surface("inspect.profiler", now=NOON))]
    made: list[list[Any]] = [[], []]
    for number in range(400):
        at = NOON - timedelta(seconds=dice.randrange(14 * 86_400))
        code = dice.choice(["", told.BAD, told.THEIRS])
        outcome = "failed" if code else dice.choice(["succeeded", "canceled", "partial"])
        warehouse = dice.choice(["snowflake", "bigquery"])
        shape = told.run(
            at, outcome, diagnostic_code=code, source=f"s{number % 5}", warehouse_type=warehouse
        )
        made[number % 2].append(shape)
    for source, shapes in zip(sources, made, strict=True):
        told.keep(source, shapes, now=NOON)


KEYS: dict[str, Callable[[ProfileRun], str]] = {
    "": lambda run: "",
    "facet": lambda run: run.warehouse_type,
    "surface": lambda run: run.surface.key if run.surface else series.NOWHERE,
    "source": lambda run: series.key_of(run.source),
}
STRETCHES = [
    (HOUR, timedelta()),
    (3 * HOUR, timedelta()),
    (7 * HOUR, timedelta(minutes=17, seconds=3)),
    (3 * DAY, timedelta(minutes=59, seconds=59)),
    (14 * DAY, timedelta()),
    (10 * MINUTE, 30 * MINUTE),
    (3 * HOUR + MINUTE, HOUR),
]


def test_any_stretch_by_any_group_counts_what_counting_one_by_one_gives(fortnight: None) -> None:
    for back, offset in STRETCHES:
        until = NOON - offset
        since = until - back
        for by, key in KEYS.items():
            found = series.tallies(kind="profile_runs", since=since, until=until, by=by)
            assert found == brute(since, until, key), (back, offset, by)
            minutes = past.runs(kind="profile_runs", since=since, until=until, by=by)
            summed = {g: (sum(r[1] for r in rows), sum(r[2] for r in rows))
                      for g, rows in minutes.items()}  # fmt: skip
            assert summed == found, (back, offset, by)


def test_one_facet_and_some_surfaces_narrow_what_is_counted(fortnight: None) -> None:
    since = NOON - 14 * DAY
    one = series.tallies(kind="profile_runs", since=since, until=NOON, facet="snowflake")
    by_facet = series.tallies(kind="profile_runs", since=since, until=NOON, by="facet")
    assert one[""] == by_facet["snowflake"]
    surface = ProfileRun.objects.exclude(surface=None).values_list("surface_id", flat=True)[0]
    of = series.tallies(kind="profile_runs", since=since, until=NOON, surfaces=[surface])
    by_surface = series.tallies(kind="profile_runs", since=since, until=NOON, by="surface")
    assert of[""] == by_surface["inspect.profiler"]
    none = series.tallies(kind="profile_runs", since=since, until=NOON, surfaces=[])
    assert none == {}


def test_a_long_stretch_reads_sums_and_not_runs(fortnight: None) -> None:
    """Runs inside whole hours may go; their sums stay."""
    since, until = NOON - 10 * DAY + 7 * MINUTE, NOON - 13 * MINUTE
    before = series.tallies(kind="profile_runs", since=since, until=until, by="facet")
    inner = ProfileRun.objects.filter(
        finished_at__gte=NOON - 10 * DAY + HOUR, finished_at__lt=NOON - HOUR
    )
    assert inner.count() > 100
    inner.delete()
    assert series.tallies(kind="profile_runs", since=since, until=until, by="facet") == before


def test_reports_are_counted_by_template(fortnight: None) -> None:
    told.reports(told.profiler(), 8, bad=2, at=NOON - MINUTE)
    found = series.tallies(kind="report_runs", since=NOON - DAY, until=NOON, by="facet")
    assert found == {"model": (2, 10)}


def test_the_last_reading_of_every_end_is_found_subject_by_subject() -> None:
    source = told.profiler()
    for subject, days in [("a.example", 10), ("b.example", 20), ("c.example", 30)]:
        told.certificate(source, subject, not_after=NOON, at=NOON - 3 * DAY)
        told.certificate(source, subject, not_after=NOON + days * DAY, at=NOON - DAY)
    told.measurements(source, "certificate", 5.0, at=NOON, subject="d.example")
    found = readings.endings(metric="certificate", subject="", until=NOON)
    assert {name: one.not_after - NOON for name, one in found.items()} == {
        "a.example": 10 * DAY, "b.example": 20 * DAY, "c.example": 30 * DAY,
    }  # fmt: skip
    earlier = readings.endings(metric="certificate", subject="b.example", until=NOON - 2 * DAY)
    assert {name: one.not_after for name, one in earlier.items()} == {"b.example": NOON}
    assert readings.endings(metric="none", subject="", until=NOON) == {}


def test_a_source_knows_when_its_tables_changed_after_they_were_profiled() -> None:
    told.runs(told.profiler(), at=NOON)
    source = ProfiledSource.objects.get()
    for name, profiled, changed in [
        ("fresh", NOON, NOON - HOUR),
        ("late", NOON - 2 * HOUR, NOON - HOUR),
        ("later", NOON - 9 * HOUR, NOON - MINUTE),
        ("unknown", NOON - 9 * HOUR, None),
    ]:
        ProfiledTable.objects.create(
            source=source, table=name, profiled_at=profiled, tried_at=NOON, outcome="succeeded",
            upstream_changed_at=changed,
        )  # fmt: skip
    (one,) = watched.sources()
    assert one.changed_at == NOON - HOUR
    ProfiledTable.objects.filter(table__startswith="late").delete()
    assert watched.sources()[0].changed_at is None


def test_weights_are_those_that_somebody_set_and_the_rest_as_in_the_inventories() -> None:
    columns = {f"w.s.t.c{number}": "email" if number < 3 else "phone" for number in range(4)}
    told.inventory(told.profiler(), columns, at=NOON)
    assert series.weights() == {"email": 0.75, "phone": 0.25}
    StratumWeight.objects.create(stratum="iban", weight="0.2")
    found = series.weights()
    assert found["iban"] == pytest.approx(0.2)
    assert found["email"] == pytest.approx(0.6)


def test_history_begins_with_the_first_thing_that_could_have_been_counted(fortnight: None) -> None:
    first = RunRollup.objects.filter(grain="day").order_by("starts_at")[0].starts_at
    assert series.history_from(what="runs_bad") == first
    assert series.history_from(what="reports_bad") is None
    told.labels(told.profiler(), at=NOON - 30 * DAY)
    assert series.history_from(what="corrections") == NOON - 30 * DAY
