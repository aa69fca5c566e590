"""What the sweep costs: `make bench-sla`, or `python -m benchmarks.sla_sweep` with DATABASE_URL.

Makes two databases beside the one that DATABASE_URL names (which it does not touch), with 10,000
and 1,000,000 tickets (see `sla_world`), and measures in each:

- floor: the shortest question that a database can be asked, `SELECT 1`;
- idle: a sweep when nothing is due;
- baseline: the usual other way, reading every open promise that is due or will be within a
  quarter of an hour, which reads each old breach again at every run.

Then 5,000 clocks fall due at once and four worker processes sweep, one of which is killed with
signal 9 in the middle of a batch, all of it written and nothing committed. Every breach must be
there exactly once, and everybody told once.

QUICK=1 uses 1,000 and 10,000 tickets and 500 clocks; KEEP=1 leaves the databases for a look.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from typing import Any

import psycopg

from benchmarks import sla_world
from benchmarks.sla_world import NOW, ROOT

QUICK = bool(os.environ.get("QUICK"))
SIZES = (1_000, 10_000) if QUICK else (10_000, 1_000_000)
DUE = 500 if QUICK else 5_000
BASE, NAMES = "opsportal_bench_sla", ("opsportal_bench_small", "opsportal_bench_large")
WORKERS, ROUNDS = 4, 15
BATCH = 20 if QUICK else 200  # tickets of a batch; 200 is the product's own
IDLE_BUDGET, GROWTH_BUDGET, BURST_BUDGET = 2.0, 1.5, 5.0  # ms, times, s

IDLE = """
import json, sys, time
import django
django.setup()
from datetime import timedelta
from django.db import connection
from apps.support.services.sweep import SweepResult, sweep
from benchmarks.sla_world import NOW

def floor():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchall()

def idle():
    assert sweep(now=NOW) == SweepResult(), "something was due"

def baseline():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, c.ticket_id, c.due_at FROM support_ticketclock c WHERE c.due_at <= %s "
            "AND c.stopped_at IS NULL AND c.state <> 'cancelled'",
            [NOW + timedelta(minutes=15)],
        )
        return len(cursor.fetchall())

def spent(act, times):
    found = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        found.append((time.perf_counter() - began) * 1000)
    return found

for act in (floor, idle, baseline):
    spent(act, 5)
print(json.dumps(baseline()), flush=True)
while sys.stdin.readline():
    acts = ((floor, 40), (idle, 40), (baseline, 2))
    print(json.dumps({act.__name__: spent(act, times) for act, times in acts}), flush=True)
"""

WORKER = """
import os, signal, sys, time
import django
django.setup()
from django.db import connection
from apps.support.models import TicketClock
from apps.support.services import sweep
from benchmarks.sla_world import NOW

sweep.BATCH = int(sys.argv[2])
if sys.argv[1] == "dies":
    tell, calls = sweep._tell, []
    def dying(*args):
        tell(*args)
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    sweep._tell = dying
connection.ensure_connection()
print("ready", flush=True)
sys.stdin.readline()
began = time.process_time()
while TicketClock.objects.filter(next_check_at__lt=NOW).exists():
    sweep.sweep(now=NOW)
    time.sleep(0.01)
print(time.process_time() - began, flush=True)
"""


def start(code: str, name: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *args],
        env=sla_world.environment(name),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(one: subprocess.Popen[str]) -> str:
    assert one.stdout is not None
    return one.stdout.readline()


def tell(one: subprocess.Popen[str]) -> None:
    assert one.stdin is not None
    one.stdin.write("go\n")
    one.stdin.flush()


BASELINE_INDEX = (
    "CREATE INDEX bench_baseline ON support_ticketclock (due_at) "
    "WHERE stopped_at IS NULL AND state <> 'cancelled'"
)


def idle() -> list[dict[str, Any]]:
    """For each database the ms of every call, one database after the other in each round so that
    a busy machine touches both."""
    for name in NAMES:  # what the other way would need, so that it is not measured without it
        with psycopg.connect(sla_world.url_of(name), autocommit=True) as server:
            server.execute(BASELINE_INDEX)
            server.execute("ANALYZE support_ticketclock")
    asked = [start(IDLE, name) for name in NAMES]
    found: list[dict[str, Any]] = [{"read": json.loads(said(one))} for one in asked]
    for _ in range(ROUNDS):
        for one, figures in zip(asked, found, strict=True):
            tell(one)
            for kind, spent in json.loads(said(one)).items():
                figures.setdefault(kind, []).append(spent)
    for one in asked:
        one.communicate()
    for name in NAMES:
        with psycopg.connect(sla_world.url_of(name), autocommit=True) as server:
            server.execute("DROP INDEX bench_baseline")
    return found


def median(figures: dict[str, Any], kind: str) -> float:
    """Of the rounds' own medians: a round in which others had the processor is one of many."""
    return statistics.median(statistics.median(one) for one in figures[kind])


def worst(figures: dict[str, Any], kind: str) -> float:
    """95th percentile of all calls."""
    every = sorted(value for one in figures[kind] for value in one)
    return float(every[int(len(every) * 0.95) - 1])


def burst(name: str) -> tuple[float, float, dict[str, int]]:
    """Seconds until nothing is due, those of a processor that the survivors took of them, and
    what is in the tables then."""
    with psycopg.connect(sla_world.url_of(name), autocommit=True) as server:
        server.execute(
            """
            WITH chosen AS (
                SELECT id FROM support_ticketclock WHERE state = 'running' ORDER BY id LIMIT %s
            )
            UPDATE support_ticketclock c
            SET due_at = %s::timestamptz - (1 + c.id %% 600) * interval '1 second',
                next_check_at = %s::timestamptz - (1 + c.id %% 600) * interval '1 second'
            FROM chosen WHERE c.id = chosen.id
            """,
            [DUE, NOW, NOW],
        )
    started = [
        start(WORKER, name, "dies" if number == 0 else "lives", str(BATCH))
        for number in range(WORKERS)
    ]
    for one in started:
        assert said(one) == "ready\n"
    began = time.perf_counter()
    for one in started:
        tell(one)
    codes = [one.wait(timeout=300) for one in started]
    took = time.perf_counter() - began
    assert codes == [-signal.SIGKILL, 0, 0, 0], codes
    spent = sum(float(one.stdout.read()) for one in started[1:] if one.stdout)
    return took, spent, counted(name)


COUNTED = """
SELECT
    (SELECT count(*) FROM support_clockevent WHERE what = 'breach' AND noted_at = %(now)s),
    (SELECT count(DISTINCT clock_id) FROM support_clockevent
     WHERE what = 'breach' AND noted_at = %(now)s),
    (SELECT count(*) FROM support_ticketclock WHERE state = 'breached' AND metric = 'resolution'),
    (SELECT count(*) FROM support_ticketclock WHERE breached_at <> due_at),
    (SELECT count(*) FROM support_clockevent WHERE what = 'step' AND noted_at = %(now)s),
    (SELECT count(*) FROM notifications_message)
"""


def counted(name: str) -> dict[str, int]:
    names = ("breaches", "clocks", "breached", "wrong time", "steps", "messages")
    with psycopg.connect(sla_world.url_of(name)) as server:
        row = server.execute(COUNTED, {"now": NOW}).fetchone()
    assert row is not None
    return dict(zip(names, (int(value) for value in row), strict=True))


def show(size: int, figures: dict[str, Any]) -> None:
    cells = "".join(
        f"{median(figures, kind):9.2f} ({worst(figures, kind):.2f})".rjust(18)
        for kind in ("floor", "idle", "baseline")
    )
    print(f"{size:>10,}{cells}{figures['read']:>14,}")


def main() -> int:
    try:
        return measure()
    finally:
        if not os.environ.get("KEEP"):
            for name in (*NAMES, BASE):
                sla_world.drop(name)


def measure() -> int:
    began = time.perf_counter()
    sla_world.furnish(BASE)
    for name, size in zip(NAMES, SIZES, strict=True):
        sla_world.create(name, template=BASE)
        print(f"{size:,} tickets made in {sla_world.fill(name, size):.0f} s", flush=True)
    print("\nIdle sweep, ms: median (95th percentile)")
    print(f"{'tickets':>10}{'floor':>18}{'idle sweep':>18}{'baseline':>18}{'it reads':>14}")
    figures = idle()
    for size, one in zip(SIZES, figures, strict=True):
        show(size, one)
    small, large = (median(one, "idle") for one in figures)
    fine = verdict("idle sweep", large, IDLE_BUDGET, "ms")
    fine &= verdict("its growth", large / small, GROWTH_BUDGET, "times")
    took, spent, counts = burst(NAMES[1])
    print(f"\n{DUE:,} due clocks, {WORKERS} workers, one killed: {took:.2f} s, {counts}")
    busy = f"{os.getloadavg()[0]:.1f} processes want one of {os.cpu_count()} processors"
    print(f"  the survivors computed for {spent:.2f} s in all; {busy}")
    exact = counts["breaches"] == counts["clocks"] == counts["breached"] == DUE == counts["steps"]
    print(f"  exactly once: {'yes' if exact and not counts['wrong time'] else 'NO'}")
    fine &= verdict("the burst", took, BURST_BUDGET, "s") and exact
    print(f"\nAll of it took {time.perf_counter() - began:.0f} s.")
    return 0 if fine else 1


def verdict(what: str, found: float, budget: float, unit: str) -> bool:
    kept = found < budget or (unit == "times" and found <= budget)
    word = "kept" if kept else "NOT KEPT"
    print(f"  {what}: {found:.2f} {unit}, budget {budget:g} {unit}: {word}")
    return kept


if __name__ == "__main__":
    sys.exit(main())
