"""`/api/v1/events` and its batch: native events and CloudEvents, with an API key."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from apps.intake import store as kept
from apps.intake.adapters import checked_adapter_for, cloudevents, native
from apps.intake.canonical import InvalidEvent, parse_body
from apps.intake.wire import Answer, Request, invalid, problem, received

if TYPE_CHECKING:
    from apps.intake.asgi import IntakeApp

MAX_LINES: Final = 10_000
EVENTS_WRITE: Final = "events:write"


async def event(app: IntakeApp, request: Request) -> Answer:
    source = await app.source_of_key(request, EVENTS_WRITE)
    app.throttle(source)
    raw = await request.body(app.max_body)
    adapter = checked_adapter_for(request.headers)
    try:
        parsed = parse_body(raw, allow_array=adapter is cloudevents)
        fallback = f"auto:{uuid.uuid4().hex}"
        keys = adapter.validate(parsed, request.headers, fallback_key=fallback)
        delivery_key = adapter.delivery_key(parsed, request.headers)
    except InvalidEvent as error:
        return invalid(error)
    put = await app.keep(request, source, adapter.KIND, raw, delivery_key, keys[0] or "")
    if not put.same_body and (delivery_key or "").startswith("idempotency-key:"):
        text = "This Idempotency-Key was used with another body. Send a new key."
        return problem(422, "idempotency_key_reused", text)
    body: dict[str, Any] = {"status": "accepted", "delivery_id": str(put.delivery_id)}
    if len(keys) > 1:
        body["dedup_keys"] = keys
    elif put.dedup_key:
        body["dedup_key"] = put.dedup_key
    return Answer(202, body)


async def batch(app: IntakeApp, request: Request) -> Answer:
    source = await app.source_of_key(request, EVENTS_WRITE)
    raw = await request.body(app.max_batch)
    lines = raw.split(b"\n")
    if len(lines) > MAX_LINES + 1:
        return problem(413, "too_many_lines", f"A batch takes at most {MAX_LINES} lines.")
    numbered = [(n, line) for n, line in enumerate(lines, start=1) if line.strip()]
    app.throttle(source, len(numbered))
    items, rejected = [], []
    for number, line in numbered:
        try:
            dedup_key, delivery_key = _checked_line(line, app.max_body)
        except InvalidEvent as error:
            rejected.append({"line": number, "code": error.code, "detail": error.message})
            continue
        items.append(received(request, source, native.KIND, line, delivery_key, dedup_key))
    if items:
        await app.store.put_many(items, kept.utc_now())
    return Answer(202, {"accepted": len(items), "rejected": rejected})


def _checked_line(line: bytes, max_body: int) -> tuple[str, str | None]:
    """The dedup key and the delivery key of one line of a batch; InvalidEvent."""
    if len(line) > max_body:
        raise InvalidEvent("too_large", "The line is too long.")
    parsed = parse_body(line)
    keys = native.validate(parsed, {}, fallback_key=f"auto:{uuid.uuid4().hex}")
    return keys[0] or "", native.delivery_key(parsed, {})
