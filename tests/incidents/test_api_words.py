"""Updates and reviews over the API: drafted, approved, published, and what stands in the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.core import clock
from apps.incidents.models import Incident, StatusUpdate
from tests import builders as build
from tests.calls import Caller, signed_in, tool
from tests.conftest import Cast
from tests.incidents import commskit as comms
from tests.incidents import reviewkit

pytestmark = pytest.mark.django_db
SCOPES = ("incidents:read", "incidents:write")
WORDS = {"audience": "public", "stage": "update", "subject": "Slow", "body": "We look at it."}


@pytest.fixture
def incident(cast: Cast) -> Incident:
    """A SEV1 whose updates for customers take a yes; Maya, a manager, leads it."""
    comms.framework(approve=True)
    for key in ("public", "internal"):
        comms.audience(key)
    return build.incident(severity="SEV1", by=cast.maya, commander=cast.maya)


def _person(person: Any) -> Caller:
    """Somebody in a browser, with the token that writing takes."""
    caller = signed_in(person)
    caller.client.cookies["csrftoken"] = "a" * 32
    return caller


CSRF = {"X_CSRFToken": "a" * 32}


def test_an_update_waits_for_a_yes_and_goes_out_with_it(cast: Cast, incident: Incident) -> None:
    path = f"incidents/{incident.ref}/updates"
    key, maya = tool(*SCOPES, name="bot"), _person(cast.maya)
    made = key.post(path, WORDS)
    assert (made.status, made["status"], made["version"], made["side"]) == (
        201, "draft", 1, "public",
    )  # fmt: skip
    step = f"{path}/{made['id']}/transition"
    assert key.post(step, {"to": "published"})["status"] == "pending"
    assert key.post(step, {"to": "published"}).code == "not_allowed"
    assert key.post(step, {"to": "draft", "reason": "x"}).code == "not_allowed"
    sent_back = maya.post(step, {"to": "draft", "reason": "Say since when."}, **CSRF)
    assert sent_back["status"] == "draft"
    changed = key.patch(f"{path}/{made['id']}", {"version": 1, "body": "Since 06:00."})
    assert (changed["body"], changed["version"]) == ("Since 06:00.", 2)
    stale = key.patch(f"{path}/{made['id']}", {"version": 1, "body": "Other."})
    assert (stale.status, stale.code) == (409, "stale")
    out = maya.post(step, {"to": "published", "version": 2}, **CSRF)
    assert (out["status"], out["approver"]) == ("published", "maya@example.com")
    assert key.post(step, {"to": "withdrawn"}).code == "already_published"
    assert [row["status"] for row in key.get(path)["results"]] == ["published"]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"audience": "nobody"}, "audience"),
    ({"stage": "final"}, "stage"),
    ({"body": "x" * 20_001}, "body"),
    ({"subject": "x" * 201}, "subject"),
    ({"body": "{{ secret }}"}, "body"),
    ({"states": {"nothing": "major_outage"}}, "states"),
    ({"states": ["x"]}, "states"),
    ({"next_update_at": "2020-01-01T00:00:00Z"}, "next_update_at"),
    ({"next_update_at": "soon"}, "next_update_at"),
]


@pytest.mark.parametrize(("changes", "field"), BAD, ids=lambda value: str(value)[:40])
def test_an_update_that_cannot_go_out_is_refused_at_its_field(
    incident: Incident, changes: dict[str, Any], field: str
) -> None:
    reply = tool(*SCOPES).post(f"incidents/{incident.ref}/updates", {**WORDS, **changes})
    assert (reply.status, reply.fields) == (400, {field}), reply.body
    assert not StatusUpdate.objects.exists()


def test_markup_in_an_update_is_kept_as_text_and_a_body_of_100_kb_is_refused(
    incident: Incident,
) -> None:
    caller, path = tool(*SCOPES), f"incidents/{incident.ref}/updates"
    made = caller.post(path, {**WORDS, "body": "<script>alert(1)</script>"})
    assert made["body"] == "<script>alert(1)</script>"
    assert caller.post(path, {**WORDS, "body": "x" * 100_000}).fields == {"body"}


def test_prepared_words_are_shown_and_a_promise_can_be_put_off_once(
    cast: Cast, incident: Incident
) -> None:
    caller = tool(*SCOPES)
    path = f"incidents/{incident.ref}"
    asked = {"audience": "public", "stage": "initial"}
    assert set(caller.get(f"{path}/updates/prepared", asked).body) == {"subject", "body"}
    assert caller.get(f"{path}/updates/prepared", {"stage": "initial"}).fields == {"audience"}
    rows = {row["side"]: row for row in caller.get(f"{path}/promises").body}
    assert rows["public"]["state"] == "ok" and rows["public"]["due_at"] is not None
    until = (clock.now() + timedelta(minutes=20)).isoformat()
    body = {"side": "public", "until": until, "reason": "Waiting for the vendor."}
    assert caller.post(f"{path}/promises", body).status == 200
    assert caller.post(f"{path}/promises", body).code == "snoozed"
    assert caller.post(f"{path}/promises", {**body, "reason": ""}).fields == {"reason"}


# -- reviews


@pytest.fixture
def over(cast: Cast) -> Incident:
    """Resolved, with a severity that asks for a review."""
    reviewkit.level()
    reviewkit.factor()
    return reviewkit.over(by=cast.maya, commander=cast.ravi)


def test_a_review_is_opened_written_approved_and_published(cast: Cast, over: Incident) -> None:
    ravi, maya = _person(cast.ravi), _person(cast.maya)
    path = f"incidents/{over.ref}/review"
    opened = ravi.post(path, **CSRF)
    assert (opened.status, opened["status"], opened["is_required"]) == (200, "draft", True)
    assert "factors" in opened["missing"]
    texts = {"went_well": "Quick.", **reviewkit.TEXTS}
    written = ravi.patch(path, {"version": opened["version"], **texts}, **CSRF)
    assert (written.status, written["impact"]) == (200, reviewkit.TEXTS["impact"])
    factor = f"{path}/factors/limit-or-quota"
    rows = ravi.call("PUT", factor, {"note": "600 s"}, **CSRF)
    assert rows["factors"] == [
        {"factor": "limit-or-quota", "name": "Limit or quota", "note": "600 s"}
    ]
    assert ravi.call("PUT", f"{path}/factors/nothing", {}, **CSRF).status == 404
    said = maya.post(f"{path}/comments", {"text": "And DST?", "section": "impact"}, **CSRF)
    assert (said.status, said["by"], said["section"]) == (201, "Maya Lind", "impact")
    step = f"{path}/transition"
    assert ravi.post(step, {"to": "in_review"}, **CSRF)["status"] == "in_review"
    assert maya.post(step, {"to": "approved"}, **CSRF)["status"] == "approved"
    done = maya.post(step, {"to": "published"}, **CSRF)
    assert (done["status"], done["missing"], len(done["comments"])) == ("published", [], 1)
    assert done["facts"]["severity"] == "SEV2"
    assert ravi.get(path).body == done.body


def test_two_who_write_one_section_lose_nothing(cast: Cast, over: Incident) -> None:
    ravi, bea = _person(cast.ravi), _person(cast.bea)
    path = f"incidents/{over.ref}/review"
    version = ravi.post(path, **CSRF)["version"]
    assert ravi.patch(path, {"version": version, "lucky": "Monday."}, **CSRF).status == 200
    late = bea.patch(path, {"version": version, "lucky": "It was Monday."}, **CSRF)
    assert (late.status, late.code, late.fields) == (409, "stale", {"lucky"})
    other = bea.patch(path, {"version": version, "went_badly": "Slow."}, **CSRF)
    assert (other.status, other["lucky"]) == (200, "Monday.")
    both = {"version": version, "went_well": "Fast.", "lucky": "Sunday."}
    assert bea.patch(path, both, **CSRF).code == "stale"
    assert ravi.get(path)["went_well"] == ""


def test_a_review_that_is_not_open_is_not_there(cast: Cast) -> None:
    incident = build.incident(by=cast.maya)
    caller = tool(*SCOPES)
    path = f"incidents/{incident.ref}/review"
    assert caller.get(path).status == 404
    for tail in ("/transition", "/comments"):
        assert caller.post(f"{path}{tail}", {"to": "draft", "text": "x"}).status == 404
