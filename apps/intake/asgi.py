"""The event path: a lean ASGI callable in front of Django.

It authenticates, checks size, parses safely what must be answered with a key, commits the raw
delivery, and answers. Nothing else happens before the answer; the engine does the rest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import structlog

from apps.intake import store as kept
from apps.intake.doors import door_of
from apps.intake.limits import LARGE, LARGE_AT_ONCE, MAX_MAIL, RateLimit
from apps.intake.store import Away, Kept, Source, Store, digest
from apps.intake.wire import (
    Answer,
    Receive,
    Refused,
    Request,
    Scope,
    Send,
    problem,
    received,
    send_answer,
    settle,
)

log = structlog.get_logger("opsportal.intake")
PLACE_PATIENCE = 10.0  # seconds that one waits for a place among the large ones
NO_KEY = "This needs a valid API key. Send it as Authorization: Bearer opk_…"


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

    def handles(self, path: str, method: str = "") -> bool:
        """Whether a request is for one of the doors; without a method, whether any may be."""
        door = door_of(path)
        if door is None:
            return False
        return not (door.shared and method) or method in door.methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = await settle(request, await self._guarded(request))
        door = door_of(request.path)
        route = door.shown if door else "?"  # a path may hold a token
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
        door = door_of(request.path)
        if door is None:
            return problem(404, "not_found", "There is nothing at this address.")
        if request.method not in door.methods:
            allowed = ", ".join(door.methods)
            words = f"Send a {door.methods[-1]} here."
            return problem(405, "method_not_allowed", words, headers={"Allow": allowed})
        return await door.open(self, request)

    # -- what the doors share

    async def source_of_key(self, request: Request, scope: str) -> Source:
        """The native integration of the request's API key, which must have the scope."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        found = None
        if scheme.lower() == "bearer" and text.strip():
            found = await self.store.key(digest(text.strip()), kept.utc_now())
        if found is None:
            log.warning("bad key", request_id=request.id, given=bool(text))
            challenge = {"WWW-Authenticate": 'Bearer realm="opsportal"'}
            raise Refused(problem(401, "not_authenticated", NO_KEY, headers=challenge))
        scopes, source = found
        if not {scope, "admin"} & set(scopes):
            raise Refused(problem(403, "not_allowed", f"This key lacks the scope {scope}."))
        return source

    def throttle(self, source: Source, cost: int = 1, *, hook: bool = False) -> None:
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

    @asynccontextmanager
    async def place(self, size: int | None) -> AsyncIterator[None]:
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

    async def keep(
        self,
        request: Request,
        source: Source,
        adapter: str,
        raw: bytes,
        delivery_key: str | None,
        dedup_key: str,
    ) -> Kept:
        """Commit one delivery; the answer may only be given after it."""
        item = received(request, source, adapter, raw, delivery_key, dedup_key)
        return await self.store.put(item, kept.utc_now())
