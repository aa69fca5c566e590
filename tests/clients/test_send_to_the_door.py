"""The sender against the doors that answer it in production."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.accounts import services as accounts
from apps.accounts.models import ApiKey
from apps.alerts.services import heartbeats
from apps.core import audit, clock, events
from apps.intake import services as intake
from apps.intake.asgi import IntakeApp
from apps.intake.events import EventsNormalised
from apps.intake.models import Delivery
from apps.intake.readings import read_batch
from apps.intake.store import Store
from apps.intake.wire import Receive, Scope, Send
from apps.telemetry.handlers import take_events
from apps.telemetry.models import ColumnType, ProfileRun
from tests import builders as build
from tests.clients.artifacts import LISTED, SECRET
from tests.clients.harness import send
from tests.intake.lean import conninfo, served, swept  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("swept")]


class Doors:
    """The lean path alone; its pool is closed by the loop that opened it."""

    def __init__(self) -> None:
        store = Store(conninfo())
        self.app = IntakeApp(store, max_body=1 << 20, max_batch=8 << 20, default_rate=None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            return await self.app(scope, receive, send)
        for step in ("startup", "shutdown"):
            await receive()
            if step == "shutdown":
                await self.app.store.close()
            await send({"type": f"lifespan.{step}.complete"})


@pytest.fixture
def url(transactional_db: None) -> Iterator[str]:
    with served(Doors()) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def key(transactional_db: None) -> str:
    return build.key("telemetry:write", "events:write", name="nightly job").text


def test_all_that_it_sends_is_taken_and_can_be_read(url: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "inspect.json").write_text(json.dumps(LISTED))
    audit_rows = tmp_path / "audit.ndjson"
    audit_rows.write_text(json.dumps({"column_ref": "wh.p.users.email", "predicted": "string",
                                      "truth": "email", "truth_source": "audit"}))  # fmt: skip
    calls = [
        ["wrap", "--announce", "--source", "wh", "--", "true"],
        ["profile", "--artifact", "inspect.json", "--labels"],
        ["report", "--template", "quality", "--exit", "1", "--code", "ERR-INTERNAL"],
        ["labels", "--rows", str(audit_rows)],
        ["count", "webhooks.fresh", "--bad", "1", "--total", "60"],
        ["measure", "mcp.latency", "812.5", "--unit", "ms"],
        ["measure", "certificate", "--subject", "x.example", "--not-after", "2027-02-01T00:00:00Z"],
        ["event", "Disk is full", "--severity", "info", "--detail", "host=w3"],
    ]
    for args in calls:
        done = send(args[0], "--strict", *args[1:], url=url, cwd=tmp_path, OPSPORTAL_KEY=key)
        assert done.returncode == 0, done.stderr
    kept = list(Delivery.objects.order_by("pk"))
    assert [row.adapter for row in kept] == [
        "profile_runs", "profile_runs", "profile_runs", "semantic_labels", "report_runs",
        "semantic_labels", "sli_counts", "measurements", "measurements", "native",
    ]  # fmt: skip
    for row in kept[:-1]:
        batch = read_batch(row.adapter, bytes(row.body), received_at=row.received_at)
        assert batch.items and not batch.rejected
        assert SECRET.encode() not in bytes(row.body)
    assert all(row.delivery_key for row in kept)


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's step hands telemetry to the app that keeps it."""
    heard = events._handlers[EventsNormalised]
    more = [] if take_events in heard else [take_events]
    monkeypatch.setitem(events._handlers, EventsNormalised, [*heard, *more])


def test_what_a_shell_sends_is_a_run_in_the_end(
    url: str, key: str, stored: None, tmp_path: Path
) -> None:
    (tmp_path / "target").mkdir()
    script = tmp_path / "dft"
    body = json.dumps(LISTED)
    script.write_text(f"#!/bin/sh\ncat > target/inspect.json <<'X'\n{body}\nX\nexit 1\n")
    script.chmod(0o755)
    for _ in range(2):
        send("wrap", "--announce", "--labels", "--run-id", "nightly-7", "--", str(script),
             url=url, cwd=tmp_path, OPSPORTAL_KEY=key)  # fmt: skip
    intake.normalise_due(now=clock.now())
    assert set(Delivery.objects.values_list("status", flat=True)) == {"normalised"}
    run = ProfileRun.objects.get()
    assert (run.run_id, run.outcome, run.verdict) == ("nightly-7", "partial", "bad")
    assert (run.diagnostic_code, run.warehouse_type) == ("ERR-QUERY-DURATION-EXCEEDED", "snowflake")
    assert (run.source.name, run.tables_attempted, run.tables_ok) == ("warehouse", 2, 1)
    assert (run.size, run.duration_ms is not None) == ("medium", True)  # 1.2 million rows
    types = dict(ColumnType.objects.values_list("column_ref", "semantic_type"))
    assert types == {"warehouse.public.users.email": "email", "warehouse.public.users.name": "none"}
    assert {table.table for table in run.source.tables.all()} == {"users", "orders"}


def test_a_heartbeat_is_answered_by_its_own_door(url: str, tmp_path: Path) -> None:
    beat = heartbeats.create_heartbeat(
        name="Nightly profile", period_seconds=86_400, actor=audit.SYSTEM, now=clock.now()
    )
    for args in (["--start"], ["--message", "60 tables"], ["--exit", "3"]):
        done = send("ping", str(beat.uuid), "--strict", *args, url=url)
        assert done.returncode == 0, done.stderr
    assert Delivery.objects.filter(integration__kind="heartbeat").count() == 3
    gone = send("ping", "00000000-0000-4000-8000-000000000000", "--strict", url=url)
    assert gone.returncode == 1 and "not found" in gone.stderr


def test_a_key_that_was_revoked_is_told_and_what_waits_is_sent_with_the_next(
    url: str, key: str, tmp_path: Path
) -> None:
    args = ("profile", "--exit", "0", "--spool", str(tmp_path / "spool"))
    accounts.revoke_key(key=ApiKey.objects.get(), now=clock.now())
    done = send(*args, url=url, OPSPORTAL_KEY=key)
    assert done.returncode == 0 and "(401)" in done.stderr and key not in done.stderr
    assert not Delivery.objects.exists()
    fresh = build.key("telemetry:write", name="next").text
    send(*args, url=url, OPSPORTAL_KEY=fresh)
    assert Delivery.objects.count() == 2 and not list((tmp_path / "spool").iterdir())


def test_a_key_without_the_scope_is_told_which_one_it_lacks(url: str) -> None:
    other = build.key("events:write", name="alerts").text
    done = send("measure", "x", "1", "--patience", "2", url=url, OPSPORTAL_KEY=other)
    assert done.returncode == 0 and "telemetry:write" in done.stderr
