"""Objectives are set and changed; their budgets count what they speak of, and freeze releases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.core import audit
from apps.core.errors import Conflict, Invalid
from apps.intake.models import Integration
from apps.telemetry.models import ProfiledSource, Slo
from apps.telemetry.selectors import budgets
from apps.telemetry.services import slos
from tests import builders as build
from tests.builders import telemetry as given
from tests.builders.telemetry import NOON

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def slo(key: str = "profiles", **more: Any) -> Slo:
    values: dict[str, Any] = {
        "name": "Profile runs succeed", "sli": "profile_runs", "objective": Decimal("0.99"), **more,
    }  # fmt: skip
    return slos.create_slo(key=key, actor=audit.SYSTEM, now=NOON, **values)


def refused(**more: Any) -> dict[str, list[str]]:
    with pytest.raises(Invalid) as error:
        slo(**more)
    return error.value.fields


@pytest.fixture
def profiler() -> Integration:
    given.codes()
    return given.profiler()


# -- setting one


@pytest.mark.parametrize(
    ("more", "field", "said"),
    [
        ({"objective": "1"}, "objective", "between 0 and 1"),
        ({"objective": 0}, "objective", "between 0 and 1"),
        ({"objective": "a lot"}, "objective", "between 0 and 1"),
        ({"objective": "NaN"}, "objective", "between 0 and 1"),
        ({"objective": "0.9999999"}, "objective", "six digits"),
        ({"window_days": 0}, "window_days", "1 to 365"),
        ({"window_days": 366}, "window_days", "1 to 365"),
        ({"window_days": True}, "window_days", "1 to 365"),
        ({"sli": "freshness", "window_days": 91}, "window_days", "1 to 90"),
        ({"sli": "hope"}, "sli", "Choose one of"),
        ({"sli": "counts"}, "count_key", "which counts"),
        ({"policy": "shout"}, "policy", "Choose one of"),
        ({"name": "  "}, "name", "what is promised"),
        ({"name": "x" * 121}, "name", "At most 120"),
        ({"facet": "a\x00b"}, "facet", "NUL"),
        ({"key": "No Key"}, "key", "lower-case"),
        ({"key": "x" * 61}, "key", "lower-case"),
    ],
)
def test_what_is_no_objective_is_refused_by_field(
    more: dict[str, Any], field: str, said: str
) -> None:
    fields = refused(**more)
    assert set(fields) == {field}
    assert said in fields[field][0]


def test_a_key_is_given_once_and_all_that_is_wrong_is_said_at_once() -> None:
    slo()
    assert refused(key=" Profiles ")["key"] == ["This key is taken."]
    assert refused(key="new")["key"] == ["This key is taken."]
    assert set(refused(key="!", name="", objective=2)) == {"key", "name", "objective"}


def test_who_left_owns_no_new_objective_but_may_stay_on_an_old_one() -> None:
    ravi = build.person("Ravi")
    row = slo(owner=ravi)
    ravi.is_active = False
    ravi.save()
    assert "no longer active" in refused(key="other", owner=ravi)["owner"][0]
    assert slos.change_slo(slo=row, actor=audit.SYSTEM, now=NOON, name="New").name == "New"


def test_a_change_keeps_what_it_does_not_name() -> None:
    row = slo(sli="counts", count_key="webhooks", window_days=7)
    found = slos.change_slo(slo=row, actor=audit.SYSTEM, now=NOON, objective="0.95")
    assert (found.objective, found.count_key, found.window_days) == (
        Decimal("0.95"), "webhooks", 7,
    )  # fmt: skip
    found = slos.change_slo(slo=row, actor=audit.SYSTEM, now=NOON, sli="report_runs")
    assert found.count_key == ""
    with pytest.raises(Invalid):
        slos.change_slo(slo=row, actor=audit.SYSTEM, now=NOON, objective=1)


def test_one_that_was_laid_down_is_changed_only_when_it_is_taken_up_again() -> None:
    row = slo()
    laid = slos.change_slo(slo=row, actor=audit.SYSTEM, now=NOON, archived=True)
    again = slos.change_slo(slo=row, actor=audit.SYSTEM, now=NOON + DAY, archived=True)
    assert laid.archived_at == again.archived_at == NOON
    with pytest.raises(Conflict):
        slos.change_slo(slo=row, actor=audit.SYSTEM, now=NOON, name="New")
    taken = slos.change_slo(slo=row, actor=audit.SYSTEM, now=NOON, archived=False, name="New")
    assert taken.archived_at is None and taken.name == "New"


# -- its budget


def test_a_budget_counts_runs_and_says_what_it_leaves_out(profiler: Integration) -> None:
    row = slo()
    given.runs(profiler, 297, bad=2, at=NOON)
    given.runs(profiler, 0, bad=4, at=NOON, diagnostic_code=given.THEIRS)
    given.keep(profiler, [given.run(NOON, "canceled")])
    found = budgets.budget(slo=row, now=NOON)
    assert (found.tally.good, found.tally.bad) == (297, 2)
    assert (found.tally.excluded, found.tally.canceled) == (4, 1)
    assert found.state.allowed == pytest.approx(2.99)
    assert found.state.met is True and not found.is_spent and not found.freezes


def test_without_any_event_a_budget_says_nothing() -> None:
    found = budgets.budget(slo=slo(), now=NOON)
    assert found.state.sli is None and found.state.met is None
    assert [burn.rate for burn in found.burns] == [None] * 4
    assert found.exhausts_at is None and not found.is_spent
    assert len(found.days) == 28 and found.days[0].remaining is None


def test_a_window_is_whole_days_with_today_as_the_last(profiler: Integration) -> None:
    row = slo(window_days=2)
    midnight = NOON.replace(hour=0) - DAY
    given.runs(profiler, 1, at=midnight - timedelta(minutes=1))
    given.runs(profiler, 2, at=midnight + timedelta(minutes=5))
    given.runs(profiler, 4, at=NOON)
    found = budgets.budget(slo=row, now=NOON)
    assert found.since == midnight
    assert [day.tally.good for day in found.days] == [2, 4]


def test_burn_rates_look_at_the_last_hours_and_days_show_the_budget_go(
    profiler: Integration,
) -> None:
    row = slo()
    given.runs(profiler, 900, at=NOON - 5 * DAY)
    given.runs(profiler, 90, bad=4, at=NOON - timedelta(hours=20))
    given.runs(profiler, 4, bad=2, at=NOON, every=timedelta(minutes=5))
    found = budgets.budget(slo=row, now=NOON)
    seen = [(burn.hours, burn.bad, burn.total) for burn in found.burns]
    assert seen == [(1, 2, 6), (6, 2, 6), (24, 6, 100), (72, 6, 100)]
    assert found.burns[2].rate == pytest.approx(6)
    assert found.per_hour == pytest.approx(100 / 24)
    assert [window.severity for window in found.windows] == ["page", "ticket", "ticket"]
    left = [day.remaining for day in found.days]
    assert left[0] == 1 and left[-1] == pytest.approx(1 - 6 / found.state.allowed)


def test_the_pace_of_the_last_day_says_when_a_budget_ends(profiler: Integration) -> None:
    row = slo()
    given.runs(profiler, 1900, at=NOON - 3 * DAY, every=timedelta(seconds=5))
    given.runs(profiler, 95, bad=5, at=NOON)
    found = budgets.budget(slo=row, now=NOON)
    # 2,000 events allow 20 bad; 5 are spent, and each day of 100 spends 5 and allows 1
    assert found.exhausts_in is not None
    assert found.exhausts_in / DAY == pytest.approx(15 / 4)
    assert found.exhausts_at == NOON + found.exhausts_in


def test_a_handful_of_runs_promises_no_date(profiler: Integration) -> None:
    row = slo()
    given.runs(profiler, 400, at=NOON - 9 * DAY)
    given.runs(profiler, 17, bad=2, at=NOON)
    assert budgets.budget(slo=row, now=NOON).exhausts_at is None


def test_an_objective_speaks_of_its_surface_with_all_below_it_and_of_its_facet() -> None:
    given.codes()
    top = build.surface("profiler")
    below = build.surface("profiler.snowflake", parent=top)
    given.runs(given.profiler(surface=top), 3, warehouse_type="bigquery")
    given.runs(given.profiler(surface=below), 5)
    given.runs(given.profiler(surface=build.surface("other")), 7)
    rows = [
        slo("all"), slo("top", surface=top), slo("below", surface=below),
        slo("facet", facet="bigquery"), slo("both", surface=below, facet="bigquery"),
    ]  # fmt: skip
    found = budgets.budgets(slos=rows, now=NOON)
    assert [one.tally.n for one in found] == [15, 8, 5, 3, 0]
    assert [one.burns[2].total for one in found] == [15, 8, 5, 3, 0]


def test_many_budgets_cost_as_many_statements_as_one(
    profiler: Integration, django_assert_max_num_queries: Any
) -> None:
    given.runs(profiler, 3)
    rows = [slo(f"slo-{number}", facet="snowflake") for number in range(9)]
    with django_assert_max_num_queries(3):
        found = budgets.budgets(slos=rows, now=NOON)
    assert {one.tally.n for one in found} == {3}


def test_reports_counts_and_labels_have_budgets_too(profiler: Integration) -> None:
    given.reports(profiler, 8, bad=2)
    given.counts(profiler, "webhooks", (50, 60), (40, 40))
    given.counts(profiler, "smoke", (1, 9))
    given.labels(profiler, 18, wrong=2)
    given.labels(profiler, 0, wrong=5, truth_source="user_correction", prefix="w.s.corrected")
    rows = [
        slo("reports", sli="report_runs"),
        slo("counts", sli="counts", count_key="webhooks"),
        slo("labels", sli="accuracy"),
    ]
    found = budgets.budgets(slos=rows, now=NOON)
    assert [(one.tally.bad, one.tally.n) for one in found] == [(2, 10), (10, 100), (2, 20)]
    assert [(one.burns[0].bad, one.burns[0].total) for one in found] == [
        (2, 10), (10, 100), (2, 20),
    ]  # fmt: skip


def test_a_source_counts_once_a_day_as_fresh_or_not(profiler: Integration) -> None:
    row = slo(sli="freshness", window_days=4)
    given.runs(profiler, 1, at=NOON - 2 * DAY)
    given.runs(profiler, 1, at=NOON - 2 * DAY, source="daily")
    given.runs(profiler, 1, at=NOON - timedelta(hours=1), source="daily")
    ProfiledSource.objects.update(first_seen_at=NOON - 2 * DAY)
    found = budgets.budget(slo=row, now=NOON)
    # the day before they were known has none; both are fresh, then both a day and a half old
    # by midnight, then only one has run again
    counted = [(day.tally.good, day.tally.n) for day in found.days]
    assert counted == [(0, 0), (2, 2), (0, 2), (1, 2)]
    assert [burn.total for burn in found.burns] == [0, 0, 2, 6]
    ProfiledSource.objects.filter(name="daily").update(paused_at=NOON)
    assert budgets.budget(slo=row, now=NOON).days[-1].tally.n == 1


def test_what_never_said_that_it_runs_is_no_source_that_could_be_stale(
    profiler: Integration,
) -> None:
    given.inventory(profiler, {"warehouse.shop.users.email": "email"})
    row = slo(sli="freshness")
    assert ProfiledSource.objects.exists()
    assert budgets.budget(slo=row, now=NOON + 3 * DAY).tally.n == 0
    ProfiledSource.objects.update(cadence_seconds=3600)
    assert budgets.budget(slo=row, now=NOON + 3 * DAY).tally.bad > 0


def test_a_known_cadence_decides_what_is_fresh(profiler: Integration) -> None:
    row = slo(sli="freshness", window_days=1)
    given.runs(profiler, 1, at=NOON - timedelta(hours=35))
    assert budgets.budget(slo=row, now=NOON).tally.bad == 1
    ProfiledSource.objects.update(cadence_seconds=24 * 3600)
    assert budgets.budget(slo=row, now=NOON).tally.good == 1


def test_what_an_incident_spent_is_counted_while_it_lasted(profiler: Integration) -> None:
    given.runs(profiler, 10, bad=5, at=NOON)
    given.counts(profiler, "webhooks", (7, 9), (1, 9), at=NOON)
    hour = (NOON - timedelta(minutes=2), NOON)
    spans = [hour, (NOON - DAY, NOON - timedelta(hours=1))]
    assert budgets.bad_within(slo=slo(), spans=spans) == [3, 0]
    counted = slo("counts", sli="counts", count_key="webhooks")
    assert budgets.bad_within(slo=counted, spans=spans) == [10, 0]
    assert budgets.bad_within(slo=slo("other", facet="bigquery"), spans=spans) == [0, 0]
    assert budgets.bad_within(slo=slo("fresh", sli="freshness"), spans=spans) == [0, 0]
    assert budgets.bad_within(slo=counted, spans=[]) == []


# -- what a spent one stops


def test_a_spent_budget_freezes_its_surface_and_those_above_and_below() -> None:
    given.codes()
    top = build.surface("profiler")
    middle = build.surface("profiler.snowflake", parent=top)
    low = build.surface("profiler.snowflake.large", parent=middle)
    side = build.surface("profiler.bigquery", parent=top)
    given.runs(given.profiler(surface=middle), 9, bad=1)
    row = slo(surface=middle)
    for surface in (top, middle, low):
        freeze = budgets.frozen(surface=surface, now=NOON)
        assert freeze is not None and freeze.budgets[0].slo == row
        assert "The error budget is spent: Profile runs succeed." in freeze.reason
    assert budgets.frozen(surface=side, now=NOON) is None


def test_an_objective_of_everything_freezes_everything_while_it_stands(
    profiler: Integration,
) -> None:
    given.runs(profiler, 9, bad=1)
    surface, row = build.surface("docs"), slo()
    assert budgets.frozen(surface=surface, now=NOON) is not None
    assert budgets.frozen(surface=surface, now=NOON + 40 * DAY) is None
    slos.change_slo(slo=row, actor=audit.SYSTEM, now=NOON, policy="warn")
    assert budgets.frozen(surface=surface, now=NOON) is None
    slos.change_slo(slo=row, actor=audit.SYSTEM, now=NOON, policy="freeze")
    slos.change_slo(slo=row, actor=audit.SYSTEM, now=NOON, archived=True)
    assert budgets.frozen(surface=surface, now=NOON) is None
