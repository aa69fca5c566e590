"""One address for users: intake paths go to the lean callable, everything else to Django.

Django runs as WSGI in a bounded thread pool (a2wsgi): its own ASGI handler costs many times the
CPU. Bodies are buffered first: a2wsgi would hand a chunked one on as an empty one, and a thread
that waits for a slow sender is a thread less for everybody.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsportal.settings.prod")
os.environ.setdefault("DB_POOL", "1")  # this is the web process: the one place for the pool

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from apps.intake.asgi import IntakeApp
from apps.intake.limits import LARGE_AT_ONCE
from apps.intake.store import Store
from apps.intake.wire import Receive, Refused, Request, Send, problem, send_answer, settle
from opsportal.database import conninfo

# Pages with files, and how long a large body of one may wait for a place, and take to come.
UPLOADS = ("/tickets/", "/requests/", "/report/")
WAIT, COMES_WITHIN = 10.0, 120.0  # seconds


class OnePlace:
    """The ASGI application: routes, buffers chunked bodies, closes the pool at the end."""

    def __init__(self) -> None:
        django: Any = get_wsgi_application()  # a2wsgi and Django type WSGI differently
        self.django: Any = WSGIMiddleware(django, workers=8)
        self.intake: IntakeApp | None = None
        self._places = asyncio.Semaphore(LARGE_AT_ONCE)

    def _intake(self) -> IntakeApp:
        if self.intake is None:
            self.intake = IntakeApp(
                Store(conninfo()),
                max_body=settings.INTAKE_MAX_BODY,
                max_batch=settings.INTAKE_MAX_BATCH_BODY,
                default_rate=settings.INTAKE_RATE_DEFAULT,
            )
        return self.intake

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            intake = self._intake()
            if intake.handles(scope["path"], scope["method"]):
                await intake(scope, receive, send)
            else:
                await self._to_django(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                if self.intake is not None:
                    await self.intake.store.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _to_django(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Hand a whole request on: a slow sender waits here and never holds one of the threads."""
        headers = dict(scope["headers"])
        if b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0":
            request = Request(scope, receive)
            try:
                async with self._place(request):
                    await self._whole(request, scope, send)
            except Refused as refused:
                await send_answer(send, await settle(request, refused.answer), request.id)
            return
        await self.django(scope, receive, send)

    async def _whole(self, request: Request, scope: dict[str, Any], send: Send) -> None:
        large = self._is_large(request)
        cap = settings.UPLOAD_MAX_BODY if large else settings.DJANGO_MAX_BODY
        raw = await request.buffered(cap, COMES_WITHIN if large else None)
        dropped = (b"transfer-encoding", b"content-length")
        kept = [(name, value) for name, value in scope["headers"] if name not in dropped]
        scope = {**scope, "headers": [*kept, (b"content-length", str(len(raw)).encode())]}
        await self.django(scope, _replay(raw), send)

    @staticmethod
    def _is_large(request: Request) -> bool:
        """Files on their way to a page that takes some; who sends many must say how much."""
        files = request.path.startswith(UPLOADS)
        return files and (request.announced or 0) > settings.DJANGO_MAX_BODY

    @asynccontextmanager
    async def _place(self, request: Request) -> AsyncIterator[None]:
        """Only so many large bodies are in memory at once; the next one waits a moment."""
        if not self._is_large(request):
            yield
            return
        try:
            async with asyncio.timeout(WAIT):
                await self._places.acquire()
        except TimeoutError as error:
            words = "Many files are being sent just now. Send this again in a moment."
            answer = problem(503, "busy", words, headers={"Retry-After": "10"})
            raise Refused(answer) from error
        try:
            yield
        finally:
            self._places.release()


def _replay(raw: bytes) -> Receive:
    """A receive that gives the buffered body once."""
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": raw, "more_body": False}

    return receive


application = OnePlace()
