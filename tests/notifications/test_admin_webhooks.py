"""Outgoing webhooks in the admin: the secret shown once, the buttons, the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apps.core import audit, clock, secrets
from apps.notifications import services as notifications
from apps.notifications.models import WebhookDelivery, WebhookEndpoint
from tests.adminkit import fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of

from .receivers import HttpReceiver, http_receiver

BASE = "/admin/notifications/webhookendpoint/"
LOG = "/admin/notifications/webhookdelivery/"


@pytest.fixture(autouse=True)
def _plain_http(settings: Any) -> None:
    settings.OUTGOING_ALLOW_HTTP = True


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as found:
        yield found


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


def endpoint(url: str = "https://example.com/in", name: str = "CRM") -> WebhookEndpoint:
    return notifications.create_endpoint(
        url=url, description=name, events=["ticket.*"], actor=audit.SYSTEM, now=clock.now()
    ).row


def told(row: WebhookEndpoint, dedupe: str = "a") -> WebhookDelivery:
    notifications.emit(
        event="ticket.created", data={"ticket": {"ref": "<script>"}}, subject=("ticket", "7"),
        dedupe=dedupe, now=clock.now(),
    )  # fmt: skip
    return WebhookDelivery.objects.filter(endpoint=row).latest("pk")


def run() -> None:
    while notifications.send_webhooks(now=clock.now()):
        pass


def press(client: Client, row: Any, name: str, **values: str) -> Any:
    return client.post(f"/admin/notifications/{row._meta.model_name}/{row.pk}/do/{name}/", values)


def shown(response: Any) -> str:
    return str(response.content.decode().split('id="secret-1" value="')[1].split('"')[0])


def test_a_webhook_is_added_and_its_secret_shown_once(maya: Client, cast: Cast) -> None:
    form = fields(maya, f"{BASE}add/")
    form |= {"description": ["CRM"], "url": ["https://example.com/in?k=1"]}
    answer = send(maya, f"{BASE}add/", form | {"patterns": ["ticket.created", "ticket.merged"]})
    row = WebhookEndpoint.objects.get()
    assert "no-store" in answer["Cache-Control"]
    assert shown(answer) == secrets.unseal(row.secret_sealed)
    assert (row.patterns, row.created_by) == (["ticket.created", "ticket.merged"], cast.maya)
    again = maya.get(f"{BASE}{row.pk}/change/")
    assert shown(answer) not in again.content.decode()
    assert "https://example.com/in?k=1" in again.content.decode()


def test_an_address_inside_is_refused_at_its_field(maya: Client, settings: Any) -> None:
    settings.OUTGOING_ALLOW_PRIVATE = False
    form = fields(maya, f"{BASE}add/") | {"description": ["CRM"], "patterns": ["*"]}
    answer = send(maya, f"{BASE}add/", form | {"url": ["https://10.0.0.1/"]})
    assert "leads into a private or local network" in text_of(answer)
    assert not WebhookEndpoint.objects.exists()


def test_changing_keeps_what_was_not_touched(maya: Client) -> None:
    row = endpoint("https://example.com/hooks/token")
    change = f"{BASE}{row.pk}/change/"
    send(maya, change, fields(maya, change) | {"description": ["Billing"], "patterns": ["*"]})
    row.refresh_from_db()
    assert (row.description, row.patterns) == ("Billing", ["*"])
    assert notifications.shown_url(row) == "https://example.com/hooks/token"


def test_rotating_shows_another_secret_and_says_that_both_sign(maya: Client) -> None:
    row = endpoint()
    before = row.secret_sealed
    answer = press(maya, row, "rotate", overlap="24")
    row.refresh_from_db()
    assert shown(answer) == secrets.unseal(row.secret_sealed)
    assert row.previous_secret_sealed == before
    page = text_of(maya.get(f"{BASE}{row.pk}/change/"))
    assert "two: the one before signs as well until" in page


def test_the_buttons_pause_resume_test_and_archive(maya: Client, receiver: HttpReceiver) -> None:
    row = endpoint(receiver.url)
    press(maya, row, "test")
    run()
    assert receiver.requests[0].json["type"] == "test"
    press(maya, row, "pause")
    assert press(maya, row, "test").status_code == 404  # it is not offered
    assert "Paused" in text_of(maya.get(BASE))
    press(maya, row, "resume")
    press(maya, row, "archive")
    row.refresh_from_db()
    assert row.archived_at is not None
    assert press(maya, row, "resume").status_code == 404
    maya.get(BASE)  # with the messages of the buttons
    assert "CRM" not in text_of(maya.get(BASE))
    assert "CRM" in text_of(maya.get(f"{BASE}?archived=all"))


def test_the_log_shows_what_was_sent_and_sends_it_again(
    maya: Client, receiver: HttpReceiver
) -> None:
    delivery = told(endpoint(receiver.url))
    receiver.status = 410
    run()
    page = maya.get(f"{LOG}{delivery.pk}/change/")
    assert "410" in text_of(page) and "<script>alert" not in page.content.decode()
    assert "&lt;script&gt;" in page.content.decode()
    answer = maya.post(LOG, {"action": "send_again", "_selected_action": [delivery.pk]})
    assert any("Resume it first" in said for said in messages(answer))
    press(maya, delivery.endpoint, "resume")
    receiver.status = 200
    answer = maya.post(LOG, {"action": "send_again", "_selected_action": [delivery.pk]})
    assert "1 delivery goes out again." in messages(answer)
    assert press(maya, delivery, "redeliver").status_code == 404  # it waits already
    run()
    delivery.refresh_from_db()
    assert (delivery.status, len(receiver.requests)) == ("delivered", 2)


def test_the_list_costs_the_same_for_one_as_for_ten(maya: Client) -> None:
    told(endpoint())
    maya.get(BASE)
    first = queries(maya, BASE)
    for number in range(9):
        told(endpoint(name=f"N{number}"), f"d{number}")
    assert queries(maya, BASE) == first


def test_nobody_but_managers_sees_webhooks(cast: Cast) -> None:
    row = endpoint()
    for person in (cast.ravi, cast.sam, cast.olu):
        client = sign_in(person)
        assert client.get(BASE).status_code == 403
        assert client.post(f"{BASE}{row.pk}/do/rotate/", {"overlap": "0"}).status_code == 403
