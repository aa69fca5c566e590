"""What the vendors' adapters do beside the recorded payloads: words, keys, clocks and what is left
out. Pure; what a door does with them is in test_vendor_hooks.py."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.intake.adapters import ADAPTERS, opsgenie
from apps.intake.canonical import CanonicalEvent, InvalidEvent
from apps.intake.redaction import redact_event

PAYLOADS = Path(__file__).parents[1] / "vectors" / "payloads"
NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)


def payload(file: str, **changes: Any) -> dict[str, Any]:
    """A recorded body with some of it changed; `a__b` reaches into it."""
    body: dict[str, Any] = json.loads((PAYLOADS / f"{file}.json").read_text())
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = body
        for name in parents:
            target = target[name]
        target[last] = value
    return body


def read(kind: str, body: Any, **headers: str) -> list[CanonicalEvent]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ADAPTERS[kind].normalise(raw, names, received_at=NOW, fallback_key="made")


def fields_refused(kind: str, body: Any, **headers: str) -> set[str]:
    with pytest.raises(InvalidEvent) as caught:
        read(kind, body, **headers)
    return {error["field"] for error in caught.value.errors}


# -- Grafana


def test_an_alert_of_grafana_keeps_its_values_and_links() -> None:
    body = payload("grafana/webhook_v1_firing")
    body["alerts"][0]["panelURL"] = "https://play.grafana.org/d/1?viewPanel=2"
    (event,) = read("grafana", body)
    assert event.details["values"] == {"B": 44.23943737541908, "C": 1}
    assert [link["text"] for link in event.links] == ["Runbook", "Panel", "Source", "Silence"]
    assert event.occurred_at == datetime(2021, 10, 12, 7, 51, 3, 157076, tzinfo=UTC)
    assert not event.test


def test_a_firing_group_of_grafana_may_hold_a_resolved_alert() -> None:
    body = payload("grafana/webhook_v1_firing")
    gone = payload("grafana/webhook_v1_resolved")["alerts"][0] | {"fingerprint": "other"}
    body["alerts"].append(gone)
    assert [(e.action, e.dedup_key) for e in read("grafana", body)] == [
        ("trigger", "c6eadffa33fcdf37"),
        ("resolve", "other"),
    ]


def test_the_test_button_of_grafana_makes_a_test() -> None:
    body = payload("grafana/webhook_v1_firing")
    body["alerts"][0]["labels"] = {"alertname": "TestAlert", "instance": "Grafana"}
    assert read("grafana", body)[0].test
    body["alerts"][0]["labels"]["instance"] = "worker-1"
    assert not read("grafana", body)[0].test


# -- Stripe


def stripe(name: str, found: dict[str, Any], **changes: Any) -> CanonicalEvent:
    body = {"id": "evt_1", "type": name, "created": 1686089970, "livemode": True}
    (event,) = read("stripe", {**body, "data": {"object": found}, **changes})
    return event


@pytest.mark.parametrize(
    ("name", "found", "action", "severity", "key"),
    [
        ("invoice.payment_failed", {"object": "invoice", "id": "in_1"}, "trigger", "warning",
         "invoice:in_1"),
        ("invoice.payment_succeeded", {"object": "invoice", "id": "in_1"}, "resolve", None,
         "invoice:in_1"),
        ("invoice.voided", {"object": "invoice", "id": "in_1"}, "resolve", None, "invoice:in_1"),
        ("invoice.marked_uncollectible", {"id": "in_1"}, "resolve", None, "invoice:in_1"),
        ("charge.dispute.updated", {"id": "dp_1"}, "note", "info", "dispute:dp_1"),
        ("charge.dispute.closed", {"object": "dispute", "id": "dp_1", "payment_intent": "pi_1"},
         "resolve", None, "dispute:dp_1"),
        ("charge.failed", {"object": "charge", "id": "ch_1"}, "trigger", "warning", "charge:ch_1"),
        ("charge.failed", {"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}, "trigger",
         "warning", "payment_intent:pi_1"),
        ("charge.succeeded", {"object": "charge", "id": "ch_2", "payment_intent": "pi_1"},
         "resolve", None, "payment_intent:pi_1"),
        ("payment_intent.payment_failed", {"id": "pi_1"}, "trigger", "warning",
         "payment_intent:pi_1"),
        ("payment_intent.payment_failed", {"id": "pi_1", "invoice": "in_1"}, "trigger", "warning",
         "invoice:in_1"),
    ],
)  # fmt: skip
def test_stripe_alerts_on_what_is_owed_and_not_on_each_attempt(
    name: str, found: dict[str, Any], action: str, severity: str | None, key: str
) -> None:
    event = stripe(name, found)
    assert (event.action, event.severity, event.dedup_key) == (action, severity, key)
    assert event.summary == f"Stripe {name} {found['id']}"
    assert event.details["route"] == "billing_escalation" and not event.test


def test_stripe_s_test_mode_is_a_test_and_its_own_time_orders_events() -> None:
    paid = stripe("invoice.paid", {"id": "in_1"}, livemode=False)
    assert paid.test and paid.source_ts == datetime.fromtimestamp(1686089970, UTC)
    ahead = int((NOW + timedelta(days=1)).timestamp())
    assert stripe("invoice.paid", {"id": "in_1"}, created=ahead).source_ts == NOW


def test_nothing_of_a_stripe_customer_but_its_id_is_kept() -> None:
    body = payload("stripe/invoice_payment_failed")
    body["data"]["object"]["customer_name"] = "Jenny Rosen"
    (event,) = read("stripe", body)
    written = json.dumps([event.details, event.links, event.summary])
    assert "jenny" not in written.lower() and "invoice.stripe.com" not in written
    assert event.details["customer"] == "cus_NeZwdNtLEOXuvB"
    assert event.links[0]["href"].startswith("https://dashboard.stripe.com/test/invoices/in_1Mt")


def test_a_stripe_event_is_known_by_its_id_and_refused_without_what_it_is_about() -> None:
    key = ADAPTERS["stripe"].delivery_key
    assert key(b'{"id": "evt_1"}', {}) == "evt_1" and key(b"{}", {}) is None
    assert fields_refused("stripe", {"id": "evt_1", "type": "invoice.paid"}) == {"data.object.id"}
    assert fields_refused("stripe", {"object": "event"}) == {"id", "type"}
    assert read("stripe", {"id": "evt_1", "type": "customer.created"}) == []


# -- Fivetran


def test_a_sync_that_succeeded_ends_the_alert_and_asks_for_a_snapshot() -> None:
    body = payload("fivetran/sync_end_failure", data={"status": "SUCCESSFUL"})
    alert, due = read("fivetran", body)
    assert (alert.kind, alert.action, alert.dedup_key) == ("alert", "resolve", "connector_abc123")
    assert (alert.severity, alert.summary) == (None, "Fivetran sync SUCCESSFUL: mysql.prod")
    assert (due.kind, due.action, due.dedup_key) == ("schema", "change", "connector_abc123")
    assert due.summary == "Snapshot due: mysql.prod was synced"
    assert due.occurred_at == alert.source_ts == datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
    assert due.details["destination"] == "group_xyz"


@pytest.mark.parametrize(
    ("changes", "actions"),
    [
        ({"data": {"status": "FAILED"}}, ["trigger"]),
        ({"data": {"status": "failure"}}, ["trigger"]),
        ({"data": {"status": "NO_STATUS"}}, []),
        ({"data": {"status": "SOMETHING_NEW"}}, []),
        ({"event": "sync_start"}, []),
        ({"event": "connection_successful"}, []),
        ({"event": "something_new", "data": None}, []),
    ],
)
def test_only_a_known_end_of_a_sync_says_something(
    changes: dict[str, Any], actions: list[str]
) -> None:
    body = payload("fivetran/sync_end_failure", **changes)
    assert [event.action for event in read("fivetran", body)] == actions


def test_a_sync_without_a_name_goes_by_its_connector() -> None:
    body = payload("fivetran/sync_end_failure")
    del body["connector_name"]
    assert read("fivetran", body)[0].summary == "Fivetran sync FAILURE: connector_abc123"
    assert fields_refused("fivetran", {"event": "sync_end"}) == {"connector_id", "data.status"}
    assert fields_refused("fivetran", {"data": {}}) == {"event"}


def test_a_dbt_job_without_a_failed_step_says_how_many_failed() -> None:
    body = payload("fivetran/dbt_run_failed", data__result__stepResults=None)
    summary = "dbt job pack_salesforce_daily failed: Steps: successful 0, failed 1"
    assert read("fivetran", body)[0].summary == summary


def test_fivetran_is_known_by_event_connector_sync_and_time() -> None:
    key = ADAPTERS["fivetran"].delivery_key
    one = payload("fivetran/sync_end_failure")
    assert key(one, {}) == (
        "sync_end|connector_abc123||63c2fc85-600b-455f-9ba0-f576522465be|2024-01-15T10:30:00Z|"
    )
    others = [
        payload("fivetran/sync_end_failure", sync_id="b"),
        payload("fivetran/dbt_run_failed"),
        payload("fivetran/dbt_run_failed", data__dbtJobId="job_2"),
    ]
    assert len({key(body, {}) for body in [one, *others]}) == 4
    del one["created"]
    assert key(one, {}) is None


# -- Sentry


@pytest.mark.parametrize(
    ("resource", "file", "action", "wanted"),
    [
        ("issue", "issue_created", "created", ("trigger", "error")),
        ("issue", "issue_created", "unresolved", ("trigger", "error")),
        ("issue", "issue_created", "resolved", ("resolve", None)),
        ("issue", "issue_created", "archived", ("resolve", None)),
        ("issue", "issue_created", "assigned", None),
        ("metric_alert", "metric_alert_critical", "warning", ("trigger", "warning")),
        ("metric_alert", "metric_alert_critical", "resolved", ("resolve", None)),
        ("metric_alert", "metric_alert_critical", "open", None),
        ("installation", "issue_created", "created", None),
        ("comment", "issue_created", "created", None),
    ],
)
def test_what_sentry_says_of_issues_and_metrics(
    resource: str, file: str, action: str, wanted: tuple[str, str | None] | None
) -> None:
    events = read("sentry", payload(f"sentry/{file}", action=action), Sentry_Hook_Resource=resource)
    assert [(e.action, e.severity) for e in events] == ([wanted] if wanted else [])


def test_an_issue_and_its_alert_share_one_key_and_a_tag_names_the_surface() -> None:
    tags = [["surface", "inspect.profiler"], ["odd"], "level", ["user", {"id": 1}]]
    body = payload("sentry/event_alert_triggered", data__event__tags=tags)
    (alert,) = read("sentry", body, Sentry_Hook_Resource="event_alert")
    (issue,) = read("sentry", payload("sentry/issue_resolved"), Sentry_Hook_Resource="issue")
    assert alert.dedup_key == issue.dedup_key
    assert alert.surface == "inspect.profiler" and "tags" not in alert.details
    assert alert.details["rule"] == "Very Important Alert Rule!"


def test_the_hook_s_time_orders_what_sentry_says() -> None:
    body = payload("sentry/issue_resolved")
    stamp = {"Sentry_Hook_Resource": "issue", "Sentry_Hook_Timestamp": "1784700000"}
    (event,) = read("sentry", body, **stamp)
    assert event.source_ts == event.occurred_at == datetime.fromtimestamp(1784700000, UTC)
    (without,) = read("sentry", body, Sentry_Hook_Resource="issue")
    assert without.source_ts is None
    for odd in ("soon", "１７", "9" * 40, "178470000012abc", "-5", "1.5"):
        assert read("sentry", body, **{**stamp, "Sentry_Hook_Timestamp": odd})[0].source_ts is None


def test_a_request_id_that_comes_with_another_body_is_another_delivery() -> None:
    key, headers = ADAPTERS["sentry"].delivery_key, {"Request-ID": "r-1"}
    assert key(b"{}", headers) == key(b"{}", headers) != key(b"[]", headers)
    assert key(b"{}", {}) is None
    assert len(key(b"{}", {"request-id": "x" * 500}) or "") <= 300


def test_a_hook_of_sentry_without_its_resource_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="Sentry-Hook-Resource"):
        read("sentry", payload("sentry/issue_created"))
    assert fields_refused("sentry", {"action": "created"}, Sentry_Hook_Resource="issue") == {
        "data.issue.id"
    }


# -- Opsgenie


@pytest.mark.parametrize(
    ("priority", "severity"),
    [("P1", "critical"), ("P2", "error"), ("P3", "warning"), ("P4", "info"), ("P5", "info"),
     (None, "warning"), ("", "warning"), ("P9", "error")],
)  # fmt: skip
def test_opsgenie_s_priorities_become_severities(priority: str | None, severity: str) -> None:
    (event,) = read("opsgenie", {"message": "Down", "alias": "a", "priority": priority})
    assert event.severity == severity


def test_without_a_priority_a_label_of_alertmanager_s_says_how_bad_it_is() -> None:
    body = {"message": "Down", "alias": "a", "details": {"severity": "critical"}}
    assert read("opsgenie", body)[0].severity == "critical"
    assert read("opsgenie", {**body, "priority": "P5"})[0].severity == "info"
    assert read("opsgenie", {**body, "details": {"severity": "loud"}})[0].severity == "warning"


def test_a_new_alert_of_opsgenie_keeps_what_its_sender_wrote() -> None:
    body = payload("opsgenie/sdk_create_recorded", details={"surface": "inspect.profiler"})
    (event,) = read("opsgenie", body)
    assert (event.dedup_key, event.component) == ("report/77", "report-worker")
    assert event.surface == "inspect.profiler"
    assert event.details["description"] == "Traceback" and event.details["tags"] == ["inspect"]
    (nameless,) = read("opsgenie", {"message": "Down"})
    assert nameless.dedup_key == "made"


@pytest.mark.parametrize(
    ("verb", "body", "action", "summary"),
    [
        ("acknowledge", b"", "acknowledge", None),
        ("close", b" ", "resolve", None),
        ("close", {"note": "Fixed by a restart"}, "resolve", "Fixed by a restart"),
        ("notes", {"note": "Looking"}, "note", "Looking"),
    ],
)
def test_what_is_done_to_an_alert_stands_in_the_path(
    verb: str, body: Any, action: str, summary: str | None
) -> None:
    (event,) = read("opsgenie", body, **{opsgenie.VERB: verb})
    assert (event.action, event.summary, event.dedup_key) == (action, summary, "made")


def test_what_opsgenie_would_refuse_is_refused_by_field() -> None:
    assert fields_refused("opsgenie", {"message": " "}) == {"message"}
    assert fields_refused("opsgenie", {"message": "m", "alias": "a" * 513}) == {"alias"}
    assert fields_refused("opsgenie", {"message": "m", "alias": ["a"]}) == {"alias"}
    assert fields_refused("opsgenie", {}, **{opsgenie.VERB: "notes"}) == {"note"}
    with pytest.raises(InvalidEvent):
        read("opsgenie", b"", **{opsgenie.VERB: "notes"})
    with pytest.raises(InvalidEvent, match="explode"):
        read("opsgenie", b"", **{opsgenie.VERB: "explode"})


# -- all of them


@pytest.mark.parametrize(
    ("kind", "file", "place", "headers"),
    [
        ("grafana", "grafana/webhook_v1_firing", "message", {}),
        ("stripe", "stripe/charge_dispute_created", "data__object__reason", {}),
        ("fivetran", "fivetran/sync_end_failure", "data__reason", {}),
        ("sentry", "sentry/issue_created", "data__issue__title", {"Sentry_Hook_Resource": "issue"}),
        ("opsgenie", "opsgenie/sdk_create_recorded", "description", {}),
    ],
)
def test_a_secret_that_a_tool_sends_along_is_not_shown(
    kind: str, file: str, place: str, headers: dict[str, str]
) -> None:
    secret = "sk_live_" + "abcdefgh12345678"
    events = read(kind, payload(file, **{place: f"login with {secret} failed"}), **headers)
    assert events
    assert all(secret not in repr(redact_event(event)) for event in events)
