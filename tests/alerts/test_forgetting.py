"""Firings and source clocks are kept for 400 days; what fires still stays."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.alerts import services
from apps.alerts.models import Firing, SourceClock
from apps.core import clock
from opsportal import tasks
from tests import builders as build
from tests.alerts.rulekit import DAY, rule
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(cast: Cast) -> datetime:
    """Of four firings and two clocks one each is beyond its time."""
    now = clock.now()
    rated, old = rule("rate", cast.maya, now=now), now - 400 * DAY
    for group, ended in (
        ("beyond", old - timedelta(seconds=1)), ("just within", old), ("lately", now - DAY),
        ("still", None),
    ):  # fmt: skip
        Firing.objects.create(rule=rated, group=group, fired_at=now - 900 * DAY, resolved_at=ended)
    home = build.native()
    for key, at in (("beyond", old - timedelta(seconds=1)), ("within", old)):
        SourceClock.objects.create(integration=home, dedup_key=key, resolved_ts=at)
    return now


def test_what_ended_more_than_four_hundred_days_ago_goes(now: datetime) -> None:
    assert services.forget(now=now) == 2
    assert services.forget(now=now) == 0
    assert set(Firing.objects.values_list("group", flat=True)) == {"just within", "lately", "still"}
    assert SourceClock.objects.get().dedup_key == "within"


def test_the_nightly_task_takes_batch_after_batch(now: datetime) -> None:
    assert services.forget(now=now + 500 * DAY, limit=1) == 2
    Firing.objects.exclude(resolved_at=None).update(resolved_at=now - 401 * DAY)
    SourceClock.objects.update(resolved_ts=now)
    assert tasks.retention() == 2
    assert Firing.objects.get().group == "still"
