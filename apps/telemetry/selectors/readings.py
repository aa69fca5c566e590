"""What tools read, as rules look at it: values over a time, and when things end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection

from apps.telemetry.models import Measurement


class Reading(NamedTuple):
    at: datetime
    value: float
    limit: float | None


def readings(
    *, metric: str, subject: str, since: datetime, until: datetime
) -> dict[str, list[Reading]]:
    """Values by subject, oldest first."""
    rows = Measurement.objects.filter(
        metric=metric, at__gte=since, at__lt=until, value__isnull=False
    )
    rows = rows.filter(subject=subject) if subject else rows
    found: dict[str, list[Reading]] = {}
    for of, at, value, limit in rows.order_by("at", "pk").values_list(
        "subject", "at", "value", "limit"
    ):
        assert value is not None
        found.setdefault(of, []).append(Reading(at, value, limit))
    return found


_ENDINGS = """
WITH RECURSIVE s AS (
  (SELECT subject FROM telemetry_measurement WHERE metric = %(metric)s ORDER BY subject LIMIT 1)
  UNION ALL
  SELECT (SELECT m.subject FROM telemetry_measurement m
    WHERE m.metric = %(metric)s AND m.subject > s.subject ORDER BY m.subject LIMIT 1)
  FROM s WHERE s.subject IS NOT NULL
)
SELECT s.subject, l.not_after, l.at FROM s CROSS JOIN LATERAL (
  SELECT m.not_after, m.at FROM telemetry_measurement m
  WHERE m.metric = %(metric)s AND m.subject = s.subject AND m.at <= %(until)s
    AND m.not_after IS NOT NULL
  ORDER BY m.at DESC LIMIT 1
) l WHERE s.subject IS NOT NULL AND (%(subject)s = '' OR s.subject = %(subject)s)
"""


class Ending(NamedTuple):
    not_after: datetime
    at: datetime


def endings(*, metric: str, subject: str, until: datetime) -> dict[str, Ending]:
    """When each subject ends, by its last reading: from subject to subject along the index."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDINGS, {"metric": metric, "subject": subject, "until": until})
        rows = cursor.fetchall()
    return {of: Ending(not_after.astimezone(UTC), at) for of, not_after, at in rows}
