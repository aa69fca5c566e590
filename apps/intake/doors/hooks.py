"""`/hooks/<token>/<kind>`: what vendors post, each with its own rule of signing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from apps.intake.adapters import ADAPTERS, mail
from apps.intake.canonical import InvalidEvent
from apps.intake.signatures import verify
from apps.intake.store import Source, digest
from apps.intake.wire import Answer, Request, invalid, problem

if TYPE_CHECKING:
    from apps.intake.asgi import IntakeApp

MAIL_PATIENCE: Final = 100.0  # seconds in which a large mail must be here
HOOKS: Final = frozenset(
    {"alertmanager", "fivetran", "gcp", "github", "grafana", "mail", "sentry", "stripe"}
)


async def hook(app: IntakeApp, request: Request) -> Answer:
    _, _, token, kind, *rest = [*request.path.split("/"), "", ""]
    source = None
    if token and kind in HOOKS and not any(rest):
        source = await app.store.token(digest(token))
    if source is None or source.kind != kind:
        return problem(404, "not_found", "There is no integration at this address.")
    app.throttle(source, hook=True)
    if kind == mail.KIND:
        return await _mail(app, request, source)
    raw = await request.body(app.max_body)
    if not _signed(source, raw, request.headers):
        return problem(401, "bad_signature", "The signature does not fit the body and secret.")
    delivery_key = None
    with suppress(InvalidEvent):  # kept all the same, and set aside by the engine
        delivery_key = ADAPTERS[kind].delivery_key(raw, request.headers)
    put = await app.keep(request, source, kind, raw, delivery_key, "")
    return Answer(202, {"status": "accepted", "delivery_id": str(put.delivery_id)})


async def _mail(app: IntakeApp, request: Request, source: Source) -> Answer:
    """A raw mail: its headers are looked at, and all of it is kept as it came."""
    async with app.place(request.announced):
        raw = await request.buffered(app.max_mail, MAIL_PATIENCE)
        if not raw[: mail.HEAD_BYTES].strip():
            return problem(400, "empty", "The body is empty. Send the mail itself.")
        try:
            mail.check(raw)
        except InvalidEvent as error:
            return invalid(error)
        key = await asyncio.to_thread(mail.delivery_key, raw, {})
        put = await app.keep(request, source, mail.KIND, raw, key, key or "")
    return Answer(202, {"status": "accepted", "delivery_id": str(put.delivery_id)})


def _signed(source: Source, raw: bytes, headers: Mapping[str, str]) -> bool:
    """Whether one of the active secrets fits, for a kind that signs and a secret that is set."""
    if not source.secrets:
        return True
    from apps.core.secrets import unseal

    opened = [unseal(sealed) for sealed in source.secrets]
    fits = verify(source.kind, secrets=opened, body=raw, headers=headers, now=time.time())
    return fits is not False  # None: this kind has nothing to verify
