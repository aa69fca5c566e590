"""What every channel keeps to, and the services that apprise reaches."""

from __future__ import annotations

import io
import logging
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.google_chat import NotifyGoogleChat
from apprise.plugins.pushover import NotifyPushover
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram
from apprise.plugins.twilio import NotifyTwilio
from apprise.plugins.webexteams import NotifyWebexTeams

from apps.notifications.channels import CHANNELS, AddressError, Result, missing
from apps.notifications.channels.apprise_push import Teams

from .receivers import HttpReceiver, certificate, http_receiver, outgoing, raw_server

TWILIO = {"account_sid": "AC" + "a" * 32, "auth_token": "b" * 32, "from": "+15005550006"}
BOT = "123456789:abcdefghijklmnopqrstuvwxyz012345678"
ADDRESSES = {
    "pushover": ("u" * 30, {"app_token": "a" * 30}),
    "twilio_sms": ("+491701234567", TWILIO),
    "twilio_call": ("+491701234567", TWILIO),
    "slack": ("https://hooks.slack.com/services/T0AB/B0CD/secretpart", {}),
    "discord": (f"https://discord.com/api/webhooks/{'1' * 18}/{'t' * 60}", {}),
    "telegram": ("-1001234567", {"bot_token": BOT}),
    "google_chat": (
        "https://chat.googleapis.com/v1/spaces/AAA/messages?key=kkk&token=secrettoken",
        {},
    ),
    "webex": (f"https://webexapis.com/v1/webhooks/incoming/{'a' * 80}", {}),
}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpReceiver]:
    """All the services at one address on loopback."""
    with http_receiver() as receiver:
        point_at(receiver.url, monkeypatch)
        yield receiver


def point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotifyPushover, "notify_url", f"{url}/pushover")
    monkeypatch.setattr(NotifyTwilio, "notify_sms_url", url + "/sms/{sid}")
    monkeypatch.setattr(NotifyTwilio, "notify_call_url", url + "/call/{sid}")
    monkeypatch.setattr(NotifySlack, "webhook_url", f"{url}/slack")
    monkeypatch.setattr(NotifyDiscord, "notify_url", f"{url}/discord")
    monkeypatch.setattr(NotifyTelegram, "notify_url", f"{url}/bot")
    monkeypatch.setattr(NotifyGoogleChat, "notify_url", url + "/chat/{workspace}")
    monkeypatch.setattr(NotifyWebexTeams, "notify_url", f"{url}/webex")


def send(kind: str, **changes: Any) -> Result:
    address, config = ADDRESSES[kind]
    return CHANNELS[kind].send(outgoing(address, config, **changes))


def test_every_channel_is_named_and_says_what_to_type() -> None:
    for kind, channel in CHANNELS.items():
        assert channel.kind == kind
        assert len(kind) <= 12
        assert channel.label
        assert channel.help.endswith((".", "..."))
    waking = {kind for kind, channel in CHANNELS.items() if channel.wakes}
    assert waking == {"ntfy", "pushover", "twilio_sms", "twilio_call"}


@pytest.mark.parametrize("kind", sorted(CHANNELS))
@pytest.mark.parametrize(
    "typed",
    [
        "file:///etc/passwd",
        "dbus://",
        "syslog://",
        "json://127.0.0.1/",
        "mailto://user:pw@example.com",
        "http://169.254.169.254/",
        "slack://T/B/c",
        "\x00",
        "a\r\nb",
        "",
    ],
)
def test_no_channel_takes_an_apprise_url_or_a_local_address(kind: str, typed: str) -> None:
    if kind == "mailbox" and typed.isprintable() and typed:
        return  # a mailbox is only a name: nothing is opened
    with pytest.raises(AddressError) as told:
        CHANNELS[kind].check_address(typed)
    assert told.value.message[0].isupper()


def test_the_mailbox_of_a_demo_person_takes_everything_and_does_nothing() -> None:
    result = CHANNELS["mailbox"].send(outgoing("ravi"))
    assert result == Result(ok=True, provider_id="page-7-step-1@ops.example.com")
    assert CHANNELS["mailbox"].check_address(" ravi ") == "ravi"


def test_what_may_be_secret_is_not_in_the_repr_of_a_message() -> None:
    shown = repr(outgoing("https://hooks.slack.com/services/T/B/hidden", {"key": "hidden"}))
    assert "hidden" not in shown
    assert "/a/x_y-z" not in shown


@pytest.mark.parametrize("kind", sorted(ADDRESSES))
def test_addresses_are_taken_and_kept(kind: str) -> None:
    address, _config = ADDRESSES[kind]
    assert CHANNELS[kind].check_address(f" {address} ") == address


@pytest.mark.parametrize(
    ("kind", "typed", "address"),
    [
        ("twilio_sms", "+49 (170) 123-45.67", "+491701234567"),
        ("twilio_call", "0049 170/1234567", "+491701234567"),
        ("telegram", "@ops_channel", "@ops_channel"),
    ],
)
def test_addresses_are_brought_into_one_spelling(kind: str, typed: str, address: str) -> None:
    assert CHANNELS[kind].check_address(typed) == address


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("pushover", "u" * 29),
        ("pushover", "u" * 29 + "!"),
        ("twilio_sms", "0170 1234567"),
        ("twilio_sms", "+0170 1234567"),
        ("twilio_sms", "+49"),
        ("twilio_sms", "+4917012345678901"),
        ("twilio_sms", "whatsapp:+491701234567"),
        ("twilio_sms", "+49170١234567"),
        ("slack", "https://hooks.slack.com.evil.com/services/T/B/c"),
        ("slack", "https://hooks.slack.com/services/T/B/c?redirect=yes"),
        ("slack", "https://hooks.slack.com/triggers/T/1/c"),
        ("discord", f"https://discord.com.evil.com/api/webhooks/{'1' * 18}/{'t' * 60}"),
        ("teams", "https://evil.com/workflows/a/triggers/manual/paths/invoke?sig=b"),
        (
            "teams",
            "https://x.logic.azure.com.evil.com/workflows/a/triggers/manual/paths/invoke?s=b",
        ),
        ("teams", "https://x.logic.azure.com:22/workflows/a/triggers/manual/paths/invoke?sig=b"),
        ("telegram", "12"),
        ("telegram", "123:456"),
        ("google_chat", "https://chat.googleapis.com/v1/spaces/A"),
        ("webex", "https://webexapis.com/v1/webhooks/incoming/short"),
    ],
)
def test_what_is_no_address_of_the_kind_is_refused(kind: str, typed: str) -> None:
    with pytest.raises(AddressError):
        CHANNELS[kind].check_address(typed)


@pytest.mark.parametrize("kind", sorted(ADDRESSES))
def test_each_service_gets_the_message(kind: str, service: HttpReceiver) -> None:
    assert send(kind) == Result(ok=True)
    [request] = service.requests
    body = request.body.decode()
    assert "Snowflake" in body
    if kind != "twilio_call":
        assert "x_y-z" in body  # the link of the acknowledge page, unchanged


@pytest.mark.parametrize(("urgency", "priority"), [("high", "2"), ("low", "-1")])
def test_high_urgency_on_pushover_repeats_until_confirmed(
    urgency: str, priority: str, service: HttpReceiver
) -> None:
    assert send("pushover", urgency=urgency).ok
    form = service.requests[0].form
    assert form["priority"] == priority
    assert form["user"] == "u" * 30
    assert form["url"] == "https://ops.example.com/a/x_y-z"
    assert (form.get("retry"), form.get("expire")) == (
        ("60", "1800") if urgency == "high" else (None, None)
    )


def test_an_sms_is_the_short_text_and_a_call_reads_it_without_the_link(
    service: HttpReceiver,
) -> None:
    assert send("twilio_sms").ok
    assert send("twilio_call", short="<Hangup/> Snowflake & co. https://ops/a/x").ok
    sms, call = (request.form for request in service.requests)
    assert sms["Body"] == outgoing("").short
    assert (sms["To"], sms["From"]) == ("+491701234567", "+15005550006")
    assert "Hangup" in call["Twiml"]
    assert "<Hangup" not in call["Twiml"]
    assert "https" not in call["Twiml"]
    assert call["Twiml"].startswith("<Response><Say>OpsPortal. ")


@pytest.mark.parametrize("kind", ["slack", "discord", "telegram", "google_chat", "webex"])
def test_words_from_outside_call_nobody_in_a_chat(kind: str, service: HttpReceiver) -> None:
    hostile = "@everyone <!channel> <users/all> <at>bea</at> [safe](http://evil) & \U0001f525 end"
    assert send(kind, subject=hostile, text=f"{hostile}\n{'x' * 20_000}").ok
    body = service.requests[0].body.decode().encode().decode("unicode_escape", "replace")
    for trick in ("@everyone", "<!channel>", "<users/all>", "<at>", "](http"):
        assert trick not in body, trick
    assert body.count("end") >= 2  # nothing after the trick was lost
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("kind", "status", "body", "permanent", "error"),
    [
        ("pushover", 400, b'{"user":"invalid"}', True, "address"),
        ("pushover", 401, b"", False, "login"),
        ("pushover", 429, b"", False, "busy"),
        ("pushover", 503, b"", False, "busy"),
        ("slack", 404, b"no_service", True, "address"),
        ("slack", 403, b"invalid_token", True, "address"),
        ("slack", 302, b"", False, "busy"),
        ("slack", 500, b"", False, "busy"),
        ("discord", 401, b'{"message": "Invalid Webhook Token"}', True, "address"),
        ("discord", 429, b"", False, "busy"),
        ("telegram", 401, b'{"description": "Unauthorized"}', False, "login"),
        ("telegram", 400, b'{"description": "chat not found"}', True, "address"),
        ("google_chat", 404, b"", True, "address"),
        ("webex", 404, b"", True, "address"),
        ("twilio_sms", 400, b'{"code": 21211, "message": "Invalid To"}', True, "address"),
        ("twilio_sms", 400, b'{"code": 21610, "message": "STOP"}', True, "address"),
        ("twilio_sms", 401, b'{"code": 20003, "message": "Authenticate"}', False, "login"),
        ("twilio_sms", 429, b'{"code": 20429, "message": "Too many"}', False, "busy"),
        ("twilio_call", 500, b"oops", False, "busy"),
    ],
)
def test_a_refusal_is_told_by_class_and_number(
    kind: str, status: int, body: bytes, permanent: bool, error: str, service: HttpReceiver
) -> None:
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # as a careful site would
    service.status, service.body = status, body
    service.headers = {"Location": service.url, "X-RateLimit-Remaining": "0"}
    service.headers["X-RateLimit-Reset"] = "9999999999"
    result = send(kind)
    assert (result.ok, result.permanent) == (False, permanent)
    assert result.error.startswith(f"{error}: ")
    assert ADDRESSES[kind][0] not in result.error
    assert "Invalid" not in result.error


def hang_up(client: socket.socket) -> None:
    client.recv(65_536)


@pytest.mark.parametrize("kind", ["pushover", "slack", "twilio_sms", "telegram"])
@pytest.mark.parametrize("talk", [hang_up, lambda client: None])
def test_a_service_that_hangs_up_is_tried_again(
    kind: str, talk: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server(talk) as port:
        point_at(f"http://127.0.0.1:{port}", monkeypatch)
        result = send(kind)
    assert result.error.startswith("unreachable: ")
    assert (result.ok, result.permanent) == (False, False)


def test_teams_gets_a_card_over_tls_and_its_query_cannot_reach_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, trusted = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
    address = "https://prod-1.westeurope.logic.azure.com:443/workflows/0a1b/triggers/manual/paths"
    address += "/invoke?api-version=2016-06-01&sig=s-i_g&template=%2Fetc%2Fpasswd&verify=no"
    assert CHANNELS["teams"].check_address(address) == address
    with http_receiver(server) as receiver:
        local = address.replace("prod-1.westeurope.logic.azure.com:443", receiver.url[8:])
        pattern = Teams.pattern.pattern.replace(Teams.hosts, r"127\.0\.0\.1:\d+")
        monkeypatch.setattr(Teams, "pattern", re.compile(pattern))
        assert CHANNELS["teams"].send(outgoing(local)).ok
        [request] = receiver.requests
    assert request.path.startswith("/workflows/0a1b/triggers/manual/paths/invoke?api-version=2016")
    assert "sig=s-i_g" in request.path
    assert "template" not in request.path
    card = request.json["attachments"][0]["content"]["body"]
    assert card[0]["text"] == outgoing("").subject
    assert "https://ops.example.com/a/x_y-z" in card[1]["text"]


@pytest.mark.parametrize("kind", ["pushover", "twilio_sms", "telegram", "webhook", "email"])
def test_a_channel_without_its_account_says_what_is_missing(kind: str) -> None:
    channel = CHANNELS[kind]
    result = channel.send(outgoing(ADDRESSES.get(kind, ("x@example.com", {}))[0]))
    assert result.error.startswith(f"not_set_up: {channel.label} is not set up on this site (miss")
    assert missing(channel, {}) == channel.needs


@pytest.mark.parametrize(
    "config",
    [{**TWILIO, "account_sid": "hidden!"}, {**TWILIO, "auth_token": "hid den"}],
)
def test_a_broken_account_is_not_repeated(
    config: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    result = CHANNELS["twilio_sms"].send(outgoing("+491701234567", config))
    assert result.error == "not_set_up: The account of SMS (Twilio) is not valid."
    assert "hid" not in "".join(capfd.readouterr())


def test_what_apprise_logs_goes_nowhere_else(
    service: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.status = 500
    log, root = io.StringIO(), logging.getLogger()
    monkeypatch.setattr(root, "handlers", [logging.StreamHandler(log)])
    monkeypatch.setattr(root, "level", logging.DEBUG)
    send("slack")
    send("telegram")
    CHANNELS["twilio_sms"].send(outgoing("+491701234567", {**TWILIO, "auth_token": "hid den"}))
    root.debug("the log works")
    assert log.getvalue() == "the log works\n"


def test_an_address_that_was_changed_behind_our_back_is_permanent(service: HttpReceiver) -> None:
    result = CHANNELS["slack"].send(outgoing("https://evil.example/services/T/B/c"))
    assert (result.ok, result.permanent) == (False, True)
    assert service.requests == []
