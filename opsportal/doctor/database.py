"""The database: whether it answers, keeps what it is given, and agrees about the time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import psycopg
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from apps.accounts.models import Person
from apps.core import clock
from apps.core.text import one_line
from apps.notifications import services as notifications
from apps.rotations.models import Schedule
from opsportal.doctor.finding import Finding, Level

OLDEST_POSTGRES = 15
EXTENSIONS = ("btree_gist", "pg_trgm", "citext")


def database(now: datetime) -> Iterable[Finding]:
    """Whether it answers at all; the rest depends on that."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version_num")
            row = cursor.fetchone()
    except (DatabaseError, psycopg.Error) as error:
        mend = "Start PostgreSQL, and check DATABASE_URL. `make run` starts one of its own."
        said = one_line(str(error))[:200]
        yield Finding("database", "error", f"It does not answer: {said}", mend)
        return
    assert row is not None
    yield from version(int(row[0]))


def version(number: int) -> Iterable[Finding]:
    """`number` as PostgreSQL counts: 150004 is 15.4."""
    text = f"PostgreSQL {number // 10_000}.{number % 10_000}"
    if number // 10_000 < OLDEST_POSTGRES:
        mend = f"Move to PostgreSQL {OLDEST_POSTGRES} or later."
        yield Finding("database", "warning", f"{text} is older than what is tested.", mend)
    else:
        yield Finding("database", "ok", f"{text} answers.")


def database_settings(now: datetime) -> Iterable[Finding]:
    """What the product's promises lean on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', "
            "'synchronous_commit', 'max_connections', 'statement_timeout')"
        )
        values = dict(cursor.fetchall())
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type='client backend'")
        (used,) = cursor.fetchone() or (0,)
        cursor.execute("SELECT extname FROM pg_extension")
        extensions = {row[0] for row in cursor.fetchall()}
    yield from durability(values)
    yield from connections(used, int(values["max_connections"]))
    yield from extensions_there(extensions)
    if values["statement_timeout"] == "0":
        mend = "Set DB_STATEMENT_TIMEOUT_MS to 30000, and connect without a pooler that drops it."
        yield Finding("database", "warning", "Statements may run for ever.", mend)


def durability(values: dict[str, str]) -> Iterable[Finding]:
    """An event that was answered must survive a power cut."""
    off = [name for name in ("fsync", "full_page_writes") if values[name] != "on"]
    if values["synchronous_commit"] in {"off", "local"}:
        off.append("synchronous_commit")
    if off:
        text = f"{', '.join(off)}: not on. Events that were answered may be lost in a crash."
        mend = "Switch it on in postgresql.conf (ALTER SYSTEM SET … = on) and reload."
        yield Finding("durability", "error", text, mend)
    else:
        yield Finding("durability", "ok", "What is answered is on the disk.")


def connections(used: int, limit: int) -> Iterable[Finding]:
    """A web process takes up to its pool, a worker about twenty."""
    text = f"{used} of {limit} connections are in use."
    if used > limit * 0.8 or limit - used < 20:
        mend = "Raise max_connections, lower DB_POOL_SIZE, or put PgBouncer in front."
        yield Finding("connections", "warning", f"{text} Little is left.", mend)
    else:
        yield Finding("connections", "ok", text)


def extensions_there(there: set[str]) -> Iterable[Finding]:
    missing = [name for name in EXTENSIONS if name not in there]
    if missing:
        mend = f"As a superuser: CREATE EXTENSION {missing[0]}; then run migrate."
        yield Finding("extensions", "error", f"Missing: {', '.join(missing)}.", mend)
    else:
        yield Finding("extensions", "ok", ", ".join(EXTENSIONS))


def migrations(now: datetime) -> Iterable[Finding]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        first = plan[0][0]
        text = f"{len(plan)} not applied, first {first.app_label}.{first.name}."
        yield Finding("migrations", "error", text, "Run manage.py migrate.")
    else:
        yield Finding("migrations", "ok", "All are applied.")


def time_of_day(now: datetime) -> Iterable[Finding]:
    """The engine goes by the database's clock, links and sessions by this host's."""
    before = clock.now()
    theirs = clock.db_now()
    ours = before + (clock.now() - before) / 2
    yield from skew((theirs - ours).total_seconds())


def skew(seconds: float) -> Iterable[Finding]:
    """How far the database's clock is ahead of this host's."""
    text = f"The database's clock and this host's differ by {abs(seconds):.1f} s."
    mend = "Run an NTP service (chrony, systemd-timesyncd) on both."
    level: Level = "ok" if abs(seconds) < 2 else "warning" if abs(seconds) < 30 else "error"
    yield Finding("clock", level, text, "" if level == "ok" else mend)


def time_zones(now: datetime) -> Iterable[Finding]:
    """The zone data, and that every zone somebody chose is in it."""
    known = available_timezones()
    summer = datetime(2026, 7, 1, tzinfo=UTC).astimezone(ZoneInfo("Europe/Berlin")).utcoffset()
    if len(known) < 400 or summer != timedelta(hours=2):
        mend = "Install the tzdata package of the system or of Python (pip install tzdata)."
        yield Finding("time zones", "error", "The time zone data are not complete.", mend)
        return
    chosen = {
        *Person.objects.active().values_list("time_zone", flat=True),
        *Schedule.objects.current().values_list("time_zone", flat=True),
        notifications.site().time_zone,
    }
    gone = sorted(chosen - known)
    if gone:
        mend = "Choose another zone for the people and schedules that use it, or update tzdata."
        yield Finding("time zones", "error", f"Not known any more: {', '.join(gone)}.", mend)
    else:
        yield Finding("time zones", "ok", f"{len(known)} zones are known.")
