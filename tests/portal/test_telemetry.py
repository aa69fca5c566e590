"""Pages of telemetry: n, intervals and exclusions beside every figure, no data told as no data."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.test import Client

from apps.changes.models import Change
from apps.intake.models import Integration
from apps.telemetry import services
from apps.telemetry.models import ProfiledSource, ProfileRun, Slo
from tests import builders as build
from tests.builders import telemetry as measured
from tests.builders.telemetry import CUT_OFF, NOON, THEIRS
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of
from tests.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOME = "/telemetry/"
PAGES = (
    HOME, "/telemetry/runs/", "/telemetry/reports/", "/telemetry/sources/", "/telemetry/accuracy/",
    "/telemetry/accuracy/releases/", "/telemetry/types/", "/telemetry/measurements/",
    "/telemetry/counts/",
)  # fmt: skip


@pytest.fixture
def maya(cast: Cast, world: World) -> Client:
    world.at("2026-09-07 12:00")
    return sign_in(cast.maya)


@pytest.fixture
def source(maya: Client) -> Integration:
    measured.codes()
    return measured.profiler()


def busy(source: Integration) -> None:
    """41 runs on Snowflake of which 8 timed out, three on Postgres, one that is not ours."""
    measured.runs(source, 33, at=NOON - HOUR)
    cut = [
        measured.run(NOON - HOUR, "failed", diagnostic_code=CUT_OFF, duration_ms=600_000)
        for _ in range(8)
    ]
    theirs = measured.run(NOON - HOUR, "failed", diagnostic_code=THEIRS)
    measured.keep(source, [*cut, theirs])
    measured.runs(source, 3, at=NOON - HOUR, warehouse_type="postgres", source="pg")


# -- before anything was sent


@pytest.mark.parametrize("address", PAGES)
def test_an_empty_page_says_what_it_is_for(maya: Client, address: str) -> None:
    response = maya.get(address)
    assert response.status_code == 200
    assert 'class="empty"' in response.content.decode()


def test_the_first_page_teaches_how_to_begin_and_whom_to_ask(maya: Client, cast: Cast) -> None:
    page = maya.get(HOME).content.decode()
    assert "Connect the profiler" in page and "/integrations/new/?kind=native" in page
    assert maya.get("/integrations/new/?kind=native").context["form"]["kind"].value() == "native"
    text = text_of(sign_in(cast.olu).get(HOME))
    assert "A manager connects the profiler" in text
    assert "Connect the profiler" not in text


# -- the dashboard


def test_a_rate_stands_with_its_interval_and_what_it_is_of(
    maya: Client, source: Integration
) -> None:
    busy(source)
    text = text_of(maya.get(HOME))
    assert "Snowflake 19.5 % (10.2–34.0), 8 of 41" in text
    assert "Postgres 0 of 3, too few to judge" in text
    assert "44 of 45 count; 1 were the customer's own fault and 0 canceled, both left out" in text
    assert "8 timed out; 1 left out" in text


def test_nothing_ran_is_no_good_news(maya: Client, source: Integration) -> None:
    measured.runs(source, 5, at=NOON - 9 * DAY)
    text = text_of(maya.get(HOME))
    assert "Runs that failed No runs that is no good news by itself" in text
    assert "Nothing ran in the last 24 hours" in text
    assert "Stale 9 d" in text
    assert "0 %" not in text.partition("Failure rate by warehouse type")[0]


def test_many_exclusions_are_said_aloud(maya: Client, source: Integration) -> None:
    measured.runs(source, 3, at=NOON - HOUR)
    theirs = [measured.run(NOON - HOUR, "failed", diagnostic_code=THEIRS) for _ in range(2)]
    measured.keep(source, theirs)
    assert "40.0 % of what was judged is left out" in text_of(maya.get(HOME))


def test_percentiles_say_how_many_runs_they_lack_and_what_was_cut_off(
    maya: Client, source: Integration
) -> None:
    busy(source)
    measured.runs(source, 2, at=NOON - HOUR, tables_attempted=300, source="huge")
    text = text_of(maya.get(HOME))
    assert "p50 1 m, p95 ≥ 10 m, n 44" in text
    assert "p95 from n 20" in text
    assert "8 cut off" in text


def test_an_objective_is_what_a_rate_is_held_against(maya: Client, source: Integration) -> None:
    busy(source)
    assert "Surely above" not in text_of(maya.get(HOME))
    Slo.objects.create(
        key="runs", name="Runs", sli="profile_runs", objective="0.95", created_at=NOON
    )
    assert "Surely above the 5.0 % that are allowed" in text_of(maya.get(HOME))


def test_releases_stand_in_the_drawing_and_are_named_below_it(
    maya: Client, source: Integration
) -> None:
    busy(source)
    Change.objects.create(kind="release", ref="1", summary="dft 0.10.0 published",
                          occurred_at=NOON - 5 * HOUR, recorded_at=NOON)  # fmt: skip
    Change.objects.create(kind="flag", ref="2", summary="A flag", occurred_at=NOON - HOUR,
                          recorded_at=NOON)  # fmt: skip
    response = maya.get(HOME)
    assert [mark.text for mark in response.context["over_time"].marks] == ["1"]
    assert "dft 0.10.0 published" in text_of(response)
    assert "A flag" not in text_of(response)


def test_one_warehouse_and_a_moment_ago_stand_in_the_address(
    maya: Client, source: Integration
) -> None:
    busy(source)
    page = maya.get(f"{HOME}?warehouse=postgres&until=2026-09-07T10:59:30%2B00:00&span=1h")
    assert page.context["board"].total.good == 2
    assert "Until" in text_of(page)
    assert maya.get(f"{HOME}?until=2099-01-01T00:00Z").context["span"].end == NOON
    for nonsense in ("until=yesterday", "span=forever", "size=tiny", "warehouse=nowhere"):
        assert maya.get(f"{HOME}?{nonsense}").status_code == 200


@pytest.mark.parametrize("span", ["1h", "24h", "7d", "28d", "90d"])
def test_a_page_costs_the_same_however_much_ran(
    maya: Client, source: Integration, span: str
) -> None:
    measured.runs(source, 1, at=NOON - HOUR)
    before = queries(maya, f"{HOME}?span={span}")
    busy(source)
    measured.reports(source, 3, at=NOON - HOUR)
    assert queries(maya, f"{HOME}?span={span}") == before


def test_a_table_is_a_file(maya: Client, source: Integration) -> None:
    measured.runs(source, 9, bad=1, at=NOON - HOUR, warehouse_type="=cmd()")
    tables = {}
    for table in ("warehouses", "packages", "reports", "steps", "durations"):
        response = maya.get(f"/telemetry/figures/{table}.csv?span=7d")
        assert response["Content-Disposition"] == f'attachment; filename="profiling-{table}-7d.csv"'
        tables[table] = list(csv.DictReader(StringIO(response.content.decode("utf-8-sig"))))
    [row] = tables["warehouses"]
    assert row["warehouse_type"] == "'=cmd()"
    assert (row["bad"], row["n"], row["rate_percent"]) == ("1", "10", "10.00")
    assert len(tables["steps"]) == 28
    assert tables["durations"][0]["p95_seconds"] == ""
    assert maya.get("/telemetry/figures/passwords.csv").status_code == 404


# -- runs


def test_runs_are_found_by_what_they_are(maya: Client, source: Integration) -> None:
    busy(source)
    page = maya.get("/telemetry/runs/?show=timed_out&warehouse=snowflake")
    assert len(page.context["page"].rows) == 8
    assert "≥ 10 m" in text_of(page)
    assert len(maya.get("/telemetry/runs/?show=excluded").context["page"].rows) == 1
    assert len(maya.get(f"/telemetry/runs/?code={CUT_OFF}").context["page"].rows) == 8
    without = maya.get("/telemetry/runs/?code=&warehouse=postgres").context
    assert len(without["page"].rows) == 3
    assert [chip["value"] for chip in without["chips"]] == ["Postgres", "not sent"]


def test_runs_go_on_where_a_page_ends(maya: Client, source: Integration) -> None:
    measured.runs(source, 45, at=NOON - HOUR)
    first = maya.get("/telemetry/runs/")
    second = maya.get(f"/telemetry/runs/{first.context['page'].next}")
    shown = [row.pk for row in (*first.context["page"].rows, *second.context["page"].rows)]
    assert len(set(shown)) == 45


def test_a_run_says_what_it_counts_as_and_why(maya: Client, source: Integration) -> None:
    measured.keep(
        source,
        [
            measured.run(NOON - HOUR, "failed", run_id="cut", diagnostic_code=CUT_OFF),
            measured.run(NOON - HOUR, "failed", run_id="theirs", diagnostic_code=THEIRS),
            measured.run(NOON - HOUR, "failed", run_id="odd", diagnostic_code="ERR-NEW"),
            measured.run(NOON - HOUR, "canceled", run_id="canceled"),
            measured.run(NOON - HOUR, run_id="good"),
        ],
    )
    said = {
        run.run_id: text_of(maya.get(f"/telemetry/runs/{run.pk}/"))
        for run in ProfileRun.objects.all()
    }
    assert "Bad: time ran out. Its duration is a lower bound." in said["cut"]
    assert "taken to mean that the fault is the customer's" in said["theirs"]
    assert "unknown counts as bad" in said["odd"]
    assert "not in the table of codes yet" in said["odd"]
    assert "Nothing: somebody canceled it." in said["canceled"]
    assert "Good: it succeeded" in said["good"]


def test_a_run_that_took_too_long_is_bad_and_says_so(maya: Client, source: Integration) -> None:
    measured.keep(source, [measured.run(NOON - HOUR, duration_ms=86_400_000)])
    run = ProfileRun.objects.get()
    if run.verdict != "bad":
        pytest.fail("small runs have an objective on a new site")
    assert "Bad: it succeeded, but took longer" in text_of(maya.get(f"/telemetry/runs/{run.pk}/"))
    assert "Too slow" in text_of(maya.get("/telemetry/runs/"))


def test_a_run_that_does_not_exist_is_not_found(maya: Client) -> None:
    assert maya.get("/telemetry/runs/1/").status_code == 404
    assert maya.get("/telemetry/sources/1/").status_code == 404


def test_reports_are_found_by_template(maya: Client, source: Integration) -> None:
    measured.reports(source, 2, bad=1, at=NOON - HOUR)
    measured.reports(source, 1, at=NOON - HOUR, template="quality")
    assert len(maya.get("/telemetry/reports/").context["page"].rows) == 4
    bad = maya.get("/telemetry/reports/?show=bad&template=model")
    assert len(bad.context["page"].rows) == 1


# -- sources


def test_sources_stand_the_worst_first_with_their_days(maya: Client, source: Integration) -> None:
    measured.runs(source, 1, at=NOON - HOUR, source="fresh")
    measured.runs(source, 1, at=NOON - 9 * DAY, source="old")
    page = maya.get("/telemetry/sources/")
    assert [row["fresh"].label for row in page.context["rows"]] == ["old", "fresh"]
    assert "old, 28 days: 1 with a success, 0 with failures only, 27 without a run" in (
        page.content.decode()
    )
    shown = maya.get("/telemetry/sources/?show=trouble").context["rows"]
    assert [row["fresh"].label for row in shown] == ["old"]
    before = queries(maya, "/telemetry/sources/")
    for number in range(4):
        measured.runs(source, 2, at=NOON - HOUR, source=f"more {number}")
    assert queries(maya, "/telemetry/sources/") == before


def test_a_rhythm_is_written_as_people_say_it(maya: Client, source: Integration) -> None:
    measured.runs(source, 1, at=NOON - 7 * HOUR)
    row = ProfiledSource.objects.get()
    address = f"/telemetry/sources/{row.pk}/"
    assert "Fresh 7 h" in text_of(maya.get(address))
    response = maya.post(address, {"cadence_seconds": "every 6 h", "paused": ""}, follow=True)
    assert "Late 7 h" in text_of(response)
    row.refresh_from_db()
    assert (row.cadence_seconds, row.paused_at) == (21_600, None)
    maya.post(address, {"cadence_seconds": "6 h", "paused": "on"})
    row.refresh_from_db()
    assert row.paused_at == NOON
    assert "Paused" in text_of(maya.get(address))


def test_what_is_no_rhythm_is_said_beside_its_field(maya: Client, source: Integration) -> None:
    measured.runs(source, 1, at=NOON - HOUR)
    row = ProfiledSource.objects.get()
    address = f"/telemetry/sources/{row.pk}/"
    response = maya.post(address, {"cadence_seconds": "often", "surface": "nowhere"})
    assert response.status_code == 400
    text = text_of(response)
    assert "“often” is no cadence" in text
    assert "There is no surface nowhere" in text


def test_who_does_not_edit_integrations_reads_the_rhythm(source: Integration, cast: Cast) -> None:
    measured.runs(source, 1, at=NOON - HOUR)
    row = ProfiledSource.objects.get()
    address = f"/telemetry/sources/{row.pk}/"
    ravi = sign_in(cast.ravi)
    page = ravi.get(address)
    assert page.status_code == 200
    assert 'name="cadence_seconds"' not in page.content.decode()
    assert ravi.post(address, {"cadence_seconds": "daily"}).status_code == 403
    row.refresh_from_db()
    assert row.cadence_seconds is None


# -- types


def test_accuracy_is_told_with_its_interval_and_corrections_apart(
    maya: Client, source: Integration
) -> None:
    measured.labels(source, 38, wrong=2, at=NOON - HOUR)
    measured.labels(source, 0, wrong=3, at=NOON - HOUR, truth_source="user_correction",
                    prefix="w.s.c.u")  # fmt: skip
    text = text_of(maya.get("/telemetry/accuracy/"))
    assert "95.0 % interval" in text
    assert "38 of 40" in text
    assert "Corrected by users 3" in text
    assert "Semantic types right 95.0 %" in text_of(maya.get(HOME))
    assert "No fixture in this time" in text_of(maya.get("/telemetry/accuracy/?of=fixture"))


def test_two_releases_are_held_against_each_other(maya: Client, source: Integration) -> None:
    for package, said in (("1.0", "email"), ("1.1", "string")):
        made = [
            measured.label(f"fixture.c{n}", said if n < 8 else "email", "email", NOON - DAY,
                           truth_source="fixture", package=package)
            for n in range(12)
        ]  # fmt: skip
        at = NOON - (2 if package == "1.0" else 1) * DAY
        services.store_labels(integration=source, labels=made, now=at)
    response = maya.get("/telemetry/accuracy/releases/?before=1.0&after=1.1")
    text = text_of(response)
    assert "1.1 is worse on the same fixtures" in text
    assert "0 fixed, 8 broken" in text
    assert "One of them was never audited" in text
    assert "1.0 is better" in text_of(
        maya.get("/telemetry/accuracy/releases/?before=1.1&after=1.0")
    )


def test_releases_that_read_no_fixture_together_are_not_compared(
    maya: Client, source: Integration
) -> None:
    for package in ("1.0", "1.1"):
        one = measured.label(
            f"fixture.{package}", "email", "email", NOON - DAY,
            truth_source="fixture", package=package,
        )  # fmt: skip
        services.store_labels(integration=source, labels=[one], now=NOON - DAY)
    text = text_of(maya.get("/telemetry/accuracy/releases/?before=1.0&after=1.1"))
    assert "No fixture was read by both releases, so nothing can be said" in text
    assert "by chance" not in text and "No fixture turned" not in text


def test_changed_types_lead_to_their_columns(maya: Client, source: Integration) -> None:
    columns = {f"warehouse.shop.users.c{n}": "email" for n in range(3)}
    measured.inventory(source, columns, at=NOON - DAY)
    changed = {**columns, "warehouse.shop.users.c1": "string", "warehouse.shop.users.c2": "phone"}
    measured.inventory(source, changed, at=NOON - HOUR)
    page = maya.get("/telemetry/types/?was=email&became=string")
    assert [row.column_ref for row in page.context["page"].rows] == ["warehouse.shop.users.c1"]
    assert [(pair.became, pair.n) for pair in page.context["pairs"]] == [
        ("phone", 1),
        ("string", 1),
    ]
    assert "2 changes; 3 columns known now" in text_of(page)
    assert "Columns of another type 2" in text_of(maya.get(HOME))


# -- readings


def test_what_is_over_its_limit_stands_first_and_ends_by_date(
    maya: Client, source: Integration
) -> None:
    measured.measurements(source, "a.fine", 1, 2, limit=5, at=NOON - HOUR)
    measured.measurements(source, "b.over", 1, 9, limit=5, unit="ms", at=NOON - HOUR)
    measured.measurements(source, "c.silent", 1, at=NOON - 3 * DAY)
    measured.certificate(source, "far.example", not_after=NOON + 90 * DAY)
    measured.certificate(source, "near.example", not_after=NOON + 2 * DAY)
    measured.certificate(source, "gone.example", not_after=NOON - HOUR)
    page = maya.get("/telemetry/measurements/")
    assert [row["row"].metric for row in page.context["series"]] == ["b.over", "a.fine", "c.silent"]
    ends = [(row["row"].subject, row["text"], row["tone"]) for row in page.context["ends"]]
    assert ends == [
        ("gone.example", "Over", "danger"), ("near.example", "Ends soon", "danger"),
        ("far.example", "Far", "plain"),
    ]  # fmt: skip
    assert "Silent" in text_of(page)


def test_counts_are_drawn_as_what_was_not_good(maya: Client, source: Integration) -> None:
    measured.counts(source, "smoke.checks", (95, 100), at=NOON - HOUR, part="cloud")
    measured.counts(source, "quiet", (1, 1), at=NOON - 3 * DAY)
    text = text_of(maya.get("/telemetry/counts/"))
    assert "smoke.checks cloud 5.0 % (2.2–11.2), 5 of 100" in text
    assert "Nothing in this time from quiet: that is no data, not a good share" in text


# -- who sees it


@pytest.mark.parametrize("address", PAGES)
def test_everybody_with_a_role_reads_it(source: Integration, cast: Cast, address: str) -> None:
    busy(source)
    assert sign_in(cast.olu).get(address).status_code == 200
    assert Client().get(address).status_code == 302


def test_a_person_without_a_role_reads_nothing(maya: Client) -> None:
    nobody = build.person("Una Unknown", "viewer")
    nobody.roles = []
    nobody.save()
    assert sign_in(nobody).get(HOME).status_code == 403
