"""The supervisor behind `make run`, with real child processes and real signals."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsportal import devtls, serving

ROOT = Path(__file__).resolve().parents[2]
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)

# Stands in for `manage.py run`: its argument lists the children, ready is when all have started.
SUPERVISOR = """
import json, pathlib, sys
from opsportal import runner
spec = json.loads(sys.argv[1])
folder = pathlib.Path(spec["folder"])
def started():
    log = folder / "log"
    text = log.read_text() if log.exists() else ""
    return all(f"{c['name']} started" in text for c in spec["children"])
sys.exit(runner.run(
    runner.Plan(
        children=[runner.Child(**c) for c in spec["children"]],
        folder=folder,
        is_ready=started,
        announce=lambda: print("ready", flush=True),
        ready_within=spec["ready_within"],
    ),
    lambda line: print(line, flush=True),
))
"""

# Children write what happens to them, in the order in which it happens.
CHILD = """
import os, signal, sys, time
name, how = sys.argv[1:3]
def tell(what):
    with open("log", "a") as log:
        log.write(f"{name} {what} {os.getpid()}\\n")
def stop(*_):
    tell("stopped")
    if how != "stubborn":
        sys.exit(0)
signal.signal(signal.SIGTERM, stop)
if how == "parent" and os.fork() == 0:
    name = "grandchild"
if how == "broken":
    sys.exit(3)
tell("started")
while True:
    time.sleep(60)
"""


class Supervised:
    """A supervisor under test; `events` are the lines that its children wrote."""

    def __init__(self, folder: Path, children: dict[str, str], ready_within: float = 10) -> None:
        self.folder = folder
        (folder / "child.py").write_text(CHILD)
        spec = {
            "folder": str(folder),
            "ready_within": ready_within,
            "children": [
                {
                    "name": name,
                    "command": [sys.executable, "-S", "-E", "child.py", name, how],
                    "needed_for_ready": name == "web",
                    "stop_within": 0.3 if how == "stubborn" else 5,
                }
                for name, how in children.items()
            ],
        }
        command = [sys.executable, "-S", "-E", "-u", "-c", SUPERVISOR, json.dumps(spec)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def events(self) -> list[tuple[str, str, int]]:
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [(name, what, int(pid)) for name, what, pid in map(str.split, lines)]

    def happened(self) -> list[str]:
        return [f"{name} {what}" for name, what, _ in self.events()]

    def pid(self, name: str) -> int:
        return [pid for one, what, pid in self.events() if (one, what) == (name, "started")][-1]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    running: list[Supervised] = []

    def go(ready_within: float = 10, **children: str) -> Supervised:
        running.append(Supervised(tmp_path, children, ready_within))
        return running[-1]

    yield go
    for one in running:
        if one.process.poll() is None:
            one.stop()
        assert one.process.stdout
        one.process.stdout.close()


def until(true: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_the_children_one_after_the_other(
    supervise: Callable[..., Supervised], number: int
) -> None:
    run = supervise(web="calm", worker="calm")
    assert run.line() == "ready"

    assert run.stop(number) == 0
    assert run.happened()[-2:] == ["web stopped", "worker stopped"]
    assert not alive(run.pid("web")) and not alive(run.pid("worker"))


def test_only_the_child_is_asked_to_end_and_what_it_leaves_is_killed(
    supervise: Callable[..., Supervised],
) -> None:
    run = supervise(web="calm", worker="parent")
    assert run.line() == "ready"
    until(lambda: "grandchild started" in run.happened())

    assert run.stop() == 0
    assert "worker stopped" in run.happened()
    assert "grandchild stopped" not in run.happened()
    until(lambda: not alive(run.pid("grandchild")))


def test_a_child_that_does_not_end_in_time_is_killed(
    supervise: Callable[..., Supervised],
) -> None:
    run = supervise(web="calm", worker="stubborn")
    assert run.line() == "ready"

    assert run.stop() == 0
    assert run.line() == "worker does not end by itself; killing it"
    assert not alive(run.pid("worker"))


def test_a_child_that_dies_is_started_again_with_longer_and_longer_pauses(
    supervise: Callable[..., Supervised],
) -> None:
    run = supervise(web="calm", worker="calm")
    assert run.line() == "ready"

    for pause in ("0.5", "1.0"):
        before = run.pid("worker")
        os.kill(before, signal.SIGKILL)
        assert run.line() == f"worker ended (killed by SIGKILL), again in {pause} s"
        until(lambda before=before: run.pid("worker") != before)  # type: ignore[misc] # bound on purpose
    assert run.happened().count("web started") == 1
    assert run.stop() == 0


def test_a_web_process_that_cannot_start_ends_everything(
    supervise: Callable[..., Supervised],
) -> None:
    run = supervise(web="broken", worker="calm")

    assert run.line() == "web could not start (exit code 3)."
    assert run.process.wait(10) == 1
    assert all(not alive(pid) for _, _, pid in run.events())


def test_what_never_gets_ready_is_given_up(supervise: Callable[..., Supervised]) -> None:
    run = supervise(ready_within=0.2, worker="broken")

    assert run.line() == "worker ended (exit code 3), again in 0.5 s"
    assert run.line() == "Not ready after 0 s; giving up."
    assert run.process.wait(10) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_children_do_not_outlive_a_killed_supervisor(
    supervise: Callable[..., Supervised],
) -> None:
    run = supervise(web="calm", worker="calm")
    assert run.line() == "ready"

    run.stop(signal.SIGKILL)
    until(lambda: not alive(run.pid("web")) and not alive(run.pid("worker")))
    assert {"web stopped", "worker stopped"} <= set(run.happened())


def test_a_second_stop_signal_does_not_wait_for_a_slow_child(
    supervise: Callable[..., Supervised],
) -> None:
    run = supervise(web="stubborn", worker="calm")
    assert run.line() == "ready"

    run.process.send_signal(signal.SIGINT)
    until(lambda: "web stopped" in run.happened())
    assert run.stop(signal.SIGINT) == 0
    assert run.line() == "web does not end by itself; killing it"


# --- the address -------------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["", "x", "0", "65536", "-1", "8000.0", "８０００"])
def test_a_port_that_is_none_is_refused_in_words(port: str) -> None:
    with pytest.raises(serving.CannotServe, match="is not a port: use a number from 1 to 65535"):
        serving.parse("127.0.0.1", port, tls=False)


@pytest.mark.parametrize(
    ("host", "tls", "url"),
    [
        ("127.0.0.1", False, "http://127.0.0.1:9000"),
        ("0.0.0.0", False, "http://127.0.0.1:9000"),  # noqa: S104 - only parsed
        ("::", True, "https://[::1]:9000"),
        ("[::1]", False, "http://[::1]:9000"),
        ("ops.example.org", True, "https://ops.example.org:9000"),
    ],
)
def test_the_printed_address_is_one_that_a_browser_can_open(host: str, tls: bool, url: str) -> None:
    assert serving.parse(host, "9000", tls).url == url


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("", False)],  # noqa: S104 - only parsed
)
def test_an_address_knows_whether_others_can_reach_it(host: str, local: bool) -> None:
    assert serving.parse(host, "9000", tls=False).is_local is local


def test_a_taken_port_and_a_foreign_host_are_told_with_what_to_do_instead() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(serving.CannotServe, match=f"Port {port} is in use by another program"):
            serving.check_free(serving.Address("127.0.0.1", port))
    serving.check_free(serving.Address("127.0.0.1", port))
    for host in ("192.0.2.1", "no-such-host.invalid", "a..b"):
        with pytest.raises(serving.CannotServe, match="is not an address of this machine"):
            serving.check_free(serving.Address(host, port))


def test_one_folder_has_one_run_at_a_time_and_tells_where_it_is(tmp_path: Path) -> None:
    address = serving.Address("127.0.0.1", 9000)
    with serving.only_one(tmp_path, address):
        told = json.loads((tmp_path / "run.json").read_text())
        assert told == {"pid": os.getpid(), "url": "http://127.0.0.1:9000"}
        with (
            pytest.raises(serving.CannotServe, match=r"runs already .* http://127\.0\.0\.1:9000"),
            serving.only_one(tmp_path, serving.Address("127.0.0.1", 9001)),
        ):
            pass
    assert not (tmp_path / "run.json").exists()
    (tmp_path / "run.json").write_text("{}")  # left behind by one that was killed
    with serving.only_one(tmp_path, address):
        assert "url" in json.loads((tmp_path / "run.json").read_text())


# --- TLS ---------------------------------------------------------------------------------------


def serve_once(files: devtls.Files, answer: bytes) -> serving.Address:
    """An https server on loopback that answers one connection."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    listener = socket.create_server(("127.0.0.1", 0))

    def work() -> None:
        with listener, listener.accept()[0] as plain, context.wrap_socket(plain, True) as client:
            client.recv(4096)
            client.sendall(answer)

    threading.Thread(target=work, daemon=True).start()
    return serving.Address("127.0.0.1", listener.getsockname()[1], tls=True)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "ops.example.org"])
def test_a_strict_client_accepts_the_certificate_for_every_name(tmp_path: Path, name: str) -> None:
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - the client compares with the real clock
    files = devtls.ensure(tmp_path / "tls", "ops.example.org", now)
    address = serve_once(files, b"hello")
    strict = ssl.create_default_context(cafile=files.authority)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT

    with (
        socket.create_connection(("127.0.0.1", address.port)) as plain,
        strict.wrap_socket(plain, server_hostname=name) as client,
    ):
        client.sendall(b"hi")
        assert client.recv(100) == b"hello"


def test_health_is_asked_over_tls_too(tmp_path: Path) -> None:
    files = devtls.ensure(tmp_path, "localhost", NOON)

    good = serve_once(files, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    bad = serve_once(files, b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
    assert serving.answers(good)
    assert not serving.answers(bad)
    assert not serving.answers(good)


def test_a_certificate_is_kept_until_it_runs_out_or_the_host_changes(tmp_path: Path) -> None:
    first = devtls.ensure(tmp_path, "localhost", NOON)
    before = first.certificate.read_bytes()

    assert devtls.ensure(tmp_path, "127.0.0.1", NOON).certificate.read_bytes() == before
    other = devtls.ensure(tmp_path, "ops.example.org", NOON).certificate.read_bytes()
    assert other != before
    late = devtls.ensure(tmp_path, "localhost", NOON + dt.timedelta(days=355))
    assert late.certificate.read_bytes() != other
    assert late.key.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "cert.pem", "key.pem"]
