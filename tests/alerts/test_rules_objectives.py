"""Rules about a budget whose objective was laid down, or measures something else by now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.alerts import services
from apps.alerts.models import AlertRule
from apps.core import audit
from apps.telemetry.models import Slo
from apps.telemetry.selectors import budgets
from apps.telemetry.services import slos
from tests.alerts.rulekit import MINUTE, NOON, groups, look, rule
from tests.builders import telemetry as told
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def promise() -> Slo:
    return slos.create_slo(
        key="runs", name="Runs succeed", sli="profile_runs", objective="0.99", actor=audit.SYSTEM,
        now=NOON,
    )  # fmt: skip


@pytest.fixture
def burning(cast: Cast, promise: Slo) -> AlertRule:
    """A budget that burns, and its alert."""
    made = rule("burn_rate", cast.maya, slo=promise)
    told.runs(told.profiler(), bad=600, at=NOON - MINUTE, every=timedelta(seconds=2))
    assert len(look(NOON)) == 1
    return made


def test_an_objective_that_is_laid_down_burns_no_more_until_it_is_taken_up_again(
    promise: Slo, burning: AlertRule
) -> None:
    slos.change_slo(slo=promise, archived=True, actor=audit.SYSTEM, now=NOON)
    assert look(NOON + MINUTE) == []
    group = groups(burning)[""]
    assert (group.state, group.look) == ("ok", "suppressed")
    assert "laid down" in group.text
    burning = AlertRule.objects.get(pk=burning.pk)
    assert [one.look for one in services.look_now(rule=burning, now=NOON)] == ["suppressed"]

    slos.change_slo(slo=promise, archived=False, actor=audit.SYSTEM, now=NOON + MINUTE)
    assert len(look(NOON + 2 * MINUTE)) == 1


def test_an_objective_that_became_one_of_fresh_sources_says_that_it_cannot_burn(
    promise: Slo, burning: AlertRule
) -> None:
    told.labels(told.profiler(), 0, wrong=40, at=NOON - MINUTE)
    slos.change_slo(slo=promise, sli="freshness", actor=audit.SYSTEM, now=NOON)
    look(NOON + MINUTE)
    burning.refresh_from_db()
    assert burning.error.startswith("An objective about fresh sources changes once a day")
    assert "columns" not in groups(burning)[""].text


def test_a_rule_and_the_page_of_its_objective_choose_the_same_windows(
    cast: Cast, promise: Slo
) -> None:
    rule("burn_rate", cast.maya, slo=promise)
    source = told.profiler()
    told.runs(source, 3000, at=NOON - timedelta(days=5), every=timedelta(seconds=5))
    told.runs(source, bad=3, at=NOON - MINUTE)
    assert budgets.budget(slo=promise, now=NOON).by_consecutive
    (alert,) = look(NOON)
    assert "3 in a row wake somebody" in alert.summary
