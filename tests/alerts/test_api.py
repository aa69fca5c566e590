"""Alerts over the API: found, acknowledged, resolved, commented."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from apps.alerts.models import Alert, AlertNote
from apps.core.models import StatusChange
from apps.incidents.models import Incident
from apps.paging.models import Page
from tests import builders as build
from tests.calls import Caller, Reply, signed_in, tool
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
SCOPES = ("events:read", "incidents:write")


def test_an_alert_is_found_by_the_key_that_its_event_was_answered(cast: Cast) -> None:
    surface = build.surface("inspect.api")
    source = build.native(surface=surface)
    alert = build.alert(source, dedup_key="job/1", severity="critical", summary="Down")
    build.alert(source, dedup_key="job/2", severity="info")
    build.event(source, dedup_key="job/1", severity="critical", summary="Down")
    caller = tool(*SCOPES)
    (row,) = caller.get("alerts", {"dedup_key": "job/1"})["results"]
    assert row["id"] == str(alert.pk) and row["status"] == "firing"
    assert (row["severity"], row["summary"], row["count"]) == ("critical", "Down", 1)
    assert (row["surface"], row["integration"]) == ("inspect.api", str(source.pk))
    assert row["incident"] == Incident.objects.get().ref
    assert row["page"] == str(Page.objects.get().pk)
    assert row["first_seen_at"].endswith("Z")
    quiet = caller.get("alerts", {"dedup_key": "job/2"})["results"][0]
    assert (quiet["incident"], quiet["page"]) == (None, None)


def test_the_list_is_filtered_and_needs_few_queries(
    cast: Cast, django_assert_max_num_queries: object
) -> None:
    surface = build.surface("inspect.api")
    one, two = build.native(surface=surface), build.native()
    for number in range(6):
        build.alert(one if number % 2 else two, dedup_key=f"a{number}", severity="info")
    build.alert(two, dedup_key="loud", severity="error")
    caller = tool(*SCOPES)
    with django_assert_max_num_queries(5):  # type: ignore[operator]
        assert len(caller.get("alerts")["results"]) == 7

    def asked(**query: str) -> list[str]:
        return [row["dedup_key"] for row in caller.get("alerts", query)["results"]]

    assert asked(severity="error") == ["loud"]
    assert asked(surface="inspect.api") == asked(integration=str(one.pk)) == ["a5", "a3", "a1"]
    assert asked(status="resolved") == asked(dedup_key=" a1") == asked(surface="x") == []


def test_acknowledging_takes_the_page_and_stamps_the_incident(cast: Cast) -> None:
    alert = build.alert(build.native(), severity="error", dedup_key="a")
    caller = tool(*SCOPES, name="pager bot")
    reply = caller.post(f"alerts/{alert.pk}/acknowledge", Idempotency_Key="a")
    assert (reply.status, reply["status"]) == (200, "acknowledged")
    assert reply["timeline"][-1]["by"] == "pager bot"
    page = caller_page(alert)
    assert (page.status, page.acknowledged_label, page.acknowledged_by) == (
        "acknowledged", "pager bot", None,
    )  # fmt: skip
    assert Incident.objects.get().acknowledged_at is not None


def caller_page(alert: Alert) -> Page:
    return Page.objects.get(alert_groups__alerts=alert)


def test_a_person_who_acknowledges_is_named(cast: Cast) -> None:
    alert = build.alert(build.native(), severity="error", dedup_key="a")
    ravi = signed_in(cast.ravi)
    ravi.client.cookies["csrftoken"] = token = "a" * 32
    assert ravi.post(f"alerts/{alert.pk}/acknowledge", X_CSRFToken=token).status == 200
    assert caller_page(alert).acknowledged_by == cast.ravi
    assert list(Incident.objects.get().participants.all()) == [cast.ravi]


def test_resolving_ends_alert_page_and_triage_incident_once(cast: Cast) -> None:
    alert = build.alert(build.native(), severity="error", dedup_key="a")
    caller = tool(*SCOPES)
    reply = caller.post(f"alerts/{alert.pk}/resolve", {"note": "Restarted it."})
    assert (reply.status, reply["status"]) == (200, "resolved")
    assert "Restarted it." in reply["timeline"][-1]["text"]
    assert caller_page(alert).status == "resolved" and Incident.objects.get().status == "resolved"
    again = caller.post(f"alerts/{alert.pk}/resolve")
    assert (again.status, again.code) == (409, "illegal_transition")
    late = caller.post(f"alerts/{alert.pk}/acknowledge")
    assert (late.status, late["status"]) == (200, "resolved")


def test_a_comment_stands_in_the_timeline(cast: Cast) -> None:
    alert = build.alert(build.native(), severity="info", dedup_key="a")
    caller = tool(*SCOPES)
    text = "👩‍👩‍👧‍👦 e\u0301 \ufdfa <script>alert(1)</script>"
    reply = caller.post(f"alerts/{alert.pk}/comment", {"text": text, "what": "resolved"})
    assert (reply.status, reply["text"], reply["what"]) == (201, text, "comment")
    assert caller.get(f"alerts/{alert.pk}")["timeline"][-1]["text"] == text
    for wrong in ({}, {"text": ""}, {"text": " "}, {"text": "x" * 10_001}, {"text": {"a": 1}}):
        refused = caller.post(f"alerts/{alert.pk}/comment", wrong)
        assert (refused.status, refused.fields) == (400, {"text"})
    assert AlertNote.objects.filter(what="comment").count() == 1


def test_a_key_of_a_team_acts_on_its_own_and_on_what_is_unrouted(cast: Cast) -> None:
    mine, theirs = build.team("inspect"), build.team("billing")
    source = build.native()
    build.surface("inspect.api", team=mine)
    build.surface("billing.api", team=theirs)
    own = build.alert(source, dedup_key="own", surface="inspect.api", severity="error")
    other = build.alert(source, dedup_key="other", surface="billing.api", severity="error")
    unrouted = build.alert(source, dedup_key="lost", surface="nowhere", severity="error")
    key = tool(*SCOPES, "incidents:read", team=mine)
    assert {row["dedup_key"] for row in key.get("alerts")["results"]} == {"own", "lost"}
    assert key.get("alerts", {"surface": "billing.api"})["results"] == []
    for what in ("", "/acknowledge", "/resolve", "/comment"):
        reply = key.call("POST" if what else "GET", f"alerts/{other.pk}{what}", {"text": "x"})
        assert (reply.status, reply.code) == (404, "not_found")
    assert caller_page(other).status == "open"
    for alert in (own, unrouted):
        assert key.post(f"alerts/{alert.pk}/acknowledge").status == 200


def test_a_key_of_a_team_cannot_page_another_team_by_naming_its_surface(cast: Cast) -> None:
    mine, theirs = build.team("inspect"), build.team("billing")
    build.surface("billing.api", team=theirs, primary=cast.bea)
    build.surface("inspect.api", team=mine)
    source = build.native(team=mine)
    foreign = build.alert(source, dedup_key="a", surface="billing.api", severity="critical")
    assert (foreign.surface, foreign.wanted_surface) == (None, "billing.api")
    own = build.alert(source, dedup_key="b", surface="inspect.api", severity="critical")
    assert own.surface is not None and own.surface.key == "inspect.api"


@pytest.mark.django_db(transaction=True)
def test_twenty_acknowledgements_at_once_are_one(cast: Cast) -> None:
    alert = build.alert(build.native(), severity="error", dedup_key="a")
    caller = tool(*SCOPES)
    replies: list[Reply] = []

    def acknowledge() -> None:
        try:
            replies.append(Caller(text=caller.text).post(f"alerts/{alert.pk}/acknowledge"))
        finally:
            connection.close()

    threads = [threading.Thread(target=acknowledge) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(replies) == 20 and {reply.status for reply in replies} <= {200, 409}
    assert AlertNote.objects.filter(alert=alert, what="acknowledged").count() == 1
    page = caller_page(alert)
    assert page.notes.filter(what="acknowledged").count() == 1 and page.next_at is None
    moves = StatusChange.objects.filter(became="acknowledged").values_list("kind", flat=True)
    assert sorted(moves) == ["alerts.alert", "paging.page"]
    assert Incident.objects.get().timeline.filter(what="acknowledged").count() == 1
