"""E-mail over SMTP: plain text first, threaded, and with a reason when it is not taken."""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from apps.notifications.layout import one_line

from .base import NO_CONFIG, AddressError, Outgoing, Result, failed, missing, not_set_up, sent
from .compose import compose, plain

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_SECURITY = ("none", "starttls", "ssl")


class Email:
    """`config`: host, port, security (none, starttls, ssl), user, password, timeout (seconds)."""

    kind = "email"
    label = "E-mail"
    help = "An e-mail address. It does not wake anybody at night: add a phone for that."
    wakes = False
    needs: tuple[str, ...] = ("host",)

    def check_address(self, address: str, config: Mapping[str, str] = NO_CONFIG) -> str:
        local, _, domain = address.strip().rpartition("@")
        try:
            host = domain.encode("idna").decode("ascii").lower()
        except UnicodeError:
            host = ""
        fits = len(local) <= 64 and len(local) + len(host) < 254
        if not (fits and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(host)):
            raise AddressError("Write one e-mail address, such as ravi@example.com.")
        return f"{local}@{host}"

    def send(self, outgoing: Outgoing) -> Result:
        if missing(self, outgoing.config):
            return not_set_up(self, outgoing.config)
        if (outgoing.config.get("security") or "none") not in _SECURITY:
            return failed("not_set_up", f"SMTP security is one of {', '.join(_SECURITY)}.")
        try:
            to = self.check_address(outgoing.address)
            sender = plain(outgoing.sender.address)
            message = compose(outgoing, to)
        except AddressError as error:
            return failed("address", error.message, permanent=True)
        except ValueError:
            return failed("sender", _NO_SENDER)
        return _Delivery(outgoing.config, sender).run(to, message.as_bytes())

    def probe(self, outgoing: Outgoing) -> Result:
        """As far as a mail goes before it is handed over: connect, encrypt, sign in, sender."""
        if missing(self, outgoing.config):
            return not_set_up(self, outgoing.config)
        try:
            sender = plain(outgoing.sender.address)
        except ValueError:
            return failed("sender", _NO_SENDER)
        return _Delivery(outgoing.config, sender).probe()


class _Session(smtplib.SMTP):
    """An SMTP client whose steps share one deadline: twice the time that a step may take."""

    def __init__(self, host: str, port: int, seconds: float, hello: str, **more: Any) -> None:
        self._step = seconds
        self._deadline = time.monotonic() + 2 * seconds
        super().__init__(host, port, hello, timeout=seconds, **more)

    def getreply(self) -> tuple[int, bytes]:
        left = self._deadline - time.monotonic()
        if left <= 0:
            self.close()
            raise TimeoutError
        if self.sock:
            self.sock.settimeout(min(self._step, left))
        return super().getreply()


class _SessionSSL(_Session, smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""


class _Delivery:
    """One conversation with the mail server, which knows at which stage something broke."""

    def __init__(self, config: Mapping[str, str], sender: str) -> None:
        self._config = config
        self._sender = sender
        self._security = self._config.get("security") or "none"
        self._stage = "connect"

    def run(self, to: str, content: bytes) -> Result:
        return self._converse(lambda session: self._hand_over(session, to, content))

    def probe(self) -> Result:
        return self._converse(self._knock)

    def _converse(self, act: Callable[[smtplib.SMTP], Result]) -> Result:
        try:
            session = self._open()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return self._explain(error)
        try:
            result = act(session)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            result = self._explain(error)
        if result.ok:
            with suppress(OSError, smtplib.SMTPException):
                session.quit()
        session.close()
        return result

    def _open(self) -> smtplib.SMTP:
        config = self._config
        tls = self._security == "ssl"
        port = int(config.get("port") or (465 if tls else 587 if self._security != "none" else 25))
        seconds = float(config.get("timeout") or 10)
        # Left to itself smtplib asks the name server for our own name, which can take long.
        hello = self._sender.rpartition("@")[2] or "localhost"
        if tls:
            context = ssl.create_default_context()
            return _SessionSSL(config["host"], port, seconds, hello, context=context)
        return _Session(config["host"], port, seconds, hello)

    def _enter(self, session: smtplib.SMTP) -> None:
        if self._security == "starttls":
            self._stage = "tls"
            session.starttls(context=ssl.create_default_context())
        self._stage = "login"
        if user := self._config.get("user"):
            session.login(user, self._config.get("password", ""))
        session.ehlo_or_helo_if_needed()

    def _knock(self, session: smtplib.SMTP) -> Result:
        self._enter(session)
        self._stage = "sender"
        code, reply = session.mail(self._sender)
        if not 200 <= code < 300:
            return self._refused(code, reply)
        session.rset()
        return sent(one_line(reply.decode("ascii", "replace")))

    def _hand_over(self, session: smtplib.SMTP, to: str, content: bytes) -> Result:
        self._enter(session)
        size = [f"size={len(content)}"] if session.has_extn("size") else []
        steps: tuple[tuple[str, Callable[[], tuple[int, bytes]]], ...] = (
            ("sender", lambda: session.mail(self._sender, size)),
            ("recipient", lambda: session.rcpt(to)),
            ("content", lambda: session.data(content)),
        )
        reply = b""
        for self._stage, step in steps:
            code, reply = step()
            if not 200 <= code < 300:
                return self._refused(code, reply)
        return sent(one_line(reply.decode("ascii", "replace")))

    def _explain(self, error: Exception) -> Result:
        if isinstance(error, smtplib.SMTPResponseException):
            said = error.smtp_error
            return self._refused(error.smtp_code, said if isinstance(said, bytes) else b"")
        if isinstance(error, ssl.SSLError):
            return failed("tls", _TLS)
        if isinstance(error, smtplib.SMTPNotSupportedError | ValueError):
            return failed(self._stage, _ADVICE[self._stage])
        if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
            return failed("timeout", "The mail server did not answer in time. Check its address.")
        if self._stage == "connect":
            return failed("unreachable", _ADVICE["connect"])
        return failed("dropped", "The mail server hung up before it took the message.")

    def _refused(self, code: int, said: bytes) -> Result:
        """An answer of 4xx or 5xx; only the recipient and the message itself fail for good."""
        if code == 552:  # told when it hears the size, or after all of it
            return failed("too_large", f"{_TOO_LARGE} ({code})", permanent=True)
        final = self._stage in ("recipient", "content") and code >= 500 and code not in (530, 535)
        status = re.match(rb"[245]\.\d{1,3}\.\d{1,3}\b", said)
        numbers = f"{code} {status[0].decode()}" if status else str(code)
        return failed(self._stage, f"{_ADVICE[self._stage]} ({numbers})", permanent=final)


_NO_SENDER = "The sender address of this site is not valid."
_TLS = (
    "No encrypted connection to the mail server: check that the SMTP host is the name in its "
    "certificate, and that port and security (starttls or ssl) belong together."
)
_TOO_LARGE = "The mail server takes no mail of this size, or the mailbox there is full."
_ADVICE = {
    "connect": "No connection to the mail server. Check the SMTP host, port and security.",
    "tls": "The mail server offers no STARTTLS. Check the SMTP port and security.",
    "login": "The mail server refused to let us in. Check the SMTP user and password.",
    "sender": "The mail server takes no mail from this site's sender address. Check that address.",
    "recipient": "The mail server does not take mail for this address. Check the address.",
    "content": "The mail server did not take the message.",
}
