"""Times of incidents: the facts from outside, and the rules around them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.incidents.metrics import (
    METRICS,
    MILESTONES,
    Case,
    Milestones,
    disorder,
    quantile,
    seconds,
    summarize,
)
from apps.incidents.models import Incident
from apps.incidents.selectors.figures import figures
from tests import builders as build
from tests.conftest import Cast
from tests.world import START

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/slo.json").read_text())["mttx"]
ZERO = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return ZERO + timedelta(minutes=minutes)


def case_of(number: int, row: dict[str, Any]) -> Case:
    return Case(
        ref=f"INC-{number}",
        milestones=Milestones(
            impact_started_at=ZERO, detected_at=at(row["detected"]),
            declared_at=at(row["declared"]), acknowledged_at=at(row["ack"]),
            mitigated_at=at(row["mitigated"]), resolved_at=at(row["resolved"]),
        ),
        kind="drill" if row.get("drill") else "real",
    )  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS)
def test_times_are_what_the_vectors_say(vector: dict[str, Any]) -> None:
    rows = vector["in"]["incidents_minutes_from_impact"]
    cases = [case_of(number, row) for number, row in enumerate(rows)]
    for key in ("ttd", "tta", "ttm", "ttr"):
        found, wanted = summarize(METRICS[key], cases), vector["out"][key]
        assert found.n == vector["out"]["n"]
        assert found.median == pytest.approx(wanted["median"] * 60)
        assert found.mean == pytest.approx(wanted["mean"] * 60)


def test_drills_have_figures_of_their_own() -> None:
    cases = [case_of(number, row) for number, row in enumerate(
        VECTORS[0]["in"]["incidents_minutes_from_impact"])]  # fmt: skip
    drills = summarize(METRICS["ttr"], cases, kind="drill")
    assert (drills.values, drills.median, drills.p90) == ((("INC-4", 360.0),), 360, 360)


@pytest.mark.parametrize("status", ["merged", "declined"])
def test_what_was_no_incident_of_its_own_does_not_count(status: str) -> None:
    row = {"detected": 1, "declared": 2, "ack": 3, "mitigated": 4, "resolved": 5}
    cases = [case_of(1, row), Case("INC-2", case_of(2, row).milestones, status=status)]
    assert [ref for ref, _ in summarize(METRICS["ttd"], cases).values] == ["INC-1"]


def test_who_took_it_before_it_was_declared_took_no_time() -> None:
    early = Milestones(detected_at=at(0), acknowledged_at=at(2), declared_at=at(9))
    assert seconds(METRICS["tta"], early) == 0


def test_what_ended_without_a_beginning_is_missing_and_not_guessed() -> None:
    ended = Case("INC-1", Milestones(detected_at=at(0), resolved_at=at(9)))
    stands = Case("INC-2", Milestones(detected_at=at(0)))
    found = summarize(METRICS["ttr"], [ended, stands])
    assert (found.n, found.missing) == (0, ("INC-1",))
    assert found.median is found.p90 is found.mean is None


def test_the_list_stands_beside_the_figures_the_longest_first() -> None:
    cases = [
        Case(f"INC-{n}", Milestones(impact_started_at=ZERO, resolved_at=at(n))) for n in (1, 3, 2)
    ]
    assert summarize(METRICS["ttr"], cases).values == (
        ("INC-3", 180), ("INC-2", 120), ("INC-1", 60),
    )  # fmt: skip


# Read with PostgreSQL: select percentile_cont(0.9) within group (order by x) from unnest(...) x
@pytest.mark.parametrize(
    ("values", "share", "wanted"),
    [
        ([], 0.5, None),
        ([7], 0.9, 7),
        ([1, 2, 3, 4], 0.5, 2.5),
        ([1, 2, 3, 4], 0.9, 3.7),
        ([15, 20, 35, 40, 50], 0.9, 46.0),
        ([5, 5, 5, 5], 0.99, 5.0),
    ],
)
def test_a_quantile_lies_between_neighbors(
    values: list[float], share: float, wanted: float | None
) -> None:
    assert quantile(values, share) == (None if wanted is None else pytest.approx(wanted))


def test_milestones_in_their_order_are_fine_and_the_first_that_is_not_is_named() -> None:
    names = list(MILESTONES)
    line = dict(zip(names, map(at, range(len(names))), strict=True))
    assert disorder(Milestones.of(line)) is None
    assert disorder(Milestones.of({**line, "acknowledged_at": at(99)})) is None
    assert disorder(Milestones()) is None
    for earlier, later in [
        ("impact_started_at", "detected_at"), ("detected_at", "declared_at"),
        ("declared_at", "mitigated_at"), ("mitigated_at", "resolved_at"),
        ("resolved_at", "closed_at"), ("detected_at", "acknowledged_at"),
    ]:  # fmt: skip
        wrong = {**line, later: line[earlier] - timedelta(seconds=1)}
        assert disorder(Milestones.of(wrong)) == (earlier, later)
    hole = {"detected_at": at(5), "resolved_at": at(4)}
    assert disorder(Milestones.of(hole)) == ("detected_at", "resolved_at")


# -- over the rows


def _row(day: int, **more: Any) -> Incident:
    began = datetime(2026, 3, day, 6, 0, tzinfo=UTC)
    values = {
        "title": "x", "status": "resolved", "severity": "SEV2", "detection_source": "alert",
        "impact_started_at": began, "detected_at": began + timedelta(minutes=10),
        "declared_at": began + timedelta(minutes=20), "resolved_at": began + timedelta(hours=day),
    }  # fmt: skip
    return Incident.objects.create(**{**values, **more})


SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def test_figures_keep_kinds_apart_and_count_what_counts(cast: Cast) -> None:
    real = [_row(1), _row(2, detection_source="customer"), _row(3)]
    _row(4, kind="drill")
    _row(5, kind="backfilled")
    _row(6, kind="test")
    _row(7, status="declined")
    _row(8, status="merged", merged_into=real[0])
    found = figures(user=cast.ravi, since=SINCE)
    assert (found.n, found.is_cut) == (3, False)
    assert [row.pk for row in found.rows] == [row.pk for row in reversed(real)]
    ttr = found.summaries["ttr"]
    assert (ttr.n, ttr.median, ttr.p90) == (3, 2 * 3600, pytest.approx(2.8 * 3600))
    assert found.summaries["ttm"].missing == tuple(row.ref for row in reversed(real))
    assert [(one.key, one.label, one.n) for one in found.detection] == [
        ("alert", "Alert", 2), ("customer", "Customer", 1),
    ]  # fmt: skip
    assert found.detection[0].share == pytest.approx(2 / 3)
    drills = figures(user=cast.ravi, since=SINCE, kind="drill")
    assert (drills.n, drills.summaries["ttr"].median) == (1, 4 * 3600)


def test_figures_show_only_what_their_reader_may_see(cast: Cast) -> None:
    _row(1, visibility="restricted")
    assert figures(user=cast.ravi, since=SINCE).n == 0
    assert figures(user=cast.maya, since=SINCE).n == 1


def test_figures_are_narrowed_by_time_severity_and_surface(cast: Cast) -> None:
    surface = build.surface("inspect.api", now=START)
    _row(1)
    _row(2, severity="SEV1", surface=surface)
    day = datetime(2026, 3, 2, tzinfo=UTC)
    assert figures(user=cast.maya, since=day).n == 1
    assert figures(user=cast.maya, since=SINCE, until=day).n == 1
    assert figures(user=cast.maya, since=SINCE, severity="SEV1").n == 1
    assert figures(user=cast.maya, since=SINCE, surface="inspect.api").n == 1


def test_months_have_no_holes(cast: Cast) -> None:
    _row(1)
    late = datetime(2026, 5, 2, tzinfo=UTC)
    _row(1, impact_started_at=late, detected_at=late, declared_at=late, resolved_at=late)
    months = figures(user=cast.maya, since=SINCE).months
    assert [(month.first.month, month.n) for month in months] == [(3, 1), (4, 0), (5, 1)]
    assert months[1].summaries["ttr"].median is None


def test_nothing_at_all_gives_empty_figures(cast: Cast) -> None:
    found = figures(user=cast.maya, since=SINCE)
    assert (found.n, found.detection, found.months) == (0, [], [])
