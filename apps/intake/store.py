"""Where the intake path keeps what it took: one asynchronous pool, one statement a delivery.

This is the seam for group commit: the callable awaits `put` and answers when it returns, so a
store that gathers several callers into one statement changes nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

BATCH_PATIENCE = 20.0  # seconds for 10,000 rows
LARGE_PACE = 1024 * 1024  # bytes that the database takes in a second at the very least
POSTS = frozenset({"events:write", "telemetry:write", "admin"})  # scopes that post something
WAKE = "opsportal_wake"  # the channel that the engine listens to
USED_EVERY = timedelta(minutes=1)  # how exact "last used" is


class Away(Exception):
    """The database does not answer; the sender should try again."""


@dataclass(frozen=True)
class Source:
    """The integration behind a credential, as the intake path needs it."""

    integration_id: int
    kind: str
    rate: int | None
    secrets: tuple[str, ...] = field(default=(), repr=False)  # sealed; opened only to verify


@dataclass(frozen=True)
class Received:
    """One delivery to keep. `body` is what came, byte for byte."""

    integration_id: int
    adapter: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    remote_ip: str | None
    delivery_key: str | None
    dedup_key: str


@dataclass(frozen=True)
class Kept:
    """The delivery's id and the key that its sender is answered; a repeat has the first's."""

    delivery_id: int
    dedup_key: str
    repeat: bool
    same_body: bool = True


# A key rotated from another posts to the first one's integration: the chain leads there.
_KEY = """
WITH RECURSIVE mine AS (
    SELECT id, name, scopes, rate, team_id, rotated_from_id, last_used_at FROM accounts_apikey
    WHERE digest = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s)
), chain(id, up) AS (
    SELECT id, rotated_from_id FROM mine
    UNION ALL
    SELECT k.id, k.rotated_from_id FROM accounts_apikey k JOIN chain ON k.id = chain.up
)
SELECT mine.id, mine.name, mine.scopes, coalesce(mine.rate, i.rate), i.id, mine.team_id, chain.id,
    mine.last_used_at, i.archived_at
FROM mine JOIN chain ON chain.up IS NULL
LEFT JOIN intake_integration i ON i.api_key_id = chain.id
"""
_USED = "UPDATE accounts_apikey SET last_used_at = %s WHERE id = %s RETURNING id"
_NATIVE = """
INSERT INTO intake_integration
    (name, kind, api_key_id, team_id, token_hint, secret_sealed, secret_old_sealed, created_at)
VALUES (%s, 'native', %s, %s, '', '', '', %s)
ON CONFLICT (api_key_id) DO UPDATE SET api_key_id = excluded.api_key_id
RETURNING id
"""
_BY_DIGEST = """
SELECT id, kind, rate, secret_sealed, secret_old_sealed FROM intake_integration
WHERE digest = %s AND archived_at IS NULL
"""
_PUT = f"""
WITH kept AS (
    INSERT INTO intake_delivery (integration_id, adapter, received_at, remote_ip, headers, body,
        delivery_key, dedup_key, status, error, tries)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'received', '', 0)
    ON CONFLICT (integration_id, delivery_key) WHERE delivery_key IS NOT NULL DO NOTHING
    RETURNING id
) SELECT id, pg_notify('{WAKE}', 'delivery') FROM kept
"""  # noqa: S608 - the channel's name is ours
_FIRST = """
SELECT id, dedup_key, body = %s FROM intake_delivery WHERE integration_id = %s AND delivery_key = %s
"""


class Store:
    """A pool that opens on the first request of the running loop and survives restarts."""

    def __init__(self, conninfo: str, *, size: int = 8, patience: float = 2.0) -> None:
        self._conninfo = conninfo
        self._size = size
        self._patience = patience
        self._pool: AsyncConnectionPool[Any] | None = None
        self._opening = asyncio.Lock()

    async def _ready(self) -> AsyncConnectionPool[Any]:
        async with self._opening:
            if self._pool is None:
                pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
                    self._conninfo,
                    min_size=1,
                    max_size=self._size,
                    open=False,
                    timeout=self._patience,
                    kwargs={"autocommit": True, "connect_timeout": 2},
                    check=AsyncConnectionPool.check_connection,
                    reconnect_timeout=1.0,
                )
                await pool.open(wait=False)
                self._pool = pool
        return self._pool

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _rows(
        self, sql: str, params: Sequence[Any], *, size: int = 0
    ) -> list[tuple[Any, ...]]:
        """`size`: bytes of the body among the parameters; a large one may take its time."""
        patience = self._patience * 2 + size / LARGE_PACE
        try:
            pool = await self._ready()
            async with asyncio.timeout(patience), pool.connection() as connection:
                cursor = await connection.execute(sql, params)
                return list(await cursor.fetchall())
        except (psycopg.OperationalError, PoolTimeout, TimeoutError, OSError) as error:
            raise Away from error

    async def key(self, digest: str, now: datetime) -> tuple[list[str], Source] | None:
        """The scopes and native integration of a usable API key; None for any other text."""
        rows = await self._rows(_KEY, [digest, now])
        if not rows:
            return None
        key_id, name, scopes, rate, integration_id, team_id, root, used, archived_at = rows[0]
        if archived_at is not None:
            return None
        if used is None or now - used > USED_EVERY:
            await self._rows(_USED, [now, key_id])
        if integration_id is None and POSTS & set(scopes):
            made = await self._rows(_NATIVE, [name, root, team_id, now])
            integration_id = made[0][0]
        source = Source(integration_id or 0, "native", rate)
        return list(scopes), source

    async def token(self, digest: str) -> Source | None:
        """The integration whose URL token or routing key has this digest."""
        rows = await self._rows(_BY_DIGEST, [digest])
        if not rows:
            return None
        pk, kind, rate, secret, old = rows[0]
        return Source(pk, kind, rate, tuple(s for s in (secret, old) if s))

    async def rows(self, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        """What a door of its own has to look up before it answers."""
        return await self._rows(sql, params)

    async def put(self, item: Received, now: datetime) -> Kept:
        """Commit one delivery; when this returns it survives a crash."""
        size = len(item.body)
        rows = await self._rows(_PUT, _values(item, now), size=size)
        if rows:
            return Kept(rows[0][0], item.dedup_key, repeat=False)
        asked = [item.body, item.integration_id, item.delivery_key]
        pk, dedup_key, same_body = (await self._rows(_FIRST, asked, size=size))[0]
        return Kept(pk, dedup_key, repeat=True, same_body=same_body)

    async def put_many(self, items: Sequence[Received], now: datetime) -> None:
        """Commit a batch, all of it or nothing: one round of writing, one flush to disk.

        What was kept before under the same delivery key stays as it is.
        """
        try:
            pool = await self._ready()
            async with (
                asyncio.timeout(BATCH_PATIENCE),
                pool.connection() as connection,
                connection.transaction(),
                connection.cursor() as cursor,
            ):
                await cursor.executemany(_PUT, [_values(item, now) for item in items])
        except (psycopg.OperationalError, PoolTimeout, TimeoutError, OSError) as error:
            raise Away from error


def _values(item: Received, now: datetime) -> list[Any]:
    """The parameters of `_PUT`."""
    return [
        item.integration_id,
        item.adapter,
        now,
        item.remote_ip,
        json.dumps(dict(item.headers)),
        item.body,
        item.delivery_key,
        item.dedup_key,
    ]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def utc_now() -> datetime:
    """The door's clock: intake has no Django around it."""
    return datetime.now(UTC)  # noqa: TID251 - this is a door
