"""What the pages of telemetry are told: counted once, n beside every figure, exclusions apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.authentication import KeyPrincipal
from apps.accounts.models import Person
from apps.intake.models import Integration
from apps.telemetry import histogram, services
from apps.telemetry.models import DurationObjective, Grain, Slo, StratumWeight
from apps.telemetry.selectors import (
    accuracy,
    compare,
    dashboard,
    durations,
    latest,
    rates,
    spans,
    typechanges,
)
from apps.telemetry.selectors.rates import Kind, Part, Tally
from tests import builders as build
from tests.builders import telemetry as measured
from tests.builders.telemetry import CUT_OFF, NOON, THEIRS

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEYS = ("1h", "24h", "7d", "28d", "90d")


# -- looks back


@pytest.mark.parametrize(
    ("key", "start", "steps"),
    [
        ("1h", "2026-09-07 11:00", 12),
        ("24h", "2026-09-06 12:00", 24),
        ("7d", "2026-08-31 12:00", 28),
        ("28d", "2026-08-11 00:00", 28),
        ("90d", "2026-06-10 00:00", 30),
        ("nonsense", "2026-09-06 12:00", 24),
    ],
)
def test_a_look_back_begins_where_its_sums_begin(key: str, start: str, steps: int) -> None:
    span = spans.span(key, NOON)
    assert f"{span.start:%Y-%m-%d %H:%M}" == start
    assert len(span.starts) == steps
    assert span.end == NOON
    assert span.starts[-1] < span.end


def test_only_long_looks_read_sums() -> None:
    grains = {key: spans.span(key, NOON).grain for key in KEYS}
    assert grains == {
        "1h": None, "24h": None, "7d": Grain.HOUR, "28d": Grain.DAY, "90d": Grain.DAY,
    }  # fmt: skip


def test_a_tally_adds_up_and_a_rate_of_nothing_is_none() -> None:
    both = Tally(3, 1, 2, 1, 1) + Tally(1, 0, 0, 0, 0)
    assert (both.n, both.finished, both.timed_out) == (5, 8, 1)
    assert Tally().rate.p is None
    assert Tally(excluded=1, good=3).is_much_excluded
    assert not Tally(excluded=1, good=4).is_much_excluded


# -- rates


@pytest.fixture
def person(db: None) -> Person:
    return build.person("Maya Lind", "manager")


@pytest.fixture
def source(db: None) -> Integration:
    measured.codes()
    return measured.profiler()


def mixed(source: Integration) -> None:
    """Ten good, two bad, one time-out of Snowflake; three good of Postgres; two that count not."""
    measured.runs(source, 10, bad=2, at=NOON - HOUR)
    cut = [measured.run(NOON - HOUR, "failed", diagnostic_code=CUT_OFF, duration_ms=600_000)]
    theirs = [
        measured.run(NOON - HOUR, "failed", diagnostic_code=THEIRS),
        measured.run(NOON - HOUR, "canceled"),
    ]
    measured.keep(source, [*cut, *theirs])
    measured.runs(source, 3, at=NOON - 2 * HOUR, warehouse_type="postgres", source="pg")


@pytest.mark.parametrize("key", ["24h", "7d", "28d", "90d"])
def test_runs_and_their_sums_say_the_same(person: Person, source: Integration, key: str) -> None:
    mixed(source)
    found = rates.cells(user=person, span=spans.span(key, NOON))
    assert rates.total(found) == Tally(good=13, bad=3, excluded=1, canceled=1, timed_out=1)
    assert rates.by_facet(found) == [
        Part("snowflake", Tally(10, 3, 1, 1, 1)),
        Part("postgres", Tally(3, 0, 0, 0, 0)),
    ]


@pytest.mark.parametrize("key", ["24h", "7d", "28d"])
def test_one_warehouse_type_stands_alone(person: Person, source: Integration, key: str) -> None:
    mixed(source)
    found = rates.cells(user=person, span=spans.span(key, NOON), facet="postgres")
    assert rates.total(found) == Tally(good=3)


def test_every_step_is_there_also_without_a_run(person: Person, source: Integration) -> None:
    mixed(source)
    span = spans.span("24h", NOON)
    steps = rates.over_time(rates.cells(user=person, span=span), span)
    assert len(steps) == 24
    # The end of a step is the beginning of the next: what ended at 11:00 is of 11:00 to 12:00.
    assert [step.tally.n for step in steps[-3:]] == [2, 12, 2]
    assert [step.tally.n for step in steps[:20]] == [0] * 20


def test_what_is_not_of_the_span_is_not_counted(person: Person, source: Integration) -> None:
    measured.runs(source, 1, at=NOON - DAY - timedelta(seconds=1))
    measured.runs(source, 1, at=NOON - DAY)
    measured.runs(source, 1, at=NOON, now=NOON + HOUR)
    found = rates.cells(user=person, span=spans.span("24h", NOON))
    assert rates.total(found).n == 1


def test_reports_are_counted_by_template(person: Person, source: Integration) -> None:
    measured.reports(source, 5, bad=1, at=NOON - HOUR)
    measured.reports(source, 2, at=NOON - HOUR, template="quality")
    for key in ("24h", "28d"):
        found = rates.cells(user=person, span=spans.span(key, NOON), kind=Kind.REPORT)
        assert [(part.facet, part.tally.bad, part.tally.n) for part in rates.by_facet(found)] == [
            ("model", 1, 6), ("quality", 0, 2),
        ]  # fmt: skip


def test_a_key_of_a_team_counts_its_own_runs(source: Integration) -> None:
    team = build.team()
    ours, theirs = build.surface("ours", team=team), build.surface("theirs", team=build.team("x"))
    measured.runs(measured.profiler(surface=ours), 2, at=NOON - HOUR)
    measured.runs(measured.profiler(surface=theirs), 5, at=NOON - HOUR, source="other")
    member = KeyPrincipal(build.key("events:read", team=team).row)
    for key in ("24h", "28d"):
        span = spans.span(key, NOON)
        assert rates.total(rates.cells(user=member, span=span)).n == 2
    assert durations.by_size(user=member, span=spans.span("28d", NOON)) == []


def test_reasons_name_codes_and_where_none_was_sent_the_end(
    person: Person, source: Integration
) -> None:
    mixed(source)
    found = rates.reasons(user=person, span=spans.span("24h", NOON))
    assert [(one.code, one.outcome, one.verdict, one.n) for one in found] == [
        ("", "failed", "bad", 2),
        ("", "canceled", "excluded", 1),
        (CUT_OFF, "", "bad", 1),
        (THEIRS, "", "excluded", 1),
    ]


def test_releases_come_the_last_first(person: Person, source: Integration) -> None:
    measured.runs(source, 3, at=NOON - 5 * HOUR, package="1.0")
    measured.runs(source, 2, bad=1, at=NOON - HOUR, package="1.1")
    for key in ("24h", "7d"):
        found = rates.by_package(user=person, span=spans.span(key, NOON))
        assert [(one.package, one.tally.bad, one.tally.n) for one in found] == [
            ("1.1", 1, 3), ("1.0", 0, 3),
        ]  # fmt: skip


# -- durations


def test_a_percentile_needs_enough_runs(person: Person, source: Integration) -> None:
    measured.runs(source, 19, at=NOON - HOUR)
    [found] = durations.by_size(user=person, span=spans.span("24h", NOON))
    assert (found.size, found.n, found.p95, found.p99) == ("small", 19, None, None)
    assert found.p50 is not None
    assert found.p50.seconds == 60
    measured.runs(source, 1, at=NOON - 2 * HOUR)
    [found] = durations.by_size(user=person, span=spans.span("24h", NOON))
    assert found.p95 is not None
    assert found.p99 is None


def test_what_was_cut_off_makes_a_percentile_a_lower_bound(
    person: Person, source: Integration
) -> None:
    measured.runs(source, 18, at=NOON - HOUR)
    measured.runs(source, 0, timed_out=2, at=NOON - HOUR, duration_ms=600_000)
    DurationObjective.objects.update_or_create(size="small", defaults={"seconds": 120})
    for key in ("24h", "28d"):
        [found] = durations.by_size(user=person, span=spans.span(key, NOON))
        assert (found.n, found.censored, found.objective) == (20, 2, 120)
        assert found.p50 is not None
        assert found.p95 is not None
        assert not found.p50.at_least
        assert found.p95.at_least


def test_failures_that_end_at_once_make_nothing_faster(person: Person, source: Integration) -> None:
    measured.runs(source, 5, bad=5, at=NOON - HOUR)
    [found] = durations.by_size(user=person, span=spans.span("24h", NOON))
    assert found.n == 5


@pytest.mark.parametrize("size", ["", "small"])
def test_sums_are_as_exact_as_they_say(person: Person, source: Integration, size: str) -> None:
    shapes = [measured.run(NOON - HOUR, duration_ms=1000 + 700 * number) for number in range(101)]
    measured.keep(source, shapes)
    exact = durations.by_size(user=person, span=spans.span("24h", NOON))
    summed = durations.by_size(user=person, span=spans.span("28d", NOON))
    for mine, theirs in zip(exact, summed, strict=True):
        for name in ("p50", "p95", "p99"):
            one, other = getattr(mine, name).seconds, getattr(theirs, name).seconds
            # A histogram answers with a run of that rank, percentile_cont lies between two.
            assert other == pytest.approx(one, rel=histogram.ERROR, abs=0.7)
    assert durations.error(spans.span("24h", NOON)) == 0
    assert durations.error(spans.span("28d", NOON)) == histogram.ERROR


def test_durations_over_time_leave_out_where_nothing_ran(
    person: Person, source: Integration
) -> None:
    measured.runs(source, 2, at=NOON - HOUR, every=timedelta(seconds=1))
    measured.runs(source, 1, at=NOON - 5 * HOUR, duration_ms=120_000)
    found = durations.over_time(user=person, span=spans.span("24h", NOON), size="small")
    assert [(one.starts_at, one.n) for one in found] == [
        (NOON - 5 * HOUR, 1), (NOON - 2 * HOUR, 1), (NOON - HOUR, 1),
    ]  # fmt: skip
    days = durations.over_time(user=person, span=spans.span("28d", NOON), size="small")
    assert [(one.starts_at, one.n) for one in days] == [(NOON.replace(hour=0), 3)]


# -- the dashboard


def test_the_dashboard_costs_as_many_statements_whatever_ran(
    person: Person, source: Integration
) -> None:
    def cost(key: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            dashboard.board(user=person, span=spans.span(key, NOON))
        return len(caught)

    measured.runs(source, 1, at=NOON - HOUR)
    before = [cost(key) for key in KEYS]
    mixed(source)
    measured.runs(source, 3, at=NOON - HOUR, tables_attempted=300)
    assert [cost(key) for key in KEYS] == before
    assert max(before) <= 11


def test_worse_than_usual_is_said_only_when_it_is_sure(person: Person, source: Integration) -> None:
    measured.runs(source, 99, bad=1, at=NOON - 3 * DAY)
    measured.runs(source, 20, bad=1, at=NOON - HOUR)
    board = dashboard.board(user=person, span=spans.span("24h", NOON))
    [one] = board.parts
    assert (one.usual.bad, one.usual.n) == (1, 100)
    assert not one.is_worse
    measured.runs(source, 0, bad=8, at=NOON - 2 * HOUR)
    [one] = dashboard.board(user=person, span=spans.span("24h", NOON)).parts
    assert one.is_worse


def test_a_long_look_is_compared_with_nothing(person: Person, source: Integration) -> None:
    measured.runs(source, 30, at=NOON - 40 * DAY)
    board = dashboard.board(user=person, span=spans.span("28d", NOON))
    assert board.usual == Tally()
    assert board.total == Tally()


def test_an_objective_of_the_warehouse_type_goes_before_that_of_all(person: Person) -> None:
    made = {"sli": "profile_runs", "created_at": NOON}
    assert dashboard.promised(person) is None
    Slo.objects.create(key="all", name="All", objective="0.95", **made)
    Slo.objects.create(key="sf", name="Snowflake", objective="0.9", facet="snowflake", **made)
    assert dashboard.promised(person) == pytest.approx(0.05)
    assert dashboard.promised(person, "snowflake") == pytest.approx(0.1)
    assert dashboard.promised(person, "postgres") == pytest.approx(0.05)


def test_running_runs_are_told_and_forgotten_ones_are_not(
    person: Person, source: Integration
) -> None:
    measured.keep(source, [measured.run(NOON - HOUR, "running")], now=NOON)
    measured.keep(source, [measured.run(NOON - 3 * DAY, "running")], now=NOON - 3 * DAY)
    board = dashboard.board(user=person, span=spans.span("24h", NOON))
    assert board.running == 1
    assert board.total.finished == 0


# -- accuracy


def look(person: Person, **more: Any) -> accuracy.Accuracy:
    given: dict[str, Any] = {"source": "audit", "since": NOON - 90 * DAY, "until": NOON + HOUR}
    return accuracy.accuracy(user=person, **{**given, **more})


def test_strata_count_by_their_share_of_production(person: Person, source: Integration) -> None:
    measured.labels(source, 90, wrong=10, predicted="email", truth="string")
    measured.labels(source, 50, predicted="date", prefix="warehouse.shop.dates")
    StratumWeight.objects.create(stratum="email", weight="0.1")
    StratumWeight.objects.create(stratum="date", weight="0.9")
    found = look(person)
    assert (found.right, found.n) == (140, 150)
    assert found.overall.p == pytest.approx(0.99)
    assert found.pooled.p == pytest.approx(140 / 150)
    assert found.overall.covered == 1


def test_without_weights_the_inventory_says_what_production_is(
    person: Person, source: Integration
) -> None:
    types = {f"warehouse.shop.t.c{n}": "date" if n else "email" for n in range(10)}
    measured.inventory(source, types)
    measured.labels(source, 5, wrong=5, predicted="email")
    measured.labels(source, 10, predicted="date", prefix="warehouse.shop.dates")
    found = look(person)
    assert {row.key: round(row.weight, 3) for row in found.strata} == {"email": 0.1, "date": 0.9}
    assert found.overall.p == pytest.approx(0.95)


def test_a_type_of_which_nothing_is_labeled_lowers_what_is_covered(
    person: Person, source: Integration
) -> None:
    measured.inventory(source, {"warehouse.s.t.a": "email", "warehouse.s.t.b": "phone"})
    measured.labels(source, 10, predicted="email")
    found = look(person)
    assert found.overall.covered == pytest.approx(0.5)
    assert found.overall.p == 1


def test_precision_is_of_what_was_called_so_and_recall_of_what_is_so(
    person: Person, source: Integration
) -> None:
    measured.labels(source, 30, wrong=10, predicted="email", truth="string")
    measured.labels(source, 20, wrong=5, predicted="string", truth="email", prefix="w.s.u.t")
    scores = {row.type: row for row in look(person).types}
    email = scores["email"]
    assert (email.right, email.called, email.really) == (30, 40, 35)
    assert email.precision.p == pytest.approx(0.75)
    assert email.recall.p == pytest.approx(30 / 35)
    assert email.look == "ok", "nothing is promised, so nothing is missed"


def test_against_a_promise_both_bounds_are_asked(person: Person, source: Integration) -> None:
    Slo.objects.create(
        key="t", name="Types", sli="accuracy", objective="0.9", created_at=NOON
    )  # fmt: skip
    measured.labels(source, 10, wrong=30, predicted="phone", prefix="w.s.a.p")
    measured.labels(source, 200, predicted="date", prefix="w.s.a.d")
    measured.labels(source, 29, predicted="row_key", prefix="w.s.a.r")
    found = look(person)
    assert {row.type: row.look for row in found.types if row.called} == {
        "phone": "firing", "date": "proven", "row_key": "insufficient_data",
    }  # fmt: skip
    assert found.types[0].type == "phone"
    assert found.target == 0.9


def test_corrections_are_counted_and_are_no_part_of_an_accuracy(
    person: Person, source: Integration
) -> None:
    measured.labels(source, 0, wrong=7, predicted="string", truth="email",
                    truth_source="user_correction")  # fmt: skip
    found = look(person)
    assert found.n == 0
    assert found.look == "no_data"
    assert found.overall.p is None
    [one] = accuracy.corrections(user=person, since=NOON - DAY, until=NOON + HOUR)
    assert (one.predicted, one.truth, one.n) == ("string", "email", 7)
    counted = accuracy.corrections_by_package(user=person, since=NOON - DAY, until=NOON + HOUR)
    assert counted == [("0.9.1", 7)]


# -- release against release


def fixtures(source: Integration, package: str, at: datetime, *said: str) -> None:
    """What a release says of fixtures that are all e-mail addresses."""
    for number, predicted in enumerate(said):
        made = measured.label(
            f"fixture.c{number}", predicted, "email", at, truth_source="fixture", package=package
        )
        services.store_labels(integration=source, labels=[made], now=at)


def test_on_the_same_fixtures_only_what_turned_counts(person: Person, source: Integration) -> None:
    fixtures(source, "1.0", NOON - 2 * DAY, "email", "email", "string", "email")
    fixtures(source, "1.1", NOON - DAY, "email", "string", "email", "string", "email")
    found = compare.compare(
        user=person, before="1.0", after="1.1", since=NOON - 9 * DAY, until=NOON
    )
    assert (found.both_right, found.both_wrong, found.fixed, found.broken) == (1, 0, 1, 2)
    assert found.fixtures == 4, "the fifth was only read by one of them"
    assert [(one.column_ref, one.fixed) for one in found.turned] == [
        ("fixture.c1", False), ("fixture.c3", False), ("fixture.c2", True),
    ]  # fmt: skip
    assert found.paired.p_two_sided == 1.0


def test_of_a_fixture_read_twice_the_last_reading_counts(
    person: Person, source: Integration
) -> None:
    fixtures(source, "1.0", NOON - 3 * DAY, "string")
    fixtures(source, "1.0", NOON - 2 * DAY, "email")
    fixtures(source, "1.1", NOON - DAY, "email")
    found = compare.compare(
        user=person, before="1.0", after="1.1", since=NOON - 9 * DAY, until=NOON
    )
    assert (found.both_right, found.fixed) == (1, 0)


def test_audits_of_two_releases_are_different_samples(person: Person, source: Integration) -> None:
    measured.labels(source, 56, wrong=14, package="1.0", prefix="a.b.c.old", at=NOON - 2 * DAY)
    measured.labels(source, 48, wrong=32, package="1.1", prefix="a.b.c.new", at=NOON - DAY)
    assert compare.releases(person, since=NOON - 9 * DAY) == ["1.1", "1.0"]
    found = compare.compare(
        user=person, before="1.1", after="1.0", since=NOON - 9 * DAY, until=NOON
    )
    # Published: 56 of 70 less 48 of 80 lies between 0.0524 and 0.3339.
    assert found.difference.lower == pytest.approx(0.0524, abs=5e-5)
    assert found.difference.upper == pytest.approx(0.3339, abs=5e-5)
    assert found.difference.significant


# -- types, counts, readings


def test_changes_of_types_are_counted_by_pair(person: Person, source: Integration) -> None:
    columns = [f"warehouse.shop.users.c{n}" for n in range(4)]
    measured.inventory(source, dict.fromkeys(columns, "email"), at=NOON - DAY)
    now_said = dict(zip(columns, ("string", "string", "phone", "email"), strict=True))
    measured.inventory(source, now_said, at=NOON - HOUR, package="1.0")
    span: dict[str, Any] = {"since": NOON - DAY, "until": NOON}
    found = typechanges.type_pairs(user=person, **span)
    assert [(one.was, one.became, one.n, one.sources) for one in found] == [
        ("email", "string", 2, 1), ("email", "phone", 1, 1),
    ]  # fmt: skip
    rows = typechanges.changes(user=person, **span, was="email", became="string")
    assert {row.column_ref for row in rows} == set(columns[:2])
    assert typechanges.columns_known(person) == 4


def test_of_every_series_the_last_reading_is_shown_with_those_before(
    person: Person, source: Integration
) -> None:
    measured.measurements(source, "mcp.latency", 1, 2, 3, subject="a", unit="ms", limit=2)
    measured.measurements(source, "mcp.latency", 9, subject="b", unit="ms", limit=20)
    measured.certificate(source, "example.com", not_after=NOON + 3 * DAY)
    rows = latest.latest(user=person)
    assert [(row.metric, row.subject, row.value) for row in rows] == [
        ("certificate", "example.com", None), ("mcp.latency", "a", 3.0), ("mcp.latency", "b", 9.0),
    ]  # fmt: skip
    read = {one.row.subject: one for one in latest.with_past(rows)}
    assert read["a"].values == [1, 2, 3]
    assert read["a"].is_over
    assert not read["b"].is_over
    assert read["example.com"].values == []


def test_nothing_read_is_no_series(person: Person) -> None:
    assert latest.latest(user=person) == []
    assert latest.with_past([]) == []
    assert latest.slis() == []


def test_counts_sum_up_by_indicator_and_part(person: Person, source: Integration) -> None:
    measured.counts(source, "smoke", (9, 10), (10, 10), part="cloud", at=NOON - HOUR)
    measured.counts(source, "smoke", (1, 2), part="play", at=NOON - HOUR)
    measured.counts(source, "old", (1, 1), at=NOON - 3 * DAY)
    names = latest.slis()
    assert names == ["old", "smoke"]
    found = latest.counted(user=person, since=NOON - DAY, until=NOON, names=names)
    assert [(one.part, one.good, one.total, one.bad) for one in found] == [
        ("cloud", 19, 20, 1), ("play", 1, 2, 1),
    ]  # fmt: skip
    assert found[0].good_share.p == 0.95


def test_spans_are_told_in_utc_whatever_zone_now_is_in() -> None:
    berlin = NOON.astimezone(datetime.fromisoformat("2026-09-07T14:00+02:00").tzinfo)
    assert spans.span("28d", berlin).start == datetime(2026, 8, 11, tzinfo=UTC)
