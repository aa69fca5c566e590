"""Two workers at the same moment: every firing is told once."""

from __future__ import annotations

import pytest

from apps.alerts import services
from apps.alerts.models import AlertRule, Firing
from apps.intake.models import Delivery
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
