"""Scenario S6, driven over nine days: the nightly workflow lost its schedule in 43 repositories.
Nothing fails, nothing runs, and every rate is perfect.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from apps.alerts.models import Firing, RuleGroup
from apps.core import audit
from apps.customers.models import Connection
from apps.paging.models import Page
from apps.telemetry import services as telemetry
from apps.telemetry.models import ProfiledSource
from tests import builders as build
from tests.conftest import Cast
from tests.flows.driven import DAY, HOUR, MINUTE, MONDAY, Driven, run, telemetry_listens

pytestmark = pytest.mark.django_db
SCHEDULED, LOOSE = 43, 4
LAST = MONDAY - HOUR  # the last night that ran


def night(at: datetime) -> list[dict[str, Any]]:
    """Every repository profiles its source, and all goes well."""
    return [
        run(f"{at:%d}-{number}", at, org="kite", project=f"repo-{number}", source="warehouse",
            warehouse_type="snowflake", trigger="ci")
        for number in range(SCHEDULED + LOOSE)
    ]  # fmt: skip


@pytest.fixture
def days(cast: Cast) -> Any:
    with telemetry_listens():
        made = Driven(cast, LAST - 3 * DAY)
        for back in (2, 1, 0):
            made.post("profile_runs", night(LAST - back * DAY), at=LAST - back * DAY)
        for source in ProfiledSource.objects.order_by("pk"):
            number = int(source.project.removeprefix("repo-"))
            if number < SCHEDULED:
                telemetry.change_source(
                    source=source, cadence_seconds=86_400, max_age_seconds=None, paused=False,
                    connection=None, surface=made.surface, actor=audit.SYSTEM, now=LAST,
                )  # fmt: skip
        yield made


def test_no_rate_ever_notices(days: Driven) -> None:
    rated = days.rule("rate", group_by="facet", window=86_400)
    for day in range(9):
        assert days.look(LAST + day * DAY + HOUR) == []
    looks = {one.look for one in RuleGroup.objects.filter(rule=rated)}
    assert looks == {"no_data"}  # which is not OK


def test_a_known_schedule_alerts_at_the_first_look_after_one_and_a_half_cadences(
    days: Driven,
) -> None:
    days.rule("absence")
    assert days.look(LAST + 24 * HOUR + MINUTE) == []
    assert {one.look for one in RuleGroup.objects.all()} == {"warning"}
    assert days.look(LAST + 36 * HOUR) == []
    found = days.look(LAST + 36 * HOUR + MINUTE)
    assert len(found) == SCHEDULED
    assert "last success 36 h 1 min ago; it is to run every 24 h" in found[0].summary
    page = Page.objects.get()  # one for all of them
    assert page.urgency == "high"

    assert len(days.look(LAST + 9 * DAY + 3 * HOUR)) == SCHEDULED
    assert Firing.objects.count() == SCHEDULED
    assert Page.objects.count() == 1

    back = LAST + 9 * DAY + 4 * HOUR  # recomputed and caught up
    days.post("profile_runs", night(back), at=back)
    assert days.look(back + 30 * MINUTE) == []
    assert not Firing.objects.filter(resolved_at=None).exists()


def test_a_look_that_comes_days_late_sees_it_at_once(days: Driven) -> None:
    days.rule("absence", group_by="")
    (alert,) = days.look(LAST + 9 * DAY)
    assert alert.summary.startswith("absence: 43 of 43 sources late: kite / repo-")


def test_where_no_schedule_is_known_age_alerts(days: Driven) -> None:
    days.rule("stale")
    assert days.look(LAST + 24 * HOUR) == []
    found = days.look(LAST + 24 * HOUR + MINUTE)
    assert len(found) == LOOSE  # the others have a rhythm, and their own rule
    assert {one.summary.partition(" / ")[2].partition(" ")[0] for one in found} == {
        f"repo-{number}" for number in range(SCHEDULED, SCHEDULED + LOOSE)
    }


def test_what_is_paused_stays_quiet_and_what_never_ran_counts_from_when_it_was_known(
    days: Driven,
) -> None:
    days.rule("absence")
    ProfiledSource.objects.exclude(project="repo-0").update(paused_at=LAST)
    silent = build.connection("Fjord Postgres", cadence_seconds=86_400, now=LAST)
    found = days.look(LAST + 37 * HOUR)
    assert [one.dedup_key.partition(":")[2] for one in found] == [
        f"absence:connection {silent.key}",
        f"absence:kite / repo-0 / warehouse#{ProfiledSource.objects.get(project='repo-0').pk}",
    ]
    assert "never succeeded" in found[0].summary
    Connection.objects.update(paused_at=LAST + 37 * HOUR)
    assert len(days.look(LAST + 38 * HOUR)) == 1
