"""The ping address: curl is enough, what was answered OK is kept, and nothing gives a 5xx."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.alerts.models import Heartbeat, Ping
from apps.alerts.services import arriving, heartbeats
from apps.core import audit, clock
from apps.intake import services as intake
from apps.intake import wire
from apps.intake.adapters import ping as adapter
from apps.intake.adapters.ping import BadPing, asked, written
from apps.intake.canonical import InvalidEvent
from apps.intake.models import Delivery
from apps.intake.services import NewIntegration
from tests import builders as build
from tests.intake.lean import Lean, Reply

PAYLOADS = Path(__file__).parents[1] / "vectors" / "payloads"
ROWS = [
    row
    for row in json.loads((PAYLOADS / "index.json").read_text())["payloads"]
    if row["source"] == "healthchecks"
]
JOB = "7f3c6a52-0d2e-4c0b-9a39-3d1f4f5e6a7b"
RUN = "123e4567-e89b-12d3-a456-426614174000"
NOW = datetime(2026, 11, 20, 5, tzinfo=UTC)


# -- the address, purely


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["file"]))
def test_a_recorded_ping_becomes_what_its_row_says(row: dict[str, Any]) -> None:
    path, _, query = row["path"].replace("<uuid>", JOB).partition("?")
    ping = asked(path, query)
    assert ping is not None
    printed = json.loads((PAYLOADS / row["file"]).read_text())["body_text"]
    events = adapter.normalise(written(ping, printed.encode()), {}, received_at=NOW)
    assert len(events) == len(row["expected"])
    for event, wanted in zip(events, row["expected"], strict=True):
        assert event.kind == "heartbeat"
        for name, value in wanted.items():
            assert getattr(event, name) == str(value).replace("<uuid>", JOB), name


@pytest.mark.parametrize(
    ("address", "said", "status", "ref"),
    [
        (f"/ping/{JOB}", "success", None, ""),
        (f"/ping/{JOB}/", "success", None, ""),
        (f"/ping/{JOB.upper()}", "success", None, ""),
        (f"/ping/{JOB}/start?rid={RUN}", "start", None, RUN),
        (f"/ping/{JOB}/fail", "fail", None, ""),
        (f"/ping/{JOB}/log", "log", None, ""),
        (f"/ping/{JOB}/0", "success", 0, ""),
        (f"/ping/{JOB}/255?rid={RUN}", "fail", 255, RUN),
        (f"/ping/{JOB}/007", "fail", 7, ""),
        ("/ping/somekey/nightly-sync", "success", None, ""),
        ("/ping/somekey/Nightly-Sync/1", "fail", 1, ""),
        ("/ping/somekey/start", "success", None, ""),  # a slug may be a word
    ],
)
def test_an_address_says_what_happened(
    address: str, said: str, status: int | None, ref: str
) -> None:
    path, _, query = address.partition("?")
    found = asked(path, query)
    assert found is not None
    assert (found.said, found.exit_status, found.run_ref) == (said, status, ref)
    again, printed = adapter.read(written(found, b"hello"))
    assert (again.said, again.exit_status, again.run_ref) == (said, status, ref)
    assert (again.uuid, again.slug, printed) == (found.uuid, found.slug, "hello")


@pytest.mark.parametrize(
    "address",
    ["/ping/", f"/ping/{JOB}/oops", f"/ping/{JOB}/start/again", f"/ping/{JOB}/-1", "/ping/key",
     f"/ping/{JOB}x", "/ping/key/not a slug", "/ping/key/a/b/c", f"/ping/{JOB}/١", "/ping//slug/x",
     f"/ping/{JOB[:-1]}", "/ping/key/" + "s" * 81],
)  # fmt: skip
def test_where_nothing_is_nothing_is_found(address: str) -> None:
    assert asked(address, "") is None


@pytest.mark.parametrize(
    "address", [f"/ping/{JOB}/256", f"/ping/{JOB}/99999", f"/ping/{JOB}?rid=7", f"/ping/{JOB}?rid="]
)
def test_a_number_too_large_and_a_run_without_a_name_are_said_so(address: str) -> None:
    path, _, query = address.partition("?")
    with pytest.raises(BadPing):
        asked(path, query)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"said":"success"}', b'{"said":"loud","uuid":"%s"}' % JOB.encode(),
     b'{"said":"fail","uuid":"%s","exit_status":900}' % JOB.encode(), b'{"said":["fail"]}',
     b'{"said":"fail","uuid":"%s","exit_status":true}' % JOB.encode()],
)  # fmt: skip
def test_a_delivery_that_is_no_ping_is_set_aside(body: bytes) -> None:
    with pytest.raises(InvalidEvent):
        adapter.normalise(body, {}, received_at=NOW)


# -- the door

TABLES = (
    *("alerts_ping", "alerts_heartbeat", "intake_event", "intake_delivery", "intake_integration"),
    *("alerts_heartbeatevent", "intake_integrationevent", "core_statuschange"),
)
database = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lean(transactional_db: None) -> Iterator[Lean]:
    made = Lean()
    yield made
    made.close()


@pytest.fixture
def home(transactional_db: None) -> NewIntegration:
    return build.integration("heartbeat")


def job(home: NewIntegration, **fields: Any) -> Heartbeat:
    given = {"name": "Nightly sync", "period_seconds": 3600, **fields}
    return heartbeats.create_heartbeat(
        integration=home.row, actor=audit.SYSTEM, now=clock.now(), **given
    )


def words(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.raw.decode()


def read_all() -> None:
    intake.normalise_due(now=clock.now())


@database
def test_get_head_and_post_are_answered_in_plain_words_and_kept(
    lean: Lean, home: NewIntegration
) -> None:
    row = job(home)
    for method in ("GET", "HEAD", "POST"):
        reply = lean.call(method, f"/ping/{row.uuid}")
        assert words(reply) == (200, "OK")
        assert reply.headers["ping-body-limit"] == "10000"
        assert reply.headers["content-type"].startswith("text/plain")
    assert Delivery.objects.filter(dedup_key=f"hb:{row.uuid}", adapter="heartbeat").count() == 3
    read_all()
    row.refresh_from_db()
    assert (row.status, row.pings.count(), row.last_remote_ip) == ("up", 3, "127.0.0.1")
    assert set(Delivery.objects.values_list("status", flat=True)) == {"normalised"}
    reply = lean.call("DELETE", f"/ping/{row.uuid}")
    assert (reply.status, reply.code) == (405, "method_not_allowed")


@database
def test_what_a_job_prints_is_cut_and_whatever_its_bytes_kept(
    lean: Lean, home: NewIntegration
) -> None:
    row = job(home)
    printed = b"\xff\x00 pool exhausted\n" + b"x" * 3_000_000
    reply = lean.post(f"/ping/{row.uuid}/fail", printed)
    assert words(reply) == (200, "OK")
    read_all()
    body = Ping.objects.get().body
    assert "pool exhausted" in body
    assert 9_000 < len(body) <= 10_000
    assert "\x00" not in body


@database
def test_a_body_that_does_not_end_loses_no_ping(
    lean: Lean, home: NewIntegration, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = job(home)
    monkeypatch.setattr(wire, "BODY_PATIENCE", 0.1)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"beginning"
        await asyncio.sleep(30)
        yield b"never read"

    reply = lean.post(f"/ping/{row.uuid}", slowly())
    assert (words(reply), reply.headers["connection"]) == ((200, "OK"), "close")
    read_all()
    assert Ping.objects.get().body == "beginning"


@database
@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"/ping/{JOB}", 404),
        (f"/ping/{RUN}/fail?rid={RUN}", 404),
        ("/ping/wrong-key/nightly-sync", 404),
        ("/ping/wrong-key/nightly-sync?create=1", 404),
        ("/ping/%00/x", 404),
        ("/ping/{uuid}/256", 400),
        ("/ping/{uuid}?rid=none", 400),
        ("/ping/{uuid}/nothing", 404),
        ("/ping/{key}/other", 404),
        ("/ping/{key}/other%00?create=1", 404),
        ("/ping/{key}", 404),
    ],
)
def test_a_wrong_address_is_told_so_and_keeps_nothing(
    lean: Lean, home: NewIntegration, address: str, status: int
) -> None:
    row = job(home)
    reply = lean.call("GET", address.format(uuid=row.uuid, key=home.token))
    assert reply.status == status
    assert home.token not in reply.raw.decode()
    assert not Delivery.objects.exists()


@database
def test_neither_archived_ones_nor_our_own_jobs_take_pings(
    lean: Lean, home: NewIntegration
) -> None:
    gone = job(home)
    heartbeats.archive_heartbeat(heartbeat=gone, actor=audit.SYSTEM, now=clock.now())
    arriving.ensure_own_heartbeats(own=[arriving.OwnJob("handoffs")], now=clock.now())
    own = Heartbeat.objects.get(own_job="handoffs")
    for row in (gone, own):
        assert words(lean.call("GET", f"/ping/{row.uuid}")) == (404, "not found")
    left = job(home, name="left")
    intake.archive_integration(integration=home.row, now=clock.now())
    assert lean.call("GET", f"/ping/{left.uuid}").status == 404


@database
def test_a_slug_is_found_by_the_key_and_made_when_the_address_asks(
    lean: Lean, home: NewIntegration
) -> None:
    row = job(home)
    assert words(lean.call("GET", f"/ping/{home.token}/{row.slug}/start")) == (200, "OK")
    made = f"/ping/{home.token}/backup"
    assert lean.call("GET", f"{made}/start").status == 404
    assert words(lean.call("GET", f"{made}/start?create=1&rid={RUN}")) == (201, "Created")
    assert words(lean.call("GET", f"{made}/log?rid={RUN}")) == (200, "OK")  # not yet read
    assert words(lean.call("GET", f"{made}/0?rid={RUN}")) == (200, "OK")
    read_all()
    found = Heartbeat.objects.get(slug="backup")
    assert (found.status, found.period_seconds, found.grace_seconds) == ("up", 86_400, 3_600)
    assert [ping.kind for ping in found.pings.order_by("pk")] == ["start", "log", "success"]
    assert words(lean.call("GET", f"{made}?create=1")) == (200, "OK")


@database
def test_an_archived_slug_comes_back_when_its_job_asks_to_be_made(
    lean: Lean, home: NewIntegration
) -> None:
    row = job(home)
    heartbeats.archive_heartbeat(heartbeat=row, actor=audit.SYSTEM, now=clock.now())
    path = f"/ping/{home.token}/{row.slug}"
    assert lean.call("GET", path).status == 404
    assert words(lean.call("GET", f"{path}?create=1")) == (201, "Created")
    read_all()
    row.refresh_from_db()
    assert (row.archived_at, row.status) == (None, "up")


@database
def test_a_flood_of_pings_is_one_state_and_a_limit_when_there_is_one(home: NewIntegration) -> None:
    row = job(home)
    home.row.rate = 5
    home.row.save(update_fields=["rate"])
    limited = Lean()
    statuses = {limited.call("POST", f"/ping/{row.uuid}").status for _ in range(20)}
    limited.close()
    assert statuses == {200, 429}
    read_all()
    row.refresh_from_db()
    assert row.status == "up"
    assert row.pings.count() == Delivery.objects.count() >= 5


@database
def test_the_key_of_another_kind_opens_nothing(lean: Lean, home: NewIntegration) -> None:
    other = build.integration("alertmanager")
    assert lean.call("GET", f"/ping/{other.token}/x?create=1").status == 404


@pytest.fixture(scope="module", autouse=True)
def swept() -> Iterator[None]:
    """These tests write to few tables; to flush all of them takes longer than the tests."""
    from django.test import TransactionTestCase

    def sweep(case: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", sweep)
        yield
