"""The one place that asks what time it is.

Doors (views, admin actions, tasks, commands) call `now()` once and hand it down; services and
calculators take `now` as an argument, so a decision has one instant and a test can move time.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is the one place


def db_now() -> datetime:
    """The database's clock, read once per engine pass: hosts may disagree, rows may not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None
    instant: datetime = row[0]
    return instant.astimezone(UTC)
