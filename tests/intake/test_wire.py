"""One address behind a real server: what only shows on the wire."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from apps.incidents.models import Incident
from apps.intake import wire
from apps.intake.models import Delivery
from tests import builders as build
from tests.intake.lean import served, spoken, swept  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("swept")]
EVENT = {"action": "trigger", "summary": "Profiling fails", "dedup_key": "job/1"}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The product's own ASGI application; its pool setting must not leak into other processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DB_POOL", "0")
        from opsportal.asgi import OnePlace
    with served(OnePlace()) as number:
        yield number


@pytest.fixture
def key(transactional_db: None) -> str:
    return build.key("admin").text


def head(method: str, path: str, key: str, *lines: str) -> bytes:
    rows = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}", *lines]
    return ("\r\n".join(rows) + "\r\n\r\n").encode("latin-1")


def status(reply: bytes) -> int:
    assert reply.startswith(b"HTTP/1.1 "), reply[:200]
    return int(reply[9:12])


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_chunked_bodies_arrive_whole_at_intake_and_at_django(port: int, key: str) -> None:
    chunks = ["Transfer-Encoding: chunked", "Content-Type: application/json"]
    raw = json.dumps(EVENT).encode()
    reply = spoken(port, head("POST", "/api/v1/events", key, *chunks) + chunked(raw[:9], raw[9:]))
    assert status(reply) == 202 and bytes(Delivery.objects.get().body) == raw
    incident = b'{"title":"In chunks","severity":"SEV3"}'
    reply = spoken(port, head("POST", "/api/v1/incidents", key, *chunks) + chunked(incident))
    assert status(reply) == 201 and Incident.objects.get().title == "In chunks"


def test_an_empty_body_is_refused_also_in_chunks(port: int, key: str) -> None:
    hook = f"/hooks/{build.integration('alertmanager').token}/alertmanager"
    for path in ("/api/v1/events", hook):
        plain = spoken(port, head("POST", path, key, "Content-Length: 0"))
        empty = spoken(port, head("POST", path, key, "Transfer-Encoding: chunked") + chunked())
        assert (status(plain), status(empty)) == (400, 400)
        assert b'"code": "empty"' in plain
    assert not Delivery.objects.exists()


def test_an_endless_body_is_cut_off_and_others_are_served_meanwhile(port: int, key: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        link.sendall(head("POST", "/api/v1/events", key, "Transfer-Encoding: chunked"))
        part = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        begun, sent = time.monotonic(), 0
        try:
            while time.monotonic() - begun < 15:
                link.sendall(part)
                sent += 65536
        except OSError:
            pass  # cut off
        assert sent < 64 * 1024 * 1024 and time.monotonic() - begun < 15
    assert httpx.get(f"http://127.0.0.1:{port}/api/v1/alerts", headers=_with(key)).is_success
    assert not Delivery.objects.exists()


def test_a_large_body_gets_its_413_before_the_connection_ends(port: int, key: str) -> None:
    raw = b'{"summary":"' + b"a" * 3_000_000 + b'"}'
    for path in ("/api/v1/events", "/api/v1/incidents"):
        reply = httpx.post(f"http://127.0.0.1:{port}{path}", content=raw, headers=_with(key))
        assert (reply.status_code, reply.json()["code"]) == (413, "too_large")
        assert reply.headers["content-type"] == "application/problem+json"


def test_a_slow_sender_is_408_and_holds_up_nobody(
    port: int, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "BODY_PATIENCE", 1.0)
    monkeypatch.setattr(wire, "DRAIN_PATIENCE", 0.1)
    replies: list[bytes] = []
    paths = ["/api/v1/events", *["/api/v1/incidents"] * 11]  # more than Django has threads
    slow = [
        threading.Thread(
            target=lambda path: replies.append(
                spoken(port, head("POST", path, key, "Content-Length: 50") + b"{")
            ),
            args=(path,),
        )
        for path in paths
    ]
    for thread in slow:
        thread.start()
    begun = time.monotonic()
    assert httpx.get(f"http://127.0.0.1:{port}/api/v1/alerts", headers=_with(key)).is_success
    assert time.monotonic() - begun < 0.9
    for thread in slow:
        thread.join(10)
    assert [status(reply) for reply in replies] == [408] * 12
    assert all(b"connection: close" in reply.lower() for reply in replies)


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5, 50"],
        ["Content-Length: 5", "Content-Length: 50"],
        ["Content-Length: -1"],
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Content-Length: 5", "X-Odd: a\x00b"],
        ["Content-Length: 5", "Content-Type: application/json; charset=\x00"],
    ],
    ids=["list", "twice", "negative", "both", "nul in a header", "nul in the charset"],
)
def test_a_request_that_two_servers_could_read_differently_is_refused(
    port: int, key: str, lines: list[str]
) -> None:
    for path in ("/api/v1/events", "/api/v1/incidents"):
        reply = spoken(port, head("POST", path, key, *lines) + b"{    0\r\n\r\n", within=3)
        assert status(reply) == 400, reply[:200]
    assert not Delivery.objects.exists() and not Incident.objects.exists()


def test_get_and_head_on_an_intake_path_change_nothing(port: int, key: str) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=_with(key)) as client:
        for method in ("GET", "HEAD"):
            for path in ("/api/v1/events", "/v2/enqueue", "/hooks/abc/github"):
                reply = client.request(method, path)
                allowed = "PUT, POST" if path.startswith("/hooks/") else "POST"  # Grafana's choice
                assert (reply.status_code, reply.headers["allow"]) == (405, allowed)
        assert client.get("/hooks/abc/nothing").status_code == 405
        assert client.post("/v2/enqueue/").status_code == 404  # no redirect: clients refuse one
        assert client.post("/v2/enqueue", json={}).json()["status"] == "invalid event"


def test_a_slash_in_a_name_stays_a_slash(port: int, key: str) -> None:
    reply = httpx.get(f"http://127.0.0.1:{port}/api/v1/surfaces/a%2Fb", headers=_with(key))
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


def test_a_deleted_method_by_header_is_not_believed(port: int, key: str) -> None:
    reply = httpx.post(
        f"http://127.0.0.1:{port}/api/v1/alerts/1",
        headers={**_with(key), "X-HTTP-Method-Override": "DELETE"},
    )
    assert (reply.status_code, reply.json()["code"]) == (405, "method_not_allowed")


def _with(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Host": "localhost"}


@pytest.mark.parametrize(
    ("path", "megabytes", "fits"),
    [
        ("/report/", 5, True),
        ("/report/", 23, False),
        ("/tickets/TCK-1/say/", 5, True),
        ("/accounts/login/", 3, False),
        ("/report", 3, False),
    ],
)
def test_pages_that_take_files_take_large_ones_and_others_do_not(
    port: int, key: str, path: str, megabytes: int, fits: bool
) -> None:
    files = {"attachments": ("a.log", b"x" * megabytes * 1024 * 1024, "text/plain")}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        answer = client.post(path, files=files, data={"type": "other"})
    assert (answer.status_code != 413) is fits
    assert answer.status_code < 500
