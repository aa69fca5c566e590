"""Two workers at the same moment: every firing is told once."""

from __future__ import annotations

import pytest

from apps.alerts import services
from apps.alerts.models import AlertRule, Firing
from apps.intake.models import Delivery
from apps.telemetry.models import Slo
from tests import builders as build
from tests.alerts.rulekit import MINUTE, NOON, rule
from tests.builders import telemetry as told
from tests.races import together

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_workers_at_once_look_with_each_rule_once() -> None:
    maya = build.person("Maya Lind", "manager")
    told.runs(told.profiler(), bad=20, at=NOON - MINUTE)
    for number in range(60):
        rule("rate", maya, key=f"rate-{number}")
    passes: list[int] = []
    errors = together(*[lambda: passes.append(services.evaluate_due(now=NOON))] * 3)
    assert not errors
    # Who comes last finds all of them taken, or not due any more.
    passes.append(services.evaluate_due(now=NOON))
    assert sum(passes) == 60
    assert Firing.objects.count() == 60
    assert Delivery.objects.filter(integration__kind="internal").count() == 60
    assert not AlertRule.objects.filter(next_at__lte=NOON).exists()


def test_two_workers_at_once_hear_one_tier_of_an_objective() -> None:
    maya = build.person("Maya Lind", "manager")
    told.runs(told.profiler(), 0, bad=40, at=NOON - MINUTE)
    promise = Slo.objects.create(
        key="runs", name="Runs", sli="profile_runs", objective="0.99", created_at=NOON
    )
    windows = [{"long": 3600, "short": 900, "burn": 2}]
    for tier in (1, 2, 3):
        rule("burn_rate", maya, key=f"burn-{tier}", slo=promise, tier=tier, windows=windows)
        for number in range(11):  # so that each tier is claimed by itself
            rule("rate", maya, key=f"rate-{tier}-{number}", tier=tier, threshold=0.99)
    errors = together(*[lambda: services.evaluate_due(now=NOON)] * 3)
    services.evaluate_due(now=NOON)  # whoever found the objective taken left its rule for later
    assert not errors
    fired = Firing.objects.filter(rule__slo=promise)
    inhibited = dict(fired.values_list("rule__tier", "was_inhibited"))
    assert inhibited == {1: False, 2: True, 3: True}
