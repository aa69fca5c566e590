"""What `manage.py run` needs to know about its address: is it free, does it answer, who has it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import http.client
import ipaddress
import json
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared only


class CannotServe(Exception):
    """The address cannot be used; the text says why and what to do."""


@dataclass(frozen=True)
class Address:
    """Where the web process listens."""

    host: str
    port: int
    tls: bool = False

    @property
    def reachable_host(self) -> str:
        """A host that a browser on this machine can use, also for "every address"."""
        return WILDCARDS.get(self.host, self.host)

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine can reach it."""
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"

    @property
    def url(self) -> str:
        host = self.reachable_host
        return f"http{'s' * self.tls}://{f'[{host}]' if ':' in host else host}:{self.port}"


def parse(host: str, port: str, tls: bool) -> Address:
    """An address from what the user typed; raises CannotServe in words they understand."""
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise CannotServe(f"PORT={port} is not a port: use a number from 1 to 65535.")
    return Address(host.strip("[]"), int(port), tls)


def check_free(address: Address) -> None:
    """Raises CannotServe when the address is taken, forbidden or not of this machine."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(
            address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except (OSError, UnicodeError) as error:
        raise CannotServe(_why(address, error)) from error


def _why(address: Address, error: Exception) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        free = address.port + 1 if address.port < 65535 else 8000
        return (
            f"Port {address.port} is in use by another program."
            f" Choose another one: make run PORT={free}"
        )
    if code == errno.EACCES:
        return f"Port {address.port} needs more rights. Choose one above 1023: make run PORT=8000"
    return f"HOST={address.host} is not an address of this machine. Try: make run HOST=127.0.0.1"


def answers(address: Address, path: str = "/healthz", timeout: float = 1.0) -> bool:
    """Whether GET `path` on our own server gives 200. The certificate is ours, so not checked."""
    connection: http.client.HTTPConnection
    if address.tls:
        context = ssl._create_unverified_context()  # noqa: S323 - our own child on this machine
        connection = http.client.HTTPSConnection(
            address.reachable_host, address.port, timeout=timeout, context=context
        )
    else:
        connection = http.client.HTTPConnection(
            address.reachable_host, address.port, timeout=timeout
        )
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


@contextlib.contextmanager
def only_one(folder: Path, address: Address) -> Iterator[None]:
    """Holds the checkout's place for one `make run` and records it in `run.json` (pid, url).

    The lock goes with the process, however it ends, so a stale file never blocks a start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "run.json"
    with (folder / "run.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotServe(_already(record)) from None
        record.write_text(json.dumps({"pid": os.getpid(), "url": address.url}) + "\n", "utf-8")
        try:
            yield
        finally:
            record.unlink(missing_ok=True)


def _already(record: Path) -> str:
    try:
        told = json.loads(record.read_text("utf-8"))
        return (
            f"OpsPortal runs already from this folder: {told['url']} (process {told['pid']})."
            " Stop that one first, with Ctrl-C in its terminal."
        )
    except (OSError, ValueError, KeyError):
        return "OpsPortal is just starting from this folder, in another terminal."
