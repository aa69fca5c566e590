"""`/ping/<uuid>` and `/ping/<ping-key>/<slug>`: jobs say that they ran, with curl and no more.

Answers are plain words, as tools of this style expect them. What was answered OK is kept; the
engine decides what it means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apps.intake.adapters import ping
from apps.intake.adapters.ping import BadPing, Ping
from apps.intake.store import Source, digest
from apps.intake.wire import Answer, Request

if TYPE_CHECKING:
    from apps.intake.asgi import IntakeApp

LIMIT: Final = {"Ping-Body-Limit": str(ping.MAX_BODY)}
NOT_FOUND: Final = Answer(404, "not found")
# The heartbeats stand in an app above; their addresses are looked up here all the same, because
# a 404 has to be known before the answer.
_BY_UUID: Final = """
SELECT h.uuid, i.id, i.kind, i.rate FROM alerts_heartbeat h
JOIN intake_integration i ON i.id = h.integration_id
WHERE h.uuid = %s AND h.own_job = '' AND h.archived_at IS NULL AND i.archived_at IS NULL
"""
_BY_SLUG: Final = """
SELECT uuid FROM alerts_heartbeat
WHERE integration_id = %s AND slug = %s AND own_job = '' AND archived_at IS NULL
"""
_ON_ITS_WAY: Final = """
SELECT 1 FROM intake_delivery
WHERE integration_id = %s AND status = 'received' AND dedup_key = %s LIMIT 1
"""


async def beat(app: IntakeApp, request: Request) -> Answer:
    try:
        asked = ping.asked(request.path, request.query)
    except BadPing as bad:
        return Answer(400, str(bad))
    if asked is None:
        return NOT_FOUND
    found = await (_by_uuid(app, asked) if asked.uuid else _by_key(app, asked))
    if found is None:
        return NOT_FOUND
    source, dedup_key, fresh = found
    app.throttle(source)
    printed = await request.beginning(ping.MAX_BODY)
    await app.keep(request, source, ping.KIND, ping.written(asked, printed), None, dedup_key)
    answer = Answer(201, "Created", LIMIT) if fresh else Answer(200, "OK", LIMIT)
    return answer if request.ended else answer.with_headers(Connection="close")


async def _by_uuid(app: IntakeApp, asked: Ping) -> tuple[Source, str, bool] | None:
    rows = await app.store.rows(_BY_UUID, [asked.uuid])
    if not rows:
        return None
    uuid, integration_id, kind, rate = rows[0]
    return Source(integration_id, kind, rate), ping.dedup_key(uuid), False


async def _by_key(app: IntakeApp, asked: Ping) -> tuple[Source, str, bool] | None:
    """The heartbeat of a slug; one that is to be made now, or is on its way to be, is there too."""
    source = await app.store.token(digest(asked.key))
    if source is None or source.kind != ping.KIND:
        return None
    rows = await app.store.rows(_BY_SLUG, [source.integration_id, asked.slug])
    if rows:
        return source, ping.dedup_key(rows[0][0]), False
    coming = f"hb:new:{asked.slug}"
    if await app.store.rows(_ON_ITS_WAY, [source.integration_id, coming]):
        return source, coming, False
    return (source, coming, True) if asked.create else None
