"""The event path: a lean ASGI callable in front of Django.

It authenticates, checks size, parses safely what must be answered with a key, commits the raw
delivery, and answers. Nothing else happens before the answer; the engine does the rest.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import structlog

from apps.core import safe_json
from apps.intake import store as kept
from apps.intake.adapters import cloudevents, github, mail, native, pagerduty
from apps.intake.canonical import InvalidEvent, parse_body
from apps.intake.limits import LARGE, LARGE_AT_ONCE, MAX_MAIL, RateLimit
from apps.intake.redaction import redact_headers
from apps.intake.signatures import verify_github
from apps.intake.store import Away, Kept, Received, Source, Store
from apps.intake.wire import (
    Answer,
    Receive,
    Refused,
    Request,
    Scope,
    Send,
    problem,
    send_answer,
    settle,
)

log = structlog.get_logger("opsportal.intake")
HOOK_KINDS = frozenset({"alertmanager", "gcp", "github", "mail"})
MAX_LINES = 10_000
MAIL_PATIENCE = 100.0  # seconds in which a large mail must be here
PLACE_PATIENCE = 10.0  # seconds that one waits for a place among the large ones
NO_KEY = "This needs a valid API key. Send it as Authorization: Bearer opk_…"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class IntakeApp:
    """Routes the intake paths. `handles` says which requests are its own."""

    def __init__(
        self,
        store: Store,
        *,
        max_body: int,
        max_batch: int,
        default_rate: int | None,
        max_mail: int = MAX_MAIL,
    ) -> None:
        self.store = store
        self.max_body = max_body
        self.max_batch = max_batch
        self.max_mail = max_mail
        self._places = asyncio.Semaphore(LARGE_AT_ONCE)
        self.limit = RateLimit(default_rate)
        self._exact: dict[str, Callable[[Request], Awaitable[Answer]]] = {
            "/api/v1/events": self.event,
            "/api/v1/events/batch": self.batch,
            "/v2/enqueue": self.pagerduty,
            "/v2/change/enqueue": self.pagerduty_change,
        }

    def handles(self, path: str) -> bool:
        return path in self._exact or path.startswith("/hooks/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = await settle(request, await self._guarded(request))
        route = request.path if not request.path.startswith("/hooks/") else "/hooks/…"
        log.info("intake", request_id=request.id, route=route, status=answer.status)
        await send_answer(send, answer, request.id)

    async def _guarded(self, request: Request) -> Answer:
        """Whatever goes wrong is an answer: 503 where sending again helps, 400 where it cannot."""
        try:
            return await self._answer(request)
        except Refused as refused:
            return refused.answer
        except Away:
            log.error("database away", request_id=request.id)
            words = "The database does not answer. Send this again."
            return problem(503, "database_away", words, headers={"Retry-After": "5"})
        except psycopg.DataError as error:
            log.error("refused value", request_id=request.id, error=type(error).__name__)
            return problem(400, "bad_value", "A value in the request cannot be stored.")
        except Exception:
            log.exception("intake failed", request_id=request.id)
            words = "This could not be stored right now. Send it again."
            return problem(503, "intake_failed", words, headers={"Retry-After": "5"})

    async def _answer(self, request: Request) -> Answer:
        if request.method != "POST":
            return problem(
                405, "method_not_allowed", "Send a POST here.", headers={"Allow": "POST"}
            )
        exact = self._exact.get(request.path)
        return await exact(request) if exact else await self.hook(request)

    # -- native and CloudEvents

    async def _native_source(self, request: Request) -> Source:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        found = None
        if scheme.lower() == "bearer" and text.strip():
            found = await self.store.key(digest(text.strip()), kept.utc_now())
        if found is None:
            log.warning("bad key", request_id=request.id, given=bool(text))
            challenge = {"WWW-Authenticate": 'Bearer realm="opsportal"'}
            raise Refused(problem(401, "not_authenticated", NO_KEY, headers=challenge))
        scopes, source = found
        if not {"events:write", "admin"} & set(scopes):
            raise Refused(problem(403, "not_allowed", "This key lacks the scope events:write."))
        return source

    def _limit(self, source: Source, cost: int = 1, *, hook: bool = False) -> None:
        """429 for senders that retry it; 503 for those that only retry server errors."""
        wait = self.limit.take(source.integration_id, source.rate, time.monotonic(), cost)
        if wait:
            status, code = (503, "busy") if hook else (429, "rate_limited")
            seconds = str(max(1, round(wait + 0.5)))
            raise Refused(
                problem(
                    status,
                    code,
                    "More events a second than this key may send. Try again later.",
                    headers={"Retry-After": seconds},
                )
            )

    async def event(self, request: Request) -> Answer:
        source = await self._native_source(request)
        self._limit(source)
        raw = await request.body(self.max_body)
        adapter = cloudevents if cloudevents.is_cloudevent(request.headers) else native
        try:
            parsed = parse_body(raw, allow_array=adapter is cloudevents)
            fallback = f"auto:{uuid.uuid4().hex}"
            keys = adapter.validate(parsed, request.headers, fallback_key=fallback)
            delivery_key = adapter.delivery_key(parsed, request.headers)
        except InvalidEvent as error:
            return _invalid(error)
        put = await self._put(request, source, adapter.KIND, raw, delivery_key, keys[0] or "")
        if not put.same_body and (delivery_key or "").startswith("idempotency-key:"):
            text = "This Idempotency-Key was used with another body. Send a new key."
            return problem(422, "idempotency_key_reused", text)
        body: dict[str, Any] = {"status": "accepted", "delivery_id": str(put.delivery_id)}
        if len(keys) > 1:
            body["dedup_keys"] = keys
        elif put.dedup_key:
            body["dedup_key"] = put.dedup_key
        return Answer(202, body)

    async def batch(self, request: Request) -> Answer:
        source = await self._native_source(request)
        raw = await request.body(self.max_batch)
        lines = raw.split(b"\n")
        if len(lines) > MAX_LINES + 1:
            return problem(413, "too_many_lines", f"A batch takes at most {MAX_LINES} lines.")
        numbered = [(n, line) for n, line in enumerate(lines, start=1) if line.strip()]
        self._limit(source, len(numbered))
        items, rejected = [], []
        for number, line in numbered:
            try:
                dedup_key, delivery_key = self._checked_line(line)
            except InvalidEvent as error:
                rejected.append({"line": number, "code": error.code, "detail": error.message})
                continue
            items.append(_received(request, source, native.KIND, line, delivery_key, dedup_key))
        if items:
            await self.store.put_many(items, kept.utc_now())
        return Answer(202, {"accepted": len(items), "rejected": rejected})

    def _checked_line(self, line: bytes) -> tuple[str, str | None]:
        """The dedup key and the delivery key of one line of a batch; InvalidEvent."""
        if len(line) > self.max_body:
            raise InvalidEvent("too_large", "The line is too long.")
        parsed = parse_body(line)
        keys = native.validate(parsed, {}, fallback_key=f"auto:{uuid.uuid4().hex}")
        return keys[0] or "", native.delivery_key(parsed, {})

    # -- PagerDuty Events API v2

    async def _routed(self, raw: bytes) -> tuple[dict[str, Any], Source]:
        """The parsed body and the integration of its routing key, or PagerDuty's own 400."""
        try:
            data = safe_json.loads_object(raw, max_bytes=self.max_body)
        except safe_json.UnsafeJson as error:
            raise Refused(Answer(400, pagerduty.invalid([error.message]))) from error
        key = data.get("routing_key")
        source = None
        if isinstance(key, str) and key:
            source = await self.store.token(digest(key))
        if source is None or source.kind != "pagerduty":
            errors = ["'routing_key' is not the key of an integration here"]
            raise Refused(Answer(400, pagerduty.invalid(errors)))
        return data, source

    async def _pagerduty_body(self, request: Request) -> bytes:
        try:
            return await request.body(self.max_body)
        except Refused as refused:
            detail = str(refused.answer.body["detail"])
            raise Refused(
                Answer(refused.answer.status, pagerduty.invalid([detail]), refused.answer.headers)
            ) from refused

    async def pagerduty(self, request: Request) -> Answer:
        raw = await self._pagerduty_body(request)
        data, source = await self._routed(raw)
        self._pagerduty_limit(source)
        try:
            keys = pagerduty.validate(data, request.headers, fallback_key=uuid.uuid4().hex)
        except InvalidEvent as error:
            return Answer(400, pagerduty.invalid(error.errors or [error.message]))
        put = await self._put(request, source, pagerduty.KIND, raw, None, keys[0] or "")
        return Answer(202, pagerduty.accepted(put.dedup_key))

    async def pagerduty_change(self, request: Request) -> Answer:
        raw = await self._pagerduty_body(request)
        data, source = await self._routed(raw)
        self._pagerduty_limit(source)
        try:
            pagerduty.validate_change(data, request.headers)
        except InvalidEvent as error:
            return Answer(400, pagerduty.invalid(error.errors or [error.message]))
        await self._put(request, source, pagerduty.KIND, raw, None, "")
        return Answer(202, pagerduty.accepted(None))

    def _pagerduty_limit(self, source: Source) -> None:
        try:
            self._limit(source)
        except Refused as refused:
            body = {"status": "throttle exceeded", "message": "Requests are arriving too quickly"}
            raise Refused(Answer(429, body, refused.answer.headers)) from refused

    # -- vendor webhooks

    async def hook(self, request: Request) -> Answer:
        _, _, token, kind, *rest = [*request.path.split("/"), "", ""]
        source = None
        if token and kind in HOOK_KINDS and not any(rest):
            source = await self.store.token(digest(token))
        if source is None or source.kind != kind:
            return problem(404, "not_found", "There is no integration at this address.")
        self._limit(source, hook=True)
        if kind == mail.KIND:
            return await self._mail(request, source)
        raw = await request.body(self.max_body)
        if not _signed(source, raw, request.headers):
            return problem(401, "bad_signature", "The signature does not fit the body and secret.")
        delivery_key = github.delivery_key(raw, request.headers) if kind == "github" else None
        put = await self._put(request, source, kind, raw, delivery_key, "")
        return Answer(202, {"status": "accepted", "delivery_id": str(put.delivery_id)})

    async def _mail(self, request: Request, source: Source) -> Answer:
        """A raw mail: its headers are looked at, and all of it is kept as it came."""
        async with self._place(request.announced):
            raw = await request.buffered(self.max_mail, MAIL_PATIENCE)
            if not raw[: mail.HEAD_BYTES].strip():
                return problem(400, "empty", "The body is empty. Send the mail itself.")
            try:
                mail.check(raw)
            except InvalidEvent as error:
                return _invalid(error)
            key = await asyncio.to_thread(mail.delivery_key, raw, {})
            put = await self._put(request, source, mail.KIND, raw, key, key or "")
        return Answer(202, {"status": "accepted", "delivery_id": str(put.delivery_id)})

    @asynccontextmanager
    async def _place(self, size: int | None) -> AsyncIterator[None]:
        """A place for a large body, so that few of them are in memory together; 503 when full.

        A sender who waits is not read from: its bytes stay with it.
        """
        if size is not None and not LARGE < size <= self.max_mail:
            yield
            return
        try:
            async with asyncio.timeout(PLACE_PATIENCE):
                await self._places.acquire()
        except TimeoutError as error:
            words = "Too many large mails are coming in at once. Send this again."
            raise Refused(problem(503, "busy", words, headers={"Retry-After": "5"})) from error
        try:
            yield
        finally:
            self._places.release()

    async def _put(
        self,
        request: Request,
        source: Source,
        adapter: str,
        raw: bytes,
        delivery_key: str | None,
        dedup_key: str,
    ) -> Kept:
        item = _received(request, source, adapter, raw, delivery_key, dedup_key)
        return await self.store.put(item, kept.utc_now())


def _received(
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


def _signed(source: Source, raw: bytes, headers: Mapping[str, str]) -> bool:
    """GitHub signs when a secret is set; one of the two active secrets must fit."""
    if source.kind != "github" or not source.secrets:
        return True
    from apps.core.secrets import unseal

    header = headers.get("x-hub-signature-256", "")
    return any(verify_github(unseal(sealed), raw, header) for sealed in source.secrets)


def _invalid(error: InvalidEvent) -> Answer:
    status = 413 if error.code == "too_large" else 400
    extra = {"errors": list(error.errors)} if error.errors else {}
    return problem(status, error.code, error.message, **extra)
