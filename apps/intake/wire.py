"""Requests and answers of the lean path, as ASGI has them: bounded in size and in time."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from apps.intake.canonical import InvalidEvent
from apps.intake.redaction import redact_headers
from apps.intake.store import Received, Source

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

BODY_PATIENCE = 20.0  # seconds in which a body must be here
DRAIN_PATIENCE = 2.0  # seconds for a refused body, so that its sender can read the answer
DRAIN_BYTES = 40 * 1024 * 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


@dataclass(frozen=True)
class Answer:
    """What goes back: a status, a JSON body or plain text, and headers such as Retry-After."""

    status: int
    body: Mapping[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict)
    problem: bool = False

    def with_headers(self, **headers: str) -> Answer:
        return replace(self, headers={**self.headers, **headers})


class Refused(Exception):
    """The request ends here with this answer; nothing was stored."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def problem(status: int, code: str, detail: str, **extra: Any) -> Answer:
    """An RFC 9457 answer. `headers` in `extra` go to the HTTP headers."""
    headers = extra.pop("headers", {})
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return Answer(status, {**body, "detail": detail, "code": code, **extra}, headers, problem=True)


class Request:
    """An ASGI request read as far as needed: headers now, the body up to a cap."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.path: str = scope["path"]
        self.query: str = scope.get("query_string", b"").decode("latin-1")
        self.method: str = scope["method"]
        self.headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        client = scope.get("client")
        self.remote_ip: str | None = client[0] if client else None
        given = self.headers.get("x-request-id", "")
        self.id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        self._receive = receive
        self._ended = not self._has_body()

    def _has_body(self) -> bool:
        return "transfer-encoding" in self.headers or self.headers.get("content-length") != "0"

    @property
    def announced(self) -> int | None:
        """How many bytes the sender says that there are; None when it does not say."""
        length = self.headers.get("content-length", "")
        return int(length[:20]) if length.isascii() and length.isdigit() else None

    async def body(self, cap: int) -> bytes:
        """The whole body, chunked or not; 413 past `cap` bytes, 400 when there is none."""
        raw = await self.buffered(cap)
        if not raw.strip():
            raise Refused(problem(400, "empty", "The body is empty. Send the event as JSON."))
        return raw

    async def buffered(self, cap: int, patience: float | None = None) -> bytes:
        """The whole body, which may be empty; 413 past `cap` bytes, 408 when it comes slowly."""
        patience = BODY_PATIENCE if patience is None else patience
        if (self.announced or 0) > cap:
            raise Refused(_too_large(cap))
        parts: list[bytes] = []
        left = cap
        try:
            async with asyncio.timeout(patience):
                while not self._ended:
                    parts.append(await self._part())
                    left -= len(parts[-1])
                    if left < 0:
                        raise Refused(_too_large(cap))
        except TimeoutError as error:
            words = f"The body was not here within {patience:.0f} seconds."
            raise Refused(problem(408, "too_slow", words)) from error
        return b"".join(parts)

    async def beginning(self, size: int) -> bytes:
        """The first `size` bytes. What comes after is read and dropped: nobody is refused for it.

        A body that does not end in time or within bounds is taken as far as it came.
        """
        kept, left = b"", DRAIN_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(BODY_PATIENCE):
                while not self._ended and left > 0:
                    part = await self._part()
                    left -= len(part)
                    kept += part[: max(0, size - len(kept))]
        return kept

    @property
    def ended(self) -> bool:
        """Whether all of the body is read; else the connection is not to be used again."""
        return self._ended

    async def _part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._ended = True
            raise Refused(problem(400, "incomplete", "The body ended early."))
        self._ended = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part

    async def drain(self) -> bool:
        """Read what is left of a body that nobody wants; False when it does not end.

        A connection that is closed with bytes unread is reset, and its sender may never see why.
        """
        if "expect" in self.headers:  # they wait for our word before they send
            return self._ended
        left = DRAIN_BYTES
        try:
            async with asyncio.timeout(DRAIN_PATIENCE):
                while not self._ended and left > 0:
                    left -= len(await self._part())
        except (TimeoutError, Refused):
            pass
        return self._ended


def _too_large(cap: int) -> Answer:
    return problem(413, "too_large", f"The body is larger than {cap // 1024} KiB.")


async def settle(request: Request, answer: Answer) -> Answer:
    """The answer to a request whose body may be unread: such a connection is not used again."""
    if answer.status < 400 or await request.drain():
        return answer
    return answer.with_headers(Connection="close")


async def send_answer(send: Send, answer: Answer, request_id: str) -> None:
    """Write an answer to the wire."""
    kind = b"application/problem+json" if answer.problem else b"application/json"
    if isinstance(answer.body, str):
        kind, raw = b"text/plain; charset=utf-8", answer.body.encode()
    else:
        raw = json.dumps(answer.body).encode()
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(raw)).encode()),
        (b"x-request-id", request_id.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
        *((name.lower().encode(), value.encode()) for name, value in answer.headers.items()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": raw})


def received(
    request: Request,
    source: Source,
    adapter: str,
    raw: bytes,
    delivery_key: str | None,
    dedup_key: str,
) -> Received:
    return Received(
        integration_id=source.integration_id,
        adapter=adapter,
        body=raw,
        headers=redact_headers(request.headers),
        remote_ip=request.remote_ip,
        delivery_key=delivery_key[:300] if delivery_key else None,
        dedup_key=dedup_key,
    )


def invalid(error: InvalidEvent) -> Answer:
    status = 413 if error.code == "too_large" else 400
    extra = {"errors": list(error.errors)} if error.errors else {}
    return problem(status, error.code, error.message, **extra)
