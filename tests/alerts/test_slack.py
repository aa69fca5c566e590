"""Slack both ways: who presses is who acts, what comes is signed, groups follow who is on call."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client

from apps.alerts import handlers
from apps.alerts.models import Alert, SlackGroup, SlackMember
from apps.alerts.services import slack, slack_calls, slack_groups
from apps.core import audit, jobs, secrets
from apps.core.errors import Conflict, Invalid
from apps.intake import services as intake
from apps.intake.adapters import slack as wire
from apps.intake.canonical import InvalidEvent
from apps.intake.models import Delivery, Integration
from apps.intake.services import NewIntegration
from apps.notifications.channels import slack_api
from apps.paging.events import PageStepTaken
from apps.paging.models import Page, PageStep
from tests import builders as build
from tests.conftest import Cast
from tests.notifications.receivers import HttpReceiver, http_receiver

VECTORS = Path(__file__).parents[1] / "vectors"
PAYLOADS = VECTORS / "payloads"
ROWS = [
    row
    for row in json.loads((PAYLOADS / "index.json").read_text())["payloads"]
    if row["source"] == "slack" and row["kind"] in ("handshake", "command")
]
SIGNED = [
    row
    for row in json.loads((VECTORS / "signatures.json").read_text())["vectors"]
    if row["scheme"] == "slack_v0"
]
PRESSED = json.loads((PAYLOADS / "slack" / "block_actions_ack.json").read_text())
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
MEMBER = "U2CERLKJA"
NINE = datetime(2026, 9, 7, 9, tzinfo=UTC)  # a Monday, at the handoff
NOW = NINE + timedelta(hours=2)


@pytest.fixture(autouse=True)
def moment() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def home(db: None) -> NewIntegration:
    return intake.create_integration(kind="slack", secret=SECRET, now=NOW)


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


def sign(raw: bytes, at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + raw, hashlib.sha256)
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest.hexdigest()}",
    }


def send(client: Client, home: NewIntegration, raw: bytes | dict[str, Any], **headers: str) -> Any:
    """A form as Slack posts it, or bytes as they are."""
    body = urlencode(raw).encode() if isinstance(raw, dict) else raw
    media = "application/x-www-form-urlencoded" if isinstance(raw, dict) else "application/json"
    return client.generic(
        "POST", home.path, body, content_type=media, headers={**sign(body), **headers}
    )


def press(client: Client, home: NewIntegration, value: str, member: str = MEMBER) -> str:
    """The words that whoever presses Acknowledge is answered."""
    data = {**PRESSED, "user": {"id": member}, "response_url": ""}
    data["actions"] = [{**PRESSED["actions"][0], "value": value}]
    reply = send(client, home, {"payload": json.dumps(data)})
    assert reply.status_code == 200
    return str(reply.json()["text"])


def ask(client: Client, home: NewIntegration, text: str = "", member: str = MEMBER) -> str:
    given = {"command": "/oncall", "text": text, "user_id": member}
    reply = send(client, home, given)
    assert (reply.status_code, reply.json()["response_type"]) == (200, "ephemeral")
    return str(reply.json()["text"])


def known(home: NewIntegration, person: Any, member: str = MEMBER) -> SlackMember:
    return slack.map_member(
        integration=home.row, person=person, slack_user_id=member, actor=audit.SYSTEM, now=NOW
    )


# -- what came, purely


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["file"]))
@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
def test_a_recorded_request_becomes_what_its_row_says(row: dict[str, Any], form: bool) -> None:
    raw = (PAYLOADS / row["file"]).read_bytes()
    body = urlencode({"payload": raw.decode()}).encode() if form else raw
    events = wire.normalise(body, {}, received_at=NOW)
    assert len(events) == len(row["expected"])
    for event, wanted in zip(events, row["expected"], strict=True):
        assert event.kind == row["kind"]
        assert {name: getattr(event, name) for name in wanted} == wanted


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"payload=%7B", b"payload=", b"{", b"&" * 500, b"a=1&" * 101,
     b'{"type":"url_verification"}', b"payload=" + b"%5B" * 5000],
)  # fmt: skip
def test_what_is_neither_json_nor_a_form_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidEvent):
        wire.read(body)


@pytest.mark.parametrize(
    "data",
    [{"type": "event_callback"}, {"type": "block_actions"}, {"type": "block_actions", "actions": 7},
     {"type": "block_actions", "actions": [{"action_id": "other", "value": "x"}, 3]},
     {"type": ["block_actions"]}, {}],
)  # fmt: skip
def test_what_is_not_ours_asks_for_nothing(data: dict[str, Any]) -> None:
    assert wire.read(json.dumps(data).encode()).what == "other"


def test_answers_go_to_slack_alone() -> None:
    for url, kept in (
        ("https://hooks.slack.com/actions/T1/1/x", True),
        ("https://hooks.slack.com.evil.example/x", False),
        ("http://169.254.169.254/", False),
        ("https://hooks.slack.com/a?x=@evil", False),
    ):
        found = wire.read(json.dumps({**PRESSED, "response_url": url}).encode())
        assert (found.answer_to == url) is kept
    assert not slack_api.answer("https://evil.example/", "x", {}).ok


# -- the door


@pytest.mark.django_db
@pytest.mark.parametrize("row", SIGNED, ids=lambda row: str(row["id"]))
def test_only_what_slack_signed_lately_is_taken(client: Client, row: dict[str, Any]) -> None:
    home = intake.create_integration(kind="slack", secret=row["secret"], now=NOW)
    with time_machine.travel(datetime.fromtimestamp(row["now"], UTC), tick=False):
        reply = client.generic(
            "POST", home.path, row["body"].encode(), headers=row["headers"],
            content_type="application/x-www-form-urlencoded",
        )  # fmt: skip
    assert reply.status_code == (200 if row["valid"] else 401)


def test_the_handshake_is_answered_with_its_challenge(client: Client, home: NewIntegration) -> None:
    raw = (PAYLOADS / "slack" / "url_verification.json").read_bytes()
    reply = send(client, home, raw)
    assert reply.json() == {"challenge": json.loads(raw)["challenge"]}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"X-Slack-Signature": "v0=00"}, 401),
        ({"X-Slack-Signature": "v0=é"}, 401),
        ({"X-Slack-Request-Timestamp": "abc"}, 401),
        ({"X-Slack-Request-Timestamp": ""}, 401),
    ],
)
def test_a_wrong_signature_does_nothing(
    client: Client, home: NewIntegration, change: dict[str, str], status: int
) -> None:
    assert send(client, home, {"command": "/oncall"}, **change).status_code == status
    assert not Delivery.objects.exists()


def test_a_workspace_without_a_secret_takes_nothing(client: Client, db: None) -> None:
    home = intake.create_integration(kind="slack", now=NOW)
    assert send(client, home, {"command": "/oncall"}).status_code == 401


def test_two_secrets_hold_while_one_is_changed(client: Client, home: NewIntegration) -> None:
    intake.set_secret(integration=home.row, secret="another")
    raw = b"command=%2Foncall"
    assert client.generic("POST", home.path, raw, headers=sign(raw)).status_code == 200


def test_other_addresses_methods_and_bodies_are_told_apart(
    client: Client, home: NewIntegration
) -> None:
    other = build.integration("github")
    assert send(client, NewIntegration(home.row, "wrong"), b"{}").status_code == 404
    assert client.post(f"/hooks/{other.token}/slack").status_code == 404
    assert client.get(home.path).status_code == 405
    for raw in (b"", b"{", b"\x00", b"payload=%7B%22a%22%3A%22%5Cu0000%22%7D"):
        assert send(client, home, raw).status_code in (200, 400)
    intake.archive_integration(integration=home.row, now=NOW)
    assert send(client, home, b"{}").status_code == 404


# -- the button


@pytest.fixture
def page(cast: Cast) -> Page:
    surface = build.surface("inspect.profiler", primary=cast.bea)
    return build.page(surface=surface, now=NOW)


def test_who_presses_has_the_page(
    client: Client, home: NewIntegration, cast: Cast, page: Page
) -> None:
    known(home, cast.ravi)
    said = press(client, home, f"page:{page.pk}")
    page.refresh_from_db()
    assert said.startswith("You have it: ")
    assert (page.status, page.acknowledged_by) == ("acknowledged", cast.ravi)
    delivery = Delivery.objects.get()
    event = delivery.events.get()
    assert (event.kind, event.action, event.source) == ("command", "acknowledge", f"slack:{MEMBER}")


def test_pressing_twice_and_together_is_one_acknowledgement(
    client: Client, home: NewIntegration, cast: Cast, page: Page
) -> None:
    known(home, cast.ravi)
    known(home, cast.bea, "U0BEABELL")
    press(client, home, f"page:{page.pk}")
    assert press(client, home, f"page:{page.pk}", "U0BEABELL").startswith("Ravi Rao has it already")
    page.refresh_from_db()
    assert page.acknowledged_by == cast.ravi


@pytest.mark.parametrize("member", ["U0NOBODY", "", "<script>"])
def test_somebody_unknown_is_told_what_to_do_and_nothing_happens(
    client: Client, home: NewIntegration, page: Page, member: str
) -> None:
    said = press(client, home, f"page:{page.pk}", member)
    page.refresh_from_db()
    assert "A manager can say so here" in said and f"/integrations/{home.row.pk}/slack/" in said
    assert "<script>" not in said
    assert page.status == "open"


def test_roles_hold_in_slack_too(
    client: Client, home: NewIntegration, cast: Cast, page: Page
) -> None:
    known(home, cast.olu)
    assert press(client, home, f"page:{page.pk}").startswith("Your role only reads")
    page.refresh_from_db()
    assert page.status == "open"


def test_who_left_is_nobody(client: Client, home: NewIntegration, cast: Cast, page: Page) -> None:
    known(home, cast.ravi)
    type(cast.ravi).objects.filter(pk=cast.ravi.pk).update(is_active=False)
    assert "does not know who" in press(client, home, f"page:{page.pk}")


def test_a_button_of_an_incident_takes_its_pages_and_one_of_an_alert_its_page(
    client: Client, home: NewIntegration, cast: Cast
) -> None:
    known(home, cast.ravi)
    surface = build.surface("inspect.profiler", primary=cast.bea)
    source = build.native(surface=surface)
    first = build.alert(source, severity="critical", dedup_key="a", now=NOW)
    second = build.alert(source, severity="error", dedup_key="b", now=NOW)
    assert first.group is not None
    ref = first.group.incident_ref
    assert press(client, home, f"incident:{ref.removeprefix('INC-')}").startswith("You have it")
    assert press(client, home, f"alert:{second.pk}").startswith("You have it")
    assert not Page.objects.waiting().exists()
    assert set(Alert.objects.values_list("status", flat=True)) == {"acknowledged"}


@pytest.mark.parametrize(
    "value", ["page:999999", "incident:1", "alert:99", "page:x", "", "page:1;drop", "ticket:1"]
)
def test_a_button_of_nothing_says_so(
    client: Client, home: NewIntegration, cast: Cast, value: str
) -> None:
    known(home, cast.ravi)
    data = {**PRESSED, "actions": [{"action_id": "ack", "value": value}], "response_url": ""}
    reply = send(client, home, {"payload": json.dumps(data)})
    assert reply.status_code == 200
    assert b"You have it" not in reply.content


# -- /oncall


def test_oncall_says_who_it_is_until_when_and_who_comes_next(
    client: Client, home: NewIntegration, cast: Cast
) -> None:
    known(home, cast.ravi)
    surface = build.surface("inspect.profiler")
    build.schedule(cast.ravi, cast.bea, surfaces=[surface], now=NOW)
    for text in ("", "profiler", "Profiler", "inspect.profiler", "INSPECT.profiler"):
        said = ask(client, home, text)
        assert said.startswith("*Profiler*: Ravi Rao until <!date^1789376400^"), text
        assert said.endswith("Mon 14 Sep 09:00 UTC>, then Bea Bell")


def test_oncall_of_nothing_known_lists_what_there_is(
    client: Client, home: NewIntegration, cast: Cast
) -> None:
    known(home, cast.ravi)
    assert ask(client, home) == "There is no schedule yet."
    build.schedule(cast.ravi, now=NOW)
    said = ask(client, home, "<!channel> nope")
    assert "Schedules: profiler." in said
    assert "<!channel>" not in said
    assert "does not know who" in ask(client, home, member="U0NOBODY")


def test_another_command_is_told_which_one_there_is(
    client: Client, home: NewIntegration, cast: Cast
) -> None:
    known(home, cast.ravi)
    reply = send(client, home, {"command": "/page", "user_id": MEMBER})
    assert "OpsPortal answers /oncall" in reply.json()["text"]


# -- who is who


def test_a_member_is_one_person_and_a_person_one_member(home: NewIntegration, cast: Cast) -> None:
    known(home, cast.ravi)
    known(home, cast.ravi, " u0newphone ")
    assert SlackMember.objects.get().slack_user_id == "U0NEWPHONE"
    with pytest.raises(Invalid, match="Ravi Rao already"):
        known(home, cast.bea, "U0NEWPHONE")
    with pytest.raises(Invalid, match="looks like U2CERLKJA"):
        known(home, cast.bea, "@bea")


@pytest.mark.parametrize(
    ("token", "channel", "wrong"),
    [
        ("secret", "", "bot_token"),
        ("xoxb-1234567890", "#ops", "channel"),
        ("", "C024BE91L", "bot_token"),
    ],
)
def test_what_cannot_be_called_with_is_refused(
    home: NewIntegration, token: str, channel: str, wrong: str
) -> None:
    with pytest.raises(Invalid) as caught:
        setup(home, token, channel)
    assert list(caught.value.fields) == [wrong]


def setup(home: NewIntegration, token: str = "xoxb-1234567890", channel: str = "") -> Integration:
    return slack_calls.set_up_slack(
        integration=home.row, bot_token=token, channel=channel, actor=audit.SYSTEM, now=NOW
    )


def test_the_token_is_sealed_and_kept_when_the_channel_changes(home: NewIntegration) -> None:
    row = setup(home)
    assert "xoxb" not in row.config_sealed
    row = setup(home, "", "C024BE91L")
    assert slack_calls.config_of(row) == {"bot_token": "xoxb-1234567890", "channel": "C024BE91L"}
    with pytest.raises(Conflict):
        slack_calls.set_up_slack(
            integration=build.integration("github").row,
            bot_token="", channel="", actor=audit.SYSTEM, now=NOW,
        )  # fmt: skip


# -- outwards


@pytest.fixture
def workspace(home: NewIntegration) -> Iterator[tuple[NewIntegration, HttpReceiver]]:
    """A Slack on loopback, which answers ok until it is told otherwise."""
    with http_receiver() as receiver:
        receiver.body = b'{"ok": true}'
        config = {
            "bot_token": "xoxb-1234567890", "channel": "C024BE91L", "api": f"{receiver.url}/api",
            "allow_http": "1", "allow_private": "1",
        }  # fmt: skip
        home.row.config_sealed = secrets.seal(json.dumps(config))
        home.row.save(update_fields=["config_sealed"])
        yield home, receiver


def test_a_page_is_posted_with_the_button_that_takes_it(
    client: Client, cast: Cast, page: Page, workspace: tuple[NewIntegration, HttpReceiver]
) -> None:
    home, receiver = workspace
    assert slack_calls.post_page(page_id=page.pk) == 1
    (sent,) = receiver.requests
    assert sent.path == "/api/chat.postMessage"
    assert sent.headers["authorization"] == "Bearer xoxb-1234567890"
    assert sent.json["channel"] == "C024BE91L"
    button = sent.json["blocks"][1]["elements"][0]
    known(home, cast.ravi)
    assert press(client, home, button["value"]).startswith("You have it")
    assert slack_calls.post_page(page_id=page.pk) == 0  # it waits no more


def test_the_first_step_of_a_page_asks_for_its_post_and_later_ones_do_not(
    page: Page, workspace: tuple[NewIntegration, HttpReceiver]
) -> None:
    for step in range(3):
        PageStep.objects.create(page=page, round=0, loop=0, step=step, due_at=NOW, taken_at=NOW)
        with jobs.held() as waiting:
            handlers.page_step_taken(PageStepTaken(page_id=page.pk, text="", at=NOW))
        asked = [("apps.alerts.tasks.slack_page", {"page_id": page.pk})]
        assert waiting == (asked if step == 0 else [])


def test_without_a_workspace_nothing_is_asked_for(page: Page, home: NewIntegration) -> None:
    PageStep.objects.create(page=page, round=0, loop=0, step=0, due_at=NOW, taken_at=NOW)
    with jobs.held() as waiting:
        handlers.page_step_taken(PageStepTaken(page_id=page.pk, text="", at=NOW))
    assert waiting == []


def test_what_a_button_is_answered_goes_to_slack_s_own_address_too(
    client: Client, cast: Cast, page: Page, workspace: tuple[NewIntegration, HttpReceiver]
) -> None:
    home, receiver = workspace
    known(home, cast.ravi)
    data = {**PRESSED, "actions": [{"action_id": "acknowledge", "value": f"page:{page.pk}"}]}
    with jobs.held() as waiting:
        send(client, home, {"payload": json.dumps(data)})
    (task, given) = waiting[-1]
    assert task == "apps.alerts.tasks.slack_answer"
    assert given["url"] == PRESSED["response_url"]
    config = slack_calls.config_of(home.row) | {"answers": receiver.url}
    assert slack_api.answer(f"{receiver.url}/actions/x", given["text"], config).ok
    assert receiver.requests[-1].json["text"].startswith("You have it: ")


def follow(home: NewIntegration, cast: Cast) -> SlackGroup:
    schedule = build.schedule(cast.ravi, cast.bea, now=NOW)
    known(home, cast.ravi)
    known(home, cast.bea, "U0BEABELL")
    return slack_groups.follow_schedule(
        integration=home.row, schedule=schedule, slack_group_id="S0614TZR7",
        actor=audit.SYSTEM, now=NOW,
    )  # fmt: skip


def test_a_group_follows_the_handoff_and_is_told_once(
    cast: Cast, workspace: tuple[NewIntegration, HttpReceiver]
) -> None:
    home, receiver = workspace
    follow(home, cast)
    assert slack_groups.sync_slack_groups(now=NOW) == 1
    assert slack_groups.sync_slack_groups(now=NOW + timedelta(minutes=1)) == 0
    assert receiver.requests[0].json == {"usergroup": "S0614TZR7", "users": MEMBER}
    handoff = NINE + timedelta(days=7)
    assert slack_groups.sync_slack_groups(now=handoff) == 1
    assert receiver.requests[-1].json["users"] == "U0BEABELL"
    assert len(receiver.requests) == 2


def test_what_slack_does_not_take_is_kept_tried_again_and_told(
    cast: Cast, workspace: tuple[NewIntegration, HttpReceiver]
) -> None:
    home, receiver = workspace
    group = follow(home, cast)
    receiver.body = b'{"ok": false, "error": "missing_scope", "needed": "secret <b>"}'
    for minute in range(3):
        slack_groups.sync_slack_groups(now=NOW + timedelta(minutes=minute))
        intake.normalise_due(now=NOW)
    group.refresh_from_db()
    assert group.error == "The bot lacks a scope: it needs chat:write and usergroups:write."
    alert = Alert.objects.get()
    assert (alert.severity, alert.status, alert.count) == ("warning", "firing", 1)
    receiver.body = b'{"ok": true}'
    assert slack_groups.sync_slack_groups(now=NOW + timedelta(minutes=5)) == 1
    intake.normalise_due(now=NOW)
    group.refresh_from_db()
    alert.refresh_from_db()
    assert (group.error, group.members, alert.status) == ("", [MEMBER], "resolved")


def test_a_group_is_never_emptied(
    cast: Cast, workspace: tuple[NewIntegration, HttpReceiver]
) -> None:
    home, receiver = workspace
    group = follow(home, cast)
    SlackMember.objects.all().delete()
    assert slack_groups.sync_slack_groups(now=NOW) == 0
    group.refresh_from_db()
    assert group.error == slack_groups.NOBODY
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("status", "body", "ok", "retry"),
    [
        (200, b'{"ok": true, "ts": "1.2"}', True, False),
        (200, b'{"ok": false, "error": "ratelimited"}', False, True),
        (200, b'{"ok": false, "error": "<script>"}', False, False),
        (200, b"ok", True, False),
        (200, b"[]", False, False),
        (200, b"<html>", False, False),
        (429, b"", False, True),
        (500, b"", False, True),
        (302, b"", False, True),
    ],
)
def test_an_answer_of_slack_is_read_whatever_it_is(
    status: int, body: bytes, ok: bool, retry: bool
) -> None:
    with http_receiver() as receiver:
        receiver.status, receiver.body = status, body
        config = {
            "bot_token": "xoxb-1", "api": receiver.url, "allow_http": "1", "allow_private": "1"
        }  # fmt: skip
        answer = slack_api.call("chat.postMessage", {"text": "hello"}, config)
    assert (answer.ok, answer.retry) == (ok, retry)
    assert "<" not in answer.error


def test_without_a_token_or_into_our_own_network_nothing_is_called() -> None:
    assert slack_api.call("chat.postMessage", {}, {}).error == "No bot token is set."
    with http_receiver() as receiver:
        config = {"bot_token": "xoxb-1", "api": receiver.url}
        assert not slack_api.call("chat.postMessage", {}, config).ok
        assert receiver.requests == []
