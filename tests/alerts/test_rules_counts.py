"""Budgets of counts that come by the hour: an outage pages as it does for counts by the minute."""

from __future__ import annotations

from datetime import datetime

import pytest

from apps.alerts import services
from apps.core import audit
from apps.intake.readings.shapes import CountIn
from apps.telemetry import services as telemetry
from apps.telemetry.models import Slo
from apps.telemetry.selectors import budgets
from apps.telemetry.services import slos
from tests.alerts.rulekit import DAY, HOUR, MINUTE, NOON, look, rule
from tests.builders import telemetry as told
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def promise() -> Slo:
    return slos.create_slo(
        key="hooks", name="Webhooks", sli="counts", count_key="hooks", objective="0.99",
        actor=audit.SYSTEM, now=NOON,
    )  # fmt: skip


class Tool:
    """Sends one count for each hour, when the hour is over."""

    def __init__(self) -> None:
        self.source = told.profiler()

    def count(self, began: datetime, good: int, *, seconds: int = 3600, came: datetime) -> None:
        one = CountIn("hooks", began, good, 60, seconds)
        telemetry.store_counts(integration=self.source, counts=[one], now=came)


def test_an_outage_that_is_counted_by_the_hour_pages_within_two_minutes_of_the_count(
    cast: Cast, promise: Slo
) -> None:
    made, tool = rule("burn_rate", cast.maya, slo=promise), Tool()
    for back in range(24, 1, -1):
        tool.count(NOON - back * HOUR, 60, came=NOON - (back - 1) * HOUR)
    tool.count(NOON - HOUR, 0, came=NOON)
    look(NOON)
    (alert,) = look(NOON + MINUTE)
    assert alert.severity == "critical"
    assert "60 of 60 were bad in 1 h" in alert.summary
    assert look(NOON + 40 * MINUTE)  # nothing came since: no evidence of an end

    done = services.replay(
        draft=services.draft_of(made), since=NOON - 2 * HOUR, until=NOON + 40 * MINUTE
    )
    assert [one.fired_at for one in done.firings] == [NOON + MINUTE]
    (burn, *_) = budgets.budget(slo=promise, now=NOON + 30 * MINUTE).burns
    assert (burn.hours, burn.bad, burn.total) == (1, 60, 60)


def test_a_count_that_is_sent_while_its_day_goes_on_counts_at_once(
    cast: Cast, promise: Slo
) -> None:
    tool = Tool()
    tool.count(NOON.replace(hour=0), 30, seconds=86_400, came=NOON - MINUTE)
    day = next(b for b in budgets.budget(slo=promise, now=NOON).burns if b.hours == 24)
    assert (day.bad, day.total) == (30, 60)


def test_a_count_of_a_week_counts_a_day_after_it_began(cast: Cast, promise: Slo) -> None:
    Tool().count(NOON - 7 * DAY, 0, seconds=7 * 86_400, came=NOON)
    burns = budgets.budget(slo=promise, now=NOON).burns
    assert all(burn.total == 0 for burn in burns)
    assert budgets.budget(slo=promise, now=NOON).tally.bad == 60
