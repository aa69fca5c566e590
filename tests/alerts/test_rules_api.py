"""Rules over the API."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Person
from apps.alerts.models import AlertRule
from tests import builders as build
from tests.alerts.rulekit import look, runbook
from tests.builders import telemetry as told
from tests.calls import Caller, nobody, signed_in, tool
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
SCOPES = ("events:read", "incidents:write")
BODY = {"key": "failures", "name": "Runs fail", "kind": "rate", "params": {"threshold": 0.2}}
DAY = {"since": "2026-09-06T12:00:00Z", "until": "2026-09-07T12:00:00Z"}
CSRF = {"X_CSRFToken": "a" * 32}


def with_token(person: Person) -> Caller:
    """A person in a browser that has its CSRF token."""
    caller = signed_in(person)
    caller.client.cookies["csrftoken"] = "a" * 32
    return caller


@pytest.fixture
def bot(db: None) -> Caller:
    return tool(*SCOPES)


def test_a_rule_is_drafted_completed_and_switched_on_and_off(bot: Caller, cast: Cast) -> None:
    made = bot.post("alert-rules", BODY)
    assert (made.status, made["status"], made["params"]["window"]) == (201, "draft", 3600)
    refused = bot.post("alert-rules/failures/switch", {"on": True})
    assert (refused.status, set(refused.fields)) == (400, {"owner", "runbook"})
    runbook()
    changed = bot.patch(
        "alert-rules/failures", {"owner": "maya@example.com", "runbook": "rb-snowflake-timeouts"}
    )
    assert (changed["owner"], changed["runbook"]) == ("maya@example.com", "rb-snowflake-timeouts")
    assert bot.post("alert-rules/failures/switch", {"on": True})["status"] == "on"
    assert bot.post("alert-rules/failures/switch", {"on": True}).status == 409
    assert bot.post("alert-rules/failures/switch", {"on": False}).fields == {"reason"}
    off = bot.post("alert-rules/failures/switch", {"on": False, "reason": "Replaced"})
    assert off["status"] == "off"


def test_where_each_group_stands_is_read(bot: Caller, cast: Cast) -> None:
    bot.post("alert-rules", {**BODY, "params": {"group_by": "facet"}})
    AlertRule.objects.update(status="on", owner=cast.maya, runbook=runbook(), next_at=told.NOON)
    told.runs(told.profiler(), 1, bad=20, at=told.NOON)
    look(told.NOON.replace(minute=5))
    (group,) = bot.get("alert-rules/failures")["groups"]
    assert (group["group"], group["state"], group["look"]) == ("snowflake", "firing", "firing")
    assert [row["key"] for row in bot.get("alert-rules", {"firing": "true"})["results"]] == [
        "failures"
    ]
    assert bot.get("alert-rules", {"firing": "false"})["results"] == []
    assert bot.get("alert-rules", {"status": "draft"})["results"] == []


def test_a_replay_says_how_much_earlier(bot: Caller) -> None:
    bot.post("alert-rules", BODY)
    told.runs(told.profiler(), 1, bad=40, at=told.NOON)
    moments = ["2026-09-07T12:00:00Z", "2026-09-06T12:00:00Z"]
    done = bot.post("alert-rules/failures/replay", {**DAY, "moments": moments})
    assert done.status == 200
    assert (len(done["firings"]), done["pages"], done["step_seconds"]) == (1, 1, 60)
    assert done["ahead"][0]["minutes"] > 20
    bot.post("alert-rules", {**BODY, "key": "old", "kind": "age",
                             "params": {"max_business_days": 5}})  # fmt: skip
    refused = bot.post("alert-rules/old/replay", DAY)
    assert (refused.status, refused.code) == (400, "not_replayable")
    assert bot.post("alert-rules/failures/replay", {"since": DAY["since"]}).fields == {"until"}


WRONG: list[tuple[Any, str]] = [
    ({**BODY, "params": {"window": "soon"}}, "window"),
    ({**BODY, "params": {"colour": "red"}}, "colour"),
    ({**BODY, "params": 5}, "params"),
    ({**BODY, "kind": "guess"}, "kind"),
    ({**BODY, "owner": "nobody@example.com"}, "owner"),
    ({**BODY, "runbook": "none"}, "runbook"),
    ({**BODY, "slo": "none"}, "slo"),
    ({**BODY, "surface": "nowhere"}, "surface"),
    ({**BODY, "every_seconds": 1}, "every_seconds"),
    ({}, "key"),
]


@pytest.mark.parametrize(("body", "field"), WRONG)
def test_what_is_no_rule_is_refused_by_field(bot: Caller, body: Any, field: str) -> None:
    reply = bot.post("alert-rules", body)
    assert (reply.status, field in reply.fields) == (400, True)
    assert not AlertRule.objects.exists()


def test_who_may_not_is_refused(bot: Caller, cast: Cast) -> None:
    bot.post("alert-rules", BODY)
    assert nobody().get("alert-rules").status == 401
    assert tool("rotations:read").get("alert-rules").status == 403
    assert tool("events:read").post("alert-rules", BODY).status == 403
    assert bot.get("alert-rules/other").status == 404
    ravi, maya = with_token(cast.ravi), with_token(cast.maya)
    assert ravi.get("alert-rules/failures").status == 200
    for reply in (
        ravi.patch("alert-rules/failures", {"name": "Mine"}, **CSRF),
        ravi.post("alert-rules", {**BODY, "key": "mine"}, **CSRF),
        ravi.post("alert-rules/failures/switch", {"on": True}, **CSRF),
    ):
        assert (reply.status, reply.code) == (403, "not_allowed")
    assert ravi.post("alert-rules/failures/replay", DAY, **CSRF).status == 200
    assert maya.patch("alert-rules/failures", {"name": "Hers"}, **CSRF)["name"] == "Hers"


def test_a_teams_key_reads_its_own_and_makes_none(bot: Caller) -> None:
    ours, theirs = build.team("ours"), build.team("theirs")
    build.surface("a", team=ours)
    build.surface("b", team=theirs)
    bot.post("alert-rules", {**BODY, "surface": "a"})
    bot.post("alert-rules", {**BODY, "key": "other", "surface": "b"})
    key = tool(*SCOPES, team=ours)
    assert [row["key"] for row in key.get("alert-rules")["results"]] == ["failures"]
    assert key.get("alert-rules/other").status == 404
    assert key.post("alert-rules", {**BODY, "key": "mine", "surface": "a"}).code == "not_allowed"
    assert key.post("alert-rules/failures/replay", DAY).code == "not_allowed"


def test_a_retry_drafts_it_once(bot: Caller) -> None:
    first = bot.post("alert-rules", BODY, Idempotency_Key="a")
    again = bot.post("alert-rules", BODY, Idempotency_Key="a")
    assert first.status == again.status == 201
    assert AlertRule.objects.count() == 1
    assert bot.post("alert-rules", BODY).fields == {"key"}
