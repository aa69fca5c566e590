"""Reading telemetry: cursor lists, documented filters, a team's key sees its team's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.telemetry.models import ProfiledSource
from tests import builders as build
from tests.builders import telemetry as measured
from tests.builders.telemetry import NOON
from tests.calls import nobody, tool

pytestmark = pytest.mark.django_db
LISTS = ["profile-runs", "report-runs", "sources", "type-changes"]
HOUR = timedelta(hours=1)


def reader(**more):
    return tool("events:read", **more)


def test_runs_come_latest_first_in_pages_that_repeat_nothing():
    profiler = measured.profiler()
    measured.runs(profiler, 5, bad=2)
    measured.keep(profiler, [measured.run(outcome="running", run_id="goes on")])
    caller, seen, address = reader(), [], "telemetry/profile-runs?limit=3"
    while address:
        page = caller.get(address)
        assert page.status == 200, page.body
        seen += [row["finished_at"] for row in page["results"]]
        address = (page["next"] or "").partition("/api/v1/")[2]
    assert len(seen) == 7
    assert seen == sorted(seen, reverse=True)


def test_a_run_says_what_it_counts_as_and_why():
    measured.codes()
    surface = build.surface("inspect.profiler")
    profiler = measured.profiler(surface=surface)
    measured.runs(profiler, 0, bad=1, diagnostic_code="ERR-WAREHOUSE-AUTH", org="acme")
    (row,) = reader().get("telemetry/profile-runs")["results"]
    assert (row["outcome"], row["verdict"], row["blame"]) == ("failed", "excluded", "customer")
    assert (row["surface"], row["size"], row["duration_ms"]) == (
        "inspect.profiler",
        "small",
        60_000,
    )
    assert row["source"] == {
        "id": str(ProfiledSource.objects.get().pk),
        "org": "acme",
        "project": "",
        "name": "warehouse",
    }
    assert row["finished_at"] == "2026-09-07T12:00:00Z"


def test_runs_are_filtered():
    profiler = measured.profiler()
    measured.runs(profiler, 3, source="a", warehouse_type="snowflake")
    measured.runs(profiler, 0, bad=2, source="b", warehouse_type="bigquery", at=NOON - 2 * HOUR)
    pk = str(ProfiledSource.objects.get(name="b").pk)
    caller = reader()
    for query, number in (
        ({"source": pk}, 2),
        ({"warehouse_type": "snowflake"}, 3),
        ({"outcome": "failed"}, 2),
        ({"verdict": "good"}, 3),
        ({"since": "2026-09-07T11:00:00Z"}, 3),
        ({"until": "2026-09-07T11:00:00Z"}, 2),
        ({"surface": "none.such"}, 0),
    ):
        assert len(caller.get("telemetry/profile-runs", query)["results"]) == number, query
    for query in ({"source": "x"}, {"verdict": "open"}, {"since": "today"}, {"color": "red"}):
        assert caller.get("telemetry/profile-runs", query).status == 400, query


def test_reports_are_listed_by_template():
    profiler = measured.profiler()
    measured.reports(profiler, 2, template="model")
    measured.reports(profiler, 0, bad=1, template="date")
    found = reader().get("telemetry/report-runs", {"template": "date"})["results"]
    assert [(row["template"], row["verdict"]) for row in found] == [("date", "bad")]


def test_a_source_says_how_fresh_it_is():
    connection = build.connection(cadence_seconds=3600)
    measured.runs(measured.profiler(), 1, connection=connection.key)
    (row,) = reader().get("telemetry/sources")["results"]
    assert (row["connection"], row["cadence_seconds"]) == (connection.key, 3600)
    assert (row["freshness"], row["last_outcome"], row["paused"]) == ("stale", "succeeded", False)
    assert reader(name="b").get("telemetry/sources", {"paused": "true"})["results"] == []
    ProfiledSource.objects.update(archived_at=NOON)
    assert reader(name="c").get("telemetry/sources")["results"] == []


def test_type_changes_are_listed_with_their_releases():
    profiler = measured.profiler()
    measured.inventory(profiler, {"a.b.c.d": "email", "a.b.c.e": "phone"})
    measured.inventory(profiler, {"a.b.c.d": "string"}, at=NOON + HOUR, package="0.10.0")
    found = reader().get("telemetry/type-changes", {"was": "email"})["results"]
    assert [(row["column_ref"], row["became"], row["package"]) for row in found] == [
        ("a.b.c.d", "string", "0.10.0")
    ]


@pytest.mark.parametrize("name", LISTS)
def test_a_team_s_key_sees_its_team_s_rows_and_those_of_nobody(name: str):
    team, other = build.team(), build.team("other")
    for number, owner in enumerate((team, other)):
        surface = build.surface(f"s{number}", team=owner)
        profiler = measured.profiler(surface=surface)
        measured.runs(profiler, 1)
        measured.reports(profiler, 1)
        column = "warehouse.b.c.d"
        measured.inventory(profiler, {column: "email"})
        measured.inventory(profiler, {column: "string"}, at=NOON + HOUR)
    assert len(reader(team=team, name="ours").get(f"telemetry/{name}")["results"]) == 1
    assert len(reader(name="all").get(f"telemetry/{name}")["results"]) == 2


@pytest.mark.parametrize("name", LISTS)
def test_who_may_not_read_is_told(name: str):
    assert nobody().get(f"telemetry/{name}").status == 401
    assert tool("telemetry:write").get(f"telemetry/{name}").status == 403
    assert reader(name="r").get(f"telemetry/{name}", {"cursor": "%%%"}).status == 400


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_for_one_row_and_for_many(name: str, django_assert_max_num_queries):
    profiler = measured.profiler(surface=build.surface("inspect.profiler"))
    for number in range(5):
        measured.runs(profiler, 2, source=f"s{number}")
        measured.reports(profiler, 2)
        measured.inventory(profiler, {f"s{number}.b.c.d": "email"})
        measured.inventory(profiler, {f"s{number}.b.c.d": "string"}, at=NOON + HOUR)
    caller = reader()
    with django_assert_max_num_queries(6):
        assert len(caller.get(f"telemetry/{name}")["results"]) >= 5
