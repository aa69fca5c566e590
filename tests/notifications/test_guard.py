"""The guard in front of every address that a person typed."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path

import pytest

from apps.notifications import guard
from apps.notifications.guard import Blocked, Failed

from .receivers import certificate, free_port, http_receiver, raw_server

PUBLIC = "93.184.215.14"
NAMES = {
    "localtest.me": ["127.0.0.1"],
    "localhost": ["::1", "127.0.0.1"],
    "half.example.com": [PUBLIC, "10.0.0.7"],
    "scoped.example.com": ["fe80::1%eth0"],
    "mapped.example.com": ["::ffff:192.168.1.1"],
    "example.com": [PUBLIC],
    "xn--bcher-kva.example": [PUBLIC],
}


def resolver(host: str, port: int, seconds: float) -> list[str]:
    if host not in NAMES:
        raise Failed("dns", "The host name could not be found.")
    return NAMES[host]


# id, URL, why it is refused when http is allowed too
BAD_INPUTS = [
    ("ssrf-1", "http://127.0.0.1:5432/", "port"),
    ("ssrf-4", "http://2130706433/", "spelling"),
    ("ssrf-5", "http://0x7f.1/", "spelling"),
    ("ssrf-6", "http://localtest.me/", "private"),
    ("ssrf-9", "http://user:pw@10.0.0.1/", "userinfo"),
    ("ssrf-10", "http://example.com:22/", "port"),
]


@pytest.mark.parametrize(("name", "url", "code"), BAD_INPUTS, ids=[row[0] for row in BAD_INPUTS])
def test_every_known_attack_is_blocked(name: str, url: str, code: str) -> None:
    with pytest.raises(Blocked) as told:
        guard.check_url(url, allow_http=True, resolver=resolver)
    assert told.value.code == code
    with pytest.raises(Blocked) as told:
        guard.check_url(url, resolver=resolver)
    assert told.value.code == "scheme"


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1", "private"),
        ("127.255.255.254", "private"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("192.168.0.1", "private"),
        ("100.64.0.1", "private"),
        ("169.254.169.254", "private"),
        ("0.0.0.0", "private"),  # noqa: S104 - an address to refuse
        ("192.0.0.170", "private"),
        ("192.0.2.1", "private"),
        ("198.18.0.1", "private"),
        ("203.0.113.9", "private"),
        ("224.0.0.1", "private"),
        ("255.255.255.255", "private"),
        ("[::1]", "private"),
        ("[::]", "private"),
        ("[fe80::1]", "private"),
        ("[fc00::1]", "private"),
        ("[fd00:ec2::254]", "private"),
        ("[ff02::1]", "private"),
        ("[2001:db8::1]", "private"),
        ("[2001::1]", "private"),
        ("[2002:7f00:1::]", "private"),
        ("[::ffff:127.0.0.1]", "private"),
        ("[::ffff:a9fe:a9fe]", "private"),
        ("[::127.0.0.1]", "private"),
        ("[64:ff9b::10.0.0.1]", "private"),
        ("[64:ff9b:1::1]", "private"),
        ("[fe80::1%25eth0]", "host"),
        ("127.1", "spelling"),
        ("0177.0.0.1", "spelling"),
        ("0x7f000001", "spelling"),
        ("127.0.0.0x1", "spelling"),
        ("0300.0250.0.1", "spelling"),
        ("017700000001", "spelling"),
        ("1.2.3", "spelling"),
        ("256.1.1.1", "spelling"),
        ("①②⑦.⓪.⓪.①", "private"),
        ("１２７.1", "spelling"),
        ("127。0。0。1", "private"),
        ("127.0.0.1.", "private"),
        ("%31%32%37.0.0.1", "host"),
        ("localhost", "private"),
        ("LOCALHOST.", "private"),
        ("half.example.com", "private"),
        ("scoped.example.com", "private"),
        ("mapped.example.com", "private"),
        ("", "host"),
        ("-a.example.com", "host"),
        ("a..b", "host"),
        ("a" * 64 + ".com", "host"),
        ("exa$mple.com", "host"),
        ("example.com:0", "port"),
        ("example.com:22", "port"),
        ("example.com:99999", "port"),
        ("example.com:x", "port"),
        ("user@example.com", "userinfo"),
        ("@example.com", "userinfo"),
        ("example.com\\@127.0.0.1", "spelling"),
        ("example.com\r\nHost: x", "spelling"),
        ("exa mple.com", "spelling"),
        ("[::1", "spelling"),
        ("example.com/" + "a" * 2100, "spelling"),
    ],
)
def test_an_address_that_is_not_plainly_public_is_blocked(host: str, code: str) -> None:
    with pytest.raises(Blocked) as told:
        guard.check_url(f"https://{host}/hook", resolver=resolver)
    assert told.value.code == code
    assert not any(digit in told.value.message for digit in ("127", "169", "10.0"))


@pytest.mark.parametrize("scheme", ["http", "ftp", "file", "gopher", "ws", "", "javascript"])
def test_only_https_is_allowed_unless_http_is(scheme: str) -> None:
    with pytest.raises(Blocked) as told:
        guard.check_url(f"{scheme}://example.com/", resolver=resolver)
    assert told.value.code == "scheme"
    if scheme == "http":
        assert guard.check_url("http://example.com/", allow_http=True, resolver=resolver).port == 80


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "netloc"),
    [
        ("https://example.com", "example.com", 443, "/", "example.com"),
        ("HTTPS://EXAMPLE.com:8443/a?b=c#d", "example.com", 8443, "/a?b=c", "example.com:8443"),
        ("https://bücher.example/ü", "xn--bcher-kva.example", 443, "/%C3%BC", None),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/", "8.8.8.8"),
        ("https://[2606:4700::1111]/x", "2606:4700::1111", 443, "/x", "[2606:4700::1111]"),
        ("https://[64:ff9b::808:808]/", "64:ff9b::808:808", 443, "/", "[64:ff9b::808:808]"),
    ],
)
def test_a_public_address_passes(
    url: str, host: str, port: int, path: str, netloc: str | None
) -> None:
    target = guard.check_url(url, resolver=resolver)
    assert (target.host, target.port, target.path) == (host, port, path)
    assert netloc is None or target.netloc == netloc
    assert path not in repr(target) or path == "/"


def test_an_unknown_name_fails_without_being_blocked() -> None:
    with pytest.raises(Failed) as told:
        guard.check_url("https://nowhere.example/", resolver=resolver)
    assert told.value.code == "dns"


def test_the_operator_may_allow_private_addresses_but_never_metadata() -> None:
    for url in ("https://10.1.2.3:9000/", "https://[::1]:1234/", "https://100.64.1.1/"):
        assert guard.check_url(url, allow_private=True).addresses
    for host in (
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "[fe80::1]",
        "224.0.0.1",
        "[::ffff:169.254.169.254]",
    ):
        with pytest.raises(Blocked):
            guard.check_url(f"https://{host}/", allow_private=True)


def test_the_name_is_resolved_once_and_the_connection_goes_to_that_address(tmp_path: Path) -> None:
    asked = []

    def once(host: str, port: int, seconds: float) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    server, trusted = certificate(tmp_path, "hooks.example.test")
    with http_receiver(server) as receiver:
        reply = guard.post(
            f"https://hooks.example.test:{receiver.port}/in?x=1",
            b"{}",
            {"Content-Type": "application/json", "Host": "evil.example"},
            allow_private=True,
            resolver=once,
            context=ssl.create_default_context(cafile=trusted),
        )
        [request] = receiver.requests
    assert (reply.status, reply.body) == (200, b"ok")
    assert asked == ["hooks.example.test"]
    assert request.path == "/in?x=1"
    assert request.headers["host"] == f"hooks.example.test:{receiver.port}"


def test_post_refuses_at_the_moment_of_sending_and_nothing_arrives() -> None:
    with http_receiver() as receiver:
        with pytest.raises(Blocked):
            guard.post(f"{receiver.url}/", b"", {}, allow_http=True)
        assert receiver.requests == []


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with http_receiver() as inside, http_receiver() as receiver:
        receiver.status, receiver.headers = 307, {"Location": inside.url}
        reply = guard.post(receiver.url, b"x", {}, allow_http=True, allow_private=True)
        assert reply.status == 307
        assert "location" not in reply.headers
        assert inside.requests == []


def test_a_huge_answer_is_read_up_to_64_kilobytes() -> None:
    with http_receiver() as receiver:
        receiver.body = b"a" * 1_000_000
        receiver.headers = {"Retry-After": "7", "Set-Cookie": "a=b", "Content-Type": "text/plain"}
        reply = guard.post(receiver.url, b"x", {}, allow_http=True, allow_private=True)
    assert len(reply.body) == 65_536
    assert dict(reply.headers) == {"content-type": "text/plain", "retry-after": "7"}


def drip(client: socket.socket) -> None:
    client.recv(65_536)
    for _ in range(100):
        client.sendall(b"H")
        time.sleep(0.05)


def silent(client: socket.socket) -> None:
    while client.recv(65_536):
        pass


def hang_up(client: socket.socket) -> None:
    client.recv(65_536)


def babble(client: socket.socket) -> None:
    client.recv(65_536)
    client.sendall(b"220 mail.example.com ESMTP\r\n")


def half_a_body(client: socket.socket) -> None:
    client.recv(65_536)
    client.sendall(b"HTTP/1.1 204 OK\r\nContent-Length: 9\r\n\r\nabc")


@pytest.mark.parametrize(
    ("talk", "scheme", "code"),
    [
        (drip, "http", "timeout"),
        (silent, "http", "timeout"),
        (silent, "https", "timeout"),
        (hang_up, "http", "dropped"),
        (babble, "http", "bad_reply"),
        (babble, "https", "tls"),
    ],
)
def test_a_server_that_misbehaves_is_told_by_class_within_the_deadline(
    talk: object, scheme: str, code: str
) -> None:
    assert callable(talk)
    with raw_server(talk) as port:
        began = time.monotonic()
        with pytest.raises(Failed) as told:
            guard.post(
                f"{scheme}://127.0.0.1:{port}/secret",
                b"x",
                {},
                allow_http=True,
                allow_private=True,
                total_seconds=0.3,
            )
    assert told.value.code == code
    assert time.monotonic() - began < 1
    assert "secret" not in told.value.message
    assert str(port) not in told.value.message


def test_a_cut_body_does_not_undo_the_status() -> None:
    with raw_server(half_a_body) as port:
        reply = guard.post(
            f"http://127.0.0.1:{port}/", b"x", {}, allow_http=True, allow_private=True
        )
    assert reply.status == 204


def test_a_closed_port_is_unreachable() -> None:
    with pytest.raises(Failed) as told:
        guard.post(f"https://127.0.0.1:{free_port()}/", b"x", {}, allow_private=True)
    assert told.value.code == "unreachable"


@pytest.mark.parametrize("name", ["other.example.test", "127.0.0.1"])
def test_a_certificate_must_be_trusted_and_made_for_the_name(tmp_path: Path, name: str) -> None:
    server, trusted = certificate(tmp_path, name)
    trust = ssl.create_default_context()
    if name != "127.0.0.1":
        trust.load_verify_locations(trusted)  # trusted, but for another name
    with http_receiver(server) as receiver:
        with pytest.raises(Failed) as told:
            guard.post(f"{receiver.url}/", b"x", {}, allow_private=True, context=trust)
        assert receiver.requests == []
    assert told.value.code == "certificate"


def test_the_second_address_is_tried_when_the_first_refuses() -> None:
    with http_receiver() as receiver:
        reply = guard.post(
            f"http://two.example.test:{receiver.port}/",
            b"x",
            {},
            allow_http=True,
            allow_private=True,
            resolver=lambda *_: ["127.0.0.9", "127.0.0.1"],
        )
    assert reply.status == 200


def test_real_names_are_resolved_and_unknown_ones_fail() -> None:
    assert set(guard.resolve("localhost", 80, 5.0)) <= {"127.0.0.1", "::1"}
    with pytest.raises(Failed):
        guard.resolve("no-such-host.invalid", 80, 5.0)
    with pytest.raises(Failed):
        guard.resolve("a" * 70, 80, 5.0)
