"""What telemetry costs as its history grows: `make bench-telemetry`, or
`python -m benchmarks.telemetry` with DATABASE_URL naming a server (`--keep` keeps the databases,
QUICK=1 stops at 100,000 runs).

Two databases of its own hold 10,000 runs and 1,000,000: the same 10,000 a day, one day of them and
a hundred. Both are asked in turns, so that a busy machine touches both alike:

- the dashboard (24 hours) as a manager gets it, through the whole stack;
- percentiles of 90 days by size, from the daily histograms, and the dashboard of 90 days;
- a pass over 200 rules of ten kinds, rolled back each time, and each kind by itself.

Then, in the larger one and in turns again: rows stored a second when a body of 10,000 lines is
posted to a real server and taken by the engine's step, and when runs are posted one by one to a
plain DRF view (see `plain_drf`), each over one connection that is kept open.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from benchmarks import sla_world, telemetry_world

QUICK = bool(os.environ.get("QUICK"))
SMALL, LARGE = 10_000, 100_000 if QUICK else 1_000_000
ROUNDS = 5 if QUICK else 15
LINES, SINGLE, POSTS = 10_000, 300, 5  # lines of a body, single posts of a round, rounds
MOST_RATIO = 1.5  # of LARGE to SMALL, medians: the dashboard, the rules
MOST_PERCENTILES = 200.0  # ms, median, at LARGE
LEAST_TIMES = 20.0  # rows a second by NDJSON to those by single posts
Spent = dict[str, list[float]]


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
    base = connection.settings_dict["NAME"]
    small, large = (f"{base}_bench_tele_{size}" for size in ("small", "large"))
    try:
        now = furnish(small, large, again=given.keep)
        failed = history(small, large, now)
        failed |= ingest(large)
    finally:
        connection.close()
        for name in () if given.keep else (small, large):
            sla_world.drop(name)
    sys.exit(failed)


def use(name: str) -> None:
    """Talk to another database of the same server from now on."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name


def furnish(small: str, large: str, *, again: bool) -> datetime:
    """Both databases with their runs; the larger begins as the smaller one. Answers their now."""
    from django.core.management import call_command

    from apps.core import clock
    from apps.telemetry.models import ProfileRun

    if again and exists(large):
        use(large)
        latest = ProfileRun.objects.filter(run_id="run-0").values_list("finished_at", flat=True)
        return latest[0]
    now = clock.now()
    sla_world.create(small)
    use(small)
    call_command("migrate", verbosity=0)
    telemetry_world.furnish(now)
    telemetry_world.fill(SMALL, now)
    use("")
    sla_world.create(large, template=small)
    use(large)
    began = time.perf_counter()
    telemetry_world.fill(LARGE, now)
    print(f"{LARGE - SMALL:,} runs stored in {time.perf_counter() - began:.0f} s")
    return now


def exists(name: str) -> bool:
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"]) as server:
        known = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return known.fetchone() is not None


# -- what a longer history costs


def history(small: str, large: str, now: datetime) -> int:
    spent: dict[str, Spent] = {small: {}, large: {}}
    for turn in range(ROUNDS + 1):
        for name, times in spent.items():
            use(name)
            acts = asked(now)
            acts["dashboard, 24 hours"]()  # a fresh connection is not the page's fault
            for what, act in acts.items():
                began = time.perf_counter()
                act()
                took = (time.perf_counter() - began) * 1000
                if turn:  # the first round only warms up
                    times.setdefault(what, []).append(took)
    print(f"\nms in {ROUNDS} rounds, by the number of runs")
    print(f"{'':32}{SMALL:>10,}  best{LARGE:>13,}  best{'ratio':>8}")
    for what, one in spent[small].items():
        other = spent[large][what]
        print(
            f"{what:32}{mid(one):10.1f}{min(one):6.1f}{mid(other):13.1f}{min(other):6.1f}"
            f"{mid(other) / mid(one):8.2f}"
        )
    return verdict(spent[small], spent[large])


def verdict(small: Spent, large: Spent) -> int:
    ratios = {
        what: mid(large[what]) / mid(small[what]) for what in ("dashboard, 24 hours", "200 rules")
    }
    took = mid(large["percentiles, 90 days"])
    told = "; ".join(f"{what} {ratio:.2f} ×" for what, ratio in ratios.items())
    print(f"{told} (at most {MOST_RATIO}); percentiles of 90 days {took:.0f} ms (at most 200)")
    return int(max(ratios.values()) > MOST_RATIO or took > MOST_PERCENTILES)


def asked(now: datetime) -> dict[str, Callable[[], object]]:
    """What is measured, against the database in use."""
    from apps.accounts.models import Person
    from apps.telemetry.selectors import durations, spans

    maya = Person.objects.get(email="maya@bench.example")
    get = page_of(maya)
    acts: dict[str, Callable[[], object]] = {
        "dashboard, 24 hours": lambda: get("/telemetry/"),
        "dashboard, 90 days": lambda: get("/telemetry/?span=90d"),
        "percentiles, 90 days": lambda: durations.by_size(user=maya, span=spans.span("90d", now)),
        "200 rules": lambda: look(now),
    }
    for kind in dict.fromkeys(kind for kind, _, _ in telemetry_world.RULES):
        acts[f"  rules: {kind}"] = lambda kind=kind: look(now, kind)
    return acts


def page_of(person: Any) -> Callable[[str], object]:
    from django.test import Client

    client = Client()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")

    def get(path: str) -> object:
        response = client.get(path)
        assert response.status_code == 200, (path, response.status_code)
        return response

    return get


def look(now: datetime, kind: str = "") -> None:
    """A pass over the rules, of one kind if one is named; nothing of it stays."""
    from django.db import transaction

    from apps.alerts import services as alerts
    from apps.alerts.models import AlertRule

    with transaction.atomic():
        AlertRule.objects.update(next_at=None)
        due = AlertRule.objects.filter(kind=kind) if kind else AlertRule.objects.all()
        wanted = due.update(next_at=now)
        assert alerts.evaluate_due(now=now) == wanted
        broken = list(AlertRule.objects.exclude(error="").values_list("kind", "error")[:1])
        assert not broken, broken
        transaction.set_rollback(True)


def mid(spent: Sequence[float]) -> float:
    return statistics.median(spent)


# -- what comes in


def ingest(name: str) -> int:
    use(name)
    text = a_key()
    rates: dict[str, list[float]] = {"NDJSON": [], "one by one": []}
    with (
        server(name, "opsportal.asgi:application", "opsportal.settings.test", "/healthz") as whole,
        server(
            name, "benchmarks.plain_drf:application", "benchmarks.plain_settings", "/ready"
        ) as plain,
    ):
        for turn in range(POSTS + 1):
            batch, single = by_lines(whole, text, turn), one_by_one(plain, turn)
            if turn:  # the first round only warms up
                rates["NDJSON"].append(batch)
                rates["one by one"].append(single)
    print(f"\nRuns stored a second, {POSTS} rounds")
    for what, found in rates.items():
        print(f"{what:32}{mid(found):10,.0f}  ({min(found):,.0f} to {max(found):,.0f})")
    times = mid(rates["NDJSON"]) / mid(rates["one by one"])
    print(f"NDJSON stores {times:.0f} × as many (at least {LEAST_TIMES:.0f})")
    return int(times < LEAST_TIMES)


def a_key() -> str:
    """A key that may post telemetry, without a limit."""
    from apps.core import clock
    from apps.intake import services as intake
    from tests import builders as build

    made = build.key("telemetry:write", name=f"bench {clock.now()}")
    row = intake.native_integration(api_key=made.row, surface=None, now=clock.now())
    row.rate = 10_000_000
    row.save(update_fields=["rate"])
    return str(made.text)


def by_lines(connection: http.client.HTTPConnection, key: str, turn: int) -> float:
    """Rows a second, from the start of the post until the engine's step has stored them all."""
    from apps.core import clock
    from apps.intake import services as intake
    from apps.telemetry.models import ProfileRun

    now = clock.now()
    made = telemetry_world.lines(f"lines-{now.timestamp()}", LINES, now)
    body = "\n".join(json.dumps(line) for line in made).encode()
    before = ProfileRun.objects.count()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    began = time.perf_counter()
    connection.request("POST", "/api/v1/telemetry/profile-runs", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status == 202, said
    intake.normalise_due(now=clock.now())
    took = time.perf_counter() - began
    assert ProfileRun.objects.count() - before == LINES, "not all were stored"
    return LINES / took


def one_by_one(connection: http.client.HTTPConnection, turn: int) -> float:
    from apps.core import clock

    now = clock.now()
    made = telemetry_world.lines(f"single-{now.timestamp()}", SINGLE, now)
    bodies = [json.dumps(line).encode() for line in made]
    began = time.perf_counter()
    for body in bodies:
        connection.request("POST", "/runs", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status == 201, said
    return SINGLE / (time.perf_counter() - began)


@contextmanager
def server(name: str, app: str, settings: str, path: str) -> Iterator[http.client.HTTPConnection]:
    """One uvicorn process on loopback that serves `app` over a database, and a connection to it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port),
               "--log-level", "warning", "--no-access-log"]  # fmt: skip
    environment = sla_world.environment(name) | {"DJANGO_SETTINGS_MODULE": settings}
    process = subprocess.Popen(command, env=environment, cwd=sla_world.ROOT)
    try:
        yield ready(process, port, path)
    finally:
        process.terminate()
        process.wait(timeout=20)


def ready(process: subprocess.Popen[bytes], port: int, path: str) -> http.client.HTTPConnection:
    """A connection to the server, once it answers anything at all."""
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", path)
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)  # nothing tells when a server listens
            continue
        return connection
    raise RuntimeError("the server did not come up")


if __name__ == "__main__":
    main()
