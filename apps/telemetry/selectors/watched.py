"""Sources as they stand now, and their inventories: for rules about age and about types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, F, Min, Q

from apps.customers.models import Connection
from apps.telemetry.models import ColumnType, ProfiledSource, ProfiledTable, TypeChange
from apps.telemetry.selectors import freshness, series


@dataclass(frozen=True, slots=True)
class SourceNow:
    """A source, or a connection that should have sent runs and never did."""

    key: str
    label: str
    known_since: datetime
    last_success_at: datetime | None
    cadence_seconds: int | None
    max_age_seconds: int | None
    is_paused: bool
    changed_at: datetime | None
    surface: str


def sources() -> list[SourceNow]:
    """Those that the page of freshness shows: what runs or should, and connections that should
    and of which no source is there."""
    changed = _changed()
    found = [_source(row, changed.get(row.pk)) for row in freshness.sending()]
    return found + [_silent(row) for row in freshness.silent()]


def _changed() -> dict[int, datetime]:
    """By source, when the first table changed that was not profiled since."""
    late = Q(profiled_at=None) | Q(upstream_changed_at__gt=F("profiled_at"))
    rows = ProfiledTable.objects.filter(late, upstream_changed_at__isnull=False).order_by()
    return dict(rows.values_list("source_id").annotate(first=Min("upstream_changed_at")))


def _source(row: ProfiledSource, changed_at: datetime | None) -> SourceNow:
    cadence = row.cadence
    surface = row.surface if row.surface and row.surface.archived_at is None else None
    return SourceNow(
        key=series.key_of(row), label=str(row), known_since=row.first_seen_at,
        last_success_at=row.last_success_at,
        cadence_seconds=int(cadence.total_seconds()) if cadence else None,
        max_age_seconds=row.max_age_seconds, is_paused=freshness.is_resting(row),
        changed_at=changed_at, surface=surface.key if surface else "",
    )  # fmt: skip


def _silent(row: Connection) -> SourceNow:
    return SourceNow(
        key=f"connection {row.key}", label=f"{row.name} (never profiled)",
        known_since=row.created_at, last_success_at=None, cadence_seconds=row.cadence_seconds,
        max_age_seconds=None, is_paused=False, changed_at=None, surface="",
    )  # fmt: skip


# -- inventories


class Inventory(NamedTuple):
    changed: int
    columns: int
    label: str


def inventory(*, by: str, since: datetime, until: datetime) -> dict[str, Inventory]:
    """Columns whose type changed, of all that an inventory of the stretch had; what had none is
    absent, since nobody compared anything."""
    seen = ColumnType.objects.filter(seen_at__gte=since, source__archived_at=None).order_by()
    columns = dict(seen.values_list("source_id").annotate(n=Count("pk")))
    rows = TypeChange.objects.filter(at__gte=since, at__lt=until, source__archived_at=None)
    changed = dict(
        rows.order_by().values_list("source_id").annotate(n=Count("column_ref", distinct=True))
    )
    if not by:
        of_all = sum(columns[one] for one in changed if one in columns) or sum(columns.values())
        return {"": Inventory(sum(changed.values()), of_all, "")} if columns else {}
    named = ProfiledSource.objects.filter(pk__in=list(columns))
    return {
        series.key_of(row): Inventory(changed.get(row.pk, 0), columns[row.pk], str(row))
        for row in named
    }
