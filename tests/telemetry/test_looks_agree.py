"""A short look reads runs and a long one their sums: of the same runs both say the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import Person
from apps.telemetry.models import Slo
from apps.telemetry.selectors import accuracy, durations, rates, spans
from tests import builders as build
from tests.builders import telemetry as told
from tests.builders.telemetry import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def person() -> Person:
    return build.person("maya", "manager")


def test_a_time_out_that_is_the_customer_s_is_no_time_out_of_ours_in_any_look(
    person: Person,
) -> None:
    told.codes()
    source = told.profiler()
    told.runs(source, 20, at=NOON - HOUR)
    told.runs(
        source, 0, timed_out=10, at=NOON - HOUR, duration_ms=600_000, diagnostic_code=told.THEIRS
    )
    said = {}
    for key in ("24h", "28d"):
        span = spans.span(key, NOON)
        tally = rates.total(rates.cells(user=person, span=span))
        (took,) = durations.by_size(user=person, span=span)
        assert took.p95 is not None
        said[key] = (tally, took.n, took.censored, round(took.p95.seconds, -1))
    assert said["24h"] == said["28d"]
    tally, n, censored, seconds = said["24h"]
    assert (tally.excluded, tally.timed_out, n, censored, seconds) == (10, 0, 20, 0, 60)


def test_a_handful_of_labels_whose_share_is_known_judges_nothing(person: Person) -> None:
    Slo.objects.create(key="t", name="T", sli="accuracy", objective="0.95", created_at=NOON)
    source = told.profiler()
    told.inventory(source, {"w.s.t.a": "email", "w.s.t.b": "phone"})
    told.labels(source, 3, wrong=1, predicted="email", prefix="w.s.e")
    told.labels(source, 2, wrong=1, predicted="phone", prefix="w.s.p")
    told.labels(source, 200, predicted="unheard of", prefix="w.s.u")
    found = accuracy.accuracy(user=person, since=NOON - HOUR, until=NOON + HOUR, source="audit")
    assert (found.n, found.look) == (207, "insufficient_data")


def test_thirty_of_thirty_right_prove_no_ninety_five_percent(person: Person) -> None:
    Slo.objects.create(key="t", name="T", sli="accuracy", objective="0.95", created_at=NOON)
    told.labels(told.profiler(), 30)
    found = accuracy.accuracy(user=person, since=NOON - HOUR, until=NOON + HOUR, source="audit")
    assert found.overall.lower == found.pooled.lower
    assert found.look == "ok"
