"""Deliveries over the API: what came in and what it became."""

from __future__ import annotations

import pytest

from apps.core import clock
from apps.intake import services as intake
from apps.intake.models import Delivery
from tests import builders as build
from tests.calls import tool
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


def test_a_delivery_is_received_and_then_shows_its_events() -> None:
    source, reader = build.native(), tool("events:read")
    body = {
        "action": "trigger", "dedup_key": "job/1", "severity": "critical", "summary": "Down",
        "source": "w3", "rack": 7, "class": "Timeout", "test": True,
        "occurred_at": "2026-09-07T08:00:00+02:00",
    }  # fmt: skip
    row = intake.receive(integration=source, body=body, now=clock.now())
    before = reader.get(f"deliveries/{row.pk}")
    assert (before.status, before["state"], before["events"]) == (200, "received", [])
    assert (before["id"], before["integration"], before["error"]) == (
        str(row.pk), str(source.pk), None,
    )  # fmt: skip
    intake.normalise_due(now=clock.now())
    after = reader.get(f"deliveries/{row.pk}")
    assert after["state"] == "normalised"
    (event,) = after["events"]
    assert event == {
        "kind": "alert", "action": "trigger", "dedup_key": "job/1", "group_key": None,
        "severity": "critical", "summary": "Down", "source": "w3", "component": None,
        "class": "Timeout", "surface": None, "occurred_at": "2026-09-07T06:00:00Z",
        "links": [], "details": {"rack": 7}, "test": True,
    }  # fmt: skip


def test_a_quarantined_delivery_says_why_and_shows_no_raw_body() -> None:
    source = build.integration("alertmanager").row
    row = Delivery.objects.create(
        integration=source, adapter="alertmanager", received_at=clock.now(), body=b"s3cr3t",
        headers={"x-secret": "hunter2"},
    )  # fmt: skip
    intake.normalise_due(now=clock.now())
    reply = tool("events:read").get(f"deliveries/{row.pk}")
    assert reply["state"] == "quarantined" and "JSON" in reply["error"]
    assert "s3cr3t" not in str(reply.body) and "hunter2" not in str(reply.body)


def test_the_list_is_filtered_newest_first_and_needs_few_queries(
    django_assert_max_num_queries: object,
) -> None:
    one, two, reader = build.native(), build.native(), tool("events:read")
    rows = [build.event(source, dedup_key="a") for source in (one, two, one)]
    intake.normalise_due(now=clock.now())
    waiting = build.event(two, dedup_key="b")
    with django_assert_max_num_queries(5):  # type: ignore[operator]
        listed = reader.get("deliveries")["results"]
    assert [row["id"] for row in listed] == [
        str(row.pk) for row in (waiting, rows[2], rows[1], rows[0])
    ]

    def asked(**query: str) -> list[str]:
        return [row["id"] for row in reader.get("deliveries", query)["results"]]

    assert asked(status="received") == asked(state="received") == [str(waiting.pk)]
    assert asked(integration=str(one.pk)) == [str(rows[2].pk), str(rows[0].pk)]
    assert asked(since="2100-01-01T00:00:00Z") == []


def test_a_key_of_a_team_sees_its_own_and_what_belongs_to_nobody(cast: Cast) -> None:
    mine, theirs = build.team("inspect"), build.team("billing")
    own = build.event(build.native(surface=build.surface("inspect.api", team=mine)))
    other = build.event(build.native(surface=build.surface("billing.api", team=theirs)))
    theirs_by_key = build.event(build.native(team=theirs))
    shared = build.native()
    unowned, named = build.event(shared), build.event(shared, surface="billing.api")
    intake.normalise_due(now=clock.now())
    key = tool("events:read", team=mine)
    seen = {row["id"] for row in key.get("deliveries")["results"]}
    assert seen == {str(own.pk), str(unowned.pk)}
    for row in (other, theirs_by_key, named):
        assert key.get(f"deliveries/{row.pk}").status == 404
