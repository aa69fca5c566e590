"""Runs are stored once, whatever comes twice, late or in another order; each as it is judged."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from apps.core import audit
from apps.intake import services as intake
from apps.intake.canonical import InvalidEvent
from apps.intake.events import EventsNormalised
from apps.intake.models import Delivery, Integration
from apps.intake.readings.shapes import CountIn, MeasurementIn, TableIn
from apps.telemetry import handlers, services
from apps.telemetry.models import (
    Measurement,
    ProfiledSource,
    ProfiledTable,
    ProfileRun,
    ReportRun,
    RunRollup,
    SliCount,
)
from tests import builders as build
from tests.builders import telemetry as measured
from tests.builders.telemetry import BAD, CUT_OFF, NOON, THEIRS

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def profiler() -> Integration:
    return measured.profiler()


def test_a_run_sent_twice_is_one_run(profiler: Integration):
    run = measured.run()
    first = measured.keep(profiler, [run])
    again = measured.keep(profiler, [run, run])
    assert (first.new, again.new, again.repeated) == (1, 0, 2)
    assert ProfileRun.objects.count() == 1


def test_the_first_end_of_an_attempt_stands(profiler: Integration):
    measured.keep(profiler, [measured.run(run_id="a", outcome="failed")])
    measured.keep(profiler, [measured.run(run_id="a", outcome="succeeded")])
    assert ProfileRun.objects.get().outcome == "failed"
    measured.keep(profiler, [measured.run(run_id="a", attempt=2)])
    assert list(ProfileRun.objects.order_by("attempt").values_list("outcome", flat=True)) == [
        "failed",
        "succeeded",
    ]


def test_an_end_replaces_a_beginning_and_keeps_what_only_that_said(profiler: Integration):
    began = measured.run(NOON - HOUR, "running", run_id="a", org="acme", queued_at=NOON - 2 * HOUR)
    assert measured.keep(profiler, [began]).new == 1
    row = ProfileRun.objects.get()
    assert (row.verdict, row.finished_at, RunRollup.objects.count()) == ("open", None, 0)
    ended = measured.run(
        NOON, run_id="a", source="", warehouse_type="", duration_ms=None, diagnostic_code=""
    )
    stored = measured.keep(profiler, [ended])
    assert (stored.new, stored.changed) == (0, 1)
    row = ProfileRun.objects.get()
    assert (row.outcome, row.verdict, row.duration_ms) == ("succeeded", "good", 3_600_000)
    assert (row.started_at, row.queued_at) == (NOON - HOUR, NOON - 2 * HOUR)
    assert (row.source.org, row.source.name, row.warehouse_type) == (
        "acme",
        "warehouse",
        "snowflake",
    )
    assert ProfiledSource.objects.count() == 1


def test_a_beginning_that_comes_late_changes_nothing(profiler: Integration):
    measured.keep(profiler, [measured.run(run_id="a")])
    stored = measured.keep(profiler, [measured.run(NOON - HOUR, "running", run_id="a")])
    assert (stored.new, stored.changed, stored.repeated) == (0, 0, 1)
    assert ProfileRun.objects.get().outcome == "succeeded"


def test_a_beginning_and_its_end_in_one_batch_are_one_run(profiler: Integration):
    began = measured.run(NOON - HOUR, "running", run_id="a")
    stored = measured.keep(profiler, [began, measured.run(run_id="a", duration_ms=None)])
    assert (stored.new, stored.repeated) == (1, 1)
    assert ProfileRun.objects.get().duration_ms == 3_600_000


def test_two_tools_may_use_the_same_run_id(profiler: Integration):
    run = measured.run(run_id="1")
    measured.keep(profiler, [run])
    measured.keep(measured.profiler(), [run])
    assert ProfileRun.objects.count() == 2
    assert ProfiledSource.objects.count() == 2
    assert RunRollup.objects.get(grain="day").good == 2


@pytest.mark.parametrize(
    ("outcome", "code", "judged"),
    [
        ("succeeded", "", ("succeeded", "", "good")),
        ("succeeded", THEIRS, ("succeeded", "", "good")),
        ("partial", "", ("partial", "unknown", "bad")),
        ("failed", "", ("failed", "unknown", "bad")),
        ("failed", "ERR-NEVER-SEEN", ("failed", "unknown", "bad")),
        ("failed", BAD, ("failed", "us", "bad")),
        ("failed", THEIRS, ("failed", "customer", "excluded")),
        ("partial", THEIRS, ("partial", "customer", "excluded")),
        ("failed", CUT_OFF, ("timed_out", "unknown", "bad")),
        ("timed_out", "", ("timed_out", "unknown", "bad")),
        ("canceled", BAD, ("canceled", "", "excluded")),
    ],
)
def test_a_run_is_judged_by_its_outcome_and_its_code(
    profiler: Integration, outcome: str, code: str, judged: tuple[str, str, str]
):
    measured.codes()
    measured.keep(profiler, [measured.run(outcome=outcome, diagnostic_code=code)])
    row = ProfileRun.objects.get()
    assert (row.outcome, row.blame, row.verdict) == judged


def test_the_last_success_is_the_latest_whatever_comes_after_it(profiler: Integration):
    measured.runs(profiler, 1, at=NOON)
    measured.runs(profiler, 1, at=NOON - 5 * HOUR)
    measured.runs(profiler, 0, bad=1, at=NOON + HOUR)
    source = ProfiledSource.objects.get()
    assert source.last_success_at == NOON
    assert (source.last_finished_at, source.last_outcome) == (NOON + HOUR, "failed")
    assert source.first_seen_at == NOON - 5 * HOUR


def test_a_run_belongs_to_the_surface_named_else_the_facet_else_the_integration_s():
    parent = build.surface("inspect.profiler")
    facet = build.surface("inspect.profiler.snowflake", parent=parent)
    named = build.surface("pack.stripe")
    profiler = measured.profiler(surface=parent)
    for number, (surface, warehouse, expected) in enumerate(
        [
            ("pack.stripe", "snowflake", named),
            ("", "snowflake", facet),
            ("no.such.surface", "snowflake", facet),
            ("", "bigquery", parent),
            ("", "", parent),
        ]
    ):
        run = measured.run(
            surface=surface, warehouse_type=warehouse, source=f"s{number}", run_id=f"r{number}"
        )
        measured.keep(profiler, [run])
        row = ProfileRun.objects.get(run_id=f"r{number}")
        assert (row.surface, row.source.surface) == (expected, expected), number


def test_a_key_of_a_team_names_no_surface_of_another():
    ours = build.surface("ours", team=build.team())
    build.surface("theirs", team=build.team("other"))
    profiler = measured.profiler(surface=ours, team=ours.team)
    measured.runs(profiler, 1, surface="theirs")
    assert ProfileRun.objects.get().surface == ours


def test_a_surface_that_a_person_chose_for_a_source_stays(profiler: Integration):
    measured.runs(profiler, 1)
    chosen = build.surface("chosen")
    services.change_source(
        source=ProfiledSource.objects.get(), cadence_seconds=None, max_age_seconds=None,
        paused=False, connection=None, surface=chosen, actor=audit.SYSTEM, now=NOON,
    )  # fmt: skip
    measured.runs(profiler, 1, at=NOON + HOUR)
    assert ProfileRun.objects.latest("finished_at").surface == chosen
    assert ProfiledSource.objects.get().surface == chosen


def test_tables_keep_the_newest_word_and_the_latest_success(profiler: Integration):
    def table(outcome: str, **more) -> TableIn:
        return TableIn("shop", "orders", outcome, **more)

    for at, tables in (
        (NOON, (table("succeeded", duration_ms=5, model_file_hash="a"),)),
        (NOON + HOUR, (table("failed"), TableIn("shop", "users", "succeeded"))),
        (NOON - HOUR, (table("timed_out"),)),
    ):
        measured.keep(profiler, [measured.run(at, tables=tables)])
    orders = ProfiledTable.objects.get(table="orders")
    assert (orders.outcome, orders.tried_at) == ("failed", NOON + HOUR)
    assert (orders.profiled_at, orders.duration_ms, orders.model_file_hash) == (NOON, 5, "a")
    assert ProfiledTable.objects.count() == 2


def test_reports_count_once_by_template(profiler: Integration):
    report = measured.report(run_id="a", template="quality", outcome="failed")
    for again in ([report], [report, report, measured.report(run_id="b", template="quality")]):
        stored = services.store_reports(integration=profiler, reports=again, now=NOON)
    assert (stored.new, stored.repeated) == (1, 2)
    assert ReportRun.objects.count() == 2
    row = RunRollup.objects.get(kind="report", grain="day")
    assert (row.facet, row.size, row.good, row.bad) == ("quality", "", 1, 1)


def test_other_numbers_for_the_same_window_replace_those_before(profiler: Integration):
    measured.counts(profiler, "smoke", (3, 4))
    same = measured.counts(profiler, "smoke", (3, 4))
    other = measured.counts(profiler, "smoke", (4, 4))
    assert [(one.new, one.changed, one.repeated) for one in (same, other)] == [(0, 0, 1), (0, 1, 0)]
    row = SliCount.objects.get()
    assert (row.good, row.total) == (4, 4)
    twice = [CountIn("smoke", NOON + HOUR, good, 9) for good in (1, 2)]
    services.store_counts(integration=profiler, counts=twice, now=NOON)
    assert SliCount.objects.latest("starts_at").good == 2


def test_the_first_reading_of_a_moment_stands(profiler: Integration):
    measured.measurements(profiler, "latency", 3.0)
    stored = measured.measurements(profiler, "latency", 4.0)
    assert (stored.new, stored.repeated) == (0, 1)
    assert Measurement.objects.get().value == 3.0
    ends = [MeasurementIn("certificate", NOON, subject="a", not_after=NOON)]
    assert services.store_measurements(integration=profiler, measurements=ends, now=NOON).new == 1


def test_hostile_text_is_stored_as_it_is(profiler: Integration):
    name = "x'; DROP TABLE y; -- %s {} \\ \" \N{PILE OF POO} \u2028"
    measured.keep(profiler, [measured.run(run_id=name, source=name, org="%(a)s")])
    row = ProfileRun.objects.get()
    assert (row.run_id, row.source.name, row.source.org) == (name, name, "%(a)s")


def test_a_thousand_runs_cost_as_many_queries_as_one(
    profiler: Integration, django_assert_max_num_queries
):
    made = [measured.run(NOON - timedelta(seconds=n), source=f"s{n % 50}") for n in range(1000)]
    with django_assert_max_num_queries(15):
        measured.keep(profiler, made)
    assert ProfileRun.objects.count() == 1000


# -- deliveries


def deliver(profiler: Integration, adapter: str, *lines: dict) -> Delivery:
    """A delivery handed on as the engine does it."""
    row = Delivery.objects.create(
        integration=profiler, adapter=adapter, received_at=NOON,
        body="\n".join(json.dumps(line) for line in lines).encode(),
    )  # fmt: skip
    handlers.take_events(EventsNormalised("telemetry", row, (), NOON))
    return row


def line(number: int) -> dict:
    return {
        "run_id": f"run-{number}",
        "result": "ok",
        "source": "warehouse",
        "warehouse_type": "Snowflake",
        "started_at": "2026-09-07T11:00:00Z",
        "finished_at": "2026-09-07T11:05:00Z",
    }


def test_a_delivery_becomes_its_runs(profiler: Integration):
    delivery = deliver(profiler, "profile_runs", line(1), line(2))
    row = ProfileRun.objects.get(run_id="run-1")
    assert (row.outcome, row.warehouse_type, row.delivery_id) == (
        "succeeded",
        "snowflake",
        delivery.pk,
    )
    assert row.duration_ms == 300_000


def test_the_engine_takes_a_delivery_whole_and_makes_no_events_of_it(profiler: Integration):
    rows = [
        Delivery.objects.create(
            integration=profiler, adapter="profile_runs", received_at=NOON, body=body
        )
        for body in (json.dumps(line(1)).encode(), b'{"source": "warehouse"}')
    ]
    intake.normalise_due(now=NOON)
    for row in rows:
        row.refresh_from_db()
    assert [row.status for row in rows] == ["normalised", "quarantined"]
    assert (rows[0].events.count(), ProfileRun.objects.get().run_id) == (0, "run-1")


def test_a_delivery_taken_again_changes_nothing(profiler: Integration):
    delivery = deliver(profiler, "profile_runs", line(1), line(2))
    again = services.take(delivery=delivery, now=NOON + timedelta(days=7))
    assert (again.new, again.repeated) == (0, 2)
    assert RunRollup.objects.get(grain="day").good == 2


def test_a_delivery_of_which_nothing_can_be_read_is_refused(profiler: Integration):
    with pytest.raises(InvalidEvent, match="Line 1"):
        deliver(profiler, "profile_runs", {"source": "warehouse"})
    assert not ProfileRun.objects.exists()


def test_a_line_that_cannot_be_read_any_more_costs_no_other(profiler: Integration):
    deliver(profiler, "profile_runs", {"source": "warehouse"}, line(2))
    assert ProfileRun.objects.get().run_id == "run-2"


def test_other_kinds_of_events_are_none_of_telemetry_s(profiler: Integration):
    row = build.event(profiler, now=NOON)
    handlers.take_events(EventsNormalised("alert", row, (), NOON))
    assert not ProfileRun.objects.exists()


@pytest.mark.parametrize(
    ("adapter", "body", "model"),
    [
        ("report_runs", {"run_id": "r", "template": "model", "result": "ok",
                         "finished_at": "2026-09-07T11:05:00Z"}, ReportRun),
        ("sli_counts", {"sli": "smoke", "starts_at": "2026-09-07T11:00:00Z", "good": 3,
                        "total": 4}, SliCount),
        ("measurements", {"metric": "latency", "value": 3, "at": "2026-09-07T11:00:00Z"},
         Measurement),
    ],
)  # fmt: skip
def test_every_kind_of_reading_has_its_keeper(
    profiler: Integration, adapter: str, body: dict, model: type
):
    deliver(profiler, adapter, body)
    assert model._default_manager.count() == 1
