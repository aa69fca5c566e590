"""E-mail over a real SMTP conversation, and what is said when it goes wrong."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from apps.notifications.channels import CHANNELS, Result, Sender
from apps.notifications.channels.base import AddressError

from .receivers import CREATED, certificate, free_port, outgoing, raw_server, smtp_receiver

EMAIL = CHANNELS["email"]
FAMILY = "👩\u200d👩\u200d👧\u200d👦"


def account(port: int, more: dict[str, str] | None = None) -> dict[str, str]:
    return {"host": "127.0.0.1", "port": str(port), "timeout": "2"} | (more or {})


def send(port: int, *, config: dict[str, str] | None = None, **changes: Any) -> Result:
    to = changes.pop("to", "ravi@example.com")
    return EMAIL.send(outgoing(to, account(port, config), **changes))


def read(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw.replace(b"\r\n", b"\n"), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def delivered(**changes: Any) -> tuple[bytes, EmailMessage]:
    with smtp_receiver() as receiver:
        result = send(receiver.port, **changes)
        assert result.ok, result.error
        [raw] = receiver.mails
    return raw, read(raw)


def test_a_page_arrives_as_plain_text_with_everything_that_threads_it() -> None:
    raw, mail = delivered(
        in_reply_to="page-7@ops.example.com",
        references=("incident-3@ops.example.com", "page-7@ops.example.com"),
    )
    assert mail["Subject"] == outgoing("").subject
    assert mail["From"] == "OpsPortal <ops@ops.example.com>"
    assert mail["To"] == "ravi@example.com"
    assert mail["Message-ID"] == "<page-7-step-1@ops.example.com>"
    assert mail["In-Reply-To"] == "<page-7@ops.example.com>"
    assert mail["References"].split() == [
        "<incident-3@ops.example.com>",
        "<page-7@ops.example.com>",
    ]
    assert mail["Date"].datetime == CREATED
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Importance"] == "high"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content() == outgoing("").text
    assert b"Acknowledge: https://ops.example.com/a/x_y-z\r\n" in raw


def test_html_comes_second_and_low_urgency_is_not_marked() -> None:
    _, mail = delivered(html="<p>Grüße</p>", urgency="low")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert list(mail.iter_parts())[1].get_content().strip() == "<p>Grüße</p>"
    assert mail["Importance"] is None


def test_the_name_the_server_gives_the_mail_is_kept() -> None:
    with smtp_receiver() as receiver:
        assert send(receiver.port).provider_id == "2.0.0 OK: queued as 4F1"


def test_a_retry_is_the_same_mail() -> None:
    with smtp_receiver() as receiver:
        for seconds in (0, 300):
            assert send(receiver.port, now=CREATED.replace(second=seconds // 10)).ok
        first, second = receiver.mails
    assert first == second


@pytest.mark.parametrize(
    "text",
    [
        f"Emoji {FAMILY} and ünïcödé\n",
        "x" * 5_000 + "\n",
        "ü" * 5_000 + "\n",
        ".\n..\n.leading dots\n",
        "From here\n",
        "mixed\r\nline\rends\n",
        "nul \x00 and surrogate \ud800\n",
        "no line break at the end",
        "",
    ],
)
def test_any_text_arrives_as_it_was(text: str) -> None:
    raw, mail = delivered(text=text)
    sane = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").replace("\ud800", "?")
    assert mail.get_content().rstrip("\n") == sane.rstrip("\n")
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert raw.isascii()


def test_nothing_from_outside_becomes_a_header() -> None:
    _, mail = delivered(
        subject="Disk\r\nBcc: all@example.com\n\nbody",
        sender=Sender(name="Ops\r\nX-Evil: 1", address="ops@ops.example.com"),
        message_id="a>\r\nX-Evil: 2@b",
        event="page\nX-Evil: 3",
    )
    assert mail["Subject"] == "Disk Bcc: all@example.com body"
    assert mail["Bcc"] is None
    assert mail["X-Evil"] is None
    assert mail["Message-ID"] == "<aX-Evil2@b>"


def test_a_long_subject_is_cut_between_characters_and_survives_the_headers() -> None:
    subject = f"[SEV2] {FAMILY * 30}"
    _, mail = delivered(subject=subject)
    assert len(mail["Subject"]) <= 200
    kept = mail["Subject"].removeprefix("[SEV2] ").removesuffix("...")
    assert kept == FAMILY * (len(kept) // len(FAMILY))


def test_long_message_ids_are_never_encoded_and_old_references_are_dropped() -> None:
    ids = [f"incident-{n:03}-{'x' * 60}@ops.a-long-domain.example.com" for n in range(40)]
    raw, mail = delivered(references=tuple(ids), in_reply_to=ids[-1], message_id=ids[0])
    assert mail["References"].split() == [f"<{name}>" for name in (ids[0], *ids[-19:])]
    assert mail["In-Reply-To"] == f"<{ids[-1]}>"
    assert b"=?utf-8" not in raw


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" Ravi@Example.COM ", "Ravi@example.com"),
        ("ravi+ops@mail.example.co.uk", "ravi+ops@mail.example.co.uk"),
        ("ravi@bücher.example", "ravi@xn--bcher-kva.example"),
        ("o'hara_x@example.com", "o'hara_x@example.com"),
    ],
)
def test_addresses_are_kept_in_one_spelling(typed: str, address: str) -> None:
    assert EMAIL.check_address(typed) == address


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ravi",
        "ravi@",
        "@example.com",
        "ravi@localhost",
        "ravi@127.0.0.1",
        "ravi@[127.0.0.1]",
        "Ravi <ravi@example.com>",
        "ravi@example.com, bea@example.com",
        "ravi@example.com\r\nRCPT TO:<x@example.com>",
        "ravi @example.com",
        ".ravi@example.com",
        "ra..vi@example.com",
        '"ra vi"@example.com',
        "rävi@example.com",
        "ravi@-example.com",
        "ravi@example..com",
        "ravi@example.c",
        "ravi\x00@example.com",
        "a" * 65 + "@example.com",
        "a@" + "b" * 250 + ".com",
        "a@" + "bcd." * 80 + "com",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(AddressError, match=r"ravi@example\.com"):
        EMAIL.check_address(typed)


@pytest.mark.parametrize(
    ("replies", "kind", "permanent", "numbers"),
    [
        ({"RCPT": "550 5.1.1 No such user ravi secret"}, "recipient", True, "(550 5.1.1)"),
        ({"RCPT": "553 nonsense"}, "recipient", True, "(553)"),
        ({"RCPT": "450 4.2.0 Greylisted"}, "recipient", False, "(450 4.2.0)"),
        ({"RCPT": "530 5.7.0 Authentication required"}, "recipient", False, "(530 5.7.0)"),
        ({"RCPT": "421 4.3.2 Shutting down"}, "recipient", False, "(421 4.3.2)"),
        ({"MAIL": "550 5.7.1 Sender secret rejected"}, "sender", False, "(550 5.7.1)"),
        ({"MAIL": "421 4.7.0 Too busy"}, "sender", False, "(421 4.7.0)"),
        ({"DATA": "554 5.7.1 Looks like spam"}, "content", True, "(554 5.7.1)"),
        ({"DATA": "452 4.3.1 Disk full"}, "content", False, "(452 4.3.1)"),
    ],
)
def test_a_refusal_tells_who_has_to_do_something(
    replies: dict[str, str], kind: str, permanent: bool, numbers: str
) -> None:
    with smtp_receiver() as receiver:
        receiver.replies = replies
        result = send(receiver.port)
    assert (result.ok, result.permanent) == (False, permanent)
    assert result.error.startswith(f"{kind}: ")
    assert result.error.endswith(numbers)
    assert "secret" not in result.error


def test_starttls_and_login_work_with_a_trusted_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, trusted = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with smtp_receiver(starttls=server, auth=True) as receiver:
        login = {"security": "starttls", "user": "ops", "password": "right"}
        assert send(receiver.port, config=login).ok
        refused = send(receiver.port, config={**login, "password": "wrong"})
        assert set(receiver.logins) == {"ops"}
        assert len(receiver.mails) == 1
    assert refused.error == (
        "login: The mail server refused to let us in. Check the SMTP user and password. (535 5.7.8)"
    )
    assert not refused.permanent


def test_tls_from_the_start_works_with_a_trusted_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, trusted = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with smtp_receiver(tls=server) as receiver:
        assert send(receiver.port, config={"security": "ssl"}).ok
        assert len(receiver.mails) == 1


@pytest.mark.parametrize("security", ["starttls", "ssl"])
@pytest.mark.parametrize("name", ["127.0.0.1", "other.example.test"])
def test_bad_tls_is_temporary_and_says_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str, name: str
) -> None:
    server, trusted = certificate(tmp_path, name)
    if name != "127.0.0.1":
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    contexts: dict[str, Any] = {"starttls" if security == "starttls" else "tls": server}
    with smtp_receiver(**contexts) as receiver:
        result = send(receiver.port, config={"security": security})
        assert receiver.mails == []
    assert result.error.startswith("tls: No encrypted connection to the mail server: check")
    assert (result.ok, result.permanent) == (False, False)


def test_a_server_without_starttls_gets_nothing_in_the_clear() -> None:
    with smtp_receiver() as receiver:
        result = send(receiver.port, config={"security": "starttls", "user": "a", "password": "b"})
        assert receiver.mails == []
        assert receiver.logins == []
    assert result.error.startswith("tls: The mail server offers no STARTTLS.")


def greet(line: bytes) -> Callable[[socket.socket], None]:
    def talk(client: socket.socket) -> None:
        client.sendall(line)
        client.recv(1_000)

    return talk


def silent(client: socket.socket) -> None:
    while client.recv(1_000):
        pass


def takes_then_drops(client: socket.socket) -> None:
    """Says 250 to every command, 354 to DATA, and hangs up after the mail."""
    client.sendall(b"220 mail\r\n")
    while (line := client.recv(10_000)) and not line.startswith(b"data"):
        client.sendall(b"250 ok\r\n")
    client.sendall(b"354 go on\r\n")
    received = b""
    while not received.endswith(b"\r\n.\r\n"):
        received += client.recv(10_000)


def drip(client: socket.socket) -> None:
    for _ in range(100):
        client.sendall(b"220-wait\r\n")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("talk", "config", "kind"),
    [
        (silent, {"timeout": "0.3"}, "timeout"),
        (silent, {"timeout": "0.3", "security": "ssl"}, "timeout"),
        (takes_then_drops, {}, "dropped"),
        (lambda client: None, {}, "unreachable"),
        (greet(b"421 4.3.2 Come back later\r\n"), {}, "connect"),
        (greet(b"554 5.7.1 Go away\r\n"), {}, "connect"),
        (greet(b"\xff\xfe\x00 nonsense\r\n"), {}, "connect"),
        (greet(b"220 ok\r\n"), {"security": "ssl"}, "tls"),
    ],
)
def test_a_server_that_misbehaves_is_tried_again_later(
    talk: Callable[[socket.socket], None], config: dict[str, str], kind: str
) -> None:
    with raw_server(talk) as port:
        began = time.monotonic()
        result = send(port, config=config)
    assert result.error.split(":")[0] == kind, result.error
    assert (result.ok, result.permanent) == (False, False)
    assert time.monotonic() - began < 2


def test_a_closed_port_and_an_unknown_host_say_what_to_check() -> None:
    sentence = (
        "unreachable: No connection to the mail server. Check the SMTP host, port and security."
    )
    assert send(free_port()).error == sentence
    assert send(25, config={"host": "no-such-host.invalid"}).error == sentence


def test_without_a_mail_server_the_channel_is_not_set_up() -> None:
    result = EMAIL.send(outgoing("ravi@example.com"))
    assert result.error == "not_set_up: E-mail is not set up on this site (missing: host)."


def test_a_bad_address_is_permanent_and_a_bad_sender_is_not() -> None:
    with smtp_receiver() as receiver:
        bad_address = send(receiver.port, to="ravi")
        bad_sender = send(receiver.port, sender=Sender(name="", address="nobody"))
        assert receiver.mails == []
    assert (bad_address.permanent, bad_address.error[:8]) == (True, "address:")
    assert (bad_sender.permanent, bad_sender.error[:7]) == (False, "sender:")


@pytest.mark.parametrize("config", [{"port": "x"}, {"timeout": "soon"}, {"security": "magic"}])
def test_a_nonsensical_account_never_raises(config: dict[str, str]) -> None:
    with smtp_receiver() as receiver:
        result = send(receiver.port, config=config)
        assert receiver.mails == []
    assert not result.ok
    assert not result.permanent
