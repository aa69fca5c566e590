"""Outgoing webhooks: told once, signed so that others can check it, tried again, given up."""

from __future__ import annotations

import base64
import hmac
import json
import re
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import audit
from apps.core.errors import Conflict, IllegalTransition, Invalid
from apps.core.models import StatusChange
from apps.notifications import catalog
from apps.notifications import services as notifications
from apps.notifications.models import Message, WebhookDelivery, WebhookEndpoint
from apps.notifications.services import endpoints, webhooks
from tests import builders as build
from tests.conftest import Cast
from tests.world import START, World

from .receivers import HttpReceiver, Request, free_port, http_receiver, raw_server

pytestmark = pytest.mark.django_db
DATA = catalog.EVENTS["ticket.created"].example


@pytest.fixture(autouse=True)
def _plain_http(settings: Any) -> None:
    settings.OUTGOING_ALLOW_HTTP = True


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as found:
        yield found


def endpoint(url: str, *events: str, name: str = "CRM") -> endpoints.NewEndpoint:
    return notifications.create_endpoint(
        url=url, description=name, events=events or ["ticket.*"], actor=audit.SYSTEM, now=START
    )


def tell(dedupe: str = "ticket:7:created", event: str = "ticket.created", **data: Any) -> int:
    return notifications.emit(
        event=event, data={**DATA, **data}, subject=("ticket", "7"), dedupe=dedupe, now=START
    )


def settle(now: Any = START) -> None:
    """Passes until nothing is due or on its way."""
    for _ in range(50):
        if not notifications.send_webhooks(now=now):
            return
    raise AssertionError("it never ends")


def one() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def checks(secret: str, request: Request) -> bool:
    """As a receiver would verify it, from the text of the specification alone."""
    head = request.headers
    signed = f"{head['webhook-id']}.{head['webhook-timestamp']}.".encode() + request.body
    key = base64.b64decode(secret.split("_", 1)[1])
    wanted = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    given = [one.split(",", 1) for one in head["webhook-signature"].split(" ")]
    return any(kind == "v1" and hmac.compare_digest(text, wanted) for kind, text in given)


def webhooks_secret(letter: bytes) -> str:
    """A secret that is nobody's."""
    return "whsec_" + base64.b64encode(letter * 32).decode()


# -- telling


def test_an_event_arrives_signed_at_who_subscribed_to_it(receiver: HttpReceiver) -> None:
    made = endpoint(f"{receiver.url}/in?token=t")
    endpoint(f"{receiver.url}/other", "ticket.merged", name="Other")
    assert tell() == 1
    settle()
    [request] = receiver.requests
    assert request.path == "/in?token=t"
    assert checks(made.secret, request)
    assert not checks(webhooks_secret(b"x"), request)
    assert request.headers["content-type"] == "application/json"
    assert request.json == {
        "type": "ticket.created", "timestamp": "2026-09-07T06:00:00Z", "data": DATA,
    }  # fmt: skip
    row = one()
    assert (row.status, row.last_status, row.attempts, row.delivered_at) == (
        "delivered", 200, 1, START,
    )  # fmt: skip
    assert request.headers["webhook-id"] == row.webhook_id and "." not in row.webhook_id


def test_the_same_fact_is_told_once(receiver: HttpReceiver) -> None:
    endpoint(receiver.url)
    tell()
    settle()
    tell()
    settle()
    tell("another")
    settle()
    assert len({one.headers["webhook-id"] for one in receiver.requests}) == 2
    assert len(receiver.requests) == 2


def test_without_endpoints_telling_costs_one_query() -> None:
    with CaptureQueriesContext(
        connection,
    ) as found:
        assert tell() == 0
    assert len(found) == 1


def test_who_paused_archived_or_did_not_ask_is_not_told(receiver: HttpReceiver) -> None:
    paused, gone = endpoint(receiver.url).row, endpoint(receiver.url).row
    endpoint(receiver.url, "ticket.merged")
    change(paused, is_active=False)
    notifications.archive_endpoint(endpoint=gone, actor=audit.SYSTEM, now=START)
    assert tell() == 0


def change(row: WebhookEndpoint, **fields: Any) -> WebhookEndpoint:
    return notifications.change_endpoint(endpoint=row, fields=fields, actor=audit.SYSTEM, now=START)


def test_an_event_that_nobody_declared_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match=r"ticket\.exploded"):
        tell(event="ticket.exploded")


@pytest.mark.parametrize(
    ("patterns", "event", "told"),
    [
        (["*"], "ticket.merged", True),
        (["ticket.*"], "ticket.merged", True),
        (["ticket.created", "ticket.merged"], "ticket.merged", True),
        (["ticket.created"], "ticket.created_twice", False),
        (["tick*"], "ticket.created", False),
        (["ticket"], "ticket.created", False),
        ([], "ticket.created", False),
    ],
)
def test_patterns_cover_names(patterns: list[str], event: str, told: bool) -> None:
    assert catalog.matches(patterns, event) is told


@pytest.mark.parametrize("name", catalog.EVENTS)
def test_every_event_has_its_words_and_an_example_that_fits(name: str) -> None:
    found = catalog.EVENTS[name]
    assert found.about.endswith(".") and found.name == name
    body = catalog.encode(name, found.example, START)
    assert json.loads(body)["data"] == found.example


@pytest.mark.parametrize(
    "data",
    [
        {"text": "x" * 100_000},
        {"message": {"text": "ü🔥" * 50_000, "id": "1"}},
        {"texts": ["y" * 500] * 200},
        {"k": {str(n): "z" * 90 for n in range(3_000)}, "id": "7"},
        {str(n): "z" * 90 for n in range(3_000)},
        {"text": "nul \x00 and surrogate \ud800"},
        {"at": START, "amount": timedelta(3)},
    ],
)
def test_a_body_is_valid_json_of_at_most_20_kilobytes(data: dict[str, Any]) -> None:
    body = catalog.encode("ticket.message", data, START)
    assert len(body.encode()) <= catalog.BODY_LIMIT
    found = json.loads(body)
    assert found["type"] == "ticket.message"
    assert found["data"].get("cut", False) is (len(json.dumps(data, default=str)) > 20_000)


# -- trying again


def test_a_failure_is_tried_again_on_the_schedule_under_the_same_id(
    receiver: HttpReceiver,
) -> None:
    made, now = endpoint(receiver.url), START
    receiver.status = 503
    tell()
    waited = []
    for _ in range(len(webhooks.WAITS)):
        settle(now)
        row = one()
        assert (row.status, row.last_status) == ("pending", 503)
        waited.append(int((row.next_at - now).total_seconds()))
        settle(row.next_at - timedelta(seconds=1))  # not a second early
        now = row.next_at
    settle(now)
    assert waited == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    row = one()
    assert (row.status, row.attempts) == ("failed", 10)
    assert row.last_error == "busy: The other side cannot take it now (503)."
    assert len(receiver.requests) == 10
    assert {request.headers["webhook-id"] for request in receiver.requests} == {row.webhook_id}
    assert {request.body for request in receiver.requests} == {row.payload.encode()}
    stamps = [int(request.headers["webhook-timestamp"]) for request in receiver.requests]
    assert stamps == sorted(stamps) and stamps[-1] == int(now.timestamp())
    assert all(checks(made.secret, request) for request in receiver.requests)


def test_an_endpoint_that_asks_for_time_gets_it(receiver: HttpReceiver) -> None:
    endpoint(receiver.url)
    receiver.status, receiver.headers = 429, {"Retry-After": "900"}
    tell()
    settle()
    assert one().next_at == START + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("status", "error"), [(302, "redirect"), (400, "refused"), (404, "refused"), (500, "busy")]
)
def test_what_is_not_2xx_has_not_arrived(receiver: HttpReceiver, status: int, error: str) -> None:
    endpoint(receiver.url)
    receiver.status, receiver.headers = status, {"Location": f"{receiver.url}/elsewhere"}
    tell()
    settle()
    row = one()
    assert (row.status, row.last_status, row.last_error.split(":")[0]) == ("pending", status, error)
    assert len(receiver.requests) == 1  # the redirect was not followed


def test_nobody_at_the_address_is_a_failure_like_any_other() -> None:
    endpoint(f"http://127.0.0.1:{free_port()}")
    tell()
    settle()
    row = one()
    assert (row.status, row.last_status) == ("pending", None)
    assert row.last_error.startswith("unreachable: ")


def test_a_killed_sender_leaves_a_lease_and_the_event_goes_again_under_its_id(
    receiver: HttpReceiver,
) -> None:
    endpoint(receiver.url)
    tell()
    [first] = webhooks.claim(now=START, limit=8)  # and the sender dies here
    assert webhooks.claim(now=START + webhooks.LEASE - timedelta(seconds=1), limit=8) == []
    later = START + webhooks.LEASE
    settle(later)
    [request] = receiver.requests
    assert request.headers["webhook-id"] == first.headers["webhook-id"] == one().webhook_id
    assert (one().status, one().attempts) == ("delivered", 2)
    # The first one was only slow, and comes back: nobody listens to it any more.
    webhooks.record(
        attempt=first, outcome=webhooks.Outcome(webhooks.failed("timeout", "x")), now=later
    )
    assert one().status == "delivered"


def test_a_delivery_that_kills_its_sender_each_time_ends(receiver: HttpReceiver) -> None:
    endpoint(receiver.url)
    tell()
    now = START
    for _ in range(len(webhooks.WAITS) + 1):
        assert len(webhooks.claim(now=now, limit=8)) == 1
        now += webhooks.LEASE
    assert webhooks.claim(now=now, limit=8) == []
    assert (one().status, one().last_error[:11]) == ("failed", "interrupted")


# -- slow ones and many


def test_a_slow_receiver_holds_up_nobody_and_is_cut_off(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "DEADLINE", 0.6)
    monkeypatch.setattr(webhooks, "GLANCE", 0.02)

    def drip(client: socket.socket) -> None:
        client.recv(65_536)
        for _ in range(100):
            client.sendall(b"H")
            time.sleep(0.05)

    with raw_server(drip) as port:
        endpoint(f"http://127.0.0.1:{port}", name="Slow")
        endpoint(receiver.url, name="Quick")
        for number in range(12):
            tell(f"t{number}")
        began = time.monotonic()
        quick = WebhookDelivery.objects.filter(endpoint__description="Quick")
        while quick.exclude(status="delivered").exists():
            notifications.send_webhooks(now=START)
            assert time.monotonic() - began < 5
        slow = WebhookDelivery.objects.filter(endpoint__description="Slow")
        assert slow.filter(status="sending").count() <= webhooks.EACH
        for _ in range(200):
            notifications.send_webhooks(now=START)
            if slow.exclude(last_error="").exists():
                break
    assert {row.last_error.split(":")[0] for row in slow.exclude(last_error="")} == {"timeout"}
    while notifications.send_webhooks(now=START):
        pass


def test_an_endpoint_that_fails_gets_one_hand_and_comes_last(receiver: HttpReceiver) -> None:
    bad, good = endpoint(receiver.url, name="Bad").row, endpoint(receiver.url, name="Good").row
    WebhookEndpoint.objects.filter(pk=bad.pk).update(failing_since=START)
    for number in range(6):
        tell(f"t{number}")
    taken = webhooks.claim(now=START, limit=8)
    assert [one.endpoint_id for one in taken] == [good.pk] * webhooks.EACH + [bad.pk]
    busy = {good.pk: webhooks.EACH, bad.pk: 1}
    assert webhooks.claim(now=START, limit=8, busy=busy) == []


def test_an_answer_of_any_length_is_read_no_further_than_64_kilobytes(
    receiver: HttpReceiver,
) -> None:
    receiver.body = b"x" * 1_000_000
    endpoint(receiver.url)
    tell()
    settle()
    assert one().status == "delivered"


# -- giving up


def test_410_switches_the_endpoint_off_and_managers_hear_of_it(
    receiver: HttpReceiver, world: World, cast: Cast
) -> None:
    made = endpoint(receiver.url)
    receiver.status = 410
    tell("a")
    settle()
    made.row.refresh_from_db()
    assert made.row.disabled_at == START
    assert made.row.disabled_reason == "The other side said 410 Gone."
    assert tell("b") == 0
    world.run()
    mail = world.expect_message(to=cast.maya, containing="The webhook CRM was switched off")
    assert "410 Gone" in mail.text
    world.expect_nothing()


def test_five_days_of_failures_switch_it_off_and_empty_the_queue(
    receiver: HttpReceiver, world: World, cast: Cast
) -> None:
    made = endpoint(receiver.url)
    receiver.status = 500
    for day in range(6):
        now = START + timedelta(days=day)
        notifications.emit(
            event="ticket.created", data={}, subject=("ticket", "7"), dedupe=f"d{day}", now=now
        )
        settle(now)
    made.row.refresh_from_db()
    assert (made.row.failing_since, made.row.disabled_at) == (START, START + timedelta(days=5))
    assert set(WebhookDelivery.objects.values_list("status", flat=True)) <= {"failed", "cancelled"}
    assert Message.objects.get(what="webhook_off").person == cast.maya
    resumed = change(made.row, is_active=True)
    assert (resumed.disabled_at, resumed.failing_since) == (None, None)


def test_one_success_ends_the_doubt(receiver: HttpReceiver) -> None:
    made = endpoint(receiver.url)
    receiver.status = 500
    tell()
    settle()
    receiver.status = 200
    settle(START + timedelta(seconds=5))
    made.row.refresh_from_db()
    assert (one().status, made.row.failing_since) == ("delivered", None)


def test_a_paused_endpoint_keeps_what_waits_until_it_is_resumed(receiver: HttpReceiver) -> None:
    made = endpoint(receiver.url)
    tell()
    change(made.row, is_active=False)
    settle()
    assert (receiver.requests, one().status) == ([], "pending")
    change(made.row, is_active=True)
    settle()
    assert one().status == "delivered"


# -- addresses and secrets


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "ftp://example.com",
        "https://user:pw@example.com/", "https://", "javascript:alert(1)", "x" * 3000,
    ],
)  # fmt: skip
def test_an_address_that_must_not_be_asked_is_refused_at_its_field(url: str) -> None:
    with pytest.raises(Invalid) as error:
        endpoint(url)
    assert set(error.value.fields) == {"url"}
    assert not WebhookEndpoint.objects.exists()


def test_private_addresses_are_refused_when_saved_and_again_when_sent(
    settings: Any, receiver: HttpReceiver
) -> None:
    made = endpoint(receiver.url)
    settings.OUTGOING_ALLOW_PRIVATE = False
    with pytest.raises(Invalid, match="private"):
        change(made.row, url="https://10.0.0.1/in")
    tell()
    settle()
    assert receiver.requests == []
    assert (one().status, one().last_error.split(":")[0]) == ("failed", "blocked")


@pytest.mark.parametrize("events", [["ticket.exploded"], ["tick*"], [""], [], ["*"] + ["x"] * 60])
def test_events_that_do_not_exist_are_refused_at_their_field(events: list[str]) -> None:
    with pytest.raises(Invalid) as error:
        notifications.create_endpoint(
            url="https://example.com", description="x", events=events, actor=audit.SYSTEM, now=START
        )
    assert set(error.value.fields) == {"events"}


def test_a_rotated_secret_signs_beside_the_old_one_for_a_while(receiver: HttpReceiver) -> None:
    old = endpoint(receiver.url)
    new = notifications.rotate_secret(endpoint=old.row, actor=audit.SYSTEM, now=START)
    tell("a")
    settle()
    later = START + timedelta(days=1)
    notifications.emit(
        event="ticket.created", data=DATA, subject=("ticket", "7"), dedupe="b", now=later
    )
    settle(later)
    first, second = receiver.requests
    assert checks(old.secret, first) and checks(new.secret, first)
    assert not checks(old.secret, second) and checks(new.secret, second)
    hurry = notifications.rotate_secret(
        endpoint=old.row, actor=audit.SYSTEM, now=later, overlap=timedelta()
    )
    assert (hurry.row.previous_secret_sealed, hurry.row.previous_valid_until) == ("", None)


def test_secrets_and_addresses_are_sealed_and_stay_out_of_the_history() -> None:
    made = endpoint("https://example.com/hooks/s3cr3t-token")
    change(made.row, description="Another", url="https://example.com/hooks/s3cr3t-token")
    row: Any = WebhookEndpoint.objects.get()
    history = list(row.events.values())
    assert [entry["description"] for entry in history] == ["CRM", "Another"]
    kept = json.dumps([*WebhookEndpoint.objects.values(), *history], default=str)
    assert "s3cr3t" not in kept and made.secret not in kept
    assert row.url_hint == "https://example.com/…oken"
    assert notifications.shown_url(row) == "https://example.com/hooks/s3cr3t-token"


def test_a_key_that_was_lost_is_told_and_stops_nobody_else(receiver: HttpReceiver) -> None:
    broken = endpoint(receiver.url, name="Broken").row
    WebhookEndpoint.objects.filter(pk=broken.pk).update(secret_sealed="another key's")
    endpoint(receiver.url, name="Sound")
    tell()
    settle()
    found = dict(WebhookDelivery.objects.values_list("endpoint__description", "status"))
    assert found == {"Broken": "pending", "Sound": "delivered"}


# -- by hand


def test_a_delivery_is_sent_again_by_hand_under_the_same_id(
    receiver: HttpReceiver, cast: Cast
) -> None:
    endpoint(receiver.url)
    tell()
    settle()
    actor = audit.person(cast.maya)
    notifications.redeliver(delivery=one(), actor=actor, now=START)
    with pytest.raises((Conflict, IllegalTransition)):
        notifications.redeliver(delivery=one(), actor=actor, now=START)
    settle()
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    history = StatusChange.objects.get(kind="notifications.webhookdelivery")
    assert (history.actor_label, history.became) == ("Maya Lind", "pending")


def test_a_test_goes_to_one_endpoint_whatever_it_asked_for(receiver: HttpReceiver) -> None:
    made = endpoint(receiver.url, "ticket.merged")
    notifications.send_test(endpoint=made.row, actor=audit.SYSTEM, now=START)
    settle()
    [request] = receiver.requests
    assert request.json["type"] == "test" and checks(made.secret, request)
    change(made.row, is_active=False)
    with pytest.raises(Conflict):
        notifications.send_test(endpoint=made.row, actor=audit.SYSTEM, now=START)
    with pytest.raises(Conflict):
        notifications.redeliver(delivery=one(), actor=audit.SYSTEM, now=START)


def test_what_is_over_is_deleted_after_its_time_and_what_waits_never(
    receiver: HttpReceiver,
) -> None:
    endpoint(receiver.url)
    tell("a")
    settle()
    tell("b")
    later = START + timedelta(days=31)
    assert notifications.purge_webhooks(now=later, keep=timedelta(days=30)) == 1
    assert notifications.purge_webhooks(now=later, keep=timedelta(days=30)) == 0
    assert one().status == "pending"


# -- the documentation

DOC = (Path(__file__).resolve().parents[2] / "docs/integrations.md").read_text(encoding="utf-8")


def test_the_documented_check_takes_ours_and_refuses_what_was_touched(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", DOC, re.M | re.S)
    [code] = [one for one in examples if "def is_genuine" in one]
    written: dict[str, Any] = {}
    exec(code, written)  # noqa: S102 - the example of our own page
    is_genuine = written["is_genuine"]
    monkeypatch.setattr(time, "time", lambda: START.timestamp() + 30)
    made = endpoint(receiver.url)
    notifications.rotate_secret(endpoint=made.row, actor=audit.SYSTEM, now=START)
    tell()
    settle()
    [request] = receiver.requests
    assert is_genuine(made.secret, request.headers, request.body)
    assert not is_genuine(made.secret, request.headers, request.body + b" ")
    assert not is_genuine(webhooks_secret(b"x"), request.headers, request.body)
    assert not is_genuine(made.secret, {**request.headers, "webhook-id": "msg_1"}, request.body)
    assert not is_genuine(made.secret, {**request.headers, "webhook-signature": "ü"}, request.body)
    assert not is_genuine(made.secret, {**request.headers, "webhook-timestamp": "x"}, request.body)
    monkeypatch.setattr(time, "time", lambda: START.timestamp() + 301)
    assert not is_genuine(made.secret, request.headers, request.body)


def test_the_page_names_every_event_and_shows_a_true_example() -> None:
    for found in [*catalog.EVENTS.values(), catalog.EXAMPLE]:
        assert f"| `{found.name}` |" in DOC
    [shown] = [json.loads(one) for one in re.findall(r"^```json\n(.*?)^```", DOC, re.M | re.S)]
    assert shown["data"] == catalog.EVENTS[shown["type"]].example


def test_the_webhook_that_the_page_adds_would_be_taken() -> None:
    [body] = re.findall(r"/api/v1/webhooks \\\n.*?-d '(.*?)'\n```", DOC, re.S)
    made = notifications.create_endpoint(**json.loads(body), actor=audit.SYSTEM, now=START)
    assert made.row.patterns == ["ticket.*"]


def test_alerts_and_incidents_have_events_whose_examples_fit_their_facts() -> None:
    from apps.alerts.services.announcing import alert_facts
    from apps.incidents.services.announcing import incident_facts

    alert = build.alert(build.native())
    incident = build.incident()
    for name, facts in (("alert", alert_facts(alert)), ("incident", incident_facts(incident))):
        for event in catalog.EVENTS.values():
            if event.name.startswith(f"{name}."):
                assert set(event.example[name]) == set(facts), event.name


def test_a_restricted_incident_is_told_without_its_title(receiver: HttpReceiver) -> None:
    endpoint(receiver.url, "incident.*")
    incident = build.incident(title="Data of Ostra was seen by others", visibility="restricted")
    told = WebhookDelivery.objects.filter(subject_ref=str(incident.pk), subject_kind="incident")
    assert told.filter(event="incident.declared").count() == 1
    assert all("Ostra" not in row.payload and "(restricted)" in row.payload for row in told)
