"""`Idempotency-Key`: a retried POST gets the first answer instead of doing it again.

Same key and body: the first answer. Same key, other body: 422. The first still in flight: 409.
Keys belong to a principal and a route, and live a day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import Conflict, Invalid
from apps.core.models import IdempotencyKey


class Reused(Invalid):
    code = "idempotency_key_reused"
    status = 422


def once(
    request: Request, principal: str, act: Callable[[], Response], *, now: datetime
) -> Response:
    """Run `act` at most once for the request's key; without the header, simply run it."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return act()
    if len(key) > 255 or not key.isprintable():
        raise Invalid(
            "Idempotency-Key takes 1 to 255 printable characters.", code="idempotency_key"
        )
    digest = hashlib.sha256(request._request.body).hexdigest()
    with transaction.atomic():
        row, fresh = IdempotencyKey.objects.select_for_update().get_or_create(
            principal=principal,
            route=f"{request.method} {request.path}"[:300],
            key=key,
            defaults={"body_digest": digest, "created_at": now},
        )
        if not fresh:
            return _first_answer(row, digest)
        answer = act()
        row.status, row.answer = answer.status_code, _plain(answer.data)
        row.save(update_fields=["status", "answer"])
        return answer


def _first_answer(row: IdempotencyKey, digest: str) -> Response:
    if row.body_digest != digest:
        raise Reused("This Idempotency-Key was used with another body. Send a new key.")
    if row.status is None:
        raise Conflict("The first request with this Idempotency-Key is still running.")
    return Response(row.answer, status=row.status, headers={"Idempotent-Replay": "true"})


def _plain(data: Any) -> Any:
    """The answer as the JSON that went out."""
    import json

    from rest_framework.utils.encoders import JSONEncoder

    return json.loads(json.dumps(data, cls=JSONEncoder))
