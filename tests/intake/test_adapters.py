"""Every recorded payload becomes exactly the event it must become; poison becomes an error."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.intake.adapters import (
    ADAPTERS,
    CHECKED,
    alertmanager,
    checked_adapter_for,
    cloudevents,
    gcp,
    github,
    native,
    opsgenie,
    pagerduty,
)
from apps.intake.canonical import (
    CanonicalEvent,
    InvalidEvent,
    cut,
    fit_key,
    make_event,
    meaningful_group,
    parse_time,
    severity_of,
    source_clock,
    web_link,
)
from apps.intake.doors.opsgenie import address
from apps.intake.redaction import redact_headers

VECTORS = Path(__file__).parents[1] / "vectors"
PAYLOADS = VECTORS / "payloads"
INDEX: dict[str, Any] = json.loads((PAYLOADS / "index.json").read_text())
ROWS: list[dict[str, Any]] = INDEX["payloads"]
POISON: list[dict[str, Any]] = json.loads((VECTORS / "bad_inputs.json").read_text())["inputs"]

BUILT = {
    *("alertmanager", "cloudevents", "fivetran", "gcp", "github", "grafana", "opsgenie"),
    *("pagerduty", "sentry", "stripe"),
}
# A ping is no body, and Slack's requests are answered at once: tests/intake/test_ping_door.py and
# tests/alerts/test_slack.py read these files.
ELSEWHERE = {"slack", "healthchecks"}
# Alertmanager can speak other vendors' protocols; the path says whose adapter reads it.
ADAPTER_OF_PATH = {"/v2/enqueue": "pagerduty", "/v2/change/enqueue": "pagerduty"}
GENERATED = "<server generates uuid, returned in 202 body>"
CHANGES_OF = {"alert+change": ["change"]}
NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
KEY = "auto-7d3b2b9a"


def built_rows() -> list[dict[str, Any]]:
    return [row for row in ROWS if row["source"] in BUILT]


def kind_of(row: Mapping[str, Any]) -> str:
    return ADAPTER_OF_PATH.get(row["path"] or "") or str(row["source"])


def headers_of(row: Mapping[str, Any]) -> dict[str, str]:
    """As the door hands them on: for Opsgenie what is done stands in the path."""
    if kind_of(row) != "opsgenie" or row["path"] == "/v2/alerts":
        return dict(row["headers"])
    return {**row["headers"], opsgenie.VERB: in_path(row)[1]}


def in_path(row: Mapping[str, Any]) -> tuple[str, str]:
    """The alias and the verb of an Opsgenie path, decoded as a server does it."""
    return address(unquote(row["path"].partition("?")[0]))


def key_of(row: Mapping[str, Any]) -> str:
    """The key that the door found or made."""
    named = kind_of(row) == "opsgenie" and row["path"] != "/v2/alerts"
    return in_path(row)[0] if named else KEY


def events_of(row: Mapping[str, Any]) -> list[CanonicalEvent]:
    body = (PAYLOADS / row["file"]).read_bytes()
    adapter = ADAPTERS[kind_of(row)]
    return adapter.normalise(body, headers_of(row), received_at=NOW, fallback_key=key_of(row))


def field_of(event: CanonicalEvent, name: str) -> Any:
    if name not in INDEX["canonical_fields"]:
        return event.details[name]
    return getattr(event, "class_" if name == "class" else name)


def read(kind: str, body: Any, headers: Mapping[str, str] | None = None) -> list[CanonicalEvent]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ADAPTERS[kind].normalise(raw, headers or {}, received_at=NOW, fallback_key=KEY)


def refused(kind: str, body: Any, headers: Mapping[str, str] | None = None) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        read(kind, body, headers)
    assert caught.value.message
    return caught.value


def fields_refused(error: InvalidEvent) -> set[str]:
    return {entry["field"] for entry in error.errors}


# -- the recorded payloads


def test_every_row_of_the_index_is_read_here_or_known_to_be_read_elsewhere() -> None:
    assert {row["source"] for row in ROWS} == BUILT | ELSEWHERE
    # A mail is no JSON, a ping has no body of a form: test_mail_hook.py, test_ping_door.py.
    assert BUILT | {"native", "mail", "heartbeat", "slack"} == set(ADAPTERS)
    assert not BUILT & ELSEWHERE


def test_every_payload_is_here_and_has_a_row() -> None:
    stored = {
        str(path.relative_to(PAYLOADS))
        for path in PAYLOADS.rglob("*.json")
        if path.parent != PAYLOADS
    }
    assert stored == {row["file"] for row in ROWS}
    assert len(ROWS) == 51 and len(built_rows()) == 44


@pytest.mark.parametrize("row", built_rows(), ids=lambda row: str(row["file"]))
def test_a_recorded_payload_becomes_exactly_what_its_row_says(row: dict[str, Any]) -> None:
    events = events_of(row)
    extra = CHANGES_OF.get(row["kind"], [])
    assert [e.action for e in events] == [w["action"] for w in row["expected"]] + extra
    for event, wanted in zip(events, row["expected"], strict=False):
        assert event.kind == row["kind"].partition("+")[0]
        for name, value in wanted.items():
            given = field_of(event, name)
            if name == "occurred_at":
                assert given == datetime.fromisoformat(value)
            else:
                assert given == (KEY if value == GENERATED else value), name


@pytest.mark.parametrize("row", built_rows(), ids=lambda row: str(row["file"]))
def test_a_payload_gives_the_same_events_parsed_or_raw_and_whatever_the_case_of_headers(
    row: dict[str, Any],
) -> None:
    body = (PAYLOADS / row["file"]).read_bytes()
    lowered = {name.lower(): value for name, value in headers_of(row).items()}
    adapter, key = ADAPTERS[kind_of(row)], key_of(row)
    again = adapter.normalise(json.loads(body), lowered, received_at=NOW, fallback_key=key)
    assert again == events_of(row)
    assert adapter.delivery_key(body, lowered) == adapter.delivery_key(body, row["headers"])


@pytest.mark.parametrize(
    "row",
    [r for r in built_rows() if kind_of(r) in CHECKED and r["kind"] == "alert"],
    ids=lambda row: str(row["file"]),
)
def test_the_answer_names_the_key_that_the_event_will_have(row: dict[str, Any]) -> None:
    body = (PAYLOADS / row["file"]).read_bytes()
    keys = CHECKED[kind_of(row)].validate(body, headers_of(row), fallback_key=key_of(row))
    assert keys == [event.dedup_key for event in events_of(row)]


@pytest.mark.parametrize("row", built_rows(), ids=lambda row: str(row["file"]))
def test_the_headers_that_are_kept_suffice_to_read_the_delivery_again(row: dict[str, Any]) -> None:
    kept = redact_headers(headers_of(row))
    assert events_of({**row, "headers": kept}) == events_of(row)
    body = (PAYLOADS / row["file"]).read_bytes()
    adapter = ADAPTERS[kind_of(row)]
    assert adapter.delivery_key(body, kept) == adapter.delivery_key(body, row["headers"])
    assert checked_adapter_for(kept) is checked_adapter_for(row["headers"])


def row_of(file: str) -> dict[str, Any]:
    return next(row for row in ROWS if row["file"] == file)


def test_a_finished_deployment_is_also_a_change() -> None:
    alert, change = events_of(row_of("github/deployment_status_failure.json"))
    assert (alert.kind, change.kind) == ("alert", "change")
    assert change.severity == "info"
    assert change.dedup_key == "deployment:Codertocat/Hello-World#145988746"
    assert change.occurred_at == datetime(2019, 5, 15, 15, 20, 55, tzinfo=UTC)
    assert change.source_ts == change.occurred_at
    assert change.details["sha"] == "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"


# -- bad inputs


def poison_body(row: Mapping[str, Any]) -> bytes:
    if "body_gen_python" in row:
        made = eval(row["body_gen_python"])  # noqa: S307 - our own vectors hold expressions
        if isinstance(made, dict):
            made = json.dumps(made)
        return made if isinstance(made, bytes) else str(made).encode()
    return str(row["body"]).encode()


HAVE_THEIR_OWN_TEST = {
    "xss-alert-label",
    "dedup-key-256",
    "summary-5000",
    "chunked-endless",  # a matter of the door: the adapters get whole bodies
    "dedup-cross-key",  # a matter of the integration, which is the keys' namespace
}
PATHS = {
    "webhook_ingest": "native",
    "pagerduty_enqueue": "pagerduty",
    "alertmanager_webhook": "alertmanager",
}


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in POISON
        if row["path_kind"] in PATHS
        and ("body" in row or "body_gen_python" in row)
        and row["id"] not in HAVE_THEIR_OWN_TEST
    ],
    ids=lambda row: str(row["id"]),
)
def test_a_bad_input_is_refused_in_words(row: dict[str, Any]) -> None:
    error = refused(PATHS[row["path_kind"]], poison_body(row))
    assert error.code
    assert "Traceback" not in error.message


def test_the_poison_that_was_measured_is_all_there() -> None:
    ids = {row["id"] for row in POISON if row["path_kind"] in PATHS}
    assert ids >= {
        *("invalid-utf8", "int-5000-digits", "deep-1000", "wide-200k-keys", "top-level-array"),
        *("top-level-null", "field-type-confusion", "payload-list", "alerts-null-labels"),
        *("dedup-key-256", "summary-5000", "xss-alert-label"),
    }


@pytest.mark.parametrize("kind", sorted(ADAPTERS))
@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b"[{}]", b"null", b"\xff", b"{", b'{"alerts":{}}', b'{"incident":[]}'],
)
def test_no_adapter_fails_on_a_body_that_is_none_of_its_own(kind: str, raw: bytes) -> None:
    headers = {
        "X-GitHub-Event": "release",
        "Sentry-Hook-Resource": "event_alert",
        "Content-Type": "application/json",
    }
    adapter = ADAPTERS[kind]
    try:
        events = adapter.normalise(raw, headers, received_at=NOW, fallback_key=KEY)
        assert events == []
        assert kind in ("github", "slack")  # an action that is none is nothing to do
    except InvalidEvent as error:
        assert error.code


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
EMPTY = "opsgenie/sdk_acknowledge_recorded.json"  # nothing in it to replace
FILES = [row["file"] for row in built_rows() if row["file"] != EMPTY]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_payload_with_any_part_replaced_gives_events_or_an_error(data: st.DataObject) -> None:
    row = row_of(data.draw(st.sampled_from(FILES)))
    body = json.loads((PAYLOADS / row["file"]).read_text())
    target = body
    while True:
        keys = sorted(target) if isinstance(target, dict) else range(len(target))
        key: Any = data.draw(st.sampled_from(list(keys)))
        if not isinstance(target[key], dict | list) or not target[key] or data.draw(st.booleans()):
            break
        target = target[key]
    target[key] = data.draw(anything)
    adapter = ADAPTERS[kind_of(row)]
    raw = json.dumps(body).encode()
    try:
        events = adapter.normalise(raw, headers_of(row), received_at=NOW, fallback_key=KEY)
        adapter.delivery_key(raw, row["headers"])
    except InvalidEvent:
        return
    assert all(len(event.dedup_key or "") <= 255 for event in events)
    assert all(len(event.summary or "") <= 1024 for event in events)


# -- native


def trigger(**fields: Any) -> dict[str, Any]:
    return {"action": "trigger", "summary": "Profiler job failed", "dedup_key": "k", **fields}


def test_a_native_event_arrives_whole() -> None:
    body = {
        "id": "evt-1",
        "action": "trigger",
        "summary": "Profiler job failed",
        "severity": "critical",
        "surface": "profiler.snowflake",
        "source": "inspect-worker-3",
        "dedup_key": " profile/991 ",
        "group_key": "nightly",
        "component": "profiler",
        "class": "job_failure",
        "occurred_at": "2026-11-20T05:00:00+01:00",
        "links": [{"href": "https://example.com/991", "text": "Job"}],
        "details": {"job": 991},
        "test": True,
        "warehouse": "snowflake",
    }
    (event,) = read("native", body)
    assert event == CanonicalEvent(
        kind="alert",
        action="trigger",
        dedup_key=" profile/991 ",
        group_key="nightly",
        severity="critical",
        summary="Profiler job failed",
        source="inspect-worker-3",
        component="profiler",
        class_="job_failure",
        occurred_at=datetime(2026, 11, 20, 4, 0, tzinfo=UTC),
        links=[{"href": "https://example.com/991", "text": "Job"}],
        details={"job": 991, "warehouse": "snowflake"},
        surface="profiler.snowflake",
        test=True,
    )


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        (trigger(), "error"),
        (trigger(severity="Fatal"), "critical"),
        (trigger(severity="info"), "info"),
        (trigger(action="change"), "info"),
        (trigger(action="change", severity="warning"), "warning"),
        (trigger(action="acknowledge", severity="critical"), None),
        (trigger(action="resolve", severity="critical"), None),
    ],
)
def test_severity_has_a_default_for_what_starts_something(body: Any, severity: str | None) -> None:
    assert read("native", body)[0].severity == severity


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"action"}),
        ({"action": "explode"}, {"action"}),
        ({"action": ["trigger"], "summary": 5}, {"action", "summary"}),
        ({"action": "trigger"}, {"summary"}),
        ({"action": "change", "summary": " "}, {"summary"}),
        ({"action": "acknowledge"}, {"dedup_key"}),
        ({"action": "resolve", "dedup_key": " "}, {"dedup_key"}),
        (trigger(dedup_key="k" * 256, id="i" * 256), {"dedup_key", "id"}),
        (trigger(id=5), {"id"}),
        (trigger(severity="loud"), {"severity"}),
        (trigger(occurred_at="yesterday"), {"occurred_at"}),
        (trigger(occurred_at="2026-03-29T02:30:00"), {"occurred_at"}),
        (trigger(occurred_at="9999-12-31T23:59:59-12:00"), {"occurred_at"}),
        (trigger(links={"href": "x"}, details=[1], test="yes"), {"links", "details", "test"}),
        (
            trigger(surface=1, source=[], group_key={}, component=2.5),
            {"surface", "source", "group_key", "component"},
        ),
        ({"action": "trigger", "summary": 1, "class": {"a": 1}}, {"summary", "class"}),
    ],
)
def test_a_wrong_native_event_is_refused_with_every_wrong_field(
    body: Any, fields: set[str]
) -> None:
    assert fields_refused(refused("native", body)) == fields
    with pytest.raises(InvalidEvent) as caught:
        native.validate(body, {}, fallback_key=KEY)
    assert fields_refused(caught.value) == fields


def test_a_trigger_without_a_key_gets_the_one_that_was_made_for_the_answer() -> None:
    body = {"action": "trigger", "summary": "x", "dedup_key": ""}
    assert native.validate(body, {}, fallback_key=KEY) == [KEY]
    assert read("native", body)[0].dedup_key == KEY
    with pytest.raises(InvalidEvent, match="dedup_key"):
        native.normalise(body, {}, received_at=NOW)
    assert native.validate({"action": "change", "summary": "x"}, {}, fallback_key=KEY) == [None]


def test_a_long_summary_is_cut_and_a_dangerous_link_left_out() -> None:
    links = [
        {"href": "javascript:alert(1)", "text": "a"},
        {"href": "https://ok.example.com"},
        {"text": "no address"},
        {"href": "https://long.example.com/" + "x" * 3000},
    ]
    (event,) = read("native", trigger(summary="s" * 5000, links=links))
    assert event.summary == "s" * 1024
    assert event.links == [{"href": "https://ok.example.com", "text": "https://ok.example.com"}]


def test_a_summary_is_one_line_so_that_no_mail_header_can_be_made_of_it() -> None:
    (event,) = read("native", trigger(summary=" Disk full \r\nBcc: olu@example.com\u2028x\n"))
    assert event.summary == "Disk full Bcc: olu@example.com x"


def test_a_repeat_is_known_by_id_or_idempotency_key() -> None:
    header = {"Idempotency-Key": "abc"}
    assert native.delivery_key(trigger(id="e1"), header) == "e1"
    assert native.delivery_key(trigger(), header) == "idempotency-key:abc"
    assert native.delivery_key(trigger(), {}) is None
    with pytest.raises(InvalidEvent) as caught:
        native.validate(trigger(), {"idempotency-key": "x" * 5000}, fallback_key=KEY)
    assert fields_refused(caught.value) == {"Idempotency-Key"}


# -- CloudEvents


def cloudevent(**fields: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "1",
        "source": "/inspect",
        "type": "profile.failed",
        "data": {"action": "trigger", "summary": "Profile failed"},
        **fields,
    }


STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}


def test_headers_tell_which_adapter_reads_the_events_path() -> None:
    binary = {"CE-SpecVersion": "1.0", "content-type": "application/json"}
    for headers in (STRUCTURED, BATCH, binary):
        assert checked_adapter_for(headers) is cloudevents
    assert checked_adapter_for({"content-type": "application/json"}) is native
    assert checked_adapter_for({}) is native


def test_the_envelope_completes_the_data() -> None:
    body = cloudevent(
        time="2026-11-20T04:00:00Z",
        subject="warehouse/snowflake",
        surface="profiler.snowflake",
        traceparent="00-ab",
        data={"action": "trigger", "duration_ms": 5, "source": "worker", "details": {"a": 1}},
    )
    (event,) = read("cloudevents", body, STRUCTURED)
    assert event.summary == "warehouse/snowflake"
    assert event.source == "/inspect"
    assert event.class_ == "profile.failed"
    assert event.surface == "profiler.snowflake"
    assert event.occurred_at == datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
    assert event.dedup_key == "/inspect 1"
    assert event.details["duration_ms"] == 5
    assert event.details["data_source"] == "worker"
    assert event.details["a"] == 1
    assert event.details["cloudevent"]["traceparent"] == "00-ab"
    assert cloudevents.validate(body, STRUCTURED, fallback_key=KEY) == ["/inspect 1"]


def test_binary_headers_are_percent_encoded_and_cleaned() -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": '"a%20b%00"',
        "ce-source": "/caf%C3%A9",
        "ce-type": "t",
        "content-type": "application/vnd.inspect+json",
    }
    (event,) = read("cloudevents", {"action": "trigger", "summary": "x"}, headers)
    assert event.source == "/café"
    assert event.details["cloudevent"]["id"] == "a b\ufffd"
    plain = {**headers, "content-type": "text/plain"}
    assert refused("cloudevents", b"hello", plain).code == "not_json"
    assert fields_refused(refused("cloudevents", b"", headers)) == {"data.action"}


def test_data_in_base64_is_read() -> None:
    body = cloudevent(data_base64="eyJhY3Rpb24iOiJyZXNvbHZlIiwiZGVkdXBfa2V5IjoiayJ9")
    del body["data"]
    (event,) = read("cloudevents", body, STRUCTURED)
    assert (event.action, event.dedup_key, event.summary) == ("resolve", "k", None)
    assert refused("cloudevents", {**body, "data_base64": "%%"}, STRUCTURED).code == "not_base64"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (cloudevent(specversion="0.3"), {"specversion"}),
        (cloudevent(id="", source=5, type=None), {"id", "source", "type"}),
        (cloudevent(data="text"), {"data"}),
        (cloudevent(data=None), {"data.action"}),
        (cloudevent(time="noon"), {"time"}),
        (cloudevent(data={"action": "resolve"}), {"data.dedup_key"}),
        (cloudevent(data={"action": "trigger", "severity": 9}), {"data.severity"}),
        (cloudevent(data={"action": "trigger", "occurred_at": 9}), {"data.occurred_at"}),
    ],
)
def test_a_wrong_cloudevent_is_refused_with_its_fields(body: Any, fields: set[str]) -> None:
    assert fields_refused(refused("cloudevents", body, STRUCTURED)) == fields


def test_one_bad_event_refuses_the_whole_batch_and_is_named() -> None:
    error = refused("cloudevents", [cloudevent(), cloudevent(id="")], BATCH)
    assert fields_refused(error) == {"1.id"}
    assert refused("cloudevents", [], BATCH).code == "empty"
    assert refused("cloudevents", cloudevent(), BATCH).code == "not_an_array"


def test_source_and_id_make_a_cloudevent_unique() -> None:
    one, two = cloudevent(), cloudevent(id="2")
    assert cloudevents.delivery_key(one, STRUCTURED) == "ce:/inspect 1"
    assert cloudevents.delivery_key([one, two], BATCH) == "ce:/inspect 1\n/inspect 2"
    long = cloudevents.delivery_key([cloudevent(id="x" * 300)], BATCH)
    assert long is not None
    assert long.startswith("sha256:")


# -- PagerDuty


def enqueue(**fields: Any) -> dict[str, Any]:
    payload = {"summary": "Profiler job failed", "source": "w3", "severity": "error"}
    body = {"routing_key": "R" * 32, "event_action": "trigger", "payload": payload, **fields}
    return {name: value for name, value in body.items() if value is not None}


def test_answers_have_the_shape_that_clients_of_pagerduty_read() -> None:
    assert pagerduty.accepted("k") == {
        "status": "success",
        "message": "Event processed",
        "dedup_key": "k",
    }
    assert pagerduty.accepted(None) == {"status": "success", "message": "Change event processed"}
    with pytest.raises(InvalidEvent) as caught:
        pagerduty.validate(enqueue(dedup_key="k" * 256), {}, fallback_key=KEY)
    assert pagerduty.invalid(caught.value.errors) == {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": ["'dedup_key' is longer than 255 characters"],
    }
    assert pagerduty.invalid(["The body is empty."])["errors"] == ["The body is empty."]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (enqueue(routing_key=None), {"routing_key"}),
        (
            enqueue(routing_key=["x"], event_action={"a": 1}, payload="str"),
            {"routing_key", "event_action", "payload"},
        ),
        (enqueue(event_action=None), {"event_action"}),
        (enqueue(event_action="change"), {"event_action"}),
        (enqueue(payload=None), {"payload"}),
        (enqueue(payload={}), {"payload.summary", "payload.source", "payload.severity"}),
        (
            enqueue(payload={"summary": 1, "source": "", "severity": "loud"}),
            {"payload.summary", "payload.source", "payload.severity"},
        ),
        (enqueue(event_action="resolve"), {"dedup_key"}),
        (enqueue(event_action="acknowledge", dedup_key=7), {"dedup_key"}),
        (enqueue(dedup_key=["k"]), {"dedup_key"}),
    ],
)
def test_a_wrong_enqueue_is_refused_with_its_fields(body: Any, fields: set[str]) -> None:
    with pytest.raises(InvalidEvent) as caught:
        pagerduty.validate(body, {}, fallback_key=KEY)
    assert fields_refused(caught.value) == fields


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"routing_key": "R" * 32}, {"payload"}),
        ({"payload": {"summary": "Deployed"}}, {"routing_key"}),
        ({"routing_key": "R" * 32, "payload": {}}, {"payload.summary"}),
        (enqueue(), {"event_action"}),
    ],
)
def test_a_wrong_change_event_is_refused_with_its_fields(body: Any, fields: set[str]) -> None:
    with pytest.raises(InvalidEvent) as caught:
        pagerduty.validate_change(body, {})
    assert fields_refused(caught.value) == fields


def test_pagerdutys_group_is_no_alert_group() -> None:
    payload = {**enqueue()["payload"], "group": "inspect", "custom_details": {"surface": "x.y"}}
    (event,) = read("pagerduty", enqueue(payload=payload))
    assert event.group_key is None
    assert event.surface == "x.y"
    assert event.details["group"] == "inspect"
    assert "routing_key" not in event.details


def test_links_images_and_the_client_are_kept_and_odd_ones_left_out() -> None:
    body = enqueue(
        client="Inspect",
        client_url="https://inspect.example.com",
        links=["x", {"href": "https://example.com/job", "text": "Job"}, {"href": "data:x"}],
        images=[{"src": "https://example.com/g.png", "alt": "graph"}, {"src": "javascript:1"}, 5],
    )
    (event,) = read("pagerduty", body)
    assert event.links == [
        {"href": "https://example.com/job", "text": "Job"},
        {"href": "https://inspect.example.com", "text": "Inspect"},
    ]
    assert event.images == [{"src": "https://example.com/g.png", "href": "", "alt": "graph"}]
    assert event.details["client"] == "Inspect"


def poisoned(name: str) -> Any:
    """The fields of a bad input, which the vectors give without the rest of the event."""
    return json.loads(poison_body(next(row for row in POISON if row["id"] == name)))


def test_a_key_longer_than_pagerduty_takes_is_refused_and_a_long_summary_cut() -> None:
    with pytest.raises(InvalidEvent) as caught:
        pagerduty.validate(enqueue(**poisoned("dedup-key-256")), {}, fallback_key=KEY)
    assert fields_refused(caught.value) == {"dedup_key"}
    payload = {**enqueue()["payload"], **poisoned("summary-5000")["payload"]}
    (event,) = read("pagerduty", enqueue(payload=payload))
    assert event.summary == "s" * 1024


def test_an_odd_timestamp_loses_no_page() -> None:
    payload = {**enqueue()["payload"], "timestamp": "just now"}
    (event,) = read("pagerduty", enqueue(payload=payload))
    assert event.occurred_at is None
    assert event.details["timestamp"] == "just now"


# -- Alertmanager


def alert(**fields: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": "Slow", "severity": "warning"},
        "annotations": {},
        "startsAt": "2026-11-20T04:45:56.123456789Z",
        "fingerprint": "f1",
        **fields,
    }


def group(*alerts: Any, **fields: Any) -> dict[str, Any]:
    body = {"version": "4", "status": "firing", "groupKey": '{}:{alertname="Slow"}'}
    return {**body, "alerts": list(alerts), **fields}


@pytest.mark.parametrize(
    ("annotations", "summary"),
    [
        ({"summary": " Short \n", "description": "Long"}, "Short"),
        ({"description": "Long"}, "Long"),
        ({"message": "Old style"}, "Old style"),
        ({"summary": ""}, "Slow"),
        (None, "Slow"),
    ],
)
def test_the_summary_falls_back_to_the_alerts_name(annotations: Any, summary: str) -> None:
    (event,) = read("alertmanager", group(alert(annotations=annotations)))
    assert event.summary == summary
    assert event.class_ == "Slow"


def test_labels_route_and_annotations_link() -> None:
    labels = {
        "alertname": "Slow",
        "severity": "page",
        "surface": "profiler.snowflake",
        "job": "profiler",
        "instance": "w1",
    }
    annotations = {
        "runbook_url": "https://runbooks.example.com/slow",
        "dashboard_url": "javascript:alert(1)",
    }
    source = "http://prom.example.com/graph"
    one = alert(labels=labels, annotations=annotations, generatorURL=source)
    (event,) = read("alertmanager", group(one))
    assert event.severity == "critical"
    assert event.surface == "profiler.snowflake"
    assert (event.source, event.component) == ("w1", "profiler")
    assert event.links == [
        {"href": "https://runbooks.example.com/slow", "text": "Runbook"},
        {"href": source, "text": "Source"},
    ]
    assert event.details["labels"] == labels
    assert event.occurred_at == datetime(2026, 11, 20, 4, 45, 56, 123456, tzinfo=UTC)


def test_an_alert_with_markup_is_only_text_and_its_script_no_link() -> None:
    row = next(row for row in POISON if row["id"] == "xss-alert-label")
    (event,) = read("alertmanager", poison_body(row))
    assert event.summary == "</script><script>alert(1)</script>"
    assert event.links == []
    assert (event.dedup_key, event.group_key) == ("f1", "g")


@pytest.mark.parametrize(
    "bad",
    [
        7,
        None,
        alert(labels=None),
        alert(labels=[]),
        alert(annotations="x"),
        alert(fingerprint=7),
        alert(fingerprint=None, labels={}),
        alert(status="smoldering"),
    ],
)
def test_a_broken_alert_is_shown_and_its_neighbors_are_kept(bad: Any) -> None:
    events = read("alertmanager", group(alert(), bad, alert(fingerprint="f2")))
    assert [event.kind for event in events] == ["alert", "ignore", "alert"]
    assert [event.dedup_key for event in events] == ["f1", None, "f2"]
    assert events[1].summary is not None
    assert events[1].summary.startswith("Alert 2 of the group cannot be read")
    assert events[1].details["alert"] == bad
    error = refused("alertmanager", group(bad))
    assert all(field.startswith("alerts.0.") for field in fields_refused(error))


def test_an_alert_without_a_fingerprint_is_known_by_its_labels() -> None:
    one = alert(fingerprint=None, labels={"b": "2", "a": "1"})
    two = alert(fingerprint="", labels={"a": "1", "b": "2"}, status="resolved")
    first, second = read("alertmanager", group(one, two))
    assert first.dedup_key == second.dedup_key
    assert first.dedup_key is not None
    assert first.dedup_key.startswith("sha256:")
    assert second.action == "resolve"


def test_a_group_without_alerts_is_nothing_and_without_a_list_an_error() -> None:
    assert read("alertmanager", group()) == []
    for body in ({"version": "4"}, {"version": "4", "alerts": "nope", "groupKey": {}}):
        assert fields_refused(refused("alertmanager", body)) == {"alerts"}


def test_a_storm_of_a_thousand_alerts_comes_through() -> None:
    labels = {f"label{n}": "x" for n in range(20)}
    storm = group(*(alert(fingerprint=str(n), labels=labels) for n in range(1_000)))
    events = read("alertmanager", storm)
    assert len({event.dedup_key for event in events}) == 1_000


def test_a_long_group_key_is_hashed_and_still_means_something() -> None:
    key = '{}:{alertname="' + "x" * 300 + '"}'
    (event,) = read("alertmanager", group(alert(), groupKey=key))
    assert event.group_key == fit_key(key)
    assert meaningful_group(event.group_key)


# -- Google Cloud


def incident(**fields: Any) -> dict[str, Any]:
    body = {"incident_id": "0.abc", "state": "open", "started_at": 1580920957, **fields}
    return {"version": "1.2", "incident": body}


def test_times_of_the_source_order_open_and_closed() -> None:
    (opened,) = read("gcp", incident())
    (closed,) = read("gcp", incident(state="CLOSED", ended_at=1580921557))
    assert opened.source_ts == datetime(2020, 2, 5, 16, 42, 37, tzinfo=UTC)
    assert closed.source_ts == opened.source_ts + timedelta(seconds=600)
    (future,) = read("gcp", incident(started_at=NOW.timestamp() + 90_000))
    assert future.source_ts == NOW


@pytest.mark.parametrize("started", [0, None, "soon", True, 1e300, -1, float("inf")])
def test_an_odd_start_is_no_time(started: Any) -> None:
    (event,) = read("gcp", incident(started_at=started))
    assert event.occurred_at is None


def test_documentation_may_be_text_or_an_object_with_links() -> None:
    links = [{"displayName": "Runbook", "url": "https://r.example.com"}, {"url": "ftp://x"}, 5]
    written = {"subject": "CPU is high", "content": "docs", "links": links}
    (event,) = read("gcp", incident(documentation=written, url="https://c.example.com"))
    assert event.summary == "CPU is high"
    assert [link["text"] for link in event.links] == ["Google Cloud incident", "Runbook"]
    (plain,) = read("gcp", incident(documentation="docs", policy_name="CPU policy"))
    assert plain.summary == "CPU policy needs attention"
    assert plain.source == "CPU policy"


def test_policy_labels_give_severity_and_surface() -> None:
    labels = {"severity": "warning", "surface": "profiler"}
    (event,) = read("gcp", incident(severity="No Severity", policy_user_labels=labels))
    assert (event.severity, event.surface) == ("warning", "profiler")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"version": "1.2"}, {"incident"}),
        ({"incident": "x"}, {"incident"}),
        (incident(incident_id="", state="melting"), {"incident.incident_id", "incident.state"}),
        (incident(state=["open"]), {"incident.state"}),
    ],
)
def test_a_wrong_incident_is_an_error(body: Any, fields: set[str]) -> None:
    assert fields_refused(refused("gcp", body)) == fields


# -- GitHub


def github_body(file: str, **parts: Any) -> dict[str, Any]:
    body = json.loads((PAYLOADS / "github" / file).read_text())
    for name, changed in parts.items():
        body[name] = {**body[name], **changed} if isinstance(changed, dict) else changed
    return dict(body)


DEPLOYMENT = {"X-GitHub-Event": "deployment_status", "X-GitHub-Delivery": "72d3162e"}


@pytest.mark.parametrize("state", ["inactive", "in_progress", "queued", "pending", "new_state"])
def test_an_unfinished_deployment_is_nothing_to_act_on(state: str) -> None:
    body = github_body("deployment_status_failure.json", deployment_status={"state": state})
    assert read("github", body, DEPLOYMENT) == []


@pytest.mark.parametrize("name", ["ping", "push", "workflow_run", "installation", "no_such_event"])
def test_other_events_are_ignored_whatever_they_hold(name: str) -> None:
    assert read("github", b'{"zen":"Keep it logically awesome."}', {"X-GitHub-Event": name}) == []
    assert read("github", b"not json", {"X-GitHub-Event": name}) == []


@pytest.mark.parametrize("action", ["created", "released", "edited", "deleted", None])
def test_a_release_counts_once_when_it_is_published(action: str | None) -> None:
    body = github_body("release_published.json", action=action)
    assert read("github", body, {"X-GitHub-Event": "release"}) == []


@pytest.mark.parametrize(
    ("action", "wanted"),
    [("closed", ["close_ticket"]), ("reopened", ["open_ticket"]), ("labeled", [])],
)
def test_an_issue_opens_and_closes_a_ticket(action: str, wanted: list[str]) -> None:
    body = github_body("issues_opened.json", action=action)
    events = read("github", body, {"X-GitHub-Event": "issues"})
    assert [event.action for event in events] == wanted


def test_a_hook_set_to_form_encoding_is_read_too() -> None:
    body = github_body("release_published.json", release={"body": "naïve 🚀 & more"})
    raw = urlencode({"payload": json.dumps(body, ensure_ascii=False)}).encode()
    headers = {"X-GitHub-Event": "release", "Content-Type": "application/x-www-form-urlencoded"}
    (event,) = read("github", raw, headers)
    assert event.details["notes"] == "naïve 🚀 & more"
    assert refused("github", b"nothing=here", headers).code == "empty"
    assert refused("github", b"&".join([b"a=1"] * 50), headers).code == "not_json"


def test_a_github_event_without_its_parts_is_an_error() -> None:
    body = github_body("deployment_status_failure.json")
    del body["repository"]
    assert fields_refused(refused("github", body, DEPLOYMENT)) == {"repository.full_name"}
    body = github_body("release_published.json", release={"tag_name": None})
    error = refused("github", body, {"X-GitHub-Event": "release"})
    assert fields_refused(error) == {"release.tag_name"}
    assert refused("github", body, {}).code == "missing_header"


def test_githubs_delivery_id_makes_a_redelivery_the_same() -> None:
    assert github.delivery_key(b"", DEPLOYMENT) == "72d3162e"
    assert github.delivery_key(b"", {}) is None
    assert alertmanager.delivery_key(b"", {}) is None
    assert gcp.delivery_key(b"", {}) is None
    assert pagerduty.delivery_key(b"", {}) is None


# -- the canonical form


@pytest.mark.parametrize(
    ("key", "meaningful"),
    [
        ("{}:{}", False),
        ('{}/{team="a"}:{}', False),
        ('{}/{team="a:{b}"}:{ }', False),
        ("{}", False),
        ("", False),
        (" ", False),
        (None, False),
        ('{}:{alertname="X"}', True),
        ('{}:{alertname="x:{}"}', True),
        ("nightly", True),
        ("g:{}", True),
    ],
)
def test_a_group_key_without_labels_counts_as_none(key: str | None, meaningful: bool) -> None:
    assert meaningful_group(key) is meaningful


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        *((word, "critical") for word in ("critical", "FATAL", "page", "P1", " Critical ")),
        *((word, "error") for word in ("error", "high", "Major", "P2", None, "", "odd", 3)),
        *((word, "warning") for word in ("warning", "warn", "medium", "P3")),
        *((word, "info") for word in ("info", "low", "none", "debug", "P4", "p5", "notice")),
    ],
)
def test_every_vendors_word_has_a_severity(word: Any, severity: str) -> None:
    assert severity_of(word) == severity


def test_long_keys_are_hashed_and_short_ones_kept() -> None:
    assert fit_key("k" * 255) == "k" * 255
    hashed = fit_key("k" * 256)
    assert hashed == "sha256:" + hashlib.sha256(b"k" * 256).hexdigest()
    assert fit_key("k" * 256) != fit_key("k" * 257)
    assert fit_key("") is None


FAMILY = "👩\u200d👩\u200d👧\u200d👦"
CHARACTERS = ["a", "é", "e\u0301", FAMILY, "👍🏽", "🇩🇪", "❤\ufe0f", "각", "ก\u0e31", "\ufdfa"]


def test_a_cut_never_splits_what_is_read_as_one_character() -> None:
    text = "".join(CHARACTERS * 3)
    ends = {0}
    for character in CHARACTERS * 3:
        ends.add(max(ends) + len(character))
    for limit in range(7, len(text)):
        shortened = cut(text, limit)
        assert text.startswith(shortened)
        assert len(shortened) in ends, (limit, shortened[-3:])
        assert limit - len(FAMILY) < len(shortened) <= limit


def test_a_cut_ends_even_in_a_pile_of_marks() -> None:
    assert len(cut("a" + "\u0301" * 5000, 1024)) == 1024
    assert len(cut("🇩🇪" * 2000, 1023)) == 1022


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T04:45:56Z", datetime(2026, 11, 20, 4, 45, 56, tzinfo=UTC)),
        ("2026-11-20t04:45:56.5z", datetime(2026, 11, 20, 4, 45, 56, 500_000, tzinfo=UTC)),
        ("2021-10-12T09:51:03.157076+02:00", datetime(2021, 10, 12, 7, 51, 3, 157_076, tzinfo=UTC)),
        (
            "2026-11-20T04:45:56.123456+00:00Z",
            datetime(2026, 11, 20, 4, 45, 56, 123_456, tzinfo=UTC),
        ),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("9999-12-31T23:59:59Z", None),
        ("2026-11-20T04:45:56", None),
        ("2026-02-30T04:45:56Z", None),
        ("2026-11-20", None),
        ("", None),
        (5, None),
        ("x" * 10_000, None),
    ],
)
def test_only_times_that_can_be_shown_everywhere_are_taken(text: Any, moment: Any) -> None:
    assert parse_time(text) == moment


def test_a_source_clock_far_ahead_is_not_believed() -> None:
    assert source_clock(NOW + timedelta(minutes=5), NOW) == NOW + timedelta(minutes=5)
    assert source_clock(NOW + timedelta(days=400), NOW) == NOW
    assert source_clock(None, NOW) is None


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        " JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "//example.com",
        "https://",
        'https://example.com/"onload=x',
        "https://example.com/\x01",
        "https://a b",
        5,
        None,
    ],
)
def test_only_web_addresses_become_links(href: Any) -> None:
    assert web_link(href, "x") == []


def test_an_event_keeps_within_the_limits_of_its_columns() -> None:
    event = make_event(
        kind="alert",
        action="trigger",
        dedup_key="d" * 300,
        group_key="g" * 300,
        source="s" * 300,
        component="c" * 300,
        class_="k" * 300,
        surface="u" * 300,
        summary="y" * 3000,
    )
    sizes = [event.dedup_key, event.group_key, event.source, event.component, event.class_]
    assert all(text and len(text) <= 255 for text in [*sizes, event.surface])
    assert len(event.summary or "") == 1024
