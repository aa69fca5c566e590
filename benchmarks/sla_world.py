"""A database of its own with many tickets and their clocks, filled by the server itself.

One ticket of ten is open. Of the open ones 95 % missed their first reply long ago and were never
answered, so that a million tickets hold 95,000 old breaches; the resolution of each is still
running and due within the next thirty days. The others are closed with two promises kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 9, 9, 10, 0, tzinfo=UTC)  # a Wednesday, within office hours
PEOPLE = 20
TABLES = ("support_ticket", "support_ticketclock", "support_clockevent")


def url_of(name: str) -> str:
    """The address of a database beside the one that DATABASE_URL names."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{name}"))


def create(name: str, *, template: str = "") -> None:
    drop(name)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        like = f' TEMPLATE "{template}"' if template else ""
        server.execute(f'CREATE DATABASE "{name}"{like}')


def drop(name: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def environment(name: str) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": url_of(name),
        "DJANGO_SETTINGS_MODULE": "opsportal.settings.test",
        "PYTHONPATH": str(ROOT),
    }


FURNISH = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from benchmarks import sla_world
from apps.accounts import services as accounts
from apps.core import audit, clock
from apps.customers.models import Contact
from apps.support.models import Queue, RequestType
from apps.support.seeds import ensure_support
now = sla_world.NOW
ensure_support(now=now)
for n in range(sla_world.PEOPLE):
    accounts.create_person(
        email=f"agent{n}@example.com", name=f"Agent {n}", roles=["support_agent"], now=now
    )
Contact.objects.create(email="ana@bramble.example", name="Ana", created_at=now)
"""


def furnish(name: str) -> None:
    """Tables, the seeded promises, some people and a contact."""
    create(name)
    subprocess.run([sys.executable, "-c", FURNISH], env=environment(name), cwd=ROOT, check=True)


def fill(name: str, tickets: int) -> float:
    """Make the tickets; answers the seconds that it took."""
    began = time.perf_counter()
    with psycopg.connect(url_of(name), autocommit=True) as server:
        _without_checks(server)
        indexes = _put_away(server)
        for statement in (TICKETS, FIRST_REPLIES, RESOLUTIONS, EVENTS, SHOWN):
            server.execute(statement, {"count": tickets, "now": NOW, "people": PEOPLE})
        for definition in indexes:
            server.execute(definition)
        server.execute("VACUUM (ANALYZE)")
        server.execute("CHECKPOINT")
    return time.perf_counter() - began


def _without_checks(server: psycopg.Connection[tuple[object, ...]]) -> None:
    """Foreign keys are right by construction; only a superuser may leave the checks out."""
    try:
        server.execute("SET session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        print("(not a superuser: foreign keys are checked, which takes its time)")


def _put_away(server: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Drop the indexes that are no constraints; answers the statements that bring them back."""
    found = server.execute(
        """
        SELECT i.indexname, i.indexdef FROM pg_indexes i
        WHERE i.tablename = ANY(%s) AND NOT EXISTS (
            SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname
        )
        """,
        [list(TABLES)],
    ).fetchall()
    for index, _ in found:
        server.execute(f'DROP INDEX "{index}"')
    return [str(definition) for _, definition in found]


TICKETS = """
INSERT INTO support_ticket (
    id, subject, status, kind, channel, request_type_id, queue_id, requester_id, impact, urgency,
    priority, priority_reason, owner_id, fields, tags, route_note, triaged_at, first_replied_at,
    resolved_at, closed_at, resolution_code, reopened_count, status_before, me_too_count,
    sla_state, sla_metric, created_at, updated_at, last_message_at, last_public_text, awaits_us,
    version, access_version, source, source_ref, source_url
) OVERRIDING SYSTEM VALUE
SELECT n,
    (ARRAY['Stale profile', 'Wrong type', 'Failed report', 'Billing', 'No connection'])[1 + n %% 5]
        || ' of table ' || n,
    CASE WHEN is_open THEN 'open' ELSE 'closed' END, 'real', 'mail',
    (SELECT id FROM support_requesttype ORDER BY position LIMIT 1),
    (SELECT id FROM support_queue ORDER BY id LIMIT 1),
    (SELECT id FROM customers_contact ORDER BY id LIMIT 1), 'medium', 'medium', 'P3', '',
    (SELECT min(id) FROM accounts_person) + n %% %(people)s, '{}', '{}', '', made, NULL,
    CASE WHEN is_open THEN NULL ELSE made + interval '2 hours' END,
    CASE WHEN is_open THEN NULL ELSE made + interval '8 hours' END, '', 0, '', 0,
    'none', '', made, made, made, 'Please have a look', is_open, 1, 1, '', '', ''
FROM (
    SELECT n, n %% 10 = 0 AS is_open,
        %(now)s::timestamptz - interval '40 days' - (n %% 86400) * interval '1 second' AS made
    FROM generate_series(1, %(count)s) AS n
) AS numbered
"""
# `resolved_at` of a closed one is `first_replied_at` here on purpose: only clocks matter.

CLOCK = """
INSERT INTO support_ticketclock (
    ticket_id, metric, cycle, state, policy_id, policy_version, target_id, target_seconds,
    calendar_version_id, started_at, anchor_at, consumed_seconds, is_paused, due_at, next_check_at,
    warned_percent, steps_taken, generation, stopped_at, breached_at, breach_cause, without_reply,
    waived_reason, reopened_count, cancel_cause, worked_seconds_final
)
SELECT t.id, g.metric, 1, {state}, g.policy_id, 1, g.id, g.seconds,
    (SELECT v.id FROM calendars_calendarversion v JOIN support_slapolicy p
     ON v.calendar_id = p.calendar_id WHERE p.id = g.policy_id ORDER BY v.number DESC LIMIT 1),
    t.created_at, t.created_at, 0, false, {due}, {check}, {warned}, {steps}, 0, {stopped},
    {breached}, {cause}, false, '', 0, '', {final}
FROM support_ticket t
JOIN support_slatarget g ON g.priority = t.priority AND g.metric = '{metric}'
"""
OPEN, LATE = "t.status = 'open'", "t.id % 200 <> 0"  # of 20 open tickets one was answered
FIRST_REPLIES = CLOCK.format(
    metric="first_reply",
    state=f"CASE WHEN {OPEN} AND {LATE} THEN 'breached' ELSE 'met' END",
    due="t.created_at + interval '1 day'",
    check="NULL",
    warned="80",
    steps="2",
    stopped=f"CASE WHEN {OPEN} AND {LATE} THEN NULL ELSE t.created_at + interval '2 hours' END",
    breached=f"CASE WHEN {OPEN} AND {LATE} THEN t.created_at + interval '1 day' END",
    cause=f"CASE WHEN {OPEN} AND {LATE} THEN 'time' ELSE '' END",
    final=f"CASE WHEN {OPEN} AND {LATE} THEN NULL ELSE 7200 END",
).replace("%", "%%")
RESOLUTIONS = (
    CLOCK.format(
        metric="resolution",
        state=f"CASE WHEN {OPEN} THEN 'running' ELSE 'met' END",
        due="{now} + (1 + t.id % 30) * interval '1 day'",
        check=f"CASE WHEN {OPEN} THEN {{now}} + (1 + t.id % 30) * interval '1 day' END",
        warned="80",
        steps="0",
        stopped=f"CASE WHEN {OPEN} THEN NULL ELSE t.created_at + interval '8 hours' END",
        breached="NULL",
        cause="''",
        final=f"CASE WHEN {OPEN} THEN NULL ELSE 28800 END",
    )
    .replace("%", "%%")
    .replace("{now}", "%(now)s::timestamptz")
)
EVENTS = """
INSERT INTO support_clockevent (
    clock_id, what, key, at, noted_at, due_after, consumed_seconds, target_seconds, cause,
    actor_kind, actor_ref, actor_label
)
SELECT c.id, e.what, e.what || ':0', e.at, e.at, c.due_at, 0, c.target_seconds, '',
    'system', 'opsportal', 'OpsPortal'
FROM support_ticketclock c, LATERAL (VALUES
    ('start', c.started_at), ('stop', c.stopped_at), ('breach', c.breached_at)
) AS e(what, at) WHERE e.at IS NOT NULL
"""
SHOWN = """
UPDATE support_ticket t SET sla_state = c.state, sla_metric = c.metric, sla_due_at = c.due_at
FROM support_ticketclock c
WHERE c.ticket_id = t.id AND c.stopped_at IS NULL
    AND c.metric = CASE WHEN t.id %% 200 <> 0 THEN 'first_reply' ELSE 'resolution' END
"""
