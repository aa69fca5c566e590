"""The pass over all rules: what is due looks, what fires is raised once, what ends is resolved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from apps.alerts import services
from apps.alerts.models import Alert, AlertRule, Firing
from apps.alerts.services import evaluation
from apps.core import audit
from apps.intake.models import Delivery
from apps.notifications.models import Message
from apps.paging.models import Page
from apps.telemetry.selectors import series
from tests import builders as build
from tests.alerts.rulekit import DAY, HOUR, MINUTE, NOON, groups, look, rule
from tests.builders import telemetry as told
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


def test_a_rate_fires_once_pages_once_and_resolves_after_it_has_kept_firing(cast: Cast) -> None:
    surface = build.surface("inspect.profiler.snowflake", primary=cast.ravi, now=NOON)
    source = told.profiler()
    rated = rule("rate", cast.maya, group_by="facet", surface=surface)
    told.runs(source, 10, bad=10, at=NOON - MINUTE)
    told.runs(source, 20, at=NOON - MINUTE, warehouse_type="bigquery")

    (alert,) = look(NOON)
    assert alert.dedup_key == "rule:rate-rule:snowflake"
    assert alert.summary.startswith("Rate (snowflake): 10 of 20 runs failed in 1 h")
    assert (alert.severity, alert.surface) == ("error", surface)
    assert alert.details["runbook"] == "rb-snowflake-timeouts"
    assert next(link["text"] for link in alert.links) == "Runbook rb-snowflake-timeouts"
    assert alert.links[-1]["href"].endswith(
        "/telemetry/runs/?show=bad&span=1h&warehouse=snowflake&until=2026-09-07T12:00:00Z"
    )
    assert Page.objects.get().status == "open"

    look(NOON + MINUTE)
    assert Alert.objects.get().count == 1
    assert {name: group.state for name, group in groups(rated).items()} == {
        "snowflake": "firing",
        "bigquery": "ok",
    }

    told.runs(source, 100, at=NOON + 2 * MINUTE, every=timedelta(seconds=1))
    assert look(NOON + 3 * MINUTE)  # it keeps firing
    assert look(NOON + 10 * MINUTE)
    assert not look(NOON + 16 * MINUTE)
    firing = Firing.objects.get()
    assert (firing.fired_at, firing.resolved_at) == (NOON, NOON + 16 * MINUTE)
    assert Page.objects.get().status == "resolved"


def test_a_rule_looks_when_it_is_due_and_the_same_minute_does_not_look_twice(cast: Cast) -> None:
    every_five = rule("rate", cast.maya, every_seconds=300)
    assert services.evaluate_due(now=NOON) == 1
    assert services.evaluate_due(now=NOON + timedelta(seconds=20)) == 0
    assert services.evaluate_due(now=NOON + 4 * MINUTE) == 0
    assert services.evaluate_due(now=NOON + 5 * MINUTE - timedelta(seconds=2)) == 1
    every_five.refresh_from_db()
    assert every_five.next_at == NOON + 10 * MINUTE


def test_only_rules_that_are_on_look(cast: Cast) -> None:
    rule("rate", cast.maya, on=False)
    assert services.evaluate_due(now=NOON) == 0


def test_after_being_away_one_look_gives_the_right_state(cast: Cast) -> None:
    source = told.profiler()
    rule("rate", cast.maya, for_seconds=300)
    told.runs(source, bad=20, at=NOON - MINUTE)
    assert not look(NOON)  # pending
    assert look(NOON + 30 * MINUTE)
    told.runs(source, 200, at=NOON + 9 * HOUR, every=timedelta(seconds=5))
    assert not look(NOON + 9 * HOUR + MINUTE)


def test_no_data_neither_fires_nor_proves_that_it_is_well(cast: Cast) -> None:
    source = told.profiler()
    rated = rule("rate", cast.maya)
    look(NOON)
    assert groups(rated)[""].look == "no_data"
    told.runs(source, bad=20, at=NOON - MINUTE)
    assert look(NOON + MINUTE)
    for hours in (2, 8, 20):
        assert look(NOON + hours * HOUR), f"after {hours} hours without a run"
    assert groups(rated)[""].look == "no_data"
    assert not look(NOON + 26 * HOUR)
    note = Alert.objects.get().notes.get(what="resolved")
    assert "without a proof" in note.text


def test_a_group_that_vanished_is_held_and_forgotten_after_a_week(cast: Cast) -> None:
    source = told.profiler()
    rated = rule("rate", cast.maya, group_by="facet")
    told.runs(source, 20, at=NOON - MINUTE)
    look(NOON)
    look(NOON + 3 * HOUR)
    assert groups(rated)["snowflake"].look == "no_data"
    look(NOON + 8 * DAY)
    assert not groups(rated)


def test_an_alert_that_somebody_resolved_comes_again_while_its_rule_fires(cast: Cast) -> None:
    source = told.profiler()
    rule("rate", cast.maya, window=86_400)
    told.runs(source, bad=20, at=NOON - MINUTE)
    (alert,) = look(NOON)
    services.resolve(alert=alert, actor=audit.person(cast.ravi), now=NOON + MINUTE)
    assert not look(NOON + 2 * MINUTE)
    (again,) = look(NOON + 16 * MINUTE)
    assert again.pk != alert.pk
    assert look(NOON + 32 * MINUTE) == [again]
    assert Firing.objects.count() == 1


def test_a_rule_that_cannot_look_says_so_once_and_stops_no_other(cast: Cast) -> None:
    source = told.profiler()
    told.runs(source, bad=20, at=NOON - MINUTE)
    broken = rule("rate", cast.maya, key="a-broken")
    AlertRule.objects.filter(pk=broken.pk).update(params={"window": "soon"})
    rule("rate", cast.maya, key="b-whole")
    build.method(cast.maya)
    assert [alert.dedup_key for alert in look(NOON)] == ["rule:b-whole"]
    look(NOON + MINUTE)
    broken.refresh_from_db()
    assert "Give a number" in broken.error
    assert Message.objects.filter(what="rule_broken").count() == 1
    AlertRule.objects.filter(pk=broken.pk).update(params={})
    assert len(look(NOON + 2 * MINUTE)) == 2
    broken.refresh_from_db()
    assert broken.error == ""


def test_what_the_database_takes_too_long_for_is_asked_once_and_said_of_each_rule(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def slow(**_: Any) -> Any:
        asked.append(1)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)")

    monkeypatch.setattr(series, "labels", slow)
    told.runs(told.profiler(), bad=20, at=NOON - MINUTE)
    for key in ("a-slow", "b-slow"):
        rule("accuracy", cast.maya, key=key)
    rule("rate", cast.maya, key="c-whole")
    assert [alert.dedup_key for alert in look(NOON)] == ["rule:c-whole"]
    assert asked == [1]
    assert set(AlertRule.objects.order_by("key").values_list("key", "error")) == {
        ("a-slow", "The database took too long to answer what it asks."),
        ("b-slow", "The database took too long to answer what it asks."),
        ("c-whole", ""),
    }


def test_what_is_raised_stands_while_its_rule_cannot_look(cast: Cast) -> None:
    source = told.profiler()
    told.runs(source, bad=20, at=NOON - MINUTE)
    rated = rule("rate", cast.maya)
    look(NOON)
    AlertRule.objects.filter(pk=rated.pk).update(params={"window": "soon"})
    assert look(NOON + 3 * HOUR)


def test_an_end_that_comes_nearer_raises_its_alert(cast: Cast) -> None:
    source = told.profiler()
    rule("expiry", cast.maya, every_seconds=3600)
    told.certificate(source, "app.example.com", not_after=NOON + 20 * DAY, at=NOON)
    (alert,) = look(NOON)
    assert (alert.severity, alert.group and alert.group.page) == ("info", None)
    look(NOON + 7 * DAY)
    alert.refresh_from_db()
    assert alert.severity == "warning"
    (alert,) = look(NOON + 18 * DAY)
    assert (alert.severity, alert.group.page.urgency) == ("critical", "high")
    told.certificate(source, "app.example.com", not_after=NOON + 99 * DAY, at=NOON + 19 * DAY)
    assert not look(NOON + 19 * DAY)


def test_all_groups_of_a_rule_page_once(cast: Cast) -> None:
    source = told.profiler()
    rule("rate", cast.maya, group_by="facet")
    for warehouse in ("snowflake", "bigquery", "postgres"):
        told.runs(source, bad=20, at=NOON - MINUTE, warehouse_type=warehouse)
    assert len(look(NOON)) == 3
    assert Page.objects.count() == 1


def test_each_surface_by_itself_hears_of_its_own_and_the_rules_surface_of_the_rest(
    cast: Cast,
) -> None:
    home = build.surface("inspect.profiler", now=NOON)
    of = build.surface("inspect.profiler.snowflake", parent=home, now=NOON)
    rule("rate", cast.maya, group_by="surface", surface=home)
    told.runs(told.profiler(surface=of), bad=20, at=NOON - MINUTE)
    told.runs(told.profiler(), bad=20, at=NOON - MINUTE)
    found = {alert.dedup_key: alert.surface for alert in look(NOON)}
    assert found == {
        "rule:rate-rule:inspect.profiler.snowflake": of,
        "rule:rate-rule:no surface": home,
    }


# -- budgets and their tiers


def slo(**fields: Any) -> Any:
    from apps.telemetry.models import Slo

    values = {"key": "snowflake", "name": "Snowflake runs", "sli": "profile_runs"}
    values |= {"objective": "0.99", "created_at": NOON}
    return Slo.objects.create(**{**values, **fields})


WINDOWS = {
    1: [{"long": 3600, "short": 900, "burn": 14.4}],
    2: [{"long": 86_400, "short": 7200, "burn": 3, "severity": "ticket"}],
}


def test_of_one_objective_only_the_graver_tier_is_heard(cast: Cast) -> None:
    source, promise = told.profiler(), slo()
    for tier in (2, 1):  # the order of their making does not matter
        rule("burn_rate", cast.maya, key=f"burn-{tier}", slo=promise, tier=tier,
             windows=WINDOWS[tier])  # fmt: skip
    told.runs(source, bad=40, at=NOON - MINUTE)
    (alert,) = look(NOON)
    assert (alert.dedup_key, alert.severity) == ("rule:burn-1", "critical")
    quiet = AlertRule.objects.get(key="burn-2")
    assert groups(quiet)[""].is_inhibited
    assert Firing.objects.get(rule=quiet).was_inhibited


def test_a_lower_tier_speaks_when_the_graver_one_has_ended(cast: Cast) -> None:
    source, promise = told.profiler(), slo()
    for tier in (1, 2):
        rule("burn_rate", cast.maya, key=f"burn-{tier}", slo=promise, tier=tier,
             windows=WINDOWS[tier], keep_firing_seconds=0)  # fmt: skip
    told.runs(source, 60, bad=60, at=NOON - MINUTE, every=timedelta(seconds=10))
    assert [alert.dedup_key for alert in look(NOON)] == ["rule:burn-1"]
    assert Firing.objects.get(rule__key="burn-2").was_inhibited
    # An hour later a few fail still: too few for the hour, and the day has not forgotten.
    told.runs(source, 95, bad=5, at=NOON + 2 * HOUR - MINUTE, every=timedelta(seconds=10))
    assert [alert.dedup_key for alert in look(NOON + 2 * HOUR)] == ["rule:burn-2"]
    assert not groups(AlertRule.objects.get(key="burn-2"))[""].is_inhibited
    assert not Firing.objects.get(rule__key="burn-2").was_inhibited, "people heard of it"


def test_an_objective_of_a_surface_counts_what_ran_below_it(cast: Cast) -> None:
    above = build.surface("inspect.profiler", now=NOON)
    below = build.surface("inspect.profiler.snowflake", parent=above, now=NOON)
    rule("burn_rate", cast.maya, slo=slo(surface=above))
    told.runs(
        told.profiler(surface=below), 0, bad=600, at=NOON - MINUTE, every=timedelta(seconds=2)
    )
    told.runs(told.profiler(), 900, at=NOON - MINUTE, every=timedelta(seconds=2))
    (alert,) = look(NOON)
    assert "600 of 600" in alert.summary


@pytest.mark.parametrize("sli", ["counts", "accuracy", "report_runs"])
def test_every_kind_of_objective_that_burns_is_looked_at_and_replayed(cast: Cast, sli: str) -> None:
    source = told.profiler()
    told.counts(source, "webhooks", *[(10, 20)] * 30, at=NOON - MINUTE)
    told.labels(source, 60, wrong=40, at=NOON - MINUTE)
    told.reports(source, 20, bad=20, at=NOON - MINUTE, every=timedelta(seconds=10))
    promise = slo(sli=sli, count_key="webhooks" if sli == "counts" else "")
    made = rule("burn_rate", cast.maya, slo=promise)
    (alert,) = look(NOON)
    assert alert.severity == "critical"
    done = services.replay(draft=services.draft_of(made), since=NOON - HOUR, until=NOON)
    assert [one.severity for one in done.firings] == ["critical"]


# -- people


def test_switching_off_ends_what_it_raised_and_says_why(cast: Cast) -> None:
    source = told.profiler()
    rated = rule("rate", cast.maya)
    told.runs(source, bad=20, at=NOON - MINUTE)
    look(NOON)
    services.switch_off(
        rule=rated, reason="Replaced.", actor=audit.person(cast.maya), now=NOON + MINUTE
    )
    assert not look(NOON + 2 * MINUTE)
    assert "Maya Lind switched the rule off: Replaced." in str(
        Alert.objects.get().notes.get(what="resolved")
    )
    assert Firing.objects.get().resolved_at == NOON + MINUTE


def test_groups_that_a_changed_rule_does_not_look_at_end_with_its_next_look(cast: Cast) -> None:
    source = told.profiler()
    rated = rule("rate", cast.maya, group_by="facet")
    told.runs(source, bad=20, at=NOON - MINUTE)
    look(NOON)
    services.change_rule(
        rule=rated, fields={"params": {"facet": "bigquery", "group_by": "facet"}},
        actor=audit.SYSTEM, now=NOON + MINUTE,
    )  # fmt: skip
    assert not look(NOON + 2 * MINUTE)


def test_trying_a_draft_writes_nothing(cast: Cast) -> None:
    told.runs(told.profiler(), bad=20, at=NOON - MINUTE)
    draft = rule("rate", cast.maya, on=False)
    (seen,) = services.look_now(rule=draft, now=NOON)
    assert seen.look == "firing"
    assert not groups(draft)
    assert not Delivery.objects.filter(integration__kind="internal").exists()


@pytest.mark.parametrize(
    ("every", "at", "expected"),
    [
        (60, NOON, NOON + MINUTE),
        (60, NOON + timedelta(seconds=56), NOON + 2 * MINUTE),
        (300, NOON + 7 * MINUTE, NOON + 10 * MINUTE),
        (86_400, NOON, NOON + 12 * HOUR),
    ],
)
def test_looks_fall_on_a_grid_of_the_clock(every: int, at: datetime, expected: datetime) -> None:
    assert evaluation.next_look(every, at) == expected


def test_what_many_rules_ask_alike_is_asked_once(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    told.runs(told.profiler(), bad=20, at=NOON - MINUTE)
    for number in range(20):
        rule("rate", cast.maya, key=f"rate-{number}", threshold=0.9, min_n=10 + number)
    with django_assert_max_num_queries(140):
        assert services.evaluate_due(now=NOON) == 20
