"""Runbooks over the API: brought, approved, run step by step, exported."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core import clock
from apps.portal.selectors.runbooks import Incidents
from apps.runbooks.models import Execution, Runbook, RunbookVersion
from tests import builders as build
from tests.calls import Caller, nobody, signed_in, tool
from tests.conftest import Cast
from tests.runbooks import kit

pytestmark = pytest.mark.django_db
SCOPES = ("incidents:read", "incidents:write")
FILE = "key: rb-a\ntitle: A\nsurfaces: [inspect.api]\nsteps:\n- title: Look\n  irreversible: true\n"


@pytest.fixture
def people(cast: Cast) -> kit.Cast:
    return kit.Cast(ravi=cast.ravi, bea=cast.bea, maya=cast.maya, olu=cast.olu)


@pytest.fixture
def bot() -> Caller:
    return tool(*SCOPES, name="bot")


def test_a_file_becomes_a_draft_that_a_person_approves(people: kit.Cast, bot: Caller) -> None:
    build.surface("inspect.api")
    ravi = signed_in(people.ravi)
    made = bot.post("runbooks", {"text": FILE})
    assert (made.status, made["key"], made["version"]) == (201, "rb-a", None)
    assert made["surfaces"] == ["inspect.api"]
    assert made["versions"][0]["status"] == "draft"
    assert bot.post("runbooks/rb-a/versions/1/submit")["status"] == "in_review"
    refused = bot.post("runbooks/rb-a/versions/1/approve")
    assert (refused.status, refused.code) == (403, "not_allowed")
    assert bot.post("runbooks/rb-a/versions/1/return", {"comment": "No"})["status"] == "draft"
    bot.post("runbooks/rb-a/versions/1/submit")
    bot.patch("runbooks/rb-a", {"owner": people.ravi.email})
    version = RunbookVersion.objects.get()
    assert version.author is None
    assert ravi.client.get("/api/v1/runbooks/rb-a").json()["owner"] == people.ravi.email


WRONG: list[tuple[Any, str, str]] = [
    ({"text": "a: &a [*a]"}, "bad_file", "Line 1: Anchors and aliases"),
    ({"text": "[" * 100_000}, "bad_file", "nested deeper than 20 levels"),
    ({"text": "key: rb-a\ntitle: A\nsteps:\n- titel: x\n"}, "bad_file", "Line 4: Step 1"),
    ({"text": FILE}, "bad_file", "There is no surface inspect.api"),
    ({"text": FILE.replace("rb-a", "RB a").replace("inspect.api", "")}, "invalid", "hyphens"),
    ({"text": "x" * 262_145}, "invalid", ""),
    ({"text": 7}, "invalid", ""),
    ({}, "invalid", ""),
    ({"text": "# A\n- Key: rb-a\n## Look\n", "format": "pdf"}, "invalid", ""),
]


@pytest.mark.parametrize(("body", "code", "said"), WRONG)
def test_what_is_no_runbook_is_refused_by_its_line(
    bot: Caller, body: Any, code: str, said: str
) -> None:
    reply = bot.post("runbooks", body)
    assert reply.status == 400
    assert said in str(reply.body)
    assert code in {reply.code, "invalid"}
    assert not Runbook.objects.exists()


def test_runbooks_are_listed_with_their_freshness_and_exported(
    people: kit.Cast, bot: Caller
) -> None:
    version = kit.approved(people, now=clock.now())
    (row,) = bot.get("runbooks")["results"]
    assert (row["key"], row["version"]) == (version.runbook.key, 1)
    assert row["freshness"]["band"] == "fresh" and row["freshness"]["by"] == "review"
    assert bot.get("runbooks", {"surface": "nothing"})["results"] == []
    assert bot.get("runbooks", {"retired": "true"})["results"] == []
    at = f"runbooks/{version.runbook.key}"
    detail = bot.get(at)
    assert [step["position"] for step in detail["steps"]] == [1, 2, 3, 4]
    text = bot.get(f"{at}/export", {"as": "markdown"})
    assert text["filename"].endswith(".md") and text["text"].startswith("# Snowflake")
    again = bot.post("runbooks", {"text": bot.get(f"{at}/export")["text"]})
    assert [one["status"] for one in again["versions"]] == ["draft", "approved"]
    assert bot.get(f"{at}/versions/2")["steps"] == detail["steps"]
    for path in ("runbooks/nothing", f"{at}/versions/9", f"{at}/versions/x"):
        assert bot.get(path).status == 404, path
    assert bot.get(f"{at}/export", {"as": "exe"}).status == 400


def test_a_run_goes_from_step_to_step(people: kit.Cast, bot: Caller) -> None:
    kit.approved(people, now=clock.now())
    incident = build.incident(by=people.ravi)
    context = {"kind": "incident", "ref": incident.ref, "url": f"/incidents/{incident.ref}/"}
    made = bot.post("executions", {"runbook": "rb-snowflake-timeouts", "context": context})
    assert (made.status, made["context"], made["status"]) == (201, context, "running")
    at = f"executions/{made['ref']}"
    done = bot.post(f"{at}/steps/1", {"status": "done", "output": "X-Small", "was": "pending"})
    assert (done["step"]["status"], done["step"]["by"], done["next"]) == ("done", "bot", 2)
    asked = bot.post(f"{at}/steps/2", {"status": "done"})
    assert (asked.status, asked.code) == (409, "confirm_needed")
    assert bot.post(f"{at}/steps/2", {"status": "done", "confirmed": True}).status == 200
    stale = bot.post(f"{at}/steps/1", {"status": "failed", "was": "pending"})
    assert (stale.status, stale.code) == (409, "stale")
    left = bot.post(f"{at}/transition", {"to": "completed"})
    assert (left.status, left.code) == (409, "steps_left")
    failed = bot.post(f"{at}/steps/3", {"status": "failed"})
    assert (failed["advice"]["what"], failed["next"]) == ("escalate", 4)
    assert bot.post(f"{at}/steps/4", {"status": "skipped"}).fields == {"output"}
    bot.post(f"{at}/steps/4", {"status": "skipped", "output": "No"})
    wrong = bot.post(f"{at}/steps/3/wrong", {"note": "The queue has another name"})
    assert (wrong.status, wrong["follow_up"][:4]) == (201, "FUP-")
    ended = bot.post(f"{at}/transition", {"to": "completed", "reason": "Well"})
    assert (ended["status"], ended["next_states"]) == ("completed", [])
    assert bot.get(at)["steps"][2]["was_wrong"] is True
    assert bot.get("executions", {"context_ref": incident.ref})["results"][0]["ref"] == made["ref"]
    for path in (f"{at}/steps/x", "executions/RUN-0/steps/1", "executions/7/steps/1"):
        assert bot.post(path, {"status": "done"}).status == 404, path


STARTS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"runbook"}),
    ({"runbook": "nothing"}, {"runbook"}),
    ({"runbook": "rb-snowflake-timeouts", "version": 9}, {"version"}),
    ({"runbook": "rb-snowflake-timeouts", "version": "one"}, {"version"}),
    ({"runbook": "rb-snowflake-timeouts", "kind": "joke"}, {"kind"}),
    ({"runbook": "rb-snowflake-timeouts", "context": "INC-7"}, {"context"}),
    (
        {
            "runbook": "rb-snowflake-timeouts",
            "context": {"kind": "wiki", "ref": "A", "url": "javascript:alert(1)"},
        },
        {"context"},
    ),
]


@pytest.mark.parametrize(("body", "fields"), STARTS)
def test_a_run_that_makes_no_sense_is_not_begun(
    people: kit.Cast, bot: Caller, body: dict[str, Any], fields: set[str]
) -> None:
    kit.approved(people, now=clock.now())
    reply = bot.post("executions", body)
    assert (reply.status, reply.fields) == (400, fields), reply.body
    assert not Execution.objects.exists()


def test_keys_and_roles_that_may_not_are_refused(people: kit.Cast) -> None:
    kit.approved(people, now=clock.now())
    reader, olu = tool("incidents:read"), signed_in(people.olu)
    assert nobody().get("runbooks").status == 401
    assert tool("tickets:read").get("runbooks").status == 403
    assert reader.get("runbooks").status == 200
    for path in ("runbooks", "executions", "runbooks/rb-snowflake-timeouts/reviews"):
        assert reader.post(path, {}).status == 403, path
        assert olu.post(path, {}).status == 403, path


def test_a_restricted_run_is_not_there_for_others(people: kit.Cast) -> None:
    run = kit.run(
        people, kit.approved(people, now=clock.now()), now=clock.now(), is_restricted=True
    )
    bot = tool(*SCOPES)
    assert bot.get(f"executions/{run.ref}").status == 404
    assert bot.post(f"executions/{run.ref}/steps/1", {"status": "done"}).status == 404
    assert bot.get("executions")["results"] == []


def test_nobody_writes_into_an_incident_that_they_may_not_see(people: kit.Cast) -> None:
    kit.approved(people, now=clock.now())
    incident = build.incident(by=people.maya, visibility="restricted")
    body = {
        "runbook": "rb-snowflake-timeouts",
        "context": {"kind": "incident", "ref": incident.ref},
    }
    with kit.knowing(Incidents()):
        refused = tool(*SCOPES).post("executions", body)
        assert (refused.status, refused.fields) == (400, {"context"})
        made = signed_in(people.maya)
        made.client.cookies["csrftoken"] = token = "a" * 32
        answer = made.post("executions", body, X_CSRFToken=token)
    assert (answer.status, answer["is_restricted"]) == (201, True)
    assert answer["context"]["url"] == f"/incidents/{incident.ref}/"


def test_a_retry_gets_the_first_answer(people: kit.Cast, bot: Caller) -> None:
    kit.approved(people, now=clock.now())
    body = {"runbook": "rb-snowflake-timeouts"}
    first = bot.post("executions", body, Idempotency_Key="a")
    assert bot.post("executions", body, Idempotency_Key="a").body == first.body
    assert Execution.objects.count() == 1


def test_reviews_and_retiring(people: kit.Cast, bot: Caller) -> None:
    kit.approved(people, now=clock.now())
    at = "runbooks/rb-snowflake-timeouts"
    assert bot.post(f"{at}/reviews", {"outcome": "confirmed", "note": "ok"}).fields == {"note"}
    row = bot.post(f"{at}/reviews", {"outcome": "confirmed", "note": "Read all of it"})
    assert (row.status, row["by"], row["version"]) == (201, "bot", 1)
    assert bot.post(f"{at}/retire", {"reason": "Old"})["archived_at"] is not None
    assert bot.post("executions", {"runbook": "rb-snowflake-timeouts"}).status in {400, 409}
