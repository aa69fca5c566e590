"""The lean path: authenticated, bounded, committed before it answers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest

from apps.accounts import services as accounts
from apps.accounts.models import ApiKey
from apps.core import clock
from apps.intake import services as intake
from apps.intake import wire
from apps.intake.models import Delivery, Integration
from tests import builders as build
from tests.intake.lean import Gate, Lean, Reply, conninfo, swept  # noqa: F401 - a fixture

# Rows must be really committed: the lean path has connections of its own.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("swept")]
TRIGGER = {"action": "trigger", "summary": "Profiling fails", "dedup_key": "job/1"}
PAGERDUTY = {"event_action": "trigger", "dedup_key": "job/1",
             "payload": {"summary": "Down", "source": "w3", "severity": "error"}}  # fmt: skip


@pytest.fixture
def lean(transactional_db: None) -> Iterator[Lean]:
    made = Lean()
    yield made
    made.close()


@pytest.fixture
def key(transactional_db: None) -> str:
    return build.key("events:write", name="profiler").text


# -- native events


def test_an_event_is_in_the_database_when_it_is_answered(lean: Lean, key: str) -> None:
    raw = json.dumps(TRIGGER).encode()
    reply = lean.post("/api/v1/events", raw, key)
    assert reply.status == 202
    assert reply.body["status"] == "accepted" and reply["dedup_key"] == "job/1"
    row = Delivery.objects.get(pk=int(reply["delivery_id"]))
    assert bytes(row.body) == raw and row.status == "received"
    assert row.remote_ip == "127.0.0.1" and key not in json.dumps(row.headers)
    assert row.integration.name == "profiler" and row.integration.kind == "native"


def test_the_key_that_is_answered_is_the_key_that_the_event_gets(lean: Lean, key: str) -> None:
    reply = lean.post("/api/v1/events", {"action": "trigger", "summary": "x"}, key)
    intake.normalise_due(now=clock.now())
    event = Delivery.objects.get(pk=int(reply["delivery_id"])).events.get()
    assert event.dedup_key == reply["dedup_key"] and event.dedup_key.startswith("auto:")


def test_a_repeat_answers_the_first_delivery_and_its_key(lean: Lean, key: str) -> None:
    body = {"action": "trigger", "summary": "x", "id": "42"}
    first, again = (lean.post("/api/v1/events", body, key) for _ in range(2))
    assert first.body == again.body and Delivery.objects.count() == 1


def test_an_idempotency_key_stands_in_for_a_missing_id(lean: Lean, key: str) -> None:
    first = lean.post("/api/v1/events", TRIGGER, key, Idempotency_Key="a")
    again = lean.post("/api/v1/events", TRIGGER, key, Idempotency_Key="a")
    other = lean.post("/api/v1/events", TRIGGER, key, Idempotency_Key="b")
    assert first.body == again.body != other.body and Delivery.objects.count() == 2
    long = lean.post("/api/v1/events", TRIGGER, key, Idempotency_Key="x" * 5000)
    assert (long.status, long.code) == (400, "invalid_event")


def test_twenty_repeats_at_once_are_one_delivery(lean: Lean, key: str) -> None:
    body = {**TRIGGER, "id": "42"}
    replies = lean.together(*[("/api/v1/events", body, key)] * 20)
    assert {reply.status for reply in replies} == {202}
    assert len({reply["delivery_id"] for reply in replies}) == 1
    assert (Delivery.objects.count(), Integration.objects.count()) == (1, 1)


def test_an_event_is_refused_with_every_field_that_is_wrong(lean: Lean, key: str) -> None:
    body = {"action": "trigger", "severity": "loud", "occurred_at": "9999-12-31T23:59:59-12:00"}
    reply = lean.post("/api/v1/events", body, key)
    assert (reply.status, reply.code) == (400, "invalid_event")
    fields = {row["field"] for row in reply["errors"]}
    assert fields == {"severity", "occurred_at", "summary"}
    assert not Delivery.objects.exists()


REFUSED: list[tuple[bytes, int, str]] = [
    (b"", 400, "empty"),
    (b" \n", 400, "empty"),
    (b"{", 400, "not_json"),
    (b"null", 400, "not_an_object"),
    (b"[1,2]", 400, "not_an_object"),
    (b"[]", 400, "not_an_object"),
    (b'{"summary":"\xff\xfe"}', 400, "bad_encoding"),
    (b'{"summary":"a","m":' + b"[" * 1000 + b"1" + b"]" * 1000 + b"}", 400, "too_deep"),
    (b'{"summary":"' + b"a" * 3_000_000 + b'"}', 413, "too_large"),
    (b"{" + b",".join(b'"k%d":1' % n for n in range(200_000)) + b"}", 413, "too_large"),
    (b"{" + b",".join(b'"k%d":1' % n for n in range(30_000)) + b"}", 400, "too_many_values"),
]


def test_what_cannot_be_an_event_is_refused_and_not_kept(lean: Lean, key: str) -> None:
    for raw, status, code in REFUSED:
        reply = lean.post("/api/v1/events", raw, key)
        assert (reply.status, reply.code) == (status, code), raw[:40]
    assert not Delivery.objects.exists()


def test_poison_inside_a_good_event_is_cleaned_and_the_raw_bytes_are_kept(
    lean: Lean, key: str
) -> None:
    raw = rb'{"action":"trigger","summary":"a\u0000b\ud800","n":' + b"9" * 5000 + b"}"
    reply = lean.post("/api/v1/events", raw, key)
    intake.normalise_due(now=clock.now())
    row = Delivery.objects.get(pk=int(reply["delivery_id"]))
    assert (row.status, bytes(row.body)) == ("normalised", raw)
    event = row.events.get()
    assert event.summary == "a\ufffdb\ufffd" and event.details["n"] == "9" * 5000


# -- CloudEvents

CLOUD = {"specversion": "1.0", "id": "7", "source": "/jobs", "type": "job.failed",
         "data": {"action": "trigger", "summary": "Job failed"}}  # fmt: skip


def test_cloudevents_come_structured_binary_and_in_batches(lean: Lean, key: str) -> None:
    structured = lean.post(
        "/api/v1/events", CLOUD, key, Content_Type="application/cloudevents+json; charset=utf-8"
    )
    binary = lean.post(
        "/api/v1/events", CLOUD["data"], key, Content_Type="application/json",
        ce_specversion="1.0", ce_id="8", ce_source="/jobs", ce_type="job.failed",
    )  # fmt: skip
    batch = lean.post(
        "/api/v1/events", [{**CLOUD, "id": "9"}, {**CLOUD, "id": "10"}], key,
        Content_Type="application/cloudevents-batch+json",
    )  # fmt: skip
    assert [r.status for r in (structured, binary, batch)] == [202] * 3
    assert structured["dedup_key"] == "/jobs 7" and binary["dedup_key"] == "/jobs 8"
    assert batch["dedup_keys"] == ["/jobs 9", "/jobs 10"]
    intake.normalise_due(now=clock.now())
    assert not Delivery.objects.exclude(status="normalised").exists()


def test_a_cloudevent_is_the_same_by_source_and_id(lean: Lean, key: str) -> None:
    media = {"Content_Type": "application/cloudevents+json"}
    first, again = (lean.post("/api/v1/events", CLOUD, key, **media) for _ in range(2))
    assert first.body == again.body and Delivery.objects.count() == 1


def test_one_bad_cloudevent_refuses_the_batch(lean: Lean, key: str) -> None:
    reply = lean.post(
        "/api/v1/events", [CLOUD, {**CLOUD, "specversion": "0.3"}], key,
        Content_Type="application/cloudevents-batch+json",
    )  # fmt: skip
    assert (reply.status, reply.code) == (400, "invalid_event")
    assert [row["field"] for row in reply["errors"]] == ["1.specversion"]
    assert not Delivery.objects.exists()


# -- batches


def test_a_batch_keeps_its_good_lines_and_names_the_bad_ones(lean: Lean, key: str) -> None:
    lines = [
        b'{"action":"trigger","summary":"one","id":"1"}',
        b"nonsense",
        b"",
        b'{"action":"trigger"}\r',
        b'{"action":"resolve","dedup_key":"one"}\r',
        b'{"action":"trigger","summary":"' + b"a" * 1_100_000 + b'"}',
    ]
    reply = lean.post("/api/v1/events/batch", b"\n".join(lines), key)
    assert (reply.status, reply["accepted"]) == (202, 2)
    assert [(row["line"], row["code"]) for row in reply["rejected"]] == [
        (2, "not_json"), (4, "invalid_event"), (6, "too_large"),
    ]  # fmt: skip
    again = lean.post("/api/v1/events/batch", lines[0], key)
    assert again["accepted"] == 1 and Delivery.objects.count() == 2


def test_a_batch_has_its_limits(key: str) -> None:
    small = Lean(max_batch=1000)
    try:
        over = small.post("/api/v1/events/batch", b"x" * 1001, key)
        many = Lean.post(small, "/api/v1/events/batch", b"\n" * 500 + b"{}", key)
        assert (over.status, over.code) == (413, "too_large")
        assert (many.status, many["rejected"][0]["line"]) == (202, 501)
    finally:
        small.close()


def test_a_batch_of_more_than_ten_thousand_lines_is_refused_whole(lean: Lean, key: str) -> None:
    line = b'{"action":"trigger","summary":"x"}\n'
    reply = lean.post("/api/v1/events/batch", line * 10_002, key)
    assert (reply.status, reply.code) == (413, "too_many_lines")
    assert not Delivery.objects.exists()


# -- PagerDuty


@pytest.fixture
def routing_key(transactional_db: None) -> str:
    return build.integration("pagerduty").token


def test_pagerduty_is_answered_as_pagerduty_answers(lean: Lean, routing_key: str) -> None:
    done = lean.post("/v2/enqueue", {**PAGERDUTY, "routing_key": routing_key})
    assert (done.status, done.headers["content-type"]) == (202, "application/json")
    assert done.body == {
        "status": "success", "message": "Event processed", "dedup_key": "job/1",
    }  # fmt: skip
    change = {"routing_key": routing_key, "payload": {"summary": "Deployed"}}
    assert lean.post("/v2/change/enqueue", change).status == 202
    intake.normalise_due(now=clock.now())
    kinds = Delivery.objects.order_by("pk").values_list("status", "events__kind")
    assert list(kinds) == [("normalised", "alert"), ("normalised", "change")]


def test_without_a_dedup_key_the_one_that_was_made_is_kept(lean: Lean, routing_key: str) -> None:
    body = {**PAGERDUTY, "routing_key": routing_key, "dedup_key": None}
    made = lean.post("/v2/enqueue", body)["dedup_key"]
    intake.normalise_due(now=clock.now())
    assert Delivery.objects.get().events.get().dedup_key == made


WRONG_PAGERDUTY: list[dict[str, Any]] = [
    {"routing_key": ["x"], "event_action": {"a": 1}, "payload": "str"},
    {"event_action": "trigger"},
    {"routing_key": "x" * 32},
    {"routing_key": "\ud800"},
]


def test_what_is_no_pagerduty_event_hears_it_in_its_words(lean: Lean) -> None:
    for path in ("/v2/enqueue", "/v2/change/enqueue"):
        for body in WRONG_PAGERDUTY:
            reply = lean.post(path, body)
            assert (reply.status, reply["status"]) == (400, "invalid event"), body
            assert reply["errors"]
    assert not Delivery.objects.exists()


def test_pagerduty_limits_and_shapes_hold_with_a_good_key(lean: Lean, routing_key: str) -> None:
    body = {**PAGERDUTY, "routing_key": routing_key}
    for changed in (
        {"dedup_key": "k" * 256}, {"event_action": {"a": 1}}, {"payload": "str"},
        {"payload": {**PAGERDUTY["payload"], "severity": "loud"}},  # type: ignore[dict-item]
        {"event_action": "resolve", "dedup_key": ""},
    ):  # fmt: skip
        reply = lean.post("/v2/enqueue", {**body, **changed})
        assert (reply.status, reply["status"]) == (400, "invalid event"), changed
    for raw in (b"", b"{", b"[]"):
        assert lean.post("/v2/enqueue", raw)["status"] == "invalid event"
    huge = lean.post("/v2/enqueue", b"x" * (1 << 21))
    assert (huge.status, huge["status"]) == (413, "invalid event")
    assert not Delivery.objects.exists()


def test_a_key_of_another_kind_routes_nothing_here(lean: Lean) -> None:
    hook = build.integration("alertmanager").token
    assert lean.post("/v2/enqueue", {**PAGERDUTY, "routing_key": hook}).status == 400


# -- hooks


def test_a_hook_keeps_what_its_vendor_sends_readable_or_not(lean: Lean) -> None:
    token = build.integration("alertmanager").token
    for raw in (
        b'{"version":"4","status":"firing","alerts":[],"groupKey":"g"}',
        b'{"version":"4","status":"firing","alerts":"nope","groupKey":{}}',
        b"not even json",
    ):
        reply = lean.post(f"/hooks/{token}/alertmanager", raw)
        assert reply.status == 202 and set(reply.body) == {"status", "delivery_id"}
    intake.normalise_due(now=clock.now())
    states = list(Delivery.objects.order_by("pk").values_list("status", flat=True))
    assert states == ["ignored", "quarantined", "quarantined"]


def test_every_wrong_hook_address_answers_the_same(lean: Lean) -> None:
    token = build.integration("alertmanager").token
    gone = build.integration("gcp")
    Integration.objects.filter(pk=gone.row.pk).update(archived_at=clock.now())
    routing = build.integration("pagerduty").token
    paths = [
        f"/hooks/{token}/gcp", f"/hooks/{token}x/alertmanager", f"/hooks/{token}/alertmanager/x",
        f"/hooks/{token}", "/hooks/", "/hooks//alertmanager", f"/hooks/{token}/stripe",
        f"/hooks/{gone.token}/gcp", f"/hooks/{routing}/pagerduty", "/hooks/\ud800/gcp",
    ]  # fmt: skip
    replies = [lean.post(path, b"{}") for path in paths]
    assert {(reply.status, reply.raw) for reply in replies} == {(404, replies[0].raw)}
    assert not Delivery.objects.exists()


def signature(secret: str, raw: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def test_github_is_believed_only_with_a_fitting_signature(lean: Lean) -> None:
    source = build.integration("github", secret="old")
    intake.set_secret(integration=source.row, secret="new")
    path, raw = f"/hooks/{source.token}/github", b'{"zen":"x"}'
    sent = {"X_GitHub_Event": "ping"}
    for given in (
        "",
        "sha256=",
        "sha256=é",
        "sha1=x",
        signature("other", raw),
        "sha256=" + "0" * 64,
    ):
        reply = lean.post(path, raw, X_Hub_Signature_256=given, **sent)
        assert (reply.status, reply.code) == (401, "bad_signature"), given
    assert not Delivery.objects.exists()
    for secret in ("old", "new"):
        good = signature(secret, raw)
        assert lean.post(path, raw, X_Hub_Signature_256=good, **sent).status == 202
    bad = lean.post(path, raw + b" ", X_Hub_Signature_256=signature("new", raw), **sent)
    assert bad.status == 401


def test_a_redelivery_of_github_is_the_first_delivery(lean: Lean) -> None:
    source = build.integration("github")
    path = f"/hooks/{source.token}/github"
    sent = {"X_GitHub_Event": "ping", "X_GitHub_Delivery": "guid-1"}
    first, again = (lean.post(path, b"{}", **sent) for _ in range(2))
    assert first.body == again.body and Delivery.objects.count() == 1


# -- who may


def test_every_key_that_is_none_hears_the_same_401(lean: Lean, key: str) -> None:
    expired, revoked = build.key("events:write"), build.key("events:write")
    ApiKey.objects.filter(pk=expired.row.pk).update(expires_at=clock.now())
    accounts.revoke_key(key=revoked.row, now=clock.now())
    replies = [
        lean.post("/api/v1/events", TRIGGER, text)
        for text in ("", "opk_live_wrong", f"{key}x", expired.text, revoked.text)
    ]
    replies.append(lean.post("/api/v1/events", TRIGGER, Authorization=f"Basic {key}"))
    replies.append(lean.post("/api/v1/events", TRIGGER, Authorization="Bearer é"))
    assert {(reply.status, reply.raw) for reply in replies} == {(401, replies[0].raw)}
    assert replies[0].headers["www-authenticate"] == 'Bearer realm="opsportal"'
    assert not Delivery.objects.exists()


def test_a_key_without_the_scope_is_403_and_admin_includes_it(lean: Lean) -> None:
    reader, admin = build.key("events:read"), build.key("admin")
    reply = lean.post("/api/v1/events", TRIGGER, reader.text)
    assert (reply.status, reply.code) == (403, "not_allowed")
    assert lean.post("/api/v1/events", TRIGGER, admin.text).status == 202
    assert not Integration.objects.filter(api_key=reader.row).exists()


def test_a_rotated_key_posts_where_the_first_one_did(lean: Lean) -> None:
    team = build.team()
    first = build.key("events:write", team=team)
    lean.post("/api/v1/events", TRIGGER, first.text)
    now = clock.now()
    second = accounts.rotate_key(key=first.row, overlap=timedelta(0), by=None, now=now)
    third = accounts.rotate_key(key=second.row, overlap=timedelta(hours=1), by=None, now=now)
    assert lean.post("/api/v1/events", TRIGGER, first.text).status == 401
    for text in (second.text, third.text):
        assert lean.post("/api/v1/events", {**TRIGGER, "action": "resolve"}, text).status == 202
    assert Integration.objects.get().team == team
    assert Delivery.objects.filter(integration=Integration.objects.get()).count() == 3


def test_a_revoked_key_is_refused_at_once(lean: Lean, key: str) -> None:
    assert lean.post("/api/v1/events", TRIGGER, key).status == 202
    accounts.revoke_key(key=ApiKey.objects.get(), now=clock.now())
    assert lean.post("/api/v1/events", TRIGGER, key).status == 401


def test_the_last_use_of_a_key_is_known_to_the_minute(lean: Lean, key: str) -> None:
    lean.post("/api/v1/events", TRIGGER, key)
    first = ApiKey.objects.get().last_used_at
    lean.post("/api/v1/events", TRIGGER, key)
    assert first is not None and ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    lean.post("/api/v1/events", TRIGGER, key)
    assert ApiKey.objects.get().last_used_at >= first


def test_a_sender_that_is_too_fast_is_told_when_to_come_back(lean: Lean) -> None:
    made = accounts.create_key(name="fast", scopes=["events:write"], rate=2, now=clock.now())
    replies = [lean.post("/api/v1/events", TRIGGER, made.text) for _ in range(3)]
    assert [reply.status for reply in replies] == [202, 202, 429]
    assert replies[2].code == "rate_limited" and int(replies[2].headers["retry-after"]) >= 1
    batch = lean.post("/api/v1/events/batch", b'{"action":"x"}\n' * 5, made.text)
    assert batch.status == 429


def test_vendors_hear_what_makes_them_send_again(lean: Lean) -> None:
    routing, hook = build.integration("pagerduty"), build.integration("alertmanager")
    Integration.objects.update(rate=1)
    body = {**PAGERDUTY, "routing_key": routing.token}
    replies = [lean.post("/v2/enqueue", body) for _ in range(2)]
    assert [reply.status for reply in replies] == [202, 429]
    assert replies[1]["status"] == "throttle exceeded"
    hooks = [lean.post(f"/hooks/{hook.token}/alertmanager", b"{}") for _ in range(2)]
    assert [reply.status for reply in hooks] == [202, 503]  # Alertmanager retries no 429
    assert "retry-after" in hooks[1].headers and "retry-after" in replies[1].headers


# -- the wire


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/events/batch", "/v2/enqueue"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_only_post_is_taken(lean: Lean, path: str, method: str) -> None:
    reply = lean.call(method, path)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


def test_hooks_take_put_as_well_since_grafana_may_be_told_to(lean: Lean) -> None:
    for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
        reply = lean.call(method, "/hooks/x/gcp")
        assert (reply.status, reply.headers["allow"]) == (405, "PUT, POST")
    assert lean.call("PUT", "/hooks/x/grafana").status == 404


def test_a_body_in_chunks_is_one_body(lean: Lean, key: str) -> None:
    raw = json.dumps(TRIGGER).encode()
    reply = lean.post("/api/v1/events", [raw[:7], b"", raw[7:]], key)
    assert reply.status == 202 and bytes(Delivery.objects.get().body) == raw


def test_chunks_past_the_limit_are_413_and_an_end_is_waited_for(lean: Lean, key: str) -> None:
    reply = lean.post("/api/v1/events", [b"x" * 65536] * 40, key)
    assert (reply.status, reply.code) == (413, "too_large")
    assert "connection" not in reply.headers  # read to its end: the connection is still good


def test_an_endless_body_is_413_and_its_connection_is_closed(lean: Lean, key: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    reply = lean.post("/api/v1/events", endless(), key)
    assert (reply.status, reply.code, reply.headers["connection"]) == (413, "too_large", "close")


class Stalled:
    """A sender that begins and then says nothing, however often it is asked."""

    def __init__(self) -> None:
        self.begun = False

    def __aiter__(self) -> Stalled:
        return self

    async def __anext__(self) -> bytes:
        if self.begun:
            await asyncio.Event().wait()
        self.begun = True
        return b"{"


def test_a_body_that_comes_too_slowly_is_408(
    lean: Lean, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "BODY_PATIENCE", 0.05)
    monkeypatch.setattr(wire, "DRAIN_PATIENCE", 0.05)
    begun = time.monotonic()
    reply = lean.post("/api/v1/events", Stalled(), key)
    assert (reply.status, reply.code, reply.headers["connection"]) == (408, "too_slow", "close")
    assert time.monotonic() - begun < 5 and not Delivery.objects.exists()


def test_a_body_that_breaks_off_leaves_nothing(lean: Lean, key: str) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield json.dumps(TRIGGER).encode()
        raise ConnectionError

    reply = lean.post("/api/v1/events", broken(), key)
    assert (reply.status, reply.code) == (400, "incomplete")
    assert not Delivery.objects.exists()


def test_a_refusal_reads_the_body_so_that_the_answer_arrives(lean: Lean) -> None:
    taken: list[int] = []

    async def counted() -> AsyncIterator[bytes]:
        for number in range(8):
            taken.append(number)
            yield b"x" * 65536

    reply = lean.post("/api/v1/events", counted(), "opk_live_wrong")
    assert reply.status == 401 and len(taken) == 8


def test_the_request_id_is_the_sender_s_or_a_new_one(lean: Lean, key: str) -> None:
    given = lean.post("/api/v1/events", TRIGGER, key, X_Request_ID="deploy-2026.1")
    odd = lean.post("/api/v1/events", TRIGGER, key, X_Request_ID="a b\tc")
    assert given.headers["x-request-id"] == "deploy-2026.1"
    assert len(odd.headers["x-request-id"]) == 32
    assert given.headers["x-content-type-options"] == "nosniff"


def test_a_value_that_the_database_refuses_is_400_not_send_again(lean: Lean, key: str) -> None:
    async def from_nowhere() -> Reply:
        raw = json.dumps(TRIGGER).encode()
        scope = {
            "type": "http", "method": "POST", "path": "/api/v1/events", "client": ("nowhere", 1),
            "headers": [(b"authorization", f"Bearer {key}".encode())],
        }  # fmt: skip
        return await lean._run(scope, raw)

    reply = lean.runner.run(from_nowhere())
    assert (reply.status, reply.code) == (400, "bad_value")


# -- the database


def test_a_database_that_is_away_is_503_and_the_pool_comes_back(key: str) -> None:
    from django.db import connection

    known = connection.settings_dict
    gate = Gate(known["HOST"] or "127.0.0.1", int(known["PORT"] or 5432))
    lean = Lean(conninfo(host="127.0.0.1", port=gate.port), patience=0.5)
    try:
        assert lean.post("/api/v1/events", TRIGGER, key).status == 202
        gate.shut()
        begun = time.monotonic()
        for path, body in (("/api/v1/events", TRIGGER), ("/hooks/abc/gcp", {})):
            away = lean.post(path, body, key)
            assert (away.status, away.code) == (503, "database_away")
            assert away.headers["retry-after"] == "5"
        assert time.monotonic() - begun < 10
        gate.open()
        deadline = time.monotonic() + 10
        while (back := lean.post("/api/v1/events", TRIGGER, key)).status == 503:
            assert time.monotonic() < deadline, "the pool does not come back"
        assert back.status == 202 and Delivery.objects.count() == 2
    finally:
        lean.close()
        gate.shut()


def test_a_database_that_was_away_from_the_start_is_no_reason_to_hang(key: str) -> None:
    from django.db import connection

    known = connection.settings_dict
    gate = Gate(known["HOST"] or "127.0.0.1", int(known["PORT"] or 5432))
    gate.shut()
    lean = Lean(conninfo(host="127.0.0.1", port=gate.port), patience=0.5)
    try:
        assert lean.post("/api/v1/events", TRIGGER, key).status == 503
        gate.open()
        deadline = time.monotonic() + 15
        while lean.post("/api/v1/events", TRIGGER, key).status == 503:
            assert time.monotonic() < deadline, "the pool does not come back"
    finally:
        lean.close()
        gate.shut()


def test_ten_thousand_lines_are_one_commit(lean: Lean, key: str) -> None:
    line = b'{"action": "trigger", "summary": "x", "id": "n%d"}'
    body = b"\n".join(line % number for number in range(10_000))
    first = lean.post("/api/v1/events/batch", body, key)
    again = lean.post("/api/v1/events/batch", body, key)
    assert first.body == again.body == {"accepted": 10_000, "rejected": []}
    assert Delivery.objects.filter(delivery_key__startswith="n").count() == 10_000


def test_an_idempotency_key_with_another_body_is_refused(lean: Lean, key: str) -> None:
    first = b'{"action": "trigger", "summary": "one", "dedup_key": "1"}'
    other = b'{"action": "trigger", "summary": "two", "dedup_key": "2"}'
    kept = lean.post("/api/v1/events", first, key, Idempotency_Key="k")
    again = lean.post("/api/v1/events", first, key, Idempotency_Key="k")
    refused = lean.post("/api/v1/events", other, key, Idempotency_Key="k")
    assert kept.body == again.body
    assert (refused.status, refused.code) == (422, "idempotency_key_reused")
    assert Delivery.objects.count() == 1
