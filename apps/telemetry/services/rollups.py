# ruff: noqa: S608 - what is put into statements are names written in this module
"""Sums by hour and day and histograms by day, kept exactly as runs end.

The same statement adds what came in, takes back what is judged anew, and rebuilds from the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from apps.telemetry.classify import TIMED
from apps.telemetry.histogram import LN_GAMMA
from apps.telemetry.models import RunHistogram, RunRollup
from apps.telemetry.services import bulk

_GRAINS = (
    "CROSS JOIN LATERAL (VALUES ('hour', date_trunc('hour', r.finished_at, 'UTC')),"
    " ('day', date_trunc('day', r.finished_at, 'UTC'))) AS g (grain, starts_at)"
)
_KEYS = "kind, grain, starts_at, facet, size, package, surface_id"
_SUMS = ("good", "bad", "excluded", "canceled", "timed_out")
_PROFILE = (
    "SELECT 'profile' AS kind, finished_at, warehouse_type AS facet, size, package, surface_id,"
    " verdict, outcome, duration_ms FROM telemetry_profilerun"
)
_REPORT = (
    "SELECT 'report' AS kind, finished_at, template AS facet, '' AS size, package, surface_id,"
    " verdict, outcome, duration_ms FROM telemetry_reportrun"
)
_COUNTED = f"""
SELECT {_KEYS},
  count(*) FILTER (WHERE verdict = 'good') AS good,
  count(*) FILTER (WHERE verdict = 'bad') AS bad,
  count(*) FILTER (WHERE verdict = 'excluded' AND outcome <> 'canceled') AS excluded,
  count(*) FILTER (WHERE outcome = 'canceled') AS canceled,
  count(*) FILTER (WHERE outcome = 'timed_out' AND verdict = 'bad') AS timed_out
FROM ({{rows}}) r {_GRAINS}
GROUP BY {_KEYS}
"""
_ADD = f"""
INSERT INTO telemetry_runrollup AS t ({_KEYS}, {", ".join(_SUMS)})
{_COUNTED} ORDER BY {_KEYS}
ON CONFLICT ({_KEYS}) DO UPDATE SET
  {", ".join(f"{name} = t.{name} + EXCLUDED.{name}" for name in _SUMS)}
"""
_TAKE = f"""
UPDATE telemetry_runrollup t SET {", ".join(f"{name} = t.{name} - c.{name}" for name in _SUMS)}
FROM ({_COUNTED}) c
WHERE t.kind = c.kind AND t.grain = c.grain AND t.starts_at = c.starts_at AND t.facet = c.facet
  AND t.size = c.size AND t.package = c.package AND t.surface_id IS NOT DISTINCT FROM c.surface_id
"""
_BUCKET = (  # as `histogram.bucket_of`
    f"CASE WHEN duration_ms <= 1 THEN 0 ELSE ceil(ln(duration_ms::float8) / {LN_GAMMA!r}) END"
)
_BUCKETS = "grain, starts_at, facet, size, bucket"
_TIMED = ", ".join(f"'{outcome}'" for outcome in TIMED)
# By day alone: at hundreds of runs a day an hour's histogram would be its runs over again.
_MEASURED = f"""
SELECT {_BUCKETS}, count(*) AS count, count(*) FILTER (WHERE outcome = 'timed_out') AS censored
FROM (SELECT 'day' AS grain, date_trunc('day', finished_at, 'UTC') AS starts_at, facet, size,
    ({_BUCKET})::smallint AS bucket, outcome
  FROM ({{rows}}) a
  WHERE duration_ms IS NOT NULL AND verdict IN ('good', 'bad') AND outcome IN ({_TIMED})) r
GROUP BY {_BUCKETS}
"""
_ADD_BUCKETS = f"""
INSERT INTO telemetry_runhistogram AS t ({_BUCKETS}, count, censored)
{_MEASURED} ORDER BY {_BUCKETS}
ON CONFLICT ({_BUCKETS}) DO UPDATE SET
  count = t.count + EXCLUDED.count, censored = t.censored + EXCLUDED.censored
"""
_TAKE_BUCKETS = f"""
UPDATE telemetry_runhistogram t SET count = t.count - c.count, censored = t.censored - c.censored
FROM ({_MEASURED}) c
WHERE t.grain = c.grain AND t.starts_at = c.starts_at AND t.facet = c.facet AND t.size = c.size
  AND t.bucket = c.bucket
"""
_THESE = " WHERE id = ANY(%s)"
_BETWEEN = " WHERE outcome <> 'running' AND finished_at >= %s AND finished_at < %s"


def add_runs(ids: Sequence[int]) -> None:
    """Count profile runs that have just ended. Each may be given once."""
    if ids:
        bulk.run(_ADD.format(rows=_PROFILE + _THESE), ids)
        bulk.run(_ADD_BUCKETS.format(rows=_PROFILE + _THESE), ids)


def take_runs(ids: Sequence[int]) -> None:
    """Take counted profile runs back, before they are judged anew."""
    if ids:
        bulk.run(_TAKE.format(rows=_PROFILE + _THESE), ids)
        bulk.run(_TAKE_BUCKETS.format(rows=_PROFILE + _THESE), ids)


def add_reports(ids: Sequence[int]) -> None:
    """Count reports that are new. Each may be given once."""
    if ids:
        bulk.run(_ADD.format(rows=_REPORT + _THESE), ids)


def take_reports(ids: Sequence[int]) -> None:
    """Take counted reports back, before they are judged anew."""
    if ids:
        bulk.run(_TAKE.format(rows=_REPORT + _THESE), ids)


# -- from the rows again


def days(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The whole days in UTC that a stretch touches."""
    first = since.replace(hour=0, minute=0, second=0, microsecond=0)
    last = until.replace(hour=0, minute=0, second=0, microsecond=0)
    return first, last if last == until else last + timedelta(days=1)


@transaction.atomic
def rebuild_rollups(*, since: datetime, until: datetime) -> int:
    """Count anew, from the runs, all days (UTC) that a stretch touches; answers rows written.

    For a stretch whose raw rows are all still there: what retention took is counted no more.
    """
    bulk.one_writer()
    first, last = days(since, until)
    for model in (RunRollup, RunHistogram):
        model.objects.filter(starts_at__gte=first, starts_at__lt=last).delete()
    both = f"{_PROFILE}{_BETWEEN} UNION ALL {_REPORT}{_BETWEEN}"
    written = bulk.run(_ADD.format(rows=both), first, last, first, last)
    return written + bulk.run(_ADD_BUCKETS.format(rows=_PROFILE + _BETWEEN), first, last)


@dataclass(frozen=True, slots=True)
class Check:
    """How many sums differ from what the rows say; none does unless somebody wrote by hand."""

    rollups: int
    buckets: int

    @property
    def right(self) -> bool:
        return not (self.rollups or self.buckets)


@transaction.atomic
def check_rollups(*, since: datetime, until: datetime) -> Check:
    """Compare the sums of the days (UTC) that a stretch touches with the runs themselves."""
    bulk.one_writer()
    first, last = days(since, until)
    both = f"{_PROFILE}{_BETWEEN} UNION ALL {_REPORT}{_BETWEEN}"
    sums = f"{_KEYS}, {', '.join(_SUMS)}"
    span = "starts_at >= %s AND starts_at < %s"
    some = " OR ".join(f"{name} <> 0" for name in _SUMS)
    kept = f"SELECT {sums} FROM telemetry_runrollup WHERE {span} AND ({some})"
    rollups = _differ(
        kept, f"SELECT {sums} FROM ({_COUNTED.format(rows=both)}) c",
        (first, last), (first, last, first, last),
    )  # fmt: skip
    measured = f"{_BUCKETS}, count, censored"
    buckets = _differ(
        f"SELECT {measured} FROM telemetry_runhistogram WHERE {span} AND count <> 0",
        f"SELECT {measured} FROM ({_MEASURED.format(rows=_PROFILE + _BETWEEN)}) c",
        (first, last), (first, last),
    )  # fmt: skip
    return Check(rollups, buckets)


def _differ(
    kept: str, counted: str, of_kept: tuple[datetime, ...], of: tuple[datetime, ...]
) -> int:
    sql = f"SELECT count(*) FROM (({kept} EXCEPT {counted}) UNION ALL ({counted} EXCEPT {kept})) d"
    ((number,),) = bulk.fetch(sql, *of_kept, *of, *of, *of_kept)
    return int(number)
