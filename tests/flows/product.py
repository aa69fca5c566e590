"""The product as a stranger runs it: a fresh copy of the checkout, `make run`, real processes.

Around it stand the real tools: an SMTP receiver on loopback, Prometheus Alertmanager, PagerDuty's
command line. Everything is started here and ended here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import httpx
from aiosmtpd.controller import Controller

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: str, look: Callable[[], T | None], within: float = 20.0) -> T:
    """The first true answer of `look`, polled; fails with `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {within:.0f} s: {what}")


# -- mail


@dataclass
class Inbox:
    """A real SMTP server that keeps what it is given, with the time it came."""

    mails: list[tuple[float, EmailMessage]] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append((time.time(), parsed))
        return "250 OK"

    def to(self, address: str, containing: str = "") -> list[EmailMessage]:
        return [
            mail
            for _, mail in self.mails
            if address in str(mail["To"]) and containing in f"{mail['Subject']}\n{text_of(mail)}"
        ]

    def wait(self, address: str, containing: str = "", within: float = 20.0) -> EmailMessage:
        try:
            return until(
                f"mail to {address} with {containing!r}",
                lambda: next(iter(self.to(address, containing)), None),
                within,
            )
        except AssertionError as error:
            came = [f"{m['To']}: {m['Subject']}" for _, m in self.mails]
            raise AssertionError(f"{error}; came: {came}") from None


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""


def link_in(mail: EmailMessage, path: str) -> str:
    found = re.search(rf"https?://\S+{re.escape(path)}\S+", text_of(mail))
    assert found, text_of(mail)
    return found[0]


@contextmanager
def inbox() -> Iterator[Inbox]:
    box = Inbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


# -- the product


@dataclass
class Product:
    """A running `make run`, and a browser-like client with its cookies."""

    folder: Path
    url: str
    process: subprocess.Popen[str]
    environment: dict[str, str]
    output: list[str]
    client: httpx.Client

    def manage(self, *words: str) -> str:
        """A management command beside the running product, on the same database."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def query(self, code: str) -> Any:
        """Ask the product's own Python; `code` assigns `answer`."""
        lines = self.manage(
            "shell", "--no-imports", "-c", f"import json\n{code}\nprint(json.dumps(answer))"
        )
        return json.loads(lines.splitlines()[-1])

    def integration(self, kind: str, *, surface: str) -> dict[str, str]:
        """`manage.py integration create`: its id, address and key."""
        made = self.manage("integration", "create", "--kind", kind, "--surface", surface)
        answer: dict[str, str] = json.loads(made)
        return answer

    def escalate(self) -> None:
        """Nobody acknowledges: what would be due in minutes is due now."""
        self.query(
            "from apps.core import clock\nfrom apps.paging.models import Page\n"
            "answer = Page.objects.filter(status='open').update(next_at=clock.now())"
        )

    def form(self, path: str, **fields: Any) -> httpx.Response:
        """Fill in a page's form as a browser does, with its CSRF token."""
        page = self.client.get(path)
        assert page.status_code == 200, (path, page.status_code, page.text[:500])
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        data = {"csrfmiddlewaretoken": token[1] if token else "", **fields}
        return self.client.post(path, data=data, headers={"Referer": f"{self.url}{path}"})

    def children(self, word: str) -> list[int]:
        """Pids of processes of this product whose command line holds `word`."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with suppress(OSError):
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
                if word in line and (entry / "cwd").resolve() == self.folder.resolve():
                    found.append(int(entry.name))
        return found


def fresh_copy(folder: Path) -> Path:
    """What a clone would hold: the files git knows, as they are now; the packages are shared."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@contextmanager
def running(
    folder: Path, *, tls: bool = False, demo: bool = False, port: int = 0
) -> Iterator[Product]:
    """`make run` in `folder` until the block ends; then Ctrl-C, as a person would."""
    port = port or free_port()
    kept = {
        k: v
        for k, v in os.environ.items()
        if k not in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "DB_POOL"}
        and not k.startswith(("PG", "PYTEST"))
    }
    environment = {**kept, "LOG_LEVEL": "WARNING", "OPSPORTAL_OUTGOING_ALLOW_PRIVATE": "1"}
    words = [
        "make",
        "--silent",
        "run",
        f"PORT={port}",
        f"DEMO={int(demo)}",
        *(["TLS=1"] if tls else []),
    ]
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    output: list[str] = []
    try:
        url = _ready(process, output)
        verify: Any = _trust(output) if tls else True
        with httpx.Client(base_url=url, follow_redirects=True, timeout=10, verify=verify) as client:
            yield Product(folder, url, process, environment, output, client)
    except AssertionError as error:
        error.add_note("The product said last:\n" + "\n".join(output[-40:]))
        raise
    finally:
        _interrupt(process)


def _ready(process: subprocess.Popen[str], output: list[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        output.append(line.rstrip())
        if line.startswith("ready: "):
            _drain(process, output)
            return line.removeprefix("ready: ").strip()
    raise AssertionError("make run ended before it was ready:\n" + "\n".join(output))


def _drain(process: subprocess.Popen[str], output: list[str]) -> None:
    import threading

    assert process.stdout is not None
    stream = process.stdout
    threading.Thread(target=lambda: output.extend(stream), daemon=True).start()


def _trust(output: list[str]) -> Any:
    import ssl

    line = next(line for line in output if line.startswith("SSL_CERT_FILE="))
    return ssl.create_default_context(cafile=line.partition("=")[2])


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C reaches the whole foreground group; the supervisor alone acts on it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(45)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError("make run did not stop within 45 s") from None


# -- Alertmanager


@contextmanager
def alertmanager(folder: Path, receiver: dict[str, Any]) -> Iterator[str]:
    """Debian's or Prometheus' own Alertmanager with one receiver; answers its address."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    assert program, "Install Debian's prometheus-alertmanager to run this test."
    config = {
        "route": {
            "receiver": "ops",
            "group_by": ["alertname"],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "ops", **receiver}],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "alertmanager.yml"
    path.write_text(json.dumps(config))  # JSON is YAML
    port = free_port()
    process = subprocess.Popen(
        [
            program,
            f"--config.file={path}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until("Alertmanager is up", lambda: _answers(f"{url}/-/ready"))
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(url, timeout=1).status_code == 200
    return False


def fire(alertmanager_url: str, *, resolved: bool = False, **labels: str) -> None:
    """Post an alert to Alertmanager as Prometheus does; `resolved` ends it."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
    alert: dict[str, Any] = {
        "labels": labels,
        "annotations": {"summary": f"{labels['alertname']} on {labels.get('instance', 'it')}"},
    }
    if resolved:
        alert["endsAt"] = stamp
    answer = httpx.post(f"{alertmanager_url}/api/v2/alerts", json=[alert], timeout=5)
    assert answer.status_code == 200, answer.text
