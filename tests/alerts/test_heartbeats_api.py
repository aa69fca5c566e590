"""Heartbeats over the API: made by tools, read by others, and bad input refused by field."""

from __future__ import annotations

from typing import Any

import pytest

from apps.alerts.models import Heartbeat, Ping
from apps.alerts.services import arriving, heartbeats, pinging
from apps.core import audit, clock
from tests import builders as build
from tests.calls import signed_in, tool
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
JOB = {"name": "Nightly profiler", "cron": "15 3 * * *", "time_zone": "Europe/Berlin"}


def job(**fields: Any) -> Heartbeat:
    given = {"name": "Sync", "period_seconds": 3600, **fields}
    return heartbeats.create_heartbeat(actor=audit.SYSTEM, now=clock.now(), **given)


def test_a_tool_makes_one_and_gets_the_address_for_its_job(cast: Cast) -> None:
    build.surface("inspect.profiler")
    writer, reader = tool("events:read", "events:write"), tool("events:read")
    sent = {**JOB, "surface": "inspect.profiler", "owner": cast.ravi.email, "grace_seconds": 900}
    made = writer.post("heartbeats", sent)
    row = Heartbeat.objects.get()
    assert (made.status, made["status"], made["slug"]) == (201, "new", "nightly-profiler")
    assert made["ping_url"].endswith(f"/ping/{row.uuid}")
    assert (made["owner"], made["surface"], made["runbook"]) == (
        cast.ravi.email, "inspect.profiler", None,
    )  # fmt: skip
    seen = reader.get(f"heartbeats/{row.pk}")
    assert (seen.status, seen["ping_url"]) == (200, None)
    assert str(row.uuid) not in str(reader.get("heartbeats").body)


def test_a_retry_of_making_one_makes_one() -> None:
    caller = tool("events:write")
    for _ in range(2):
        assert caller.post("heartbeats", JOB, Idempotency_Key="terraform-1").status == 201
    assert Heartbeat.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"cron": "0 25 * * *"}, "cron"),
        ({"cron": ""}, "period_seconds"),
        ({"period_seconds": 60}, "period_seconds"),
        ({"period_seconds": 2**40}, "period_seconds"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"surface": "nope"}, "surface"),
        ({"owner": "nobody@example.com"}, "owner"),
        ({"runbook": "nope"}, "runbook"),
        ({"severity": "loud"}, "severity"),
        ({"grace_seconds": -1}, "grace_seconds"),
        ({"slug": "no slug"}, "slug"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_waited_for_is_refused_by_field(wrong: dict[str, Any], field: str) -> None:
    reply = tool("events:write").post("heartbeats", {**JOB, **wrong})
    assert (reply.status, field in reply.fields) == (400, True)
    assert not Heartbeat.objects.exists()


def test_another_rhythm_takes_the_place_of_the_first() -> None:
    row, caller = job(), tool("events:write", "events:read")
    assert caller.patch(f"heartbeats/{row.pk}", {"cron": "0 4 * * *"})["period_seconds"] is None
    again = caller.patch(f"heartbeats/{row.pk}", {"period_seconds": 7200})
    assert (again["period_seconds"], again["cron"]) == (7200, "")


def test_it_is_paused_resumed_and_archived() -> None:
    row, caller = job(), tool("events:write", "events:read")
    assert caller.post(f"heartbeats/{row.pk}/pause")["status"] == "paused"
    assert caller.post(f"heartbeats/{row.pk}/resume")["status"] == "new"
    assert caller.post(f"heartbeats/{row.pk}/resume").status == 409
    assert caller.call("DELETE", f"heartbeats/{row.pk}").status == 204
    assert caller.get(f"heartbeats/{row.pk}").status == 404


def test_pings_are_listed_newest_first() -> None:
    row = job()
    now = clock.now()
    for said in ("start", "log", "success"):
        pinging.take_ping(heartbeat=row, at=now, said=said, now=now, printed=f"{said}!")
    caller = tool("events:read")
    rows = caller.get(f"heartbeats/{row.pk}/pings")["results"]
    assert [(r["kind"], r["body"]) for r in rows] == [
        ("success", "success!"), ("log", "log!"), ("start", "start!"),
    ]  # fmt: skip
    assert Ping.objects.count() == 3


def test_who_may_not_sees_nothing_and_changes_nothing(cast: Cast) -> None:
    row = job(surface=build.surface("inspect.profiler", team=build.team("other")))
    assert tool("incidents:read").get("heartbeats").status == 403
    assert tool("events:read").post(f"heartbeats/{row.pk}/pause").status == 403
    assert signed_in(cast.ravi).patch(f"heartbeats/{row.pk}", {"name": "x"}).status == 403
    mine = tool("events:read", team=build.team("mine"))
    assert mine.get(f"heartbeats/{row.pk}").status == 404
    assert mine.get(f"heartbeats/{row.pk}/pings").status == 404
    assert mine.get("heartbeats/99999999999999999999").status == 404


def test_our_own_jobs_are_listed_and_keep_their_rhythm() -> None:
    arriving.ensure_own_heartbeats(own=[arriving.OwnJob("handoffs")], now=clock.now())
    caller = tool("events:read", "events:write")
    (row,) = caller.get("heartbeats")["results"]
    assert row["own_job"] == "handoffs"
    assert caller.get(f"heartbeats/{row['id']}")["ping_url"] is None
    assert caller.patch(f"heartbeats/{row['id']}", {"period_seconds": 90}).status == 409
    assert caller.call("DELETE", f"heartbeats/{row['id']}").status == 409
