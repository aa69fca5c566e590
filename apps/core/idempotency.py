"""`Idempotency-Key`: a retried POST gets the first answer instead of doing it again.

Same key and body: the first answer. Same key, other body: 422. The first still in flight: 409.
Keys belong to a principal and a route, and live a day. What was refused did nothing and is not
kept: the same key may try again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from apps.core.errors import Conflict, Invalid
from apps.core.models import IdempotencyKey


class Reused(Invalid):
    """The key came with another body before."""

    code = "idempotency_key_reused"
    status = 422


class InFlight(Conflict):
    """The first request with this key is not answered yet."""

    code = "idempotency_key_in_flight"


def once(
    request: Request, principal: str, act: Callable[[], Response], *, now: datetime
) -> Response:
    """Run `act` at most once for the request's key; without the header, simply run it.

    The deed and the record of its answer are one transaction. Call it before anything reads
    `request.data`: the raw body is part of what makes two requests the same.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return act()
    if not 1 <= len(key) <= 255 or not (key.isascii() and key.isprintable()):
        raise Invalid(
            "Idempotency-Key takes 1 to 255 printable ASCII characters.", code="idempotency_key"
        )
    names = {"principal": principal, "route": f"{request.method} {request.path}"[:300], "key": key}
    body = hashlib.sha256(request._request.body).hexdigest()
    with transaction.atomic():
        if not _mine(names):
            raise InFlight("The first request with this Idempotency-Key is still running.")
        row = IdempotencyKey.objects.filter(**names).first()
        if row is not None:
            return _first_answer(row, body)
        answer = act()
        IdempotencyKey.objects.create(
            **names,
            body_digest=body,
            created_at=now,
            status=answer.status_code,
            answer=_plain(answer.data),
        )
        return answer


def _mine(names: dict[str, str]) -> bool:
    """Whether nobody else works under this key just now; the lock ends with the transaction."""
    digest = hashlib.sha256("\n".join(names.values()).encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        row = cursor.fetchone()
    return bool(row and row[0])


def _first_answer(row: IdempotencyKey, body: str) -> Response:
    if row.body_digest != body:
        raise Reused("This Idempotency-Key was used with another body. Send a new key.")
    return Response(row.answer, status=row.status, headers={"Idempotent-Replay": "true"})


def _plain(data: Any) -> Any:
    """The answer as the JSON that went out."""
    return json.loads(json.dumps(data, cls=JSONEncoder))
