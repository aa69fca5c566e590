"""Requests to addresses that people typed: out to the internet, never into our own network.

The procedure of `post`:
1. take the URL apart strictly: https, an allowed port, no user name, one spelling of a host;
2. resolve the host once, and refuse it when *any* of its addresses is not a public one;
3. connect to one of exactly these addresses, checking the certificate against the host's name;
4. send once, read the status and at most 64 KB, follow no redirect, all within ten seconds.

So a name that changes between check and use (DNS rebinding) gains nothing. What goes wrong is told
by a class and our own sentence; what the other side or the network said is never repeated.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

Resolver = Callable[[str, int, float], Sequence[str]]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

REPLY_LIMIT = 64 * 1024
_URL_LIMIT = 2048
_PORTS = {"https": frozenset({443, 8443}), "http": frozenset({80, 443, 8080, 8443})}
_DEFAULT_PORT = {"https": 443, "http": 80}
_KEPT_HEADERS = ("content-type", "retry-after")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(*nets: str) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(net) for net in nets)


# Link-local holds the clouds' metadata services; nobody's own server is at any of these.
_NEVER = (
    *_networks("0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *_networks("100.100.100.200/32", "::/128", "fe80::/10", "fec0::/10", "ff00::/8"),
    *_networks("2001::/32", "2002::/16", "fd00:ec2::254/128"),
)
# Inside somebody's network; allowed only where the operator says so.
_INSIDE = (
    *_networks("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    *_networks("192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24"),
    *_networks("203.0.113.0/24", "::1/128", "64:ff9b:1::/48", "100::/64", "2001:db8::/32"),
    *_networks("fc00::/7"),
)
# IPv6 forms that carry an IPv4 address in their last four bytes: mapped, compatible, NAT64.
_CARRIES_V4 = _networks("::ffff:0:0/96", "::/96", "64:ff9b::/96")


class GuardError(Exception):
    """`code` is a stable class of error, `message` a sentence of ours for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Blocked(GuardError):
    """The address is not allowed; nothing was sent, and trying again does not help."""


class Failed(GuardError):
    """The address is allowed, but the request did not get through."""


@dataclass(frozen=True)
class Target:
    """A checked URL: where to connect. `path` includes the query and may hold a secret."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)
    addresses: tuple[str, ...]

    @property
    def netloc(self) -> str:
        """Host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORT[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True)
class Reply:
    """The answer: status, the few headers we use (lower case), at most 64 KB of body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def resolve(host: str, port: int, seconds: float) -> tuple[str, ...]:
    """All addresses of a host name; raises Failed when there are none within `seconds`."""
    answers: queue.SimpleQueue[tuple[str, ...]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        answers.put(tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))

    # getaddrinfo knows no timeout; a slow name server must not hold the sender.
    threading.Thread(target=ask, daemon=True).start()
    try:
        addresses = answers.get(timeout=max(seconds, 0.0))
    except queue.Empty:
        addresses = ()
    if not addresses:
        raise Failed("dns", "The host name could not be found.")
    return addresses


def check_url(
    url: str,
    *,
    allow_http: bool = False,
    allow_private: bool = False,
    resolver: Resolver = resolve,
    seconds: float = 5.0,
) -> Target:
    """Where `url` leads, checked; raises Blocked, or Failed when its name cannot be found.

    `allow_private` is for people who run their own servers on their own network, and for tests:
    it also lifts the list of ports, but never admits metadata, multicast or unspecified addresses.
    """
    parts = _split(url)
    allowed = ("https", "http") if allow_http else ("https",)
    if parts.scheme not in allowed:
        raise Blocked("scheme", f"The address must start with {' or '.join(allowed)}://.")
    if "@" in parts.netloc:
        raise Blocked("userinfo", "The address must not contain a user name or password.")
    host = _host(parts.hostname or "")
    port = _port(parts, any_port=allow_private)
    literal = _literal(host)
    addresses = (str(literal),) if literal else tuple(resolver(host, port, seconds))
    if any(_forbidden(address, allow_private=allow_private) for address in addresses):
        raise Blocked("private", "The address leads into a private or local network.")
    path = quote(parts.path or "/", safe=_PATH_SAFE)
    query = f"?{quote(parts.query, safe=_PATH_SAFE + '?')}" if parts.query else ""
    return Target(parts.scheme, host, port, path + query, addresses)


def _split(url: str) -> SplitResult:
    if len(url) > _URL_LIMIT:
        raise Blocked("spelling", f"The address is longer than {_URL_LIMIT} characters.")
    if any(char <= " " or char in "\\\x7f" for char in url):
        raise Blocked("spelling", "The address contains a space, a backslash or a line break.")
    try:
        return urlsplit(url)
    except ValueError:
        raise Blocked("spelling", "This is not an address such as https://example.com/x.") from None


def _host(host: str) -> str:
    """The host in its one spelling: a lower-case ASCII name, or the plain form of an IP address."""
    if ":" in host:
        if not _literal(host):
            raise Blocked("host", "The address has no valid host name.")
        return str(ipaddress.IPv6Address(host))
    try:
        name = host.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        name = ""
    if not _HOST.fullmatch(name) or len(name) > 253:
        raise Blocked("host", "The address has no valid host name.")
    if _NUMBER.fullmatch(name.rpartition(".")[2]) and not _literal(name):
        raise Blocked("spelling", "Write an IP address as four plain numbers, such as 192.0.2.1.")
    return name


def _literal(host: str) -> _Address | None:
    try:
        return None if "%" in host else ipaddress.ip_address(host)
    except ValueError:
        return None


def _port(parts: SplitResult, *, any_port: bool) -> int:
    try:
        port = _DEFAULT_PORT[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        port = 0
    if port == 0 or not (any_port or port in _PORTS[parts.scheme]):
        raise Blocked("port", "This port is not allowed; use the usual one.")
    return port


def _forbidden(address: str, *, allow_private: bool) -> bool:
    ip = _literal(address)
    if ip is None:
        return True  # a scoped address (fe80::1%eth0), or no address at all
    if ip.version == 6 and int(ip) > 1 and any(ip in net for net in _CARRIES_V4):
        ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if any(ip in net for net in _NEVER if net.version == ip.version):
        return True
    inside = any(ip in net for net in _INSIDE if net.version == ip.version) or not ip.is_global
    return inside and not allow_private


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allow_http: bool = False,
    allow_private: bool = False,
    resolver: Resolver = resolve,
    context: ssl.SSLContext | None = None,
    connect_seconds: float = 5.0,
    total_seconds: float = 10.0,
) -> Reply:
    """Check `url` again and POST `body` to it once; any status is a Reply.

    Raises Blocked (nothing was sent) or Failed (it may or may not have arrived). The proxy
    settings of the environment are not used: a proxy would resolve the name itself.
    """
    deadline = time.monotonic() + total_seconds
    target = check_url(
        url,
        allow_http=allow_http,
        allow_private=allow_private,
        resolver=resolver,
        seconds=connect_seconds,
    )
    with _connect(target, min(deadline, time.monotonic() + connect_seconds)) as plain:
        try:
            stream = _encrypt(plain, target, deadline, context)
            with stream:
                return _exchange(_Timed(stream, deadline), target, body, headers)
        except TimeoutError:
            raise Failed("timeout", "The host did not answer in time.") from None
        except ssl.SSLCertVerificationError:
            raise Failed("certificate", "The host's certificate is not valid for it.") from None
        except ssl.SSLError:
            raise Failed("tls", "No encrypted connection could be made to the host.") from None
        except (OSError, EOFError):
            raise Failed("dropped", "The host closed the connection without an answer.") from None
        except http.client.HTTPException:
            raise Failed("bad_reply", "The host's answer was not HTTP.") from None


def _connect(target: Target, deadline: float) -> socket.socket:
    for address in target.addresses[:4]:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            return socket.create_connection((address, target.port), timeout=left)
        except OSError:
            continue
    raise Failed("unreachable", "No connection could be made to the host.")


def _encrypt(
    plain: socket.socket, target: Target, deadline: float, context: ssl.SSLContext | None
) -> socket.socket:
    if target.scheme == "http":
        return plain
    plain.settimeout(max(deadline - time.monotonic(), 0.001))
    trusted = context or ssl.create_default_context()
    return trusted.wrap_socket(plain, server_hostname=target.host)


def _exchange(stream: _Timed, target: Target, body: bytes, headers: Mapping[str, str]) -> Reply:
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.auto_open = 0
    connection.sock = stream
    connection.request(
        "POST",
        target.path,
        body,
        {**headers, "Host": target.netloc, "User-Agent": "OpsPortal", "Connection": "close"},
    )
    answer = connection.getresponse()
    kept = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    try:
        text = answer.read(REPLY_LIMIT)
    except (OSError, http.client.HTTPException):
        text = b""  # the status has arrived, and it decides; a cut body must not cause a repeat
    return Reply(answer.status, kept, text)


class _Timed:
    """The part of a socket that http.client uses, with one deadline over all reads and writes.

    A socket's own timeout starts anew with every byte, so a slow drip would hold us for hours.
    """

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def _arm(self) -> socket.socket:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._sock

    def sendall(self, data: bytes) -> None:
        self._arm().sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._arm))

    def close(self) -> None:
        """The connection belongs to `post`, which closes it."""


class _Reader(io.RawIOBase):
    def __init__(self, armed: Callable[[], socket.socket]) -> None:
        self._armed = armed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._armed().recv_into(buffer)
