"""What goes through the guard: signed webhooks, ntfy and Mattermost."""

from __future__ import annotations

import base64
import json
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.notifications.channels import CHANNELS, AddressError, Result
from apps.notifications.channels.webhook import new_secret, sign

from .receivers import CREATED, certificate, free_port, http_receiver, outgoing

WEBHOOK, NTFY, MATTERMOST = (CHANNELS[kind] for kind in ("webhook", "ntfy", "mattermost"))
LOCAL = {"allow_http": "1", "allow_private": "1"}
OLD, NEW = (f"whsec_{base64.b64encode(letter * 32).decode()}" for letter in (b"a", b"b"))
HOOK = "/hooks/" + "x" * 26


def post(url: str, config: dict[str, str] | None = None, **changes: Any) -> Result:
    return WEBHOOK.send(outgoing(url, {"secret": NEW, **LOCAL, **(config or {})}, **changes))


def test_the_signature_is_the_published_one() -> None:
    """The example of the Standard Webhooks libraries."""
    told = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        b'{"test": 2432232314}',
    )
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_abc", "whsec_????", "whsec_" + "A" * 92])
def test_a_weak_or_broken_secret_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        sign(secret, "id", 0, b"")
    assert sign(new_secret(), "id", 0, b"").startswith("v1,")
    assert new_secret() != new_secret()


def test_a_message_arrives_signed_with_both_secrets_and_the_same_id_on_every_attempt() -> None:
    with http_receiver() as receiver:
        for minutes in (0, 5):
            later = CREATED + timedelta(minutes=minutes)
            config = {"previous_secret": OLD}
            assert post(receiver.url + "/in", config, now=later, data={"page": "7"}).ok
        first, second = receiver.requests
    assert first.headers["webhook-id"] == "page-7-step-1_ops_example_com"
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert first.headers["content-type"] == "application/json"
    stamp = int(second.headers["webhook-timestamp"])
    assert stamp - int(first.headers["webhook-timestamp"]) == 300
    expected = [sign(key, second.headers["webhook-id"], stamp, second.body) for key in (NEW, OLD)]
    assert second.headers["webhook-signature"].split(" ") == expected
    assert first.json["type"] == "page.step"
    assert first.json["timestamp"] == "2026-03-03T01:14:00Z"
    assert first.json["data"]["page"] == "7"
    assert first.json["data"]["message_id"] == "page-7-step-1@ops.example.com"
    assert first.json["data"]["link"] == "https://ops.example.com/a/x_y-z"


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "x" * 100_000},
        {"text": "\U0001f525" * 30_000},
        {"text": '"\\' * 30_000},
        {"text": "\ud800" * 30_000},
        {"data": {f"key{n}": "x" * 100 for n in range(1_000)}},
        {"subject": "s" * 5_000},
    ],
)
def test_the_body_never_grows_past_20_kilobytes(changes: dict[str, Any]) -> None:
    with http_receiver() as receiver:
        assert post(receiver.url, **changes).ok
        [request] = receiver.requests
    assert len(request.body) <= 20 * 1024
    assert request.json["data"]["message_id"] == "page-7-step-1@ops.example.com"
    assert "text" not in changes or request.json["data"]["text"][0] in 'x\U0001f525"?'


@pytest.mark.parametrize(
    ("status", "headers", "ok", "permanent", "error", "retry_after"),
    [
        (200, {}, True, False, "", None),
        (204, {}, True, False, "", None),
        (301, {"Location": "https://example.com"}, False, False, "redirect", None),
        (400, {}, False, False, "refused", None),
        (401, {}, False, False, "refused", None),
        (404, {}, False, False, "refused", None),
        (410, {}, False, True, "gone", None),
        (429, {"Retry-After": "30"}, False, False, "busy", 30),
        (500, {}, False, False, "busy", None),
        (503, {"Retry-After": "soon"}, False, False, "busy", None),
        (502, {"Retry-After": "99999999999999"}, False, False, "busy", None),
    ],
)
def test_the_answer_decides(
    status: int,
    headers: dict[str, str],
    ok: bool,
    permanent: bool,
    error: str,
    retry_after: int | None,
) -> None:
    with http_receiver() as receiver:
        receiver.status, receiver.headers = status, headers
        receiver.body = b"" if status == 204 else b"the other side's secret"
        result = post(receiver.url)
    assert (result.ok, result.permanent, result.retry_after) == (ok, permanent, retry_after)
    assert result.error.split(":")[0] == error
    assert "secret" not in result.error


def test_a_webhook_is_checked_again_when_it_is_sent() -> None:
    with http_receiver() as receiver:
        blocked = post(receiver.url, {"allow_private": "0"})
        assert receiver.requests == []
    assert blocked.permanent
    assert blocked.error.startswith("blocked: ")
    unreachable = post(f"http://127.0.0.1:{free_port()}")
    assert unreachable.error == "unreachable: No connection could be made to the host."
    assert not unreachable.permanent


def test_over_tls_the_certificate_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, trusted = certificate(tmp_path, "127.0.0.1")
    with http_receiver(server) as receiver:
        refused = post(receiver.url)
        assert receiver.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert post(receiver.url).ok
    assert refused.error.startswith("certificate: ")
    assert ssl.create_default_context().cert_store_stats()["x509_ca"] == 1


def test_a_webhook_without_a_valid_secret_sends_nothing() -> None:
    with http_receiver() as receiver:
        results = [post(receiver.url, {"secret": secret}) for secret in ("", "short")]
        assert receiver.requests == []
    assert [result.error.split(":")[0] for result in results] == ["not_set_up", "not_set_up"]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://example.com/", "must start with https://"),
        ("https://127.0.0.1/", "private or local network"),
        ("https://[::ffff:10.0.0.1]/", "private or local network"),
        ("https://user:pw@example.com/", "user name or password"),
        ("https://example.com:25/", "port is not allowed"),
        ("https://2130706433/", "four plain numbers"),
        ("file:///etc/passwd", "must start with https://"),
        ("", "must start with https://"),
    ],
)
def test_a_bad_address_is_refused_when_it_is_typed(url: str, sentence: str) -> None:
    for channel in (WEBHOOK, MATTERMOST):
        with pytest.raises(AddressError, match=sentence):
            channel.check_address(url)


def test_a_name_that_cannot_be_found_now_may_be_found_later() -> None:
    url = "https://no-such-host.invalid/hook"
    assert WEBHOOK.check_address(f" {url} ") == url


# -- ntfy ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("ravi-7f3k", "https://ntfy.sh/ravi-7f3k"),
        ("ntfy.sh/ravi-7f3k/", "https://ntfy.sh/ravi-7f3k"),
        (" https://push.example.com/ravi_7 ", "https://push.example.com/ravi_7"),
    ],
)
def test_a_topic_may_be_typed_in_short(typed: str, address: str) -> None:
    assert NTFY.check_address(typed) == address


def test_a_bare_topic_is_on_the_server_of_this_site() -> None:
    assert NTFY.check_address("ravi", {"server": "https://8.8.8.8/"}) == "https://8.8.8.8/ravi"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "a b",
        "https://ntfy.sh/",
        "https://ntfy.sh/a/b",
        "https://ntfy.sh/a?auth=x",
        "http://ntfy.sh/a",
        "https://127.0.0.1/a",
        "ntfys://ntfy.sh/a",
        "x" * 65,
    ],
)
def test_what_is_no_topic_is_refused(typed: str) -> None:
    with pytest.raises(AddressError):
        NTFY.check_address(typed)


@pytest.mark.parametrize(("urgency", "priority"), [("high", 5), ("low", 2)])
def test_ntfy_gets_title_text_link_and_priority(urgency: str, priority: int) -> None:
    with http_receiver() as receiver:
        receiver.body = json.dumps({"id": "hwQ2YpKdmg", "event": "message"}).encode()
        address = NTFY.check_address(f"{receiver.url}/ravi", LOCAL)
        result = NTFY.send(outgoing(address, LOCAL, urgency=urgency, text="ü" * 5_000))
        [request] = receiver.requests
    assert result == Result(ok=True, provider_id="hwQ2YpKdmg")
    assert request.path == "/"
    assert request.json["topic"] == "ravi"
    assert request.json["priority"] == priority
    assert request.json["title"] == outgoing("").subject
    assert request.json["click"] == outgoing("").link
    assert len(request.json["message"].encode()) <= 3_500
    assert "authorization" not in request.headers


def test_the_token_goes_to_the_server_of_this_site_alone() -> None:
    with http_receiver() as ours, http_receiver() as other:
        config = {"server": ours.url, "token": "tk_secret", **LOCAL}
        for receiver in (ours, other):
            assert NTFY.send(outgoing(f"{receiver.url}/ravi", config)).ok
        assert ours.requests[0].headers["authorization"] == "Bearer tk_secret"
        assert "authorization" not in other.requests[0].headers


@pytest.mark.parametrize("body", [b"", b"[]", b'{"id": 7}', b'{"id": "a b"}', b"[" * 60_000])
def test_a_strange_answer_of_ntfy_is_still_a_success(body: bytes) -> None:
    with http_receiver() as receiver:
        receiver.body = body
        result = NTFY.send(outgoing(f"{receiver.url}/ravi", LOCAL))
    assert result == Result(ok=True)


def test_ntfy_that_limits_us_is_tried_later() -> None:
    with http_receiver() as receiver:
        receiver.status, receiver.headers = 429, {"Retry-After": "9"}
        result = NTFY.send(outgoing(f"{receiver.url}/ravi", LOCAL))
    assert (result.ok, result.permanent, result.retry_after) == (False, False, 9)


# -- Mattermost ------------------------------------------------------------------------------


def test_mattermost_gets_the_text_and_nobody_is_called_by_it() -> None:
    with http_receiver() as receiver:
        address = MATTERMOST.check_address(receiver.url + HOOK, LOCAL)
        assert MATTERMOST.send(outgoing(address, LOCAL, text="@all [click](http://evil)")).ok
        [request] = receiver.requests
    assert request.path == HOOK
    assert request.json["text"].startswith(f"**{outgoing('').subject}**\n\n")
    assert "@all" not in request.json["text"]
    assert "](" not in request.json["text"]


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (404, True), (429, False), (500, False)]
)
def test_a_mattermost_hook_that_is_gone_is_permanent(status: int, permanent: bool) -> None:
    with http_receiver() as receiver:
        receiver.status = status
        result = MATTERMOST.send(outgoing(receiver.url + HOOK, LOCAL))
    assert (result.ok, result.permanent) == (False, permanent)


def test_only_the_address_of_a_hook_is_taken() -> None:
    with pytest.raises(AddressError, match="whole webhook address"):
        MATTERMOST.check_address("https://8.8.8.8/hooks/")
