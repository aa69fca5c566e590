"""Shifts as rows: rebuilt by difference, never behind the present."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Q

from apps.ownership.models import Surface
from apps.rotations import timeline
from apps.rotations.definitions import definition_of
from apps.rotations.models import CoverageGap, Schedule, Shift

log = structlog.get_logger("opsportal.rotations")
HORIZON = timedelta(days=399)
_LOCK = 0x4F50_0003


@dataclass(frozen=True)
class Wanted:
    """A shift as it should stand; equal values are the same row."""

    role: str
    layer_id: int | None
    seat: int
    person_id: int
    planned_id: int | None
    cause: str
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True)
class Difference:
    """What a rebuild did: rows kept, added, removed, and cut at the present."""

    kept: int
    added: int
    removed: int
    cut: int


@transaction.atomic
def materialise(*, schedule: Schedule, now: datetime, horizon: timedelta = HORIZON) -> Difference:
    """Make the future rows equal to the computation; unchanged rows keep their ids.

    A row that has begun is only cut at `now`, and only when the person changes; what has ended
    is history. Costs one computation and the difference.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, schedule.pk & 0x7FFF_FFFF])
    until = now + horizon
    wanted = _wanted(schedule, now, until)
    rows = list(Shift.objects.filter(schedule=schedule, end_at__gt=now))
    difference = _apply(schedule, rows, wanted, now)
    schedule.materialised_to = until
    schedule.settled_to = max(schedule.settled_to or now, now)
    schedule.save(update_fields=["materialised_to", "settled_to"])
    return difference


def _wanted(schedule: Schedule, start: datetime, end: datetime) -> list[Wanted]:
    if schedule.archived_at is not None:
        return []
    result = timeline.compute(definition_of(schedule, start, end), start, end)
    return seated(result.shifts)


def seated(shifts: Sequence[timeline.Shift]) -> list[Wanted]:
    """Give concurrent shifts of one role and layer seats of their own, lowest first."""
    taken: dict[tuple[str, str | None], list[datetime]] = {}
    rows = []
    for shift in sorted(shifts, key=lambda s: (s.start, s.role, s.layer or "", s.user)):
        ends = taken.setdefault((shift.role, shift.layer), [])
        seat = next((i for i, end in enumerate(ends) if end <= shift.start), len(ends))
        ends[seat : seat + 1] = [shift.end]
        rows.append(
            Wanted(
                role=shift.role,
                layer_id=int(shift.layer) if shift.layer else None,
                seat=seat,
                person_id=int(shift.user),
                planned_id=int(shift.planned_user) if shift.planned_user else None,
                cause=shift.cause,
                start_at=shift.start,
                end_at=shift.end,
            )
        )
    return rows


def _apply(
    schedule: Schedule, rows: list[Shift], wanted: list[Wanted], now: datetime
) -> Difference:
    """Match rows to what is wanted; running rows match by what they are, not by their start."""
    open_wants = {_key(want, now): want for want in wanted}
    kept, cut, removed, moved = 0, [], [], []
    for row in rows:
        want = open_wants.pop(_key(row, now), None)
        if want is not None:
            kept += 1
            if row.end_at != want.end_at:
                row.end_at = want.end_at
                moved.append(row)
        elif row.start_at < now:
            row.end_at = now
            cut.append(row)
        else:
            removed.append(row.pk)
    Shift.objects.filter(pk__in=removed).delete()
    Shift.objects.bulk_update([row for row in [*cut, *moved] if row.end_at == now], ["end_at"])
    # A row may only grow once its neighbors have gone, so the longer ends come last.
    Shift.objects.bulk_update([row for row in moved if row.end_at != now], ["end_at"])
    Shift.objects.bulk_create([_row(schedule, want) for want in open_wants.values()])
    return Difference(kept, len(open_wants), len(removed), len(cut))


def _key(item: Wanted | Shift, now: datetime) -> tuple[Any, ...]:
    """What makes two shifts the same row; a running one is known by who serves it."""
    planned = item.planned_id if isinstance(item, Wanted) else item.planned_person_id
    start = max(item.start_at, now)
    return (item.role, item.layer_id, item.seat, item.person_id, planned, item.cause, start)


def _row(schedule: Schedule, want: Wanted) -> Shift:
    return Shift(
        schedule=schedule,
        role=want.role,
        layer_id=want.layer_id,
        seat=want.seat,
        person_id=want.person_id,
        planned_person_id=want.planned_id,
        cause=want.cause,
        start_at=want.start_at,
        end_at=want.end_at,
    )


def extend_all(*, now: datetime) -> int:
    """Nightly: bring every schedule to its full horizon, each in its own transaction."""
    done = 0
    for schedule in Schedule.objects.current():
        try:
            materialise(schedule=schedule, now=now)
            done += 1
        except Exception:
            log.exception("shifts not extended", schedule=schedule.key)  # the others go on
    return done


def rebuild_for(*, person_id: int, now: datetime) -> int:
    """Rebuild every schedule in which a person has a place, now that they come or go."""
    theirs = Q(layers__versions__members__person_id=person_id) | Q(overrides__person_id=person_id)
    schedules = list(Schedule.objects.current().filter(theirs).distinct().order_by("pk"))
    for schedule in schedules:
        materialise(schedule=schedule, now=now)
    return len(schedules)


def find_differences(
    *, schedule: Schedule, now: datetime, ahead: timedelta = timedelta(days=14)
) -> list[str]:
    """The nightly self-check: where rows and computation differ in the next days, in words."""
    end = now + ahead
    want = {
        (w.role, w.layer_id, w.person_id, max(w.start_at, now), min(w.end_at, end))
        for w in _wanted(schedule, now, end)
    }
    have = {
        (s.role, s.layer_id, s.person_id, max(s.start_at, now), min(s.end_at, end))
        for s in Shift.objects.filter(schedule=schedule).overlapping(now, end)
    }
    lines = [f"missing: {row}" for row in sorted(want - have, key=str)]
    return lines + [f"too many: {row}" for row in sorted(have - want, key=str)]


def record_gap(
    *,
    schedule: Schedule | None,
    surface: Surface | None,
    at: datetime,
    what: str,
    source: tuple[str, str],
) -> CoverageGap:
    """Keep the fact that somebody was needed and nobody was there; once for each source."""
    row, _ = CoverageGap.objects.get_or_create(
        source_kind=source[0],
        source_ref=source[1],
        defaults={"schedule": schedule, "surface": surface, "at": at, "what": what[:200]},
    )
    return row
