"""Hostile telemetry: what one line can say costs no neighbor, no memory, and nobody else's rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from apps.core import clock
from apps.core.errors import Invalid
from apps.intake import services as intake
from apps.intake.adapters import slack
from apps.intake.canonical import InvalidEvent
from apps.intake.models import Delivery, Integration
from apps.intake.readings import READINGS, Batch, fields, read_batch, sift
from apps.intake.readings.counts import COUNT_FIELDS, MEASUREMENT_FIELDS
from apps.intake.readings.labels import FIELDS as LABEL_FIELDS
from apps.intake.readings.reports import FIELDS as REPORT_FIELDS
from apps.intake.readings.runs import FIELDS as RUN_FIELDS
from apps.telemetry.models import ProfileRun, SemanticLabel, SliCount
from apps.telemetry.services import check_rollups
from tests import builders as build

NOW = datetime(2026, 9, 7, 12, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[1] / "vectors" / "payloads"
stored = pytest.mark.django_db


def _ago(**ago: float) -> str:
    return (clock.now() - timedelta(**ago)).isoformat()


def _read(kind: str, *rows: dict[str, Any]) -> Batch:
    return read_batch(kind, b"\n".join(json.dumps(row).encode() for row in rows), received_at=NOW)


def _taken(source: Integration, kind: str, rows: list[dict[str, Any]]) -> Delivery:
    """What the door keeps of a body, and what the engine makes of it."""
    raw, now = b"\n".join(json.dumps(row).encode() for row in rows), clock.now()
    _, body, _ = sift(kind, raw, received_at=now)
    made = Delivery.objects.create(
        integration=source, adapter=kind, received_at=now, body=body, status="received"
    )
    intake.normalise_due(now=now)
    made.refresh_from_db()
    return made


# -- values that pass the door must be storable, for a delivery is stored whole or not at all

EDGES: list[Any] = [
    2**31 - 1, 2**31, 2**63 - 1, 2**63, 1e308, 5e-324, -1, 0, 0.5, 99999999.99999, "99999999.99999",
    "1e-999999999", "NaN", "Infinity", "", "x" * 500, "İ" * 300, "e\u0301" * 200, "\x00", "\ud800",
    True, None, [], {}, [1], {"a": 1}, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "1970-01-02T00:00:01Z", "2026-02-30T00:00:00Z", "a" * 150 + ".schema.table.column",
]  # fmt: skip
SHAPES: dict[str, tuple[dict[str, Any], Any]] = {
    "profile_runs": ({"result": "ok"}, RUN_FIELDS),
    "report_runs": ({"template": "quality", "result": "ok"}, REPORT_FIELDS),
    "semantic_labels": ({"column_ref": "wh.p.t.c", "semantic_type": "email"}, LABEL_FIELDS),
    "sli_counts": ({"sli": "smoke", "good": 1, "total": 2}, COUNT_FIELDS),
    "measurements": ({"metric": "mcp.latency", "value": 1}, MEASUREMENT_FIELDS),
}


@stored
def test_whatever_the_door_takes_of_any_field_can_be_stored() -> None:
    for name, (good, known) in SHAPES.items():
        rows = []
        for number, (field, value) in enumerate((f, v) for f in known for v in EDGES):
            row = {**good, "starts_at": _ago(minutes=number), "run_id": f"r{number}", field: value}
            rows.append(row)
            if name == "semantic_labels":
                rows[-1] |= {"starts_at": None, "run_id": None}
                truth = {"truth": "email", "truth_source": "audit", "label_id": f"l{number}"}
                rows.append({**truth, **row})
        delivery = _taken(build.native(), name, rows)
        assert (delivery.status, delivery.error) == ("normalised", ""), name
    assert check_rollups(since=clock.now() - timedelta(days=90), until=clock.now()).right


@stored
def test_money_that_would_be_rounded_up_to_too_much_costs_no_neighbor() -> None:
    rows = [{"run_id": "a", "result": "ok"}]
    rows.append({"run_id": "b", "result": "ok", "cost_usd": "99999999.99999"})
    assert _taken(build.native(), "profile_runs", rows).status == "normalised"
    assert list(ProfileRun.objects.values_list("run_id", flat=True)) == ["a"]
    (found,) = _read("profile_runs", {"run_id": "c", "result": "ok", "cost_usd": 99999999}).items
    assert str(found[1].cost_usd) == "99999999.0000"  # type: ignore[union-attr] # a run


@stored
def test_a_first_part_of_a_column_that_is_too_long_for_a_source_is_none() -> None:
    long = {"column_ref": f"{'w' * 200}.p.t.c", "semantic_type": "email"}
    rows = [long, {**long, "truth": "email", "truth_source": "audit", "label_id": "l1"}]
    assert _taken(build.native(), "semantic_labels", rows).status == "normalised"
    assert SemanticLabel.objects.get().source is None


# -- memory and size of answers


def test_an_answer_is_not_many_times_the_body() -> None:
    line = json.dumps({"run_id": "r", "result": "ok", "tables": [{}] * 2000}).encode()
    _, _, rejected = sift("profile_runs", b"\n".join([line] * 20), received_at=NOW)
    shown = json.dumps([one.shown for one in rejected])
    assert len(rejected) == 20 and len(shown) < len(line) * 20
    assert "and 1980 more" in rejected[0].detail and len(rejected[0].errors) == fields.MOST_TOLD


def test_long_texts_are_not_remembered() -> None:
    before = fields._known.cache_info().currsize
    rows = [{"run_id": f"{n}", "result": "ok", "command": f"{n}" + "x" * 9000} for n in range(50)]
    assert len(_read("profile_runs", *rows).items) == 50
    assert fields._known.cache_info().currsize - before < 10


# -- personal data under other spellings


@pytest.mark.parametrize("kind", READINGS)
@pytest.mark.parametrize(
    "name",
    ["Min", "min.value", "minVal", "MAX-VAL", "top_10_values", "topValues[]", "ｍｉｎ", "sample_1",
     "raw_samples", "min" + "_" * 90, "\u200bmax", "top 5", "lowest_value"],
)  # fmt: skip
def test_other_spellings_of_what_holds_personal_data_are_refused(kind: str, name: str) -> None:
    for row in ({name: 1}, {"profile": [{"columns": {"email": {name: None}}}]}):
        batch = _read(kind, row)
        assert (batch.items, [one.code for one in batch.rejected]) == ([], ["personal_data"])


# -- order, repetition, clocks


@stored
def test_any_order_and_any_repetition_of_deliveries_gives_the_same_sums() -> None:
    chance = Random(5)
    rows: list[dict[str, Any]] = []
    for number in range(40):
        run = {"run_id": f"r{number}", "source": f"s{number % 3}", "attempt": 1 + number % 2}
        rows.append({**run, "phase": "start", "started_at": _ago(hours=number + 1)})
        for result in chance.choices(["ok", "error", "timeout", "cancelled"], k=2):
            took = {"duration_ms": number * 1000, "finished_at": _ago(hours=number, minutes=5)}
            rows.append({**run, "result": result, **took})
    for sender in (build.native(), build.native()):
        for _ in range(4):
            part = chance.sample(rows, 90)
            assert _taken(sender, "profile_runs", part).status == "normalised"
    ended = ProfileRun.objects.exclude(outcome="running")
    per_key = ended.values_list("integration", "run_id", "attempt")
    assert len(set(per_key)) == len(per_key) == 80
    assert check_rollups(since=clock.now() - timedelta(days=90), until=clock.now()).right


def test_times_that_cannot_be_are_refused_and_none_is_negative() -> None:
    for wrong in (
        {"finished_at": (NOW + timedelta(minutes=11)).isoformat()},
        {"finished_at": (NOW - timedelta(days=401)).isoformat()},
        {"started_at": NOW.isoformat(), "finished_at": (NOW - timedelta(seconds=1)).isoformat()},
        {"started_at": (NOW + timedelta(hours=1)).isoformat()},
        {"duration_ms": -1},
    ):
        assert not _read("profile_runs", {"run_id": "r", "result": "ok", **wrong}).items, wrong
    for took in (2**62, 63_900_000_000_000):  # ms: before our era, and in its first years
        run = {"run_id": "r", "result": "ok", "duration_ms": took}
        assert not _read("profile_runs", run).items, took


# -- whose rows


@stored
def test_a_team_key_writes_nothing_for_another_teams_surface() -> None:
    foreign = build.surface("billing", team=build.team("theirs"))
    bound = build.native(team=build.team("mine"))
    row = {"run_id": "r", "result": "ok", "surface": foreign.key, "source": "wh"}
    assert _taken(bound, "profile_runs", [row]).status == "normalised"
    count = {"sli": "s", "starts_at": _ago(hours=1), "good": 0, "total": 9, "surface": foreign.key}
    assert _taken(bound, "sli_counts", [count]).status == "normalised"
    assert ProfileRun.objects.get().surface is None
    assert SliCount.objects.get().surface is None


# -- hooks


@pytest.mark.parametrize("name", sorted(one.name for one in (PAYLOADS / "slack").glob("*.json")))
def test_slack_s_requests_with_any_part_replaced_are_read_or_refused(name: str) -> None:
    whole = json.loads((PAYLOADS / "slack" / name).read_text())
    for at in list(_places(whole)):
        for value in (None, True, 0, "", [], {}, [[]], "\ud800"):
            body = json.dumps(_with(whole, at, value)).encode()
            for raw in (body, urlencode({"payload": body}).encode()):
                with suppress(InvalidEvent):
                    assert slack.read(raw).what in ("handshake", "button", "command", "other")


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a JSON value."""
    yield above
    parts = value.items() if isinstance(value, dict) else ()
    parts = enumerate(value) if isinstance(value, list) else parts
    for name, below in parts:
        yield from _places(below, (*above, name))


def _with(value: Any, at: tuple[Any, ...], other: Any) -> Any:
    if not at:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = _with(value[at[0]], at[1:], other)
    return copy


@stored
def test_a_blank_secret_is_none_so_that_ending_the_old_one_opens_no_door() -> None:
    made = build.integration("stripe", secret="whsec_first").row
    for blank in ("", "  ", "\t"):
        with pytest.raises(Invalid):
            intake.set_secret(integration=made, secret=blank)
    made.refresh_from_db()
    assert made.secret_sealed and not made.secret_old_sealed
