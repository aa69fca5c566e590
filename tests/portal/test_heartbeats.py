"""Heartbeats in the portal: the list, one with its line and its pings, and who may press what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from apps.alerts.models import Heartbeat
from apps.alerts.services import arriving, heartbeats, pinging
from apps.core import audit
from apps.intake import services as intake
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of

pytestmark = pytest.mark.django_db
NINE = datetime(2026, 9, 7, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def moment() -> Iterator[None]:
    with time_machine.travel(NINE + 60 * MINUTE, tick=False):
        yield


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


@pytest.fixture
def ravi(cast: Cast) -> Client:
    return sign_in(cast.ravi)


def job(name: str = "Nightly profiler", **fields: Any) -> Heartbeat:
    given = {"period_seconds": 3600, "actor": audit.SYSTEM, "now": NINE, **fields}
    return heartbeats.create_heartbeat(name=name, **given)


def ping(row: Heartbeat, said: str = "success", minute: int = 0, **more: Any) -> None:
    pinging.take_ping(
        heartbeat=row, at=NINE + minute * MINUTE, said=said, now=NINE + minute * MINUTE, **more
    )
    intake.normalise_due(now=NINE + minute * MINUTE)


def names(client: Client, query: str = "") -> list[str]:
    return [row.heartbeat.name for row in client.get(f"/heartbeats/{query}").context["rows"]]


def test_what_is_down_stands_first_and_each_view_has_its_own(ravi: Client) -> None:
    up, down, paused = job("Sync"), job("Backup"), job("Audit")
    ping(up)
    ping(down, "fail", exit_status=3)
    heartbeats.pause_heartbeat(heartbeat=paused, actor=audit.SYSTEM, now=NINE)
    gone = job("Gone")
    heartbeats.archive_heartbeat(heartbeat=gone, actor=audit.SYSTEM, now=NINE)
    arriving.ensure_own_heartbeats(own=[arriving.OwnJob("handoffs")], now=NINE)
    assert names(ravi) == ["Backup", "Sync", "Audit"]
    assert names(ravi, "?view=down") == ["Backup"]
    assert names(ravi, "?view=paused") == ["Audit"]
    assert names(ravi, "?view=own") == ["OpsPortal: handoffs"]
    assert names(ravi, "?view=archived") == ["Gone"]
    assert names(ravi, "?q=back") == ["Backup"]
    assert names(ravi, "?view=nonsense") == ["Backup", "Sync", "Audit"]


@pytest.mark.parametrize("view", ["all", "down", "paused", "own", "archived"])
def test_an_empty_view_says_what_would_stand_there(ravi: Client, view: str) -> None:
    assert ravi.get(f"/heartbeats/?view={view}").status_code == 200


def test_many_heartbeats_cost_as_many_queries_as_one(ravi: Client) -> None:
    surface = build.surface("inspect.profiler")
    ping(job("One", surface=surface))
    ravi.get("/heartbeats/")
    one = queries(ravi, "/heartbeats/")
    for number in range(8):
        ping(job(f"Job {number}", surface=surface))
    assert queries(ravi, "/heartbeats/") == one


def test_a_page_shows_the_line_for_the_job_and_what_it_printed(ravi: Client) -> None:
    row = job(cron="15 3 * * *", period_seconds=None, time_zone="Europe/Berlin")
    ping(row, "start")
    ping(row, "fail", 2, exit_status=3, printed="<b>pool</b> exhausted")
    page = ravi.get(f"/heartbeats/{row.pk}/")
    said = text_of(page)
    assert f"/ping/{row.uuid}/$?" in said
    assert "15 3 * * * in Europe/Berlin" in said
    assert "Heartbeat Nightly profiler: exit status 3" in said  # its alert
    assert "2 m" in said
    assert b"&lt;b&gt;pool&lt;/b&gt; exhausted" in page.content


def test_pings_come_in_pages(ravi: Client) -> None:
    row = job()
    for minute in range(30):
        ping(row, minute=minute)
    page = ravi.get(f"/heartbeats/{row.pk}/").context["page"]
    assert len(page.rows) == 25
    assert len(ravi.get(f"/heartbeats/{row.pk}/{page.next}").context["page"].rows) == 5


def test_who_only_reads_sees_no_address_and_no_button(cast: Cast) -> None:
    row = job()
    olu = sign_in(cast.olu)
    said = olu.get(f"/heartbeats/{row.pk}/").content.decode()
    assert str(row.uuid) not in said
    assert olu.post(f"/heartbeats/{row.pk}/pause/").status_code == 403
    assert olu.get("/heartbeats/new/").status_code == 403


def test_a_manager_adds_one_and_finds_mistakes_beside_their_fields(
    maya: Client, cast: Cast
) -> None:
    build.surface("inspect.profiler")
    sent = {
        "name": "Nightly profiler", "period_seconds": "1 day", "cron": "", "time_zone": "UTC",
        "grace_seconds": "30 min", "surface": "inspect.profiler", "severity": "error",
        "owner": cast.ravi.pk, "runbook": "",
    }  # fmt: skip
    for wrong, words in (
        ({"period_seconds": "soon"}, "Write a length such as"),
        ({"period_seconds": ""}, "Give either a period or a cron line"),
        ({"cron": "0 25 * * *", "period_seconds": ""}, "This never comes"),
        ({"surface": "nope"}, "There is no surface nope"),
    ):
        answer = maya.post("/heartbeats/new/", {**sent, **wrong})
        assert answer.status_code == 400
        assert words in text_of(answer)
    page = maya.post("/heartbeats/new/", sent, follow=True)
    row = Heartbeat.objects.get()
    assert "/ping/" in text_of(page)
    assert (row.period_seconds, row.grace_seconds, row.owner) == (86_400, 1_800, cast.ravi)
    assert row.surface is not None and row.surface.key == "inspect.profiler"


def test_a_form_shows_lengths_as_people_write_them_and_keeps_them(maya: Client) -> None:
    row = job(grace_seconds=5400, period_seconds=86_400)
    page = maya.get(f"/heartbeats/{row.pk}/edit/").content.decode()
    assert 'value="1 day"' in page and 'value="90 minutes"' in page
    sent = {"name": "Renamed", "period_seconds": "1 day", "time_zone": "UTC",
            "grace_seconds": "90 minutes", "severity": "warning"}  # fmt: skip
    maya.post(f"/heartbeats/{row.pk}/edit/", sent)
    row.refresh_from_db()
    assert (row.name, row.grace_seconds, row.severity) == ("Renamed", 5400, "warning")


def test_whoever_responds_pauses_and_resumes_and_a_manager_archives(
    ravi: Client, maya: Client
) -> None:
    row = job()
    act = f"/heartbeats/{row.pk}/"
    assert "Paused: its pings are kept" in text_of(ravi.post(f"{act}pause/", follow=True))
    assert "It is waited for again" in text_of(ravi.post(f"{act}resume/", follow=True))
    assert "This heartbeat is not paused" in text_of(ravi.post(f"{act}resume/", follow=True))
    assert ravi.post(f"{act}archive/").status_code == 403
    assert ravi.post(f"{act}nonsense/").status_code == 404
    maya.post(f"{act}archive/")
    row.refresh_from_db()
    assert row.archived_at is not None
    assert "This heartbeat is archived" in text_of(maya.get(f"{act}edit/", follow=True))


def test_our_own_jobs_have_no_address_and_keep_their_rhythm(maya: Client) -> None:
    arriving.ensure_own_heartbeats(own=[arriving.OwnJob("handoffs")], now=NINE)
    row = Heartbeat.objects.get()
    assert "/ping/" not in maya.get(f"/heartbeats/{row.pk}/").content.decode()
    form = maya.get(f"/heartbeats/{row.pk}/edit/").context["form"]
    assert set(form.fields) == {"surface", "severity", "owner", "runbook"}
    maya.post(f"/heartbeats/{row.pk}/edit/", {"severity": "critical"})
    row.refresh_from_db()
    assert (row.severity, row.period_seconds) == ("critical", 60)
