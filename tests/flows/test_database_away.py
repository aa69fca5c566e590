"""The database goes away and comes back: 503 with Retry-After meanwhile, from every door."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from tests import builders as build
from tests.calls import LOGIN
from tests.conftest import Cast
from tests.flows.product import free_port, until
from tests.intake.lean import Gate

ROOT = Path(__file__).resolve().parents[2]
EVENT = {"action": "trigger", "summary": "x", "dedup_key": "job/1"}


@contextmanager
def web(database_port: int) -> Iterator[str]:
    """The web process as `manage.py run` starts it, with its pools, behind a door to PostgreSQL."""
    known, port = connection.settings_dict, free_port()
    url = f"postgres://{known['USER']}@127.0.0.1:{database_port}/{known['NAME']}"
    if known["PASSWORD"]:
        url = url.replace("@", f":{known['PASSWORD']}@", 1)
    environment = {
        **os.environ, "DATABASE_URL": url, "DB_POOL": "1", "LOG_LEVEL": "CRITICAL",
        "DJANGO_SETTINGS_MODULE": "opsportal.settings.test",
    }  # fmt: skip
    words = ["-m", "uvicorn", "opsportal.asgi:application", "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, *words, "--log-level", "warning", "--no-proxy-headers"],
        cwd=ROOT, env=environment,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        until("the web process", lambda: _answers(address), within=60)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.flow
@pytest.mark.django_db(transaction=True)
def test_every_door_says_503_while_the_database_is_away_and_recovers(cast: Cast) -> None:
    known = connection.settings_dict
    gate = Gate(known["HOST"] or "127.0.0.1", int(known["PORT"] or 5432))
    key = {"Authorization": f"Bearer {build.key('admin').text}"}
    browser = Client()
    browser.force_login(cast.maya, backend=LOGIN)
    cookie = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={browser.session.session_key}"}
    with web(gate.port) as address, httpx.Client(base_url=address, timeout=30) as client:

        def all_doors() -> list[httpx.Response]:
            return [
                client.post("/api/v1/events", json=EVENT, headers=key),
                client.post("/v2/enqueue", json={**EVENT, "routing_key": "x" * 32}),
                client.get("/api/v1/alerts", headers=key),
                client.post("/api/v1/schedules/preview", json={}, headers=key),
                client.get("/", headers=cookie),
                client.get("/admin/", headers=cookie),
                client.get("/accounts/login/"),
            ]

        assert [r.status_code for r in all_doors()] == [202, 400, 200, 400, 200, 200, 200]
        gate.shut()
        begun = time.monotonic()
        away = all_doors()
        took = time.monotonic() - begun
        gate.open()
        assert {r.status_code for r in away[:6]} == {503}, [r.status_code for r in away]
        assert away[6].status_code in (200, 503)
        assert all(r.headers["retry-after"] for r in away if r.status_code == 503)
        assert all("Traceback" not in r.text and "psycopg" not in r.text for r in away)
        assert {r.json()["code"] for r in away[:4]} == {"database_away"}
        assert took < 7 * 5, took
        assert client.get("/healthz").status_code == 200
        until(
            "every door open again",
            lambda: [r.status_code for r in all_doors()] == [202, 400, 200, 400, 200, 200, 200],
        )
    gate.shut()
