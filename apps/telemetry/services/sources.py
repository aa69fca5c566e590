# ruff: noqa: S608 - what is put into statements are names written in this module
"""Profiled sources: found or made as runs come in, and what a person says of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.customers.models import Connection
from apps.intake.models import Integration
from apps.ownership.models import Surface
from apps.telemetry.models import ProfiledSource
from apps.telemetry.services import bulk

Key = tuple[str, str, str]  # org, project, source, as the sender names them
_MOST = 366 * 86_400  # seconds
_KEY_COLUMNS = {"org": "text", "project": "text", "name": "text"}
_NEW_COLUMNS = {
    **_KEY_COLUMNS,
    "warehouse_type": "text",
    "connection_id": "bigint",
    "surface_id": "bigint",
    "first_seen_at": "timestamptz",
}
_SEEN_COLUMNS = {
    "id": "bigint",
    "warehouse_type": "text",
    "connection_id": "bigint",
    "surface_id": "bigint",
    "first_seen_at": "timestamptz",
    "last_finished_at": "timestamptz",
    "last_outcome": "text",
    "last_success_at": "timestamptz",
}


@dataclass(frozen=True, slots=True)
class Known:
    """A source as it stands in the database."""

    pk: int
    surface_id: int | None


@dataclass(slots=True)
class Seen:
    """What a batch says of one source."""

    at: datetime  # the earliest moment that it speaks of
    latest: datetime
    warehouse_type: str = ""
    connection: str = ""
    surface_id: int | None = None
    last_finished_at: datetime | None = None
    last_outcome: str = ""
    last_success_at: datetime | None = None


@dataclass(slots=True)
class Surfaces:
    """Which surface a row belongs to, for one integration."""

    integration: Integration
    by_key: Mapping[str, Surface] = field(default_factory=dict)
    own: frozenset[int] = frozenset()  # the integration's surface and its facets

    @classmethod
    def of(cls, integration: Integration, named: Iterable[str]) -> Surfaces:
        """Load what may be meant: the surfaces named, and the facets of the integration's own."""
        own = integration.surface_id
        found = Surface.objects.filter(
            Q(key__in={key for key in named if key}) | Q(parent_id=own, parent__isnull=False)
        )
        by_key = {row.key: row for row in found}
        if own is None:
            return cls(integration, by_key)
        facets = {row.pk for row in by_key.values() if row.parent_id == own}
        return cls(integration, by_key, frozenset({own, *facets}))

    def named(self, key: str) -> int | None:
        """The surface that the sender names, where it may."""
        row = self.by_key.get(key)
        if row is None or row.archived_at is not None or not self.integration.speaks_for(row):
            return None
        return row.pk

    def facet(self, facet: str) -> int | None:
        """The integration's surface for a warehouse type: its facet, else the surface itself."""
        own = self.integration.surface
        if own is None:
            return None
        row = self.by_key.get(f"{own.key}.{facet}")
        usable = row is not None and row.parent_id == own.pk and row.archived_at is None
        return row.pk if row is not None and usable else own.pk

    def of_row(self, named: str, facet: str = "", source: int | None = None) -> int | None:
        """The surface of a row: the named one, else what a person gave its source, else the
        facet's. Among the integration's surface and its facets, the warehouse type chooses.
        """
        if found := self.named(named):
            return found
        chosen = source is not None and source not in self.own
        return source if chosen else self.facet(facet)


def known(integration: Integration, keys: Iterable[Key]) -> dict[Key, Known]:
    """Which of these sources there are."""
    rows = bulk.fetch(
        "SELECT s.org, s.project, s.name, s.id, s.surface_id"
        f" FROM {bulk.table(_KEY_COLUMNS)} JOIN telemetry_profiledsource s"
        " ON s.org = x.org AND s.project = x.project AND s.name = x.name"
        " WHERE s.integration_id = %s",
        bulk.as_json(dict(zip(_KEY_COLUMNS, key, strict=True)) for key in keys),
        integration.pk,
    )
    return {(org, project, name): Known(pk, surface) for org, project, name, pk, surface in rows}


def make(integration: Integration, seen: Mapping[Key, Seen]) -> dict[Key, Known]:
    """Sources that were not known; in order, so that two who make them wait and do not block."""
    connections = _connections(seen.values())
    rows = [
        {
            **dict(zip(_KEY_COLUMNS, key, strict=True)),
            "warehouse_type": one.warehouse_type,
            "connection_id": connections.get(one.connection),
            "surface_id": one.surface_id,
            "first_seen_at": one.at,
        }
        for key, one in sorted(seen.items(), key=itemgetter(0))
    ]
    bulk.run(
        f"INSERT INTO telemetry_profiledsource (integration_id, last_outcome, "
        f"{bulk.names(_NEW_COLUMNS)}) SELECT %s, '', {bulk.names(_NEW_COLUMNS)}"
        f" FROM {bulk.table(_NEW_COLUMNS)} ON CONFLICT DO NOTHING",
        integration.pk,
        bulk.as_json(rows),
    )
    return known(integration, seen)


def _connections(seen: Iterable[Seen]) -> dict[str, int]:
    keys = {one.connection for one in seen if one.connection}
    if not keys:
        return {}
    return dict(Connection.objects.current().filter(key__in=keys).values_list("key", "pk"))


def note(*, surfaces: Surfaces, seen: Mapping[Key, Seen], known: Mapping[Key, Known]) -> None:
    """Keep what a batch says of its sources: the last end, the last success, what was not known.

    What a person set stays: a sender fills what is empty, and moves a source only among the
    integration's own surfaces.
    """
    connections = _connections(seen.values())
    rows = [
        {
            "id": known[key].pk,
            "warehouse_type": one.warehouse_type,
            "connection_id": connections.get(one.connection),
            "surface_id": one.surface_id,
            "first_seen_at": one.at,
            "last_finished_at": one.last_finished_at,
            "last_outcome": one.last_outcome,
            "last_success_at": one.last_success_at,
        }
        for key, one in seen.items()
    ]
    bulk.run(_NOTE, list(surfaces.own), bulk.as_json(rows))


_NOTE = f"""
UPDATE telemetry_profiledsource s SET
  warehouse_type = CASE WHEN x.warehouse_type <> '' AND (s.last_finished_at IS NULL
      OR x.last_finished_at >= s.last_finished_at OR s.warehouse_type = '')
    THEN x.warehouse_type ELSE s.warehouse_type END,
  connection_id = COALESCE(s.connection_id, x.connection_id),
  surface_id = CASE WHEN s.surface_id IS NULL OR (s.surface_id = ANY(%s)
      AND (s.last_finished_at IS NULL OR x.last_finished_at >= s.last_finished_at))
    THEN COALESCE(x.surface_id, s.surface_id) ELSE s.surface_id END,
  archived_at = CASE WHEN x.last_finished_at > s.archived_at THEN NULL ELSE s.archived_at END,
  first_seen_at = LEAST(s.first_seen_at, x.first_seen_at),
  last_outcome = CASE WHEN x.last_finished_at IS NOT NULL AND (s.last_finished_at IS NULL
      OR x.last_finished_at >= s.last_finished_at) THEN x.last_outcome ELSE s.last_outcome END,
  last_finished_at = GREATEST(s.last_finished_at, x.last_finished_at),
  last_success_at = GREATEST(s.last_success_at, x.last_success_at)
FROM {bulk.table(_SEEN_COLUMNS)}
WHERE s.id = x.id
"""


@transaction.atomic
def change_source(
    *,
    source: ProfiledSource,
    cadence_seconds: int | None,
    max_age_seconds: int | None,
    paused: bool,
    connection: Connection | None,
    surface: Surface | None,
    actor: Actor,
    now: datetime,
) -> ProfiledSource:
    """Say how often a source should run, how old its profile may get, and where it belongs.

    A paused source is neither late nor missing. Times are seconds; None where none is known.
    """
    _check({"cadence_seconds": cadence_seconds, "max_age_seconds": max_age_seconds})
    row = ProfiledSource.objects.select_for_update().get(pk=source.pk)
    row.cadence_seconds, row.max_age_seconds = cadence_seconds, max_age_seconds
    row.connection, row.surface = connection, surface
    row.paused_at = (row.paused_at or now) if paused else None
    row.save(
        update_fields=["cadence_seconds", "max_age_seconds", "connection", "surface", "paused_at"]
    )
    return row


@transaction.atomic
def archive_source(*, source: ProfiledSource, actor: Actor, now: datetime) -> ProfiledSource:
    """Take a source that is gone out of the lists; its runs stay. A run of it brings it back."""
    ProfiledSource.objects.filter(pk=source.pk, archived_at=None).update(archived_at=now)
    source.refresh_from_db()
    return source


@transaction.atomic
def restore_source(*, source: ProfiledSource, actor: Actor) -> ProfiledSource:
    """Expect a source to be profiled again."""
    ProfiledSource.objects.filter(pk=source.pk).update(archived_at=None)
    source.refresh_from_db()
    return source


def _check(given: Mapping[str, int | None]) -> None:
    wrong: dict[str, Any] = {
        name: ["Between a minute and a year, in seconds."]
        for name, seconds in given.items()
        if seconds is not None and not 60 <= seconds <= _MOST
    }
    if wrong:
        raise Invalid("A source is expected between every minute and once a year.", fields=wrong)
