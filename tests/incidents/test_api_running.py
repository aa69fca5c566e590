"""Running an incident over the API: framework, roles, tasks, customers, links, hints, paging."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.changes.models import Change
from apps.core import clock
from apps.incidents.models import Incident
from apps.incidents.seeds_framework import ensure_framework
from apps.paging.models import Page
from tests import builders as build
from tests.calls import Caller, nobody, signed_in, tool
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
SCOPES = ("incidents:read", "incidents:write")


def _declared(caller: Caller, **more: Any) -> str:
    made = caller.post("incidents", {"title": "Profiles fail", "severity": "SEV3", **more})
    assert made.status == 201, made.body
    return str(made["ref"])


# -- the framework


def test_the_levels_come_with_the_questions_that_suggest_one(cast: Cast) -> None:
    ensure_framework()
    caller = tool("incidents:read")
    shown = caller.get("severities")
    assert [level["key"] for level in shown["levels"]] == ["SEV1", "SEV2", "SEV3", "SEV4"]
    first = shown["levels"][0]
    assert (first["alias"], first["cadence_first_seconds"]) == ("p0", 1800)
    assert len(first["examples"]) == 3
    assert [question["key"] for question in shown["questions"]] == [
        "who", "data_wrong", "money_or_security", "workaround",
    ]  # fmt: skip
    asked = {"who": "several", "data_wrong": "no", "money_or_security": "no", "workaround": "no"}
    assert caller.get("severities/suggest", asked).body == {
        "severity": "SEV2",
        "why": "several customers are hurt and there is no safe way around it",
    }
    assert caller.get("severities/suggest", {"who": "all"}).fields == {"who"}
    assert caller.get("severities/suggest", {"mood": "bad"}).fields == {"mood"}
    keys = [row["key"] for row in caller.get("incident-types").body]
    assert keys[0] == "outage" and "security" in keys
    assert caller.get("audiences").status == 200


def test_the_answers_decide_the_severity_and_another_takes_a_reason(cast: Cast) -> None:
    ensure_framework()
    caller = tool(*SCOPES, name="bot")
    answers = {"who": "several", "data_wrong": "no", "money_or_security": "no", "workaround": "no"}
    made = caller.post("incidents", {"title": "x", "answers": answers, "type": "connectivity"})
    assert (made["severity"], made["suggested_severity"]) == ("SEV2", "SEV2")
    assert (made["severity_alias"], made["type"]) == ("p1", "connectivity")
    assert made["severity_answers"] == answers
    lower = {"title": "x", "answers": answers, "severity": "SEV3"}
    assert caller.post("incidents", lower).fields == {"severity_reason"}
    kept = caller.post("incidents", {**lower, "severity_reason": "One project each."})
    assert (kept["severity"], kept["severity_reason"]) == ("SEV3", "One project each.")
    assert caller.post("incidents", {"title": "x"}).fields == {"severity"}
    assert caller.post("incidents", {"title": "x", "answers": {"who": "x"}}).fields


def test_declaring_takes_commander_links_and_when_it_began(cast: Cast) -> None:
    caller = signed_in(cast.maya)
    began = "2026-01-05T06:00:00Z"
    csrf = _csrf(caller)
    made = caller.post(
        "incidents",
        {
            "title": "Profiles fail", "severity": "SEV2", "commander": "bea@example.com",
            "impact_started_at": began, "detected_at": "2026-01-05T06:11:00Z",
            "links": [{"kind": "change", "ref": "81", "label": "2.14.0", "relation": "suspect"}],
        },
        **csrf,
    )  # fmt: skip
    assert made.status == 201, made.body
    assert (made["commander"], made["commander_named"]) == ("bea@example.com", "chosen")
    assert (made["impact_started_at"], made["detected_at"]) == (began, "2026-01-05T06:11:00Z")
    assert [(link["ref"], link["relation"], link["by"]) for link in made["links"]] == [
        ("81", "suspect", "Maya Lind")
    ]
    assert [(row["role"], row["person"]) for row in made["roles"]] == [
        ("commander", "bea@example.com")
    ]
    wrong = {"title": "x", "severity": "SEV2", "commander": "nobody@example.com"}
    assert caller.post("incidents", wrong, **csrf).fields == {"commander"}


def _csrf(caller: Caller) -> dict[str, str]:
    token = "a" * 32
    caller.client.cookies["csrftoken"] = token
    return {"X_CSRFToken": token}


def test_an_incident_is_described_better_and_its_severity_changed(cast: Cast) -> None:
    build.surface("inspect.profiler")
    caller = tool(*SCOPES, name="bot")
    ref = _declared(caller)
    changed = caller.patch(f"incidents/{ref}", {"surface": "inspect.profiler", "title": "New"})
    assert (changed["surface"], changed["title"]) == ("inspect.profiler", "New")
    assert caller.patch(f"incidents/{ref}", {"title": ""}).fields == {"title"}
    assert caller.patch(f"incidents/{ref}", {"surface": None})["surface"] is None
    path = f"incidents/{ref}/severity"
    assert caller.post(path, {"severity": "SEV1"})["severity"] == "SEV1"
    assert caller.post(path, {"severity": "SEV1"}).status == 409
    assert caller.post(path, {"severity": "SEV2"}).fields == {"reason"}
    assert caller.post(path, {"severity": "SEV2", "reason": "Less."})["severity"] == "SEV2"


def test_milestones_are_set_right_with_a_reason_and_in_their_order(cast: Cast) -> None:
    caller = tool(*SCOPES)
    ref = _declared(caller)
    path = f"incidents/{ref}/milestones"
    done = caller.post(path, {"impact_started_at": "2026-01-05T06:00:00Z", "reason": "Logs."})
    assert (done.status, done["impact_started_at"]) == (200, "2026-01-05T06:00:00Z")
    assert caller.post(path, {"impact_started_at": "2026-01-05T06:00:00Z"}).fields == {"reason"}
    late = (clock.now() + timedelta(days=1)).isoformat()
    assert caller.post(path, {"detected_at": late, "reason": "x"}).fields == {"detected_at"}


def test_two_incidents_become_one_and_two_again(cast: Cast) -> None:
    caller = tool(*SCOPES)
    into, child = _declared(caller), _declared(caller)
    merged = caller.post(f"incidents/{child}/merge", {"into": into, "reason": "The same."})
    assert (merged["status"], merged["merged_into"]) == ("merged", into)
    assert merged["next_states"] == merged["blockers"] == []
    back = caller.post(f"incidents/{into}/merge", {"into": child})
    assert back.status == 409
    assert caller.post(f"incidents/{child}/merge", {"into": child}).status in {400, 409}
    apart = caller.post(f"incidents/{child}/unmerge")
    assert (apart["status"], apart["merged_into"]) == ("investigating", None)
    assert caller.post(f"incidents/{child}/unmerge").status == 409
    assert caller.post(f"incidents/{child}/merge", {"into": "INC-999999"}).fields == {"into"}


def test_an_entry_is_set_right_in_an_entry_of_its_own(cast: Cast) -> None:
    caller = tool(*SCOPES)
    ref = _declared(caller)
    path = f"incidents/{ref}/timeline"
    entry = caller.post(path, {"text": "It was 08:00"})
    right = caller.post(f"{path}/{entry['id']}/correct", {"text": "It was 07:00"})
    assert (right.status, right["corrects"], right["what"]) == (201, entry["id"], "correction")
    assert caller.post(f"{path}/{right['id']}/correct", {"text": "x"}).status == 409
    other = _declared(caller)
    assert caller.post(f"incidents/{other}/timeline/{entry['id']}/correct", {"text": "x"}).status \
        == 404  # fmt: skip


# -- roles, tasks, customers, links


def test_roles_are_given_and_handed_over(cast: Cast) -> None:
    caller = tool(*SCOPES)
    ref = _declared(caller)
    path = f"incidents/{ref}/roles"
    caller.post(path, {"role": "comms", "person": "sam@example.com"})
    now = caller.post(
        path, {"role": "comms", "person": "bea@example.com", "handover_note": "Next at 8."}
    )
    assert [(row["role"], row["person"]) for row in now["results"]] == [
        ("comms", "bea@example.com")
    ]
    rows = caller.get(path)["results"]
    assert [(row["person"], row["handover_note"], row["to_at"] is None) for row in rows] == [
        ("sam@example.com", "Next at 8.", False), ("bea@example.com", "", True),
    ]  # fmt: skip
    assert caller.post(path, {"role": "comms", "person": None})["results"] == []
    assert caller.post(path, {"role": "comms"}).fields == {"person"}
    assert caller.post(path, {"role": "king", "person": None}).fields == {"role"}


def test_tasks_are_added_changed_and_ended(cast: Cast) -> None:
    caller = tool(*SCOPES, name="bot")
    ref = _declared(caller)
    path = f"incidents/{ref}/tasks"
    task = caller.post(path, {"text": "Ask the vendor", "assignee": "ravi@example.com"})
    assert (task.status, task["assignee"], task["from_template"]) == (
        201, "ravi@example.com", False,
    )  # fmt: skip
    one = f"{path}/{task['id']}"
    assert caller.patch(one, {"role": "lead", "assignee": None})["assignee"] is None
    assert caller.patch(one, {"text": ""}).fields == {"text"}
    done = caller.post(f"{one}/transition", {"to": "done"})
    assert (done["status"], done["ended_by"]) == ("done", "bot")
    assert caller.post(f"{one}/transition", {"to": "dropped"}).code == "illegal_transition"
    assert caller.post(f"{one}/transition", {"to": "open"})["ended_at"] is None
    assert [row["id"] for row in caller.get(path)["results"]] == [task["id"]]
    other = _declared(caller)
    assert caller.patch(f"incidents/{other}/tasks/{task['id']}", {"text": "x"}).status == 404


def test_customers_are_listed_ended_and_taken_off(cast: Cast) -> None:
    build.account("Bramble Foods", now=clock.now())
    caller = tool(*SCOPES)
    ref = _declared(caller)
    path = f"incidents/{ref}/impacts"
    began = "2026-01-05T06:00:00Z"
    made = caller.post(path, {"account": "bramble-foods", "from_at": began, "note": "27 boards"})
    assert (made.status, made["account"], made["name"]) == (201, "bramble-foods", "Bramble Foods")
    assert caller.post(path, {"account": "bramble-foods"}).status == 409
    assert caller.post(path, {}).fields == {"account"}
    assert caller.post(path, {"account": "nobody"}).fields == {"account"}
    one = f"{path}/{made['id']}"
    assert caller.patch(one, {"to_at": "2026-01-05T05:00:00Z"}).fields == {"to_at"}
    assert caller.patch(one, {"to_at": "2026-01-05T07:00:00Z"})["from_at"] == began
    assert caller.post(f"{one}/remove", {}).fields == {"reason"}
    assert caller.post(f"{one}/remove", {"reason": "They were away."}).status == 204
    assert caller.get(path)["results"] == []


def test_links_are_made_once_and_taken_away(cast: Cast) -> None:
    caller = tool(*SCOPES, name="bot")
    ref = _declared(caller)
    path = f"incidents/{ref}/links"
    body = {"kind": "release", "ref": "2.14.0", "url": "https://git.example/2.14.0"}
    first, again = caller.post(path, body), caller.post(path, body)
    assert len(first["results"]) == len(again["results"]) == 1
    made = first["results"][0]
    assert (made["relation"], made["by"]) == ("related", "bot")
    assert caller.post(path, {**body, "ref": "2", "url": "javascript:x"}).fields == {"url"}
    assert caller.post(path, {"kind": "x", "ref": ""}).fields == {"ref"}
    assert caller.call("DELETE", f"{path}/{made['id']}").status == 204
    assert caller.get(path)["results"] == []
    texts = [row["text"] for row in caller.get(f"incidents/{ref}/timeline")["results"]]
    assert any(text.startswith("Linked release 2.14.0") for text in texts)
    assert any(text.startswith("No longer linked") for text in texts)


def test_a_method_that_is_not_there_is_405_whatever_is_asked(cast: Cast) -> None:
    for path in ("incident-hints?words=0", "runbooks/x/export?as=yaml"):
        assert tool(*SCOPES).call("DELETE", path).status == 405


def test_hints_are_offered_before_and_during_an_incident(cast: Cast) -> None:
    surface = build.surface("inspect.profiler")
    at = clock.now() - timedelta(hours=2)
    Change.objects.create(
        kind="release", ref="2.14.0", summary="inspect 2.14.0", surface=surface, occurred_at=at,
        recorded_at=at,
    )  # fmt: skip
    caller = tool(*SCOPES)
    asked = {"surface": "inspect.profiler", "words": "profiles fail"}
    (hint,) = caller.get("incident-hints", asked).body
    assert (hint["kind"], hint["relation"]) == ("change", "suspect")
    assert hint["why"] == "2 h before, on the surface itself"
    assert caller.get("incident-hints", {"surface": "nothing"}).fields == {"surface"}
    assert caller.get("incident-hints", {"word": "x"}).fields == {"word"}
    ref = _declared(caller, surfaces=["inspect.profiler"])
    path = f"incidents/{ref}"
    assert [row["ref"] for row in caller.get(f"{path}/hints").body] == [hint["ref"]]
    taken = {name: hint[name] for name in ("kind", "ref", "url", "label", "relation")}
    assert caller.post(f"{path}/links", taken).status == 200
    assert caller.get(f"{path}/hints").body == []


# -- paging by hand


def test_somebody_is_paged_by_hand_and_the_page_is_taken_over_the_api(cast: Cast) -> None:
    build.schedule(cast.bea, key="billing")
    caller = tool(*SCOPES)
    ref = _declared(caller)
    path = f"incidents/{ref}/page"
    made = caller.post(path, {"person": "ravi@example.com", "summary": "Come and help."})
    assert (made.status, made["status"], made["summary"]) == (201, "open", "Come and help.")
    assert caller.post(path, {"person": "ravi@example.com"}).code == "already_paged"
    assert caller.post(path, {"schedule": "billing"}).status == 201
    assert caller.get(f"incidents/{ref}")["pages"][0] == made["page"]
    taken = caller.post(f"pages/{made['page']}/acknowledge")
    assert (taken["status"], taken["opener"]["ref"]) == ("acknowledged", ref)
    assert caller.get(f"incidents/{ref}")["acknowledged_at"] is not None
    assert caller.post(f"pages/{made['page']}/resolve")["status"] == "resolved"


WRONG_TARGETS: list[tuple[dict[str, Any], str]] = [
    ({}, "person"),
    ({"person": "ravi@example.com", "schedule": "billing"}, "person"),
    ({"person": "nobody@example.com"}, "person"),
    ({"schedule": "nothing"}, "schedule"),
    ({"team": "nothing"}, "team"),
]


@pytest.mark.parametrize(("body", "field"), WRONG_TARGETS, ids=str)
def test_a_target_that_cannot_be_paged_is_named(
    cast: Cast, body: dict[str, Any], field: str
) -> None:
    build.schedule(cast.bea, key="billing")
    caller = tool(*SCOPES)
    assert caller.post(f"incidents/{_declared(caller)}/page", body).fields == {field}
    assert not Page.objects.exists()


def test_a_retry_pages_once(cast: Cast) -> None:
    caller = tool(*SCOPES)
    path, body = f"incidents/{_declared(caller)}/page", {"person": "ravi@example.com"}
    first = caller.post(path, body, Idempotency_Key="one")
    again = caller.post(path, body, Idempotency_Key="one")
    assert (first.status, first.body) == (201, again.body)
    assert Page.objects.count() == 1


# -- figures


def test_figures_come_with_their_values_and_kinds_are_never_mixed(cast: Cast) -> None:
    start = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
    for kind, minutes in (("real", 10), ("real", 30), ("drill", 500)):
        incident = build.incident(by=cast.maya, kind=kind, now=start, impact_started_at=start)
        Incident.objects.filter(pk=incident.pk).update(
            status="resolved", mitigated_at=start + timedelta(minutes=minutes),
            resolved_at=start + timedelta(minutes=minutes),
        )  # fmt: skip
    caller = tool(*SCOPES)
    shown = caller.get("incident-metrics", {"since": "2026-01-01T00:00:00Z"})
    resolve = next(row for row in shown["metrics"] if row["key"] == "ttr")
    assert (shown["n"], resolve["n"], resolve["median"]) == (2, 2, 1200.0)
    assert [row["seconds"] for row in resolve["values"]] == [1800.0, 600.0]
    drills = caller.get("incident-metrics", {"since": "2026-01-01T00:00:00Z", "kind": "drill"})
    assert drills["n"] == 1
    assert caller.get("incident-metrics", {"since": "yesterday"}).fields == {"since"}


# -- who may

READ = [
    "", "/timeline", "/roles", "/tasks", "/impacts", "/links", "/hints", "/updates", "/promises",
]  # fmt: skip
WRITE = [
    "/severity", "/milestones", "/merge", "/unmerge", "/page", "/roles", "/tasks", "/impacts",
    "/links", "/updates", "/promises", "/review", "/timeline", "/transition", "/acknowledge",
]  # fmt: skip


def test_reading_takes_a_key_and_writing_the_scope_for_it(cast: Cast) -> None:
    incident = build.incident(by=cast.maya)
    none, reader, other = nobody(), tool("incidents:read"), tool("tickets:read")
    for tail in READ:
        path = f"incidents/{incident.ref}{tail}"
        assert none.get(path).status == 401, tail
        assert other.get(path).status == 403, tail
        assert reader.get(path).status == 200, tail
    for tail in WRITE:
        assert reader.post(f"incidents/{incident.ref}{tail}", {}).status == 403, tail
    for path in ("severities", "incident-types", "audiences", "incident-metrics"):
        assert (none.get(path).status, other.get(path).status) == (401, 403), path


def test_what_one_may_not_see_is_not_there(cast: Cast) -> None:
    mine, theirs = build.team("inspect"), build.team("billing")
    other = build.incident(surface=build.surface("billing.api", team=theirs), by=cast.maya)
    secret = build.incident(visibility="restricted", by=cast.maya)
    key = tool(*SCOPES, team=mine)
    for incident in (other, secret):
        for tail in READ:
            assert key.get(f"incidents/{incident.ref}{tail}").status == 404, tail
        for tail in WRITE:
            assert key.post(f"incidents/{incident.ref}{tail}", {"reason": "x"}).status == 404, tail
    visible = _declared(key)
    into = key.post(f"incidents/{visible}/merge", {"into": secret.ref})
    assert into.fields == {"into"}
