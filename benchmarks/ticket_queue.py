"""What the queue of tickets costs as the table grows: `make bench-sla`, or
`python -m benchmarks.ticket_queue` with DATABASE_URL naming a server (`--keep` keeps the databases,
QUICK=1 stops at 100,000 tickets).

Two databases of its own hold 10,000 and 1,000,000 tickets: one in ten is active, 95 in 1,000 ended
with a promise broken. From both the same pages are fetched through the whole stack as a support
agent sees them (middleware, counts of all tabs, 25 rows, template), sizes and kinds taking turns in
each round so that a busy machine touches all alike. Searches are for words that
stand in every tenth ticket, in one of a thousand, in a few, for a customer and for a number.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from benchmarks import sla_world

QUICK = bool(os.environ.get("QUICK"))
SMALL, LARGE = 10_000, 100_000 if QUICK else 1_000_000
ROUNDS = 15
MOST_RATIO = 1.5  # of the page at LARGE to the page at SMALL, medians
MOST_SEARCH = 150.0  # ms at p95, of the page with a search in it
AGENTS, CONTACTS, ACCOUNTS, SURFACES = 30, 5_000, 500, 40
FILL = 100_000  # tickets of one statement

WORDS = """profile stale column type report failed snowflake bigquery warehouse connection timeout
dashboard tile empty pack shopify stripe invoice charged refund schema table orders customers email
label plain text quota exceeded refresh sync job stuck nightly run shows wrong count rows missing
export footer year billing plan paid workspace read only connector upgrade notice masked shared
newsletter customs codes phone number national segment churn funnel session region currency rounding
decimal duplicate freshness catalog lineage owner alert threshold outlier null distinct histogram
percent median average weekly monthly quarter forecast budget margin discount coupon basket returns
courier tracking depot pallet clinic patient ward appointment policy claim premium broker ledger"""

TICKETS = """
INSERT INTO support_ticket (
  id, subject, status, kind, channel, request_type_id, queue_id, requester_id, account_id, impact,
  urgency, priority, priority_reason, surface_id, owner_id, fields, tags, route_note, resolved_at,
  closed_at, resolution_code, reopened_count, status_before, me_too_count, sla_state, sla_metric,
  sla_due_at, sla_remaining_seconds, created_at, updated_at, last_message_at, last_public_text,
  awaits_us, version, access_version, source, source_ref, source_url)
SELECT n, initcap(w(n, 1)) || ' ' || w(n, 2) || ' ' || w(n, 3) || ' ' || w(n, 4) || ' ' || n % 977,
  CASE WHEN active THEN (ARRAY['new', 'open', 'open', 'waiting_customer'])[1 + h(n, 11, 4)]
    WHEN n % 10 < 9 THEN 'closed' ELSE 'resolved' END,
  'real', (ARRAY['mail', 'portal', 'form', 'phone'])[1 + n % 4],
  (SELECT types[1 + h(n, 1, array_length(types, 1))] FROM setup), (SELECT queue FROM setup),
  (SELECT first_contact FROM setup) + h(n, 2, %(contacts)s),
  (SELECT first_account FROM setup) + h(n, 3, %(accounts)s),
  'medium', 'medium', 'P' || (ARRAY[1, 2, 2, 3, 3, 3, 3, 4, 4, 4])[1 + h(n, 9, 10)], '',
  (SELECT first_surface FROM setup) + h(n, 4, %(surfaces)s),
  CASE WHEN h(n, 5, 10) = 0 THEN NULL
    ELSE (SELECT first_agent FROM setup) + h(n, 6, %(agents)s) END,
  '{}', CASE WHEN h(n, 7, 13) = 0 THEN ARRAY['vip'] WHEN h(n, 8, 1000) = 0 THEN ARRAY['launch']
    ELSE ARRAY[]::text[] END, '',
  CASE WHEN active THEN NULL ELSE made + interval '2 days' END,
  CASE WHEN active OR n % 10 >= 9 THEN NULL ELSE made + interval '6 days' END,
  CASE WHEN active THEN '' ELSE 'fixed' END, 0, '', 0, state,
  CASE WHEN NOT active OR state = 'none' THEN '' ELSE 'resolution' END,
  CASE WHEN NOT active THEN NULL WHEN state = 'breached' THEN %(now)s - (n %% 9000) * interval '1 s'
    WHEN state = 'running' THEN %(now)s + (60 + h(n, 12, 1600000)) * interval '1 s' END,
  CASE WHEN state = 'paused' THEN n %% 90000 END,
  made, made, made + interval '1 hour', 'Thanks, we are looking at it.', n %% 3 = 0, 1, 1, '', '',
  ''
FROM (
  SELECT n, n %% 10 = 0 AS active, %(now)s - (%(last)s - n) * interval '31 s' AS made,
    CASE WHEN n %% 10 = 0 THEN (ARRAY['running', 'running', 'running', 'running', 'running',
        'running', 'breached', 'paused', 'paused', 'none'])[1 + h(n, 10, 10)]
      WHEN n %% 200 < 21 THEN 'breached' ELSE 'met' END AS state
  FROM generate_series(%(first)s, %(last)s) AS n) AS numbers
"""
TEXTS = """
INSERT INTO support_tickettext (ticket_id, vector)
SELECT t.id, setweight(to_tsvector('simple', t.subject || ' TCK-' || t.id), 'A')
  || setweight(to_tsvector('simple', c.name || ' ' || c.email || ' ' || a.name), 'B')
  || setweight(to_tsvector('english', said), 'D')
FROM support_ticket t
JOIN customers_contact c ON c.id = t.requester_id
JOIN customers_account a ON a.id = t.account_id
CROSS JOIN LATERAL (
  SELECT string_agg(w(t.id, 10 + i), ' ') || CASE WHEN t.id %% 10 = 3 THEN ' kubernetes' ELSE '' END
    || CASE WHEN t.id %% 1000 = 7 THEN ' zeppelin' ELSE '' END
    || CASE WHEN t.id %% 100000 = 11 THEN ' xylophone' ELSE '' END AS said
  FROM generate_series(1, 24) AS i) AS words
WHERE t.id BETWEEN %(first)s AND %(last)s
"""
CLOCKS = """
INSERT INTO support_ticketclock (
  ticket_id, metric, cycle, state, policy_id, policy_version, target_id, target_seconds,
  calendar_version_id, started_at, anchor_at, consumed_seconds, is_paused, due_at, warned_percent,
  steps_taken, generation, breached_at, breach_cause, without_reply, waived_reason, reopened_count,
  cancel_cause)
SELECT t.id, 'resolution', 1, t.sla_state, s.policy, 1, NULL, 162000, s.calendar, t.created_at,
  t.created_at, 0, t.sla_state = 'paused', t.sla_due_at, 0, 0, 0,
  CASE WHEN t.sla_state = 'breached' THEN t.sla_due_at END, '', false, '', 0, ''
FROM support_ticket t, setup s
WHERE t.id BETWEEN %(first)s AND %(last)s AND t.sla_metric <> ''
"""
TABLES = ("support_ticket", "support_tickettext", "support_ticketclock")
PAGES = {
    "team": "/tickets/",
    "mine": "/tickets/?view=mine",
    "unassigned": "/tickets/?view=unassigned",
    "close to breach": "/tickets/?view=close",
    "waiting": "/tickets/?view=waiting",
    "of one surface": "/tickets/?surface=surface.7",
    "P1 of one customer": "/tickets/?account=account-7&priority=P1",
    "rare tag": "/tickets/?tag=launch",
    "ended, newest first": "/tickets/?status=any",
}
SEARCHES = {
    "word of every tenth": "/tickets/?q=kubernetes",
    "word of a thousandth": "/tickets/?q=zeppelin",
    "word of a few": "/tickets/?q=xylophone",
    "two common words": "/tickets/?q=snowflake+timeout",
    "a customer": "/tickets/?q=Kite77",
    "a number": "/tickets/?q=TCK-4711",
}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--keep", action="store_true", help="keep the databases, use them again")
    given = words.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsportal.settings.test")
    import django

    django.setup()
    from django.db import connection
    from django.test.utils import setup_test_environment

    setup_test_environment()
    small, large = (f"{connection.settings_dict['NAME']}_bench_{n}" for n in ("small", "large"))
    try:
        furnish(small, large, again=given.keep)
        failed = measure(small, large)
    finally:
        connection.close()
        for name in () if given.keep else (small, large):
            sla_world.drop(name)
    sys.exit(failed)


def furnish(small: str, large: str, *, again: bool) -> None:
    """Both databases with their tickets; the larger begins as the smaller one."""
    from django.core.management import call_command

    with psycopg.connect(os.environ["DATABASE_URL"]) as server:
        known = {row[0] for row in server.execute("SELECT datname FROM pg_database")}
    if not (again and {small, large} <= known):
        sla_world.create(small)
    use(small)
    call_command("migrate", verbosity=0)
    people_and_customers()
    fill(SMALL)
    use("")
    if not (again and large in known):
        sla_world.create(large, template=small)
    use(large)
    fill(LARGE)


def use(name: str) -> None:
    """Talk to another database of the same server from now on."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name


def measure(small: str, large: str) -> int:
    every = {**PAGES, **SEARCHES}
    gets = {}
    for database in (small, large):
        use(database)
        gets[database] = agent()
    spent: dict[str, dict[str, list[float]]] = {name: {} for name in (small, large)}
    for _ in range(ROUNDS):
        for database, times in spent.items():
            use(database)
            get = gets[database]
            get(PAGES["team"])  # a fresh connection is not the page's fault
            for name, path in every.items():
                began = time.perf_counter()
                get(path)
                times.setdefault(name, []).append((time.perf_counter() - began) * 1000)
    print(f"\nThe queue's page, ms in {ROUNDS} rounds, by the number of tickets")
    print(f"{'':24}{SMALL:>10,}  p95{LARGE:>13,}  p95{'ratio':>9}")
    for name in every:
        one, other = spent[small][name], spent[large][name]
        print(
            f"{name:24}{mid(one):10.1f}{high(one):5.0f}{mid(other):13.1f}{high(other):5.0f}"
            f"{mid(other) / mid(one):9.2f}"
        )
    ratio = mid(spent[large]["team"]) / mid(spent[small]["team"])
    found = [one for name in SEARCHES for one in spent[large][name]]
    print(f"queue page {ratio:.2f} × (at most {MOST_RATIO}); search p95 {high(found):.0f} ms (150)")
    return int(ratio > MOST_RATIO or high(found) > MOST_SEARCH)


def mid(spent: Sequence[float]) -> float:
    return statistics.median(spent)


def high(spent: Sequence[float]) -> float:
    return statistics.quantiles(spent, n=20)[-1]


# -- the data


def people_and_customers() -> None:
    """All that tickets refer to, once."""
    from django.db import connection

    from apps.accounts.models import Person
    from apps.core import clock
    from apps.support.seeds import ensure_support
    from tests import builders as build

    now = clock.now()
    if not Person.objects.filter(email="agent0@bench.example").exists():
        ensure_support(now=now)
        for number in range(AGENTS):
            build.person(f"Agent {number}", "support_agent", email=f"agent{number}@bench.example")
        for number in range(SURFACES):
            build.surface(f"surface.{number}", now=now)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO customers_account (key, name, tier, domain, note, created_at)"
                " SELECT 'account-' || n, 'Kite' || n || ' Labs', 'standard', '', '', %s"
                " FROM generate_series(1, %s) AS n",
                [now, ACCOUNTS],
            )
            cursor.execute(
                "INSERT INTO customers_contact"
                " (name, email, phone, time_zone, note, created_at, account_id)"
                " SELECT 'Person ' || n, 'p' || n || '@c' || n %% 500 || '.example', '', 'UTC', '',"
                " %s, (SELECT min(id) FROM customers_account) + n %% 500"
                " FROM generate_series(1, %s) AS n",
                [now, CONTACTS],
            )
    prepare()


def agent() -> Callable[[str], object]:
    """What fetches a page of the present database as a signed-in support agent."""
    from django.test import Client

    from apps.accounts.models import Person

    client = Client()
    client.force_login(
        Person.objects.get_queryset().get(email="agent0@bench.example"),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )

    def get(path: str) -> object:
        response = client.get(path)
        assert response.status_code == 200, (path, response.status_code)
        return response

    return get


def prepare() -> None:
    """What the statements that fill lean on: where ids begin, and a word by two numbers."""
    from django.db import connection

    words = ", ".join(f"'{word}'" for word in WORDS.split())
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE OR REPLACE FUNCTION h(a bigint, b bigint, most bigint) RETURNS integer
            LANGUAGE sql IMMUTABLE AS $$
              SELECT (abs(hashint8(a * 31 + b)::bigint) % most)::integer
            $$
        """)
        cursor.execute(
            "CREATE OR REPLACE FUNCTION w(a bigint, b bigint) RETURNS text LANGUAGE sql IMMUTABLE"
            f" AS $$ SELECT (ARRAY[{words}])[1 + h(a * 3, b, {len(WORDS.split())})] $$"
        )
        cursor.execute("DROP TABLE IF EXISTS setup")
        cursor.execute("""
            CREATE TABLE setup AS SELECT
              (SELECT array_agg(id ORDER BY id) FROM support_requesttype) AS types,
              (SELECT min(id) FROM support_queue) AS queue,
              (SELECT min(id) FROM customers_contact) AS first_contact,
              (SELECT min(id) FROM customers_account) AS first_account,
              (SELECT min(id) FROM ownership_surface WHERE key LIKE 'surface.%') AS first_surface,
              (SELECT min(id) FROM accounts_person WHERE email LIKE 'agent%') AS first_agent,
              (SELECT min(id) FROM support_slapolicy) AS policy,
              (SELECT min(id) FROM calendars_calendarversion) AS calendar
        """)


def fill(total: int) -> None:
    """Tickets up to `total`, with their text and the clocks of the active ones."""
    from django.db import connection, transaction

    from apps.core import clock
    from apps.support.models import Ticket

    have = Ticket.objects.count()
    if have >= total:
        return
    began = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        indexes = _indexes(cursor)
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        for first in range(have + 1, total + 1, FILL):
            values: dict[str, Any] = {
                "first": first,
                "last": min(first + FILL - 1, total),
                "now": clock.now(),
            }
            values |= {"agents": AGENTS, "contacts": CONTACTS, "accounts": ACCOUNTS}
            values["surfaces"] = SURFACES
            for statement in (TICKETS, TEXTS, CLOCKS):
                cursor.execute(_percent(statement), values)
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute(f"SELECT setval('support_ticket_id_seq', {total})")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for table in TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
    print(f"{total:,} tickets after {time.perf_counter() - began:.0f} s", flush=True)


def _percent(statement: str) -> str:
    """A single % that begins no parameter is the operator."""
    import re

    return re.sub(r"%(?![(%])", "%%", statement.replace("%%", "%"))


def _indexes(cursor: object) -> list[tuple[str, str]]:
    """Plain indexes of the filled tables, which are made again when all rows are in."""
    cursor.execute(  # type: ignore[attr-defined] # Django's cursor
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s)"
        " AND indexdef NOT LIKE 'CREATE UNIQUE%%'",
        [list(TABLES)],
    )
    return list(cursor.fetchall())  # type: ignore[attr-defined] # the same


if __name__ == "__main__":
    main()
