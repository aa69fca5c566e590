"""What a crowd costs the public status page during an incident: `make bench-status`, or
`python -m benchmarks.status_page` with DATABASE_URL naming a server (QUICK=1: five seconds each).

A database of its own holds ten components, a year of incidents and two that stand. One real uvicorn
process serves it on loopback. Three times, 20 s each: an empty view at 200 requests a second (the
floor), the status page at 2 a second, and at 200 a second. Requests leave on a fixed timetable,
whether the ones before are answered or not, and each is clocked from when it should have left. Half
ask for the front page, the others for the summary, an incident and the feed; in each run of the
page two updates are published. The database's own count of transactions says what reached it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from benchmarks import sla_world

NAME = "opsportal_bench_status"
SECONDS = 5 if os.environ.get("QUICK") else 20
CROWD, FEW = 200, 2  # requests a second
MOST_P99 = 100.0  # ms
MOST_QUERIES = 2.0  # times those of a few readers, and a handful for the start
CONNECTIONS = 40
FLOOR = ("/healthz",)
PAGE = ("/status/", "/status/api/v2/summary.json", "/status/", "/status/atom", "/status/",
        "/status/incidents/INC-121/")  # fmt: skip


@dataclass
class Run:
    """Latencies in ms, bytes, how many answers were not 200, and transactions in the database."""

    spent: list[float] = field(default_factory=list)
    size: int = 0
    refused: int = 0
    queries: int = 0

    @property
    def p50(self) -> float:
        return statistics.median(self.spent)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.spent, n=100, method="inclusive")[-1]


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsportal.settings.test")
    sla_world.create(NAME)
    environment = sla_world.environment(NAME) | {"DB_POOL": "1"}
    try:
        command = [sys.executable, "-m", "benchmarks.status_world"]
        subprocess.run(command, env=environment, cwd=sla_world.ROOT, check=True)
        sys.exit(measure(environment))
    finally:
        sla_world.drop(NAME)


def measure(environment: dict[str, str]) -> int:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "opsportal.asgi:application", "--host", "127.0.0.1",
               "--port", str(port), "--log-level", "warning", "--no-access-log",
               "--timeout-keep-alive", "120"]  # fmt: skip
    server = subprocess.Popen(command, env=environment, cwd=sla_world.ROOT)
    try:
        ready(port)
        floor = drive(port, CROWD, FLOOR, publish=False)
        few = drive(port, FEW, PAGE)
        crowd = drive(port, CROWD, PAGE)
    finally:
        server.terminate()
        server.wait(timeout=20)
    return report(floor, few, crowd)


def report(floor: Run, few: Run, crowd: Run) -> int:
    print(f"\nThe status page during an incident, {SECONDS} s each, one uvicorn process")
    print(f"{'':34}{'requests':>9}{'p50 ms':>9}{'p99 ms':>9}{'worst':>8}{'queries/s':>11}{'KB':>7}")
    named = ((f"empty view, {CROWD}/s (floor)", floor), (f"status page, {FEW}/s", few),
             (f"status page, {CROWD}/s", crowd))  # fmt: skip
    for name, run in named:
        size = run.size / len(run.spent) / 1000
        print(f"{name:34}{len(run.spent):9}{run.p50:9.1f}{run.p99:9.1f}{max(run.spent):8.1f}"
              f"{run.queries / SECONDS:11.1f}{size:7.1f}")  # fmt: skip
    slow = crowd.p99 > MOST_P99
    hungry = crowd.queries > few.queries * MOST_QUERIES + 10
    refused = sum(run.refused for run in (floor, few, crowd))
    times = crowd.queries / max(few.queries, 1)
    print(f"p99 {crowd.p99:.1f} ms (at most {MOST_P99:.0f}); a hundred times the readers made "
          f"{times:.2f} times the queries; {refused} refused")  # fmt: skip
    return int(slow or hungry or refused > 0)


# -- the crowd


def drive(port: int, rate: int, paths: tuple[str, ...], *, publish: bool = True) -> Run:
    before = transactions()
    ours = 0

    def speak() -> None:
        nonlocal ours
        ours += publish_update()

    run = asyncio.run(crowd(port, rate, paths, speak if publish else None))
    run.queries = transactions() - before - ours - 1
    return run


async def crowd(
    port: int, rate: int, paths: tuple[str, ...], speak: Callable[[], None] | None
) -> Run:
    """Requests on a fixed timetable over a pool of kept connections."""
    run, free = Run(), asyncio.LifoQueue[Line]()
    for _ in range(CONNECTIONS):
        free.put_nowait(await Line.open(port))
    began = time.perf_counter() + 0.1
    tasks = []
    spoken = [began + SECONDS / 3, began + SECONDS * 2 / 3] if speak else []
    for number in range(rate * SECONDS):
        due = began + number / rate
        while spoken and spoken[0] <= due:
            spoken.pop(0)
            assert speak is not None
            tasks.append(asyncio.create_task(asyncio.to_thread(speak)))
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(one(free, paths[number % len(paths)], due, run)))
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait().close()
    return run


async def one(free: asyncio.LifoQueue[Line], path: str, due: float, run: Run) -> None:
    line = await free.get()
    status, size = await line.get(path)
    free.put_nowait(line)
    run.spent.append((time.perf_counter() - due) * 1000)
    run.size += size
    run.refused += status != 200


@dataclass
class Line:
    """One kept connection: a request goes out, the whole answer is read."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int) -> Line:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))

    async def get(self, path: str) -> tuple[int, int]:
        """(status, bytes of the body)."""
        self.writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        )
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        await self.reader.readexactly(length)
        return int(head.split(b" ", 2)[1]), length

    def close(self) -> None:
        self.writer.close()


# -- the database, seen from beside


def transactions() -> int:
    """What the database has counted, once every process has reported what it did: an idle one
    keeps its last figures for ten seconds."""
    time.sleep(11.0)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        row = server.execute(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s", [NAME]
        ).fetchone()
    assert row is not None
    return int(row[0])


def publish_update() -> int:
    """One more update of the standing incident, in one transaction; answers how many that were."""
    with psycopg.connect(sla_world.url_of(NAME)) as there:
        there.execute(
            "INSERT INTO incidents_statusupdate (incident_id, audience_id, stage, status, subject,"
            " body, states, incident_status, author_label, created_at, changed_at, published_at,"
            " version) SELECT incident_id, audience_id, stage, status, subject,"
            " 'We are still on it.', '{}', incident_status, '', now(), now(), now(), 1"
            " FROM incidents_statusupdate ORDER BY published_at DESC LIMIT 1"
        )
    return 1


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def ready(port: int) -> None:
    """Waits until the process answers and every page has been made once."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            for path in {*FLOOR, *PAGE}:
                urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=10).read()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not come up")


if __name__ == "__main__":
    main()
