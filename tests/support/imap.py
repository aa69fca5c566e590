"""A real IMAP server on loopback: pymap, in a process of its own, with one empty mailbox.

It listens without encryption unless a certificate is given; mails are put in by IMAP's own APPEND.
"""

from __future__ import annotations

import imaplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.notifications.receivers import free_port

USER, PASSWORD = "desk", "a long secret"


@dataclass
class ImapServer:
    port: int
    sent: list[str] = field(default_factory=list)

    def put(self, raw: bytes, folder: str = "INBOX") -> None:
        """Deliver a mail, as the mail server behind it would."""
        with imaplib.IMAP4("127.0.0.1", self.port) as session:
            session.login(USER, PASSWORD)
            status, _ = session.append(folder, "", "", raw)
            assert status == "OK"

    def flags(self) -> list[bytes]:
        with imaplib.IMAP4("127.0.0.1", self.port) as session:
            session.login(USER, PASSWORD)
            session.select("INBOX", readonly=True)
            return [row for row in session.uid("FETCH", "1:*", "(FLAGS)")[1] if row]

    def empty(self) -> None:
        """Take every mail out."""
        with imaplib.IMAP4("127.0.0.1", self.port) as session:
            session.login(USER, PASSWORD)
            session.select("INBOX")
            session.store("1:*", "+FLAGS", r"\Deleted")
            session.expunge()


@contextmanager
def imap_server() -> Iterator[ImapServer]:
    port = free_port()
    words = ["--host", "127.0.0.1", "--port", str(port), "--no-tls", "dict"]
    account = ["--demo-user", USER, "--demo-password", PASSWORD]
    process = subprocess.Popen(
        [sys.executable, "-c", "from pymap.main import main; main()", *words, *account],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(port, process)
        yield ImapServer(port)
    finally:
        process.terminate()
        process.wait(10)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "the IMAP server did not start"
        with suppress(OSError), imaplib.IMAP4("127.0.0.1", port):
            return
        time.sleep(0.05)
    raise AssertionError("the IMAP server does not answer")
