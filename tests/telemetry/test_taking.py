"""Runs are stored once, whatever comes twice, late or in another order."""

from __future__ import annotations

import pytest

from apps.telemetry.models import ProfiledSource, ProfileRun
from apps.telemetry.services import check_rollups
from tests.builders import telemetry as measured
from tests.builders.telemetry import NOON

pytestmark = pytest.mark.django_db


def test_a_run_sent_twice_is_one_run():
    profiler = measured.profiler()
    run = measured.run()
    first = measured.keep(profiler, [run])
    again = measured.keep(profiler, [run, run])
    assert (first.new, again.new, again.repeated) == (1, 0, 2)
    assert ProfileRun.objects.count() == 1
    assert check_rollups(since=NOON, until=NOON).right
    measured.codes()
    measured.runs(profiler, 5, bad=3, timed_out=2)
    measured.reports(profiler, 2, bad=1)
    measured.labels(profiler, 2, wrong=1)
    measured.inventory(profiler, {"warehouse.a.b.c": "email"})
    measured.counts(profiler, "smoke", (3, 4), (4, 4))
    measured.measurements(profiler, "latency", 3.0, 4.0)
    measured.certificate(profiler, "example.com", not_after=NOON)
    assert ProfiledSource.objects.get().last_success_at == NOON
    assert check_rollups(since=NOON.replace(hour=1), until=NOON.replace(hour=13)).right
