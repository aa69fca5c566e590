"""The doors of telemetry: many lines, one delivery, nothing kept of what was refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from apps.core import clock, events
from apps.intake import services as intake
from apps.intake.adapters import native
from apps.intake.canonical import InvalidEvent
from apps.intake.doors import DOORS
from apps.intake.events import EventsNormalised
from apps.intake.models import Delivery, Integration
from apps.intake.readings import MAX_LINES, READINGS, read_batch
from apps.intake.services import normalising
from tests import builders as build
from tests.intake.lean import Lean, swept  # noqa: F401 - a fixture
from tests.intake.test_bad_inputs import ROWS, sent
from tests.world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("swept")]
RUNS = "/api/v1/telemetry/profile-runs"
NDJSON = {"Content_Type": "application/x-ndjson"}


def _lines(*rows: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in rows)


def _runs(count: int, **more: Any) -> bytes:
    return _lines(*({"run_id": f"r{n}", "result": "ok", **more} for n in range(count)))


@pytest.fixture
def lean(transactional_db: None) -> Iterator[Lean]:
    made = Lean()
    yield made
    made.close()


@pytest.fixture
def key(transactional_db: None) -> str:
    return build.key("telemetry:write", name="profiler").text


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[EventsNormalised]:
    """What is published, instead of to those who listen."""
    heard: list[EventsNormalised] = []
    monkeypatch.setitem(events._handlers, EventsNormalised, [heard.append])
    return heard


EACH: dict[str, dict[str, Any]] = {
    "profile-runs": {"run_id": "r1", "result": "ok"},
    "report-runs": {"run_id": "r1", "template": "quality", "result": "error"},
    "semantic-labels": {"column_ref": "wh.p.t.c", "semantic_type": "email"},
    "sli-counts": {"sli": "smoke", "starts_at": clock.now().isoformat(), "good": 1, "total": 1},
    "measurements": {"metric": "mcp.latency", "value": 1},
}


def test_every_kind_has_a_door_that_keeps_what_came_before_it_answers(
    lean: Lean, key: str, told: list[EventsNormalised]
) -> None:
    for name, line in EACH.items():
        raw = json.dumps(line).encode()
        reply = lean.post(f"/api/v1/telemetry/{name}", raw, key)
        assert reply.status == 202, reply.body
        pk = reply["delivery_id"]
        assert reply.body == {
            "status": "accepted", "delivery_id": pk, "accepted": 1, "rejected": [],
        }  # fmt: skip
        row = Delivery.objects.get(pk=int(pk))
        assert (row.adapter, bytes(row.body)) == (name.replace("-", "_"), raw)
        assert (row.status, row.integration.name) == ("received", "profiler")
    assert {name.replace("-", "_") for name in EACH} == set(READINGS)
    intake.normalise_due(now=clock.now())
    assert [(one.kind, one.delivery.adapter, one.events) for one in told] == [
        ("telemetry", name.replace("-", "_"), ()) for name in EACH
    ]
    assert set(Delivery.objects.values_list("status", flat=True)) == {"normalised"}


def test_many_lines_are_one_delivery_without_the_lines_that_were_refused(
    lean: Lean, key: str
) -> None:
    bad = {"run_id": "x", "result": "ok", "top_values": ["ada@example.com"]}
    raw = b"\n".join([_runs(1), _lines(bad), b"{", _lines({"run_id": "y"}), _runs(2)]) + b"\n"
    reply = lean.post(RUNS, raw, key, **NDJSON)
    assert (reply.status, reply["accepted"]) == (202, 3)
    assert [(line["line"], line["code"], line.get("field")) for line in reply["rejected"]] == [
        (2, "personal_data", "top_values"), (3, "not_json", None), (4, "invalid", "result"),
    ]  # fmt: skip
    row = Delivery.objects.get()
    assert b"ada@" not in bytes(row.body) and b"ada@" not in reply.raw
    batch = read_batch(row.adapter, bytes(row.body), received_at=row.received_at)
    assert (len(batch.items), batch.rejected) == (3, [])


def test_what_holds_nothing_that_can_be_taken_is_refused_and_not_kept(lean: Lean, key: str) -> None:
    alone = lean.post(RUNS, {"result": "fine"}, key)
    assert (alone.status, alone.code) == (400, "invalid")
    assert [error["field"] for error in alone["errors"]] == ["result", "run_id"]
    personal = lean.post(RUNS, {"run_id": "r", "result": "ok", "min_value": "Ada"}, key)
    assert (personal.status, personal.code) == (400, "personal_data")
    assert "Leave out" in personal["detail"] and "Ada" not in personal.raw.decode()
    many = lean.post(RUNS, b"{\n[1]\n{}", key, **NDJSON)
    assert (many.status, many.code, many["accepted"]) == (400, "all_rejected", 0)
    assert [line["line"] for line in many["rejected"]] == [1, 2, 3]
    assert not Delivery.objects.exists()


REFUSED: list[tuple[bytes, int, str]] = [
    (b"", 400, "empty"),
    (b" \n\n ", 400, "empty"),
    (b"{", 400, "not_json"),
    (b"null", 400, "not_an_object"),
    (b'[{"run_id":"r","result":"ok"}]', 400, "not_an_object"),
    (b'{"run_id":"\xff\xfe"}', 400, "bad_encoding"),
    (b'{"run_id":"r","m":' + b"[" * 1000 + b"]" * 1000 + b"}", 400, "too_deep"),
    (b'{"run_id":"' + b"a" * 3_000_000 + b'"}', 413, "too_large"),
    (b'{"a":"' + b"a" * 9_000_000 + b'"}', 413, "too_large"),
    (b"{}\n" * (MAX_LINES + 1), 413, "too_many_lines"),
    (b'{"run_id":"r","result":"ok","duration_ms":1e999,"columns":-1}', 400, "invalid"),
]


def test_what_cannot_be_telemetry_is_refused_and_not_kept(lean: Lean, key: str) -> None:
    for raw, status, code in REFUSED:
        reply = lean.post(RUNS, raw, key)
        assert (reply.status, reply.code) == (status, code), (raw[:40], reply.body)
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("name", EACH)
def test_every_bad_body_of_the_catalog_is_refused_and_costs_no_neighbor(
    lean: Lean, key: str, name: str
) -> None:
    good = json.dumps(EACH[name]).encode()
    for row in (row for row in ROWS if {"body", "body_gen_python"} & set(ROWS[row])):
        raw = sent(row) if row != "chunked-endless" else b""
        alone = lean.post(f"/api/v1/telemetry/{name}", raw, key)
        assert alone.status in (400, 413) and alone.code, (row, alone.body)
        if b"\n" not in raw and len(raw) < 1 << 20:
            beside = lean.post(f"/api/v1/telemetry/{name}", b"\n".join([good, raw, good]), key)
            assert (beside.status, beside["accepted"]) == (202, 2), (row, beside.body)
            assert len(beside["rejected"]) == (1 if raw.strip() else 0)
    kept = {bytes(body) for body in Delivery.objects.values_list("body", flat=True)}
    assert kept <= {good + b"\n" + good, good + b"\n\n" + good}


def test_only_a_key_with_the_scope_may_post(lean: Lean, key: str) -> None:
    other = build.key("events:write", name="alerts").text
    assert lean.post(RUNS, _runs(1), "").status == 401
    reply = lean.post(RUNS, _runs(1), other)
    assert (reply.status, reply.code) == (403, "not_allowed")
    assert "telemetry:write" in reply["detail"]
    assert lean.post("/api/v1/events", {"action": "trigger", "summary": "x"}, key).status == 403
    both = build.key("admin", name="all").text
    assert lean.post(RUNS, _runs(1), both).status == 202
    assert Delivery.objects.count() == 1


def test_a_repeat_with_its_idempotency_key_is_the_same_delivery(lean: Lean, key: str) -> None:
    first, again = (lean.post(RUNS, _runs(3), key, Idempotency_Key="k1") for _ in range(2))
    assert first.body == again.body and Delivery.objects.count() == 1
    other = lean.post(RUNS, _runs(4), key, Idempotency_Key="k1")
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    elsewhere = lean.post("/api/v1/telemetry/measurements", _lines(EACH["measurements"]), key,
                          Idempotency_Key="k1")  # fmt: skip
    assert elsewhere.status == 202 and Delivery.objects.count() == 2
    long = lean.post(RUNS, _runs(1), key, Idempotency_Key="x" * 300)
    assert (long.status, long.code) == (400, "invalid")


def test_a_full_batch_is_read_beside_the_loop_and_kept_whole(lean: Lean, key: str) -> None:
    raw = _runs(MAX_LINES)
    reply = lean.post(RUNS, raw, key, **NDJSON)
    assert (reply.status, reply["accepted"]) == (202, MAX_LINES)
    assert bytes(Delivery.objects.get().body) == raw


def test_lines_count_against_the_rate_of_a_key(key: str) -> None:
    slow = Lean(rate=50)
    try:
        assert slow.post(RUNS, _runs(50), key).status == 202
        reply = slow.post(RUNS, _runs(50), key)
        assert (reply.status, reply.code) == (429, "rate_limited")
        assert int(reply.headers["retry-after"]) >= 1
    finally:
        slow.close()


def test_reading_what_came_is_not_the_doors_business(lean: Lean) -> None:
    app = lean.app
    lists = {door.path for door in DOORS if door.shared}
    assert lists == {RUNS, "/api/v1/telemetry/report-runs"}
    assert app.handles(RUNS) and app.handles(RUNS, "POST") and not app.handles(RUNS, "GET")
    assert app.handles("/api/v1/events", "GET")  # answered with 405 by the door itself
    assert not app.handles("/api/v1/telemetry/sources", "POST")


# -- the engine's step


@pytest.fixture
def source(world: World) -> Integration:
    return build.native()


def _kept(source: Integration, world: World, adapter: str, raw: bytes) -> Delivery:
    return Delivery.objects.create(
        integration=source, adapter=adapter, received_at=world.now, body=raw, dedup_key=""
    )


def test_what_telemetry_cannot_take_is_quarantined_and_its_neighbors_go_on(
    world: World, source: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(event: EventsNormalised) -> None:
        if b"bad" in bytes(event.delivery.body):
            raise InvalidEvent("invalid", "There is no such thing.")

    handlers: list[Callable[[EventsNormalised], None]] = [take]
    monkeypatch.setitem(events._handlers, EventsNormalised, handlers)
    rows = [_kept(source, world, "profile_runs", raw) for raw in (b"good", b"bad", b"good")]
    intake.normalise_due(now=world.now)
    found = [Delivery.objects.get(pk=row.pk) for row in rows]
    assert [row.status for row in found] == ["normalised", "quarantined", "normalised"]
    assert found[1].error == "There is no such thing."


def test_a_pass_reads_no_more_bytes_than_it_has_room_for_but_goes_on(
    world: World,
    source: Integration,
    told: list[EventsNormalised],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(normalising, "BUDGET", 100)
    for size in (500, 40, 40, 40):
        _kept(source, world, "sli_counts", b"x" * size)
    assert [intake.normalise_due(now=world.now) for _ in range(4)] == [1, 2, 1, 0]
    assert [len(bytes(one.delivery.body)) for one in told] == [500, 40, 40, 40]


def test_readings_and_events_of_one_key_keep_their_order(
    world: World, source: Integration, told: list[EventsNormalised]
) -> None:
    trigger = _lines({"action": "trigger", "summary": "x", "dedup_key": "a"})
    for adapter, raw in (("native", trigger), ("profile_runs", b"{}"), ("native", trigger)):
        _kept(source, world, adapter, raw)
    intake.normalise_due(now=world.now + timedelta(seconds=1))
    assert [one.delivery.adapter for one in told] == ["native", "profile_runs", "native"]
    assert [len(one.events) for one in told] == [1, 0, 1]
    assert native.KIND not in READINGS


def test_a_retry_is_the_same_delivery_even_if_more_of_its_lines_could_be_taken_by_now(
    lean: Lean, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    ahead = (now + timedelta(minutes=12)).isoformat()  # a sender's clock that runs ahead
    raw = _runs(1) + b"\n" + _lines({"run_id": "ahead", "result": "ok", "finished_at": ahead})
    first = lean.post(RUNS, raw, key, Idempotency_Key="k")
    assert (first["accepted"], [line["line"] for line in first["rejected"]]) == (1, [2])
    monkeypatch.setattr("apps.intake.store.utc_now", lambda: now + timedelta(minutes=5))
    again = lean.post(RUNS, raw, key, Idempotency_Key="k")
    assert (again.status, again.body) == (202, first.body)
    other = lean.post(RUNS, _runs(2), key, Idempotency_Key="k")
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert Delivery.objects.count() == 1
