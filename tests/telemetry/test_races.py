"""Two takers at once, with real commits: nothing is counted twice, and none waits for ever."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction

from apps.intake.readings.shapes import ProfileRunIn
from apps.telemetry import services
from apps.telemetry.models import ColumnType, ProfileRun, TypeChange
from tests.builders import telemetry as measured
from tests.builders.telemetry import NOON
from tests.races import PATIENCE, together
from tests.telemetry.test_rollups import assert_exact, parts, some_runs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("seed", range(3))
def test_takers_of_the_same_runs_count_each_once(seed: int):
    measured.codes()
    dice = random.Random(seed)
    profiler = measured.profiler()
    runs = some_runs(dice, 150)

    def taker(order: list[ProfileRunIn]) -> Callable[[], None]:
        def take() -> None:
            for part in parts(order, 20):
                measured.keep(profiler, part)

        return take

    errors = together(*(taker(dice.sample(runs, len(runs))) for _ in range(4)))
    assert errors == []
    assert ProfileRun.objects.count() == 150
    assert_exact()


def test_takers_and_a_change_of_blame_leave_the_sums_exact():
    measured.codes()
    dice = random.Random(9)
    one, two = measured.profiler(), measured.profiler()
    first, second = some_runs(dice, 100), some_runs(dice, 100)

    def blames() -> None:
        for blame in ("customer", "us", "unknown", "customer"):
            services.save_code(code=measured.BAD, blame=blame, now=NOON)

    errors = together(
        lambda: [measured.keep(one, part) for part in parts(first, 10)],
        lambda: [measured.keep(two, part) for part in parts(second, 10)],
        blames,
    )
    assert errors == []
    services.reclassify(code=measured.BAD, now=NOON)
    assert_exact()


def test_takers_of_the_same_inventory_find_each_change_once():
    profiler = measured.profiler()
    columns = [f"warehouse.shop.users.c{n}" for n in range(40)]
    measured.inventory(profiler, dict.fromkeys(columns, "email"))
    later = NOON.replace(hour=13)
    errors = together(
        *(
            lambda: measured.inventory(profiler, dict.fromkeys(columns, "string"), at=later)
            for _ in range(3)
        )
    )
    assert errors == []
    assert (TypeChange.objects.count(), ColumnType.objects.count()) == (40, 40)


def test_deleting_waits_for_nobody_who_holds_a_row():
    profiler = measured.profiler()
    measured.runs(profiler, 10)
    held, purged = threading.Event(), threading.Event()
    gone: list[dict[str, int]] = []

    def hold() -> None:
        with transaction.atomic():
            list(ProfileRun.objects.select_for_update().order_by("finished_at")[:3])
            held.set()
            assert purged.wait(PATIENCE)

    def purge() -> None:
        assert held.wait(PATIENCE)
        gone.append(services.purge(now=NOON + timedelta(days=92), batch=2))
        purged.set()

    assert together(hold, purge) == []
    assert gone == [{"profile runs": 7}]
    assert services.purge(now=NOON + timedelta(days=92)) == {"profile runs": 3}
