"""`/api/v1/telemetry/…`: what tools measure, one object or a line each, with an API key.

A request is one delivery, whatever it holds. Each line is read before the answer, so that a sender
hears of a bad one at once; only lines that can be taken are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from apps.intake import store as kept
from apps.intake.canonical import MAX_KEY, FieldError, InvalidEvent, header
from apps.intake.readings import MAX_LINE, MAX_LINES, Rejected, sift
from apps.intake.wire import Answer, Request, invalid, problem, received

if TYPE_CHECKING:
    from apps.intake.asgi import IntakeApp

TELEMETRY_WRITE: Final = "telemetry:write"
IDEMPOTENCY: Final = "Idempotency-Key"
_FIRST: Final = "SELECT received_at, body FROM intake_delivery WHERE id = %s"
APART: Final = 64 * 1024  # bytes: a longer body is read beside the loop, which answers others


def opens(kind: str) -> Callable[[IntakeApp, Request], Awaitable[Answer]]:
    """The door for bodies of a kind in `READINGS`."""

    async def door(app: IntakeApp, request: Request) -> Answer:
        return await _take(app, request, kind)

    return door


async def _take(app: IntakeApp, request: Request, kind: str) -> Answer:
    source = await app.source_of_key(request, TELEMETRY_WRITE)
    raw = await request.body(app.max_batch)
    lines = raw.strip().count(b"\n") + 1
    if lines > MAX_LINES:
        words = f"A request takes at most {MAX_LINES} lines. Send the rest in another."
        return problem(413, "too_many_lines", words)
    app.throttle(source, lines)
    try:
        key = _delivery_key(request, kind)
    except InvalidEvent as error:
        return invalid(error)
    now = kept.utc_now()
    accepted, body, rejected = await _sifted(app, kind, raw, now)
    if not accepted:
        return _all_refused(rejected)
    item = received(request, source, kind, body, key, "")
    put = await app.store.put(item, now)
    if not put.same_body:
        first = await _read_as_then(app, kind, raw, put.delivery_id)
        if first is None:
            return _reused()
        accepted, rejected = first
    return Answer(
        202,
        {
            "status": "accepted",
            "delivery_id": str(put.delivery_id),
            "accepted": accepted,
            "rejected": [line.shown for line in rejected],
        },
    )


def _reused() -> Answer:
    text = "This Idempotency-Key was used with another body. Send a new key."
    return problem(422, "idempotency_key_reused", text)


async def _read_as_then(
    app: IntakeApp, kind: str, raw: bytes, first: int
) -> tuple[int, list[Rejected]] | None:
    """What was answered to the first of two requests, if they are one: what can be taken of the
    same lines depends on when they came. None for another body."""
    rows = await app.store.rows(_FIRST, [first])
    received_at, body = rows[0]
    accepted, then, rejected = await _sifted(app, kind, raw, received_at)
    return (accepted, rejected) if then == bytes(body) else None


async def _sifted(
    app: IntakeApp, kind: str, raw: bytes, now: datetime
) -> tuple[int, bytes, list[Rejected]]:
    longest = min(app.max_body, MAX_LINE)
    if len(raw) <= APART:
        return sift(kind, raw, received_at=now, max_line=longest)
    return await asyncio.to_thread(sift, kind, raw, received_at=now, max_line=longest)


def _delivery_key(request: Request, kind: str) -> str | None:
    """The sender's `Idempotency-Key`, one for each address: a repeat is the same delivery."""
    key = header(request.headers, IDEMPOTENCY)
    if key is None:
        return None
    if len(key) > MAX_KEY:
        error = FieldError(field=IDEMPOTENCY, message=f"is longer than {MAX_KEY}")
        raise InvalidEvent("invalid", f"The {IDEMPOTENCY} is longer than {MAX_KEY}.", [error])
    return f"{kind}:{key}"


def _all_refused(rejected: list[Rejected]) -> Answer:
    """Nothing could be taken: one bad object says why, many lines say which and why."""
    if not rejected:
        return problem(400, "empty", "The body has no lines. Send one JSON object a line.")
    first = rejected[0]
    extra: dict[str, Any] = {"errors": list(first.errors)} if first.errors else {}
    if len(rejected) > 1:
        words = f"None of the {len(rejected)} lines can be taken. The first: {first.detail}"
        shown = [line.shown for line in rejected]
        return problem(400, "all_rejected", words, accepted=0, rejected=shown, **extra)
    status = 413 if first.code == "too_large" else 400
    return problem(status, first.code, first.detail, **extra)
