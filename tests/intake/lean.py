"""Harness for the lean path: called as an ASGI server calls it, or through a real one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from django.db import connection
from django.test import TransactionTestCase
from psycopg.conninfo import make_conninfo

from apps.alerts.models import Alert, Heartbeat, SourceClock
from apps.changes.models import Change
from apps.incidents.models import Incident
from apps.intake.asgi import IntakeApp
from apps.intake.store import Store
from apps.intake.wire import Scope
from apps.support.models import InboundMail
from apps.telemetry.models import Measurement, ProfiledSource, ReportRun, SliCount

Body = bytes | Sequence[bytes] | AsyncIterator[bytes] | None


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def code(self) -> str:
        assert self.headers["content-type"] == "application/problem+json", self.headers
        assert self.body["status"] == self.status
        return str(self.body["code"])


def conninfo(**changed: Any) -> str:
    """The test database, as the lean path's own pool reaches it."""
    known = connection.settings_dict
    params = {"dbname": known["NAME"], "user": known["USER"], "password": known["PASSWORD"],
              "host": known["HOST"], "port": known["PORT"]}  # fmt: skip
    return make_conninfo(**{k: v for k, v in {**params, **changed}.items() if v not in {None, ""}})


class Lean:
    """The callable in a loop of its own; every call is one request."""

    def __init__(
        self,
        dsn: str = "",
        *,
        rate: int | None = None,
        max_batch: int = 8 << 20,
        patience: float = 2.0,
    ) -> None:
        self.runner = asyncio.Runner()
        self.store = Store(dsn or conninfo(), patience=patience)
        self.app = IntakeApp(self.store, max_body=1 << 20, max_batch=max_batch, default_rate=rate)

    def close(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()

    def post(self, path: str, body: Any = None, key: str = "", **headers: str) -> Reply:
        return self.call("POST", path, body, key, **headers)

    def call(
        self, method: str, path: str, body: Any = None, key: str = "", **headers: str
    ) -> Reply:
        return self.runner.run(self.request(method, path, body, key, **headers))

    def together(self, *requests: tuple[str, Any, str]) -> list[Reply]:
        """POSTs at the same time: (path, body, key)."""

        async def all_of_them() -> list[Reply]:
            return list(await asyncio.gather(*(self.request("POST", *one) for one in requests)))

        return self.runner.run(all_of_them())

    async def request(
        self, method: str, path: str, body: Any = None, key: str = "", **headers: str
    ) -> Reply:
        """`body`: bytes, parts (sent as chunks), an async iterator of parts, or JSON to be."""
        names = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        if key:
            names["authorization"] = f"Bearer {key}"
        if isinstance(body, dict) or (isinstance(body, list) and not _parts(body)):
            body = json.dumps(body).encode()
        if isinstance(body, bytes):
            names.setdefault("content-length", str(len(body)))
        elif body is not None:
            names["transfer-encoding"] = "chunked"
        path, _, query = path.partition("?")
        scope = {
            "type": "http", "method": method, "path": path, "client": ("127.0.0.1", 5000),
            "query_string": query.encode(),
            "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in names.items()],
        }  # fmt: skip
        return await self._run(scope, body)

    async def _run(self, scope: Scope, body: Body) -> Reply:
        parts = body if isinstance(body, AsyncIterator) else _iterate(body)
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            try:
                part = await anext(parts)
            except StopAsyncIteration:
                return {"type": "http.request", "body": b"", "more_body": False}
            except ConnectionError:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": part, "more_body": True}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, content = sent
        headers = {k.decode(): v.decode() for k, v in start["headers"]}
        return Reply(start["status"], headers, content["body"])


def _parts(body: list[Any]) -> bool:
    return bool(body) and all(isinstance(part, bytes) for part in body)


async def _iterate(body: bytes | Sequence[bytes] | None) -> AsyncIterator[bytes]:
    for part in [body] if isinstance(body, bytes) else body or ():
        yield part


# -- a real server, and a door to the database that can be shut


@contextmanager
def served(app: Any) -> Iterator[int]:
    """`app` behind uvicorn, as `manage.py run` starts it; yields the port."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="critical", access_log=False,
        proxy_headers=False, server_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert thread.is_alive() and time.monotonic() < deadline, "uvicorn did not start"
        time.sleep(0.01)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)


def spoken(port: int, raw: bytes, *, within: float = 10.0) -> bytes:
    """Write bytes to a socket, and read until the server closes it or has nothing more to say."""
    with socket.create_connection(("127.0.0.1", port), timeout=within) as link:
        with contextlib.suppress(OSError):
            link.sendall(raw)
        return _read(link)


def _read(link: socket.socket) -> bytes:
    got = b""
    with contextlib.suppress(OSError):
        while part := link.recv(65536):
            got += part
            head, _, body = got.partition(b"\r\n\r\n")
            for line in head.lower().split(b"\r\n"):
                name, _, value = line.partition(b":")
                if name == b"content-length" and len(body) >= int(value):
                    return got
    return got


class Gate:
    """A TCP door in front of the database: open, or shut as if its host had gone."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.links: set[socket.socket] = set()
        self.port = 0
        self.open()

    def open(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def shut(self) -> None:
        """Cut every connection and take no new one."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for link in list(self.links):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()
        self.links.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = self._reach()
            except OSError:
                return
            self.links |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _reach(self) -> socket.socket:
        """The database itself, which may listen on a Unix socket alone."""
        host, port = self.target
        if not host.startswith("/"):
            return socket.create_connection(self.target)
        far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        far.connect(f"{host}/.s.PGSQL.{port}")
        return far

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                sink.sendall(part)
        for link in (source, sink):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)


# -- emptying what was really committed

ROWS = ("intake_event", "intake_delivery", "intake_integration", "accounts_apikey", "accounts_team")
WENT_ON = (
    Alert, SourceClock, Heartbeat, Change, Incident, InboundMail,
    ProfiledSource, ReportRun, SliCount, Measurement,
)  # fmt: skip
HISTORY = ("intake_integrationevent", "accounts_apikeyevent", "accounts_teamevent")


@pytest.fixture(scope="module")
def swept() -> Iterator[None]:
    """Tests of the lean path write to few tables; to flush them all takes longer than the tests."""

    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined] # Django's own

    def sweep(case: TransactionTestCase) -> None:
        if any(model.objects.exists() for model in WENT_ON):
            flush(case)  # the event went on its way
            return
        with connection.cursor() as cursor:
            for table in ROWS:
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
            cursor.execute(f"TRUNCATE {', '.join(HISTORY)}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", sweep)
        yield
