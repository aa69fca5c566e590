"""What tools read and count: the last word of each, without walking through all that came before.

The names are found by skipping from one to the next over the index, so that the cost grows with
the number of names and not with the number of readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max, Sum

from apps.telemetry import proportions
from apps.telemetry.models import Measurement, SliCount
from apps.telemetry.proportions import Interval

MOST = 300  # series on a page
POINTS = 48  # readings of one series in its line

_LATEST = """
WITH RECURSIVE series AS (
  (SELECT metric, subject FROM telemetry_measurement ORDER BY metric, subject LIMIT 1)
  UNION ALL
  SELECT n.metric, n.subject FROM series s CROSS JOIN LATERAL (
    SELECT m.metric, m.subject FROM telemetry_measurement m
    WHERE (m.metric, m.subject) > (s.metric, s.subject) ORDER BY m.metric, m.subject LIMIT 1) n
)
SELECT l.id FROM series s CROSS JOIN LATERAL (
  SELECT m.id FROM telemetry_measurement m
  WHERE m.metric = s.metric AND m.subject = s.subject ORDER BY m.at DESC LIMIT 1) l
LIMIT %s
"""
_RECENT = """
SELECT s.metric, s.subject, l.value FROM unnest(%s::text[], %s::text[]) AS s (metric, subject)
CROSS JOIN LATERAL (
  SELECT m.at, m.value FROM telemetry_measurement m
  WHERE m.metric = s.metric AND m.subject = s.subject ORDER BY m.at DESC LIMIT %s) l
WHERE l.value IS NOT NULL ORDER BY s.metric, s.subject, l.at
"""
_NAMES = """
WITH RECURSIVE names AS (
  (SELECT sli FROM telemetry_slicount ORDER BY sli LIMIT 1)
  UNION ALL
  SELECT n.sli FROM names s CROSS JOIN LATERAL (
    SELECT c.sli FROM telemetry_slicount c WHERE c.sli > s.sli ORDER BY c.sli LIMIT 1) n
)
SELECT sli FROM names LIMIT %s
"""


@dataclass(frozen=True)
class Reading:
    """The last reading of one series, with those before it, the oldest first."""

    row: Measurement
    values: Sequence[float]

    @property
    def is_over(self) -> bool:
        value, limit = self.row.value, self.row.limit
        return value is not None and limit is not None and value > limit


def latest(*, user: Any) -> list[Measurement]:
    """The last reading of every metric and subject, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [MOST])
        found = [pk for (pk,) in cursor.fetchall()]
    rows = Measurement.objects.visible_to(user).filter(pk__in=found)
    return list(rows.select_related("integration", "surface").order_by("metric", "subject"))


def with_past(rows: Sequence[Measurement]) -> list[Reading]:
    """Each with the readings before it, in one statement."""
    past: dict[tuple[str, str], list[float]] = {}
    if rows:
        with connection.cursor() as cursor:
            names = [[row.metric for row in rows], [row.subject for row in rows]]
            cursor.execute(_RECENT, [*names, POINTS])
            for metric, subject, value in cursor.fetchall():
                past.setdefault((metric, subject), []).append(value)
    return [Reading(row, past.get((row.metric, row.subject), [])) for row in rows]


@dataclass(frozen=True)
class Counted:
    """Good of total of one indicator, or of a part of it, in a while."""

    sli: str
    part: str
    good: int
    total: int
    last_at: datetime

    @property
    def bad(self) -> int:
        return self.total - self.good

    @property
    def good_share(self) -> Interval:
        return proportions.wilson(self.good, self.total)


def slis() -> list[str]:
    """The names of all indicators that were ever counted and are still kept."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, [MOST])
        return [name for (name,) in cursor.fetchall()]


def counted(*, user: Any, since: datetime, until: datetime, names: Sequence[str]) -> list[Counted]:
    """Sums over a while by indicator and part; one that nothing was sent for is left out."""
    rows = SliCount.objects.visible_to(user).filter(
        sli__in=names, starts_at__gte=since, starts_at__lt=until
    )
    found = rows.order_by("sli", "part").values_list("sli", "part")
    return [
        Counted(*row)
        for row in found.annotate(good=Sum("good"), total=Sum("total"), last=Max("starts_at"))
    ]
