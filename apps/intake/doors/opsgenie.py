"""`/v2/alerts` and below: what Opsgenie's clients post, with the answers that they expect."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, Final

from apps.core.safe_json import scrub_text
from apps.intake.adapters import opsgenie
from apps.intake.canonical import InvalidEvent, fit_key
from apps.intake.store import Source, digest
from apps.intake.wire import Answer, Refused, Request

if TYPE_CHECKING:
    from apps.intake.asgi import IntakeApp

ROOT: Final = "/v2/alerts/"


async def create(app: IntakeApp, request: Request) -> Answer:
    """A new alert, or one more of an alias that stands."""
    return await _done(app, request, "create", "")


async def act(app: IntakeApp, request: Request) -> Answer:
    """`/v2/alerts/<alias>/acknowledge`, `/close` or `/notes`."""
    alias, verb = address(request.path)
    if not alias or verb == "create" or verb not in opsgenie.VERBS:
        return _problem(404, "There is nothing at this address.")
    return await _done(app, request, verb, alias)


def address(path: str) -> tuple[str, str]:
    """The alias and the verb of a path that is decoded already: an alias may hold slashes."""
    alias, _, verb = path.removeprefix(ROOT).rpartition("/")
    return scrub_text(alias), verb


async def _done(app: IntakeApp, request: Request, verb: str, alias: str) -> Answer:
    started = time.monotonic()
    source = await _source(app, request)
    raw = await _body(app, request)
    request.headers[opsgenie.VERB] = verb
    made = str(uuid.uuid4())
    try:
        keys = opsgenie.validate(raw, request.headers, fallback_key=alias or made)
    except InvalidEvent as error:
        status = 413 if error.code == "too_large" else 422
        return _problem(status, error.message, {e["field"]: e["message"] for e in error.errors})
    await app.keep(request, source, opsgenie.KIND, raw, None, fit_key(keys[0]) or "")
    return _answer(202, {"result": "Request will be processed"}, made, time.monotonic() - started)


async def _source(app: IntakeApp, request: Request) -> Source:
    """The integration of `Authorization: GenieKey <key>`; a 401, or a 429 that clients retry."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    source = None
    if scheme.lower() == "geniekey" and key.strip():
        source = await app.store.token(digest(key.strip()))
    if source is None or source.kind != opsgenie.KIND:
        words = "This needs the key of an integration here, as Authorization: GenieKey <key>."
        raise Refused(_problem(401, words))
    try:
        app.throttle(source)
    except Refused as refused:
        answer = _problem(429, "You are making too many requests.")
        raise Refused(answer.with_headers(**refused.answer.headers)) from refused
    return source


async def _body(app: IntakeApp, request: Request) -> bytes:
    """The body, which may be empty, within the size of an event."""
    try:
        return await request.buffered(app.max_body)
    except Refused as refused:
        body = refused.answer.body
        detail = body if isinstance(body, str) else str(body["detail"])
        raise Refused(_problem(refused.answer.status, detail)) from refused


def _problem(status: int, message: str, errors: dict[str, str] | None = None) -> Answer:
    body: dict[str, Any] = {"message": message, **({"errors": errors} if errors else {})}
    return _answer(status, body, str(uuid.uuid4()), 0.0)


def _answer(status: int, body: dict[str, Any], request_id: str, took: float) -> Answer:
    return Answer(status, {**body, "took": round(took, 3), "requestId": request_id})
