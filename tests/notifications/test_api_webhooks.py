"""Outgoing webhooks over the API: the scope admin, the secret answered once, the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.core import clock
from apps.notifications import services as notifications
from apps.notifications.models import WebhookDelivery, WebhookEndpoint
from tests import builders as build
from tests.calls import Caller, signed_in, tool
from tests.conftest import Cast

from .receivers import HttpReceiver, http_receiver

pytestmark = pytest.mark.django_db
BODY = {"url": "https://example.com/in", "description": "CRM", "events": ["ticket.*"]}


@pytest.fixture(autouse=True)
def _plain_http(settings: Any) -> None:
    settings.OUTGOING_ALLOW_HTTP = True


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as found:
        yield found


@pytest.fixture
def admin() -> Caller:
    return tool("admin")


def tell() -> None:
    notifications.emit(
        event="ticket.created", data={"ticket": {"ref": "TCK-7"}}, subject=("ticket", "7"),
        dedupe="a", now=clock.now(),
    )  # fmt: skip


def run() -> None:
    while notifications.send_webhooks(now=clock.now()):
        pass


def test_a_webhook_is_added_listed_changed_and_archived(admin: Caller) -> None:
    made = admin.post("webhooks", BODY)
    assert made.status == 201 and made["secret"].startswith("whsec_")
    assert (made["url"], made["events"], made["active"]) == (BODY["url"], ["ticket.*"], True)
    pk = made["id"]
    [row] = admin.get("webhooks")["results"]
    assert "secret" not in row and row["id"] == pk
    changed = admin.patch(f"webhooks/{pk}", {"active": False, "events": ["ticket.merged"]})
    assert (changed["active"], changed["events"], changed["url"]) == (
        False, ["ticket.merged"], BODY["url"],
    )  # fmt: skip
    assert admin.call("DELETE", f"webhooks/{pk}").status == 204
    assert admin.get("webhooks")["results"] == []
    assert admin.get(f"webhooks/{pk}")["archived_at"]
    assert admin.patch(f"webhooks/{pk}", {"active": True}).status == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": ""}, "url"),
        ({"events": ["ticket.exploded"]}, "events"),
        ({"events": []}, "events"),
        ({"events": "ticket.*"}, "events"),
        ({"description": "\n"}, "description"),
    ],
)
def test_what_is_wrong_is_named_by_field(admin: Caller, change: Any, field: str) -> None:
    reply = admin.post("webhooks", {**BODY, **change})
    assert reply.status == 400 and reply.fields == {field}
    assert not WebhookEndpoint.objects.exists()


def test_the_log_is_read_and_a_delivery_sent_again(admin: Caller, receiver: HttpReceiver) -> None:
    pk = admin.post("webhooks", {**BODY, "url": receiver.url})["id"]
    tell()
    run()
    [row] = admin.get(f"webhooks/{pk}/deliveries", {"status": "delivered"})["results"]
    assert (row["event"], row["subject"], row["last_status"], row["last_error"]) == (
        "ticket.created", "ticket 7", 200, None,
    )  # fmt: skip
    assert admin.get(f"webhooks/{pk}/deliveries", {"event": "test"})["results"] == []
    whole = admin.get(f"webhooks/{pk}/deliveries/{row['id']}")
    assert whole["payload"] == receiver.requests[0].json
    again = f"webhooks/{pk}/deliveries/{row['id']}/redeliver"
    assert admin.post(again, Idempotency_Key="k").status == 202
    assert admin.post(again, Idempotency_Key="k").status == 202  # the same answer, no second deed
    assert admin.post(again).status == 409
    run()
    assert len(receiver.requests) == 2
    assert len({one.headers["webhook-id"] for one in receiver.requests}) == 1


def test_a_test_is_sent_and_the_secret_rotated(admin: Caller, receiver: HttpReceiver) -> None:
    made = admin.post("webhooks", {**BODY, "url": receiver.url})
    assert admin.post(f"webhooks/{made['id']}/test")["event"] == "test"
    run()
    assert receiver.requests[0].json["type"] == "test"
    rotated = admin.post(f"webhooks/{made['id']}/rotate-secret", {"overlap_seconds": 3600})
    assert rotated.status == 200 and rotated["secret"] != made["secret"]
    assert rotated["previous_secret_valid_until"]
    at_once = admin.post(f"webhooks/{made['id']}/rotate-secret", {"overlap_seconds": 0})
    assert at_once["previous_secret_valid_until"] is None
    assert admin.post(f"webhooks/{made['id']}/rotate-secret", {"overlap_seconds": -1}).status == 400


def test_deliveries_of_another_webhook_are_not_found_under_this_one(admin: Caller) -> None:
    first, second = admin.post("webhooks", BODY)["id"], admin.post("webhooks", BODY)["id"]
    tell()
    row = WebhookDelivery.objects.get(endpoint_id=first)
    assert admin.get(f"webhooks/{second}/deliveries/{row.pk}").status == 404
    assert admin.post(f"webhooks/{second}/deliveries/{row.pk}/redeliver").status == 404
    assert admin.get("webhooks/nothing/deliveries").status == 404


def test_only_the_scope_admin_and_managers_come_in(cast: Cast, admin: Caller) -> None:
    pk = admin.post("webhooks", BODY)["id"]
    for caller in (tool("tickets:write", "events:read"), signed_in(cast.ravi), signed_in(cast.sam)):
        for path in ("webhooks", f"webhooks/{pk}", f"webhooks/{pk}/deliveries"):
            assert caller.get(path).status == 403
        assert caller.post("webhooks", BODY).status == 403
    assert signed_in(cast.maya).get(f"webhooks/{pk}").status == 200
    assert Caller().get("webhooks").status == 401


def test_a_key_of_one_team_hears_of_no_webhook(admin: Caller) -> None:
    pk = admin.post("webhooks", BODY)["id"]
    bound = tool("admin", team=build.team("inspect"))
    assert bound.get("webhooks")["results"] == []
    assert bound.post("webhooks", BODY).status == 403
    for call, path in (
        ("GET", f"webhooks/{pk}"), ("PATCH", f"webhooks/{pk}"), ("DELETE", f"webhooks/{pk}"),
        ("POST", f"webhooks/{pk}/rotate-secret"), ("POST", f"webhooks/{pk}/test"),
        ("GET", f"webhooks/{pk}/deliveries"),
    ):  # fmt: skip
        assert bound.call(call, path, {} if call != "GET" else None).status == 404
    assert WebhookEndpoint.objects.filter(archived_at=None).count() == 1
