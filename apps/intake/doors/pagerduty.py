"""`/v2/enqueue` and `/v2/change/enqueue`, with the answers that PagerDuty's clients expect."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from apps.core import safe_json
from apps.intake.adapters import pagerduty
from apps.intake.canonical import InvalidEvent
from apps.intake.store import Source, digest
from apps.intake.wire import Answer, Refused, Request

if TYPE_CHECKING:
    from apps.intake.asgi import IntakeApp


async def _routed(app: IntakeApp, raw: bytes) -> tuple[dict[str, Any], Source]:
    """The parsed body and the integration of its routing key, or PagerDuty's own 400."""
    try:
        data = safe_json.loads_object(raw, max_bytes=app.max_body)
    except safe_json.UnsafeJson as error:
        raise Refused(Answer(400, pagerduty.invalid([error.message]))) from error
    key = data.get("routing_key")
    source = None
    if isinstance(key, str) and key:
        source = await app.store.token(digest(key))
    if source is None or source.kind != "pagerduty":
        errors = ["'routing_key' is not the key of an integration here"]
        raise Refused(Answer(400, pagerduty.invalid(errors)))
    return data, source


async def _body(app: IntakeApp, request: Request) -> bytes:
    try:
        return await request.body(app.max_body)
    except Refused as refused:
        body = refused.answer.body
        detail = body if isinstance(body, str) else str(body["detail"])
        raise Refused(
            Answer(refused.answer.status, pagerduty.invalid([detail]), refused.answer.headers)
        ) from refused


async def enqueue(app: IntakeApp, request: Request) -> Answer:
    raw = await _body(app, request)
    data, source = await _routed(app, raw)
    _throttle(app, source)
    try:
        keys = pagerduty.validate(data, request.headers, fallback_key=uuid.uuid4().hex)
    except InvalidEvent as error:
        return Answer(400, pagerduty.invalid(error.errors or [error.message]))
    put = await app.keep(request, source, pagerduty.KIND, raw, None, keys[0] or "")
    return Answer(202, pagerduty.accepted(put.dedup_key))


async def enqueue_change(app: IntakeApp, request: Request) -> Answer:
    raw = await _body(app, request)
    data, source = await _routed(app, raw)
    _throttle(app, source)
    try:
        pagerduty.validate_change(data, request.headers)
    except InvalidEvent as error:
        return Answer(400, pagerduty.invalid(error.errors or [error.message]))
    await app.keep(request, source, pagerduty.KIND, raw, None, "")
    return Answer(202, pagerduty.accepted(None))


def _throttle(app: IntakeApp, source: Source) -> None:
    try:
        app.throttle(source)
    except Refused as refused:
        body = {"status": "throttle exceeded", "message": "Requests are arriving too quickly"}
        raise Refused(Answer(429, body, refused.answer.headers)) from refused
