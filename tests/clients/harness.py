"""The sender as its users run it, and a server on loopback that answers as it is told."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

CLIENT = Path(__file__).parents[2] / "clients" / "opsportal-send" / "opsportal-send"
KEY = "opk_0123456789abcdef"


def loaded() -> ModuleType:
    """The sender as a module, for its pure parts."""
    loader = SourceFileLoader("opsportal_send", str(CLIENT))
    spec = spec_from_loader("opsportal_send", loader)
    assert spec is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    loader.exec_module(module)
    return module


@dataclass
class Got:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def row(self) -> Any:
        (line,) = self.lines
        return line


@dataclass
class Loopback:
    """What came, and what is answered: the next of `answers`, else 202."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: list[tuple[int, Mapping[str, str], Any]] = field(default_factory=list)

    def will(self, status: int, body: Any = None, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named, {} if body is None else body))


@contextmanager
def loopback(tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    here = Loopback()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length).decode()
            names = {name.lower(): value for name, value in self.headers.items()}
            here.got.append(Got(self.command, self.path, names, body))
            status, headers, answer = (
                here.answers.pop(0) if here.answers else (202, {}, {"status": "accepted"})
            )
            raw = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            """Tests print nothing of their own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    here.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    try:
        yield here
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def environment(url: str = "", **more: str) -> dict[str, str]:
    """Nothing of the environment that the tests run in, but where programs are."""
    base = {"PATH": os.environ["PATH"], "NO_PROXY": "*", "LC_ALL": "C.UTF-8"}
    named = {"OPSPORTAL_URL": url, "OPSPORTAL_KEY": KEY} if url else {}
    return {**base, **named, **more}


def send(
    *args: str | Path, url: str = "", cwd: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the sender to its end."""
    return subprocess.run(
        [sys.executable, str(CLIENT), *map(str, args)],
        capture_output=True, text=True, timeout=60, cwd=cwd, env=environment(url, **more),
    )  # fmt: skip
