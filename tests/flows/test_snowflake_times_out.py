"""Scenario S1, driven minute by minute: after a release a third of the runs on Snowflake hits the
customers' statement limit, while BigQuery and Postgres are fine.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.alerts import services as alerts
from apps.alerts.models import Alert, Firing, RuleGroup
from apps.notifications.models import Message
from apps.paging.models import Page
from apps.telemetry.models import ProfileRun
from tests.conftest import Cast
from tests.flows.driven import DAY, HOUR, MINUTE, MONDAY, Driven, run, telemetry_listens

pytestmark = pytest.mark.django_db
HIT = {"result": "error", "diagnostic_code": "ERR-QUERY-DURATION-EXCEEDED"}
THEIRS = {"result": "error", "diagnostic_code": "ERR-WAREHOUSE-AUTH"}


def spread(count: int, bad: int, warehouse: str, begin: datetime) -> list[dict[str, Any]]:
    """So many runs over an hour, the bad ones evenly among them."""
    gap = HOUR / count
    rows = []
    for number in range(count):
        hit = (number + 1) * bad // count > number * bad // count
        rows.append(
            run(
                f"{warehouse}-{begin:%H}-{number}", begin + number * gap, warehouse_type=warehouse,
                source=f"{warehouse}-{number % 9}", **(HIT if hit else {}),
                package="2.14.0", tables={"attempted": 17, "failed": 17 if hit else 0},
            )
        )  # fmt: skip
    return rows


def first_hour() -> list[dict[str, Any]]:
    """38 of 112 on Snowflake, 8 of the first 21; 2 of 140 on BigQuery, 0 of 61 on Postgres."""
    snowflake = spread(112, 0, "snowflake", MONDAY)
    early = [n for n in range(21) if (n + 1) * 8 // 21 > n * 8 // 21]
    late = [21 + n for n in range(91) if (n + 1) * 30 // 91 > n * 30 // 91]
    for number in early + late:
        snowflake[number].update(HIT)
    others = spread(140, 2, "bigquery", MONDAY) + spread(61, 0, "postgres", MONDAY)
    excluded = [
        run(f"auth-{n}", MONDAY + n * MINUTE, warehouse_type="snowflake", source="snowflake-0",
            **THEIRS)
        for n in (7, 31)
    ]  # fmt: skip
    return sorted([*snowflake, *others, *excluded], key=lambda row: str(row["finished_at"]))


def between(rows: list[dict[str, Any]], since: datetime, until: datetime) -> list[dict[str, Any]]:
    return [row for row in rows if since <= datetime.fromisoformat(row["finished_at"]) < until]


@pytest.fixture
def day(cast: Cast) -> Any:
    with telemetry_listens():
        yield Driven(cast, MONDAY - DAY)


def test_it_pages_within_two_looks_of_the_twentieth_run(day: Driven) -> None:
    day.rule("rate", "snowflake-failures", group_by="facet", min_n=20)
    rows = first_hour()
    twentieth = sorted(
        row["finished_at"]
        for row in rows
        if row["warehouse_type"] == "snowflake" and not row["run_id"].startswith("auth")
    )[19]
    paged_at = None
    before = MONDAY
    for minute in (*range(1, 16), 30, 45, 60):
        now = MONDAY + minute * MINUTE
        day.post("profile_runs", between(rows, before, now), at=now)
        before = now
        if day.look(now) and paged_at is None:
            paged_at = now
    assert paged_at is not None
    assert paged_at - datetime.fromisoformat(twentieth) <= 2 * MINUTE
    assert paged_at == MONDAY + 11 * MINUTE  # as the scenario has it: 8 of 21

    (alert,) = Alert.objects.all()
    assert alert.dedup_key == "rule:snowflake-failures:snowflake"
    assert alert.surface == day.surface
    assert alert.details["runbook"] == "rb-profiler"
    assert "8 of 21 runs failed" in alert.summary
    page = Page.objects.get()
    assert (page.urgency, page.opened_at) == ("high", paged_at)
    assert Message.objects.filter(person=day.cast.ravi).exists()

    groups = {one.group: one for one in RuleGroup.objects.all()}
    assert {name: one.state for name, one in groups.items()} == {
        "snowflake": "firing", "bigquery": "ok", "postgres": "ok",
    }  # fmt: skip
    # The customer's own faults stand beside and are not counted; a time-out never is one.
    assert groups["snowflake"].n == 112
    assert ProfileRun.objects.filter(verdict="excluded").count() == 2
    cut_off = ProfileRun.objects.filter(outcome="timed_out", verdict="bad")
    assert cut_off.filter(warehouse_type="snowflake").count() == 38


def test_it_resolves_when_runs_end_in_time_again_and_stays_one_page(day: Driven) -> None:
    day.rule("rate", "snowflake-failures", group_by="facet", min_n=20)
    day.post("profile_runs", first_hour(), at=MONDAY + HOUR)
    (alert,) = day.look(MONDAY + HOUR)
    off = MONDAY + HOUR + 44 * MINUTE  # the flag is off: 1 of 64 fails afterwards
    rows, before = spread(64, 1, "snowflake", off), off
    while before < off + HOUR:
        now = before + 5 * MINUTE
        day.post("profile_runs", between(rows, before, now), at=now)
        day.look(now)
        before = now
    alert.refresh_from_db()
    assert alert.status == "resolved"
    assert Page.objects.get().status == "resolved"
    firing, group = Firing.objects.get(), RuleGroup.objects.get(group="snowflake")
    assert firing.resolved_at is not None and firing.resolved_at <= off + 30 * MINUTE
    assert (group.state, group.look) == ("ok", "ok")


def test_a_replay_would_have_been_eleven_minutes_ahead_of_the_customer(day: Driven) -> None:
    """Bramble wrote at T+22."""
    draft = alerts.Draft(kind="rate", params={"group_by": "facet", "min_n": 20})
    day.post("profile_runs", first_hour(), at=MONDAY + HOUR)
    done = alerts.replay(draft=draft, since=MONDAY - HOUR, until=MONDAY + HOUR)
    (ticket,) = done.ahead_of([MONDAY + 22 * MINUTE])
    assert (ticket.minutes, done.pages) == (11, 1)
    assert timedelta(minutes=done.minutes) > 40 * MINUTE
