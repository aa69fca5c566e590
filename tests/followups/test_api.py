"""The ledger over the API: by keys and by signed-in people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from apps.accounts.models import Person
from apps.followups import services as followups
from apps.followups.models import FollowUp
from tests import builders as build
from tests.calls import Caller, Reply, nobody, signed_in, tool
from tests.conftest import Cast
from tests.followups.kit import NOTE, NOW, URL, done, promise

pytestmark = pytest.mark.django_db
SCOPES = ("incidents:read", "incidents:write")
BODY: dict[str, Any] = {
    "title": "Sample wide text with a budget",
    "acceptance": "p95 stays below 300 s",
    "aim": "prevent",
    "priority": "P0",
    "owner": "ravi@example.com",
    "due_on": "2026-03-09",
    "source": {"kind": "incident", "ref": "INC-42", "url": "/incidents/INC-42/", "label": "Slow"},
}


@pytest.fixture(autouse=True)
def moment(cast: Cast) -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def bot() -> Caller:
    return tool(*SCOPES, name="bot")


def by_hand(person: Person, path: str, body: dict[str, Any]) -> Reply:
    """What a signed-in person sends from a page of the portal's own."""
    caller = signed_in(person)
    caller.client.cookies["csrftoken"] = token = "a" * 32
    return caller.post(path, body, X_CSRFToken=token)


def test_a_list_costs_the_same_for_one_row_and_for_eight(
    cast: Cast, bot: Caller, django_assert_max_num_queries: Any
) -> None:
    for _ in range(8):
        promise(cast.ravi)
    with django_assert_max_num_queries(4):
        assert len(bot.get("followups")["results"]) == 8


def test_a_follow_up_is_promised_and_shown_in_one_shape(bot: Caller) -> None:
    followups.ensure_factors()
    build.surface("inspect.profiler")
    body = {**BODY, "surface": "inspect.profiler", "factor": "limit-or-quota", "status": "verified"}
    made = bot.post("followups", body)
    assert made.status == 201, made.body
    assert made["ref"] == made["id"] == FollowUp.objects.get().ref
    assert (made["status"], made["priority"], made["kind"]) == ("open", "P0", "real")
    assert (made["owner"], made["due_on"]) == ("ravi@example.com", "2026-03-09")
    assert (made["surface"], made["factor"]) == ("inspect.profiler", "limit-or-quota")
    assert made["source"] == BODY["source"]
    assert made["next_states"] == ["done", "in_progress", "wont_do"]
    assert made["fitting"] == ["regression", "release", "url"]
    assert bot.get(f"followups/{made['ref'].lower()}").body == made.body
    (row,) = bot.get("followups")["results"]
    assert row == {name: made[name] for name in row}


def test_what_is_left_out_is_said_by_field(bot: Caller) -> None:
    reply = bot.post("followups", {"title": "Do better"})
    assert (reply.status, reply.code) == (400, "invalid")
    assert reply.fields == {"acceptance", "aim", "priority", "owner", "due_on"}


WRONG: list[tuple[str, Any]] = [
    ("title", ""), ("title", "x" * 201), ("title", None), ("acceptance", "   "),
    ("acceptance", "x" * 10_001), ("aim", "hope"), ("priority", "P9"),
    ("owner", "nobody@x.example"), ("owner", 7),
    ("due_on", "2026-02-01"), ("due_on", "someday"), ("due_on", "9999-12-31"),
    ("due_on", "2026-03-09T10:00:00Z"), ("surface", "no.such"), ("factor", "no-such"),
    ("kind", "play"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), WRONG, ids=[f"{f}={str(v)[:12]}" for f, v in WRONG])
def test_a_wrong_value_is_refused_at_its_field(bot: Caller, field: str, value: Any) -> None:
    reply = bot.post("followups", {**BODY, field: value})
    assert (reply.status, reply.fields) == (400, {field})
    assert not FollowUp.objects.exists()


def test_a_source_with_a_wrong_address_is_refused(bot: Caller) -> None:
    reply = bot.post(
        "followups", {**BODY, "source": {"kind": "hand", "url": "javascript:alert(1)"}}
    )
    assert (reply.status, reply.fields) == (400, {"source_url"})


def test_the_list_is_filtered_by_what_is_documented(bot: Caller, cast: Cast) -> None:
    late = promise(cast.ravi, title="A late one", due_on=NOW.date(), aim="docs")
    promise(cast.bea, priority="P2", source=("drill", "DRL-1", "", ""))
    with time_machine.travel("2026-03-04T12:00:00Z", tick=False):
        asked: dict[str, dict[str, str]] = {
            "owner": {"owner": "Ravi@example.com"}, "overdue": {"overdue": "true"},
            "aim": {"aim": "docs"}, "priority": {"priority": "P0,P1"},
            "source": {"source_kind": "incident", "source_ref": "INC-42"},
            "due": {"due_until": "2026-03-04"},
        }  # fmt: skip
        for name, query in asked.items():
            found = [row["ref"] for row in bot.get("followups", query)["results"]]
            assert found == [late.ref], name
        assert len(bot.get("followups", {"status": "open,done"})["results"]) == 2
        assert len(bot.get("followups", {"overdue": "false"})["results"]) == 1
    assert bot.get("followups", {"state": "open"}).status == 400
    assert bot.get("followups", {"status": "nothing"}).fields == {"status"}
    assert bot.get("followups", {"due_until": "soon"}).fields == {"due_until"}


def test_a_change_names_the_version_that_was_read(bot: Caller, cast: Cast) -> None:
    ref = promise(cast.ravi).ref
    changed = bot.patch(f"followups/{ref}", {"owner": "bea@example.com", "version": 1})
    assert (changed.status, changed["owner"], changed["version"]) == (200, "bea@example.com", 2)
    stale = bot.patch(f"followups/{ref}", {"title": "Another title", "version": 1})
    assert (stale.status, stale.code) == (409, "stale")
    late = bot.patch(f"followups/{ref}", {"due_on": "2026-04-01"})
    assert (late.status, late.fields) == (400, {"reason"})
    moved = bot.patch(
        f"followups/{ref}", {"due_on": "2026-04-01", "reason": "Waits for the vendor."}
    )
    assert (moved.status, moved["due_on"]) == (200, "2026-04-01")


def test_the_whole_way_is_open_to_people(cast: Cast) -> None:
    ref = by_hand(cast.ravi, "followups", BODY)["ref"]
    at = f"followups/{ref}/transition"
    assert by_hand(cast.ravi, at, {"to": "in_progress"})["status"] == "in_progress"
    assert by_hand(cast.ravi, at, {"to": "done", "note": "It is out."})["status"] == "done"
    refused = by_hand(cast.maya, at, {"to": "verified"})
    assert (refused.status, refused.code) == (409, "no_evidence")
    brought = by_hand(
        cast.ravi, f"followups/{ref}/evidence", {"type": "regression", "url": URL, "note": NOTE}
    )
    assert (brought.status, brought["by"]) == (201, "Ravi Rao")
    own = by_hand(cast.ravi, at, {"to": "verified"})
    assert (own.status, own.code) == (403, "not_allowed")
    found = by_hand(cast.maya, at, {"to": "verified"})
    assert (found["status"], found["verified_by"]) == ("verified", "maya@example.com")
    failed = by_hand(cast.maya, at, {"to": "open", "did_not_hold": True, "note": "It is back."})
    assert (failed["status"], failed["did_not_hold"]) == ("open", True)
    assert failed["evidence"][0]["withdrawn_at"] == "2026-03-02T12:00:00Z"
    told = [row["what"] for row in signed_in(cast.maya).get(f"followups/{ref}/notes")["results"]]
    assert told == ["opened", "started", "done", "evidence", "verified", "not_held"]


def test_a_step_that_the_state_does_not_allow_is_told(bot: Caller, cast: Cast) -> None:
    ref = promise(cast.ravi).ref
    reply = bot.post(f"followups/{ref}/transition", {"to": "verified"})
    assert (reply.status, reply.code) == (409, "illegal_transition")
    reply = bot.post(f"followups/{ref}/transition", {"to": "gone"})
    assert (reply.status, reply.fields) == (400, {"to"})


def test_a_reason_that_is_left_out_is_asked_for_as_the_note(bot: Caller, cast: Cast) -> None:
    ref = done(cast.ravi).ref
    reply = bot.post(f"followups/{ref}/transition", {"to": "open"})
    assert (reply.status, reply.fields) == (400, {"note"})


def test_a_tool_verifies_nothing_that_matters_and_drops_nothing(bot: Caller, cast: Cast) -> None:
    ref = done(cast.ravi, priority="P0").ref
    reply = bot.post(f"followups/{ref}/transition", {"to": "verified"})
    assert (reply.status, reply.code) == (403, "not_allowed")
    small = done(cast.ravi, priority="P2").ref
    assert bot.post(f"followups/{small}/transition", {"to": "verified"})["verified_by"] is None
    other = promise(cast.ravi).ref
    dropping = {"to": "wont_do", "note": "The product goes away."}
    assert bot.post(f"followups/{other}/transition", dropping).status == 403
    assert tool("admin").post(f"followups/{other}/transition", dropping)["status"] == "wont_do"


def test_evidence_is_taken_back_with_a_reason(bot: Caller, cast: Cast) -> None:
    row = done(cast.ravi)
    (piece,) = bot.get(f"followups/{row.ref}/evidence")["results"]
    at = f"followups/{row.ref}/evidence/{piece['id']}/withdraw"
    assert bot.post(at, {}).fields == {"why"}
    taken = bot.post(at, {"why": "It ran on the wrong branch."})
    assert taken["withdrawn_at"] == "2026-03-02T12:00:00Z"
    again = bot.post(at, {"why": "It ran on the wrong branch."})
    assert (again.status, again.code) == (409, "conflict")
    assert bot.post(f"followups/{row.ref}/evidence/99/withdraw", {"why": "Not mine."}).status == 404


def test_who_may_not_see_or_change_it(cast: Cast) -> None:
    row = promise(cast.ravi, is_restricted=True)
    assert nobody().get("followups").status == 401
    assert tool("tickets:read").get("followups").status == 403
    assert tool("incidents:read").post("followups", BODY).status == 403
    assert signed_in(cast.bea).get(f"followups/{row.ref}").status == 404
    assert signed_in(cast.ravi).get(f"followups/{row.ref}").status == 200
    assert signed_in(cast.maya).get(f"followups/{row.ref}").status == 200
    assert by_hand(cast.olu, "followups", BODY).status == 403
    for bad in ("FUP-0", "FUP-x", "7", "INC-7", "FUP-99999999999999999999"):
        assert signed_in(cast.maya).get(f"followups/{bad}").status == 404


def test_a_teams_key_sees_its_own_surfaces(cast: Cast) -> None:
    team, other = build.team("inspect"), build.team("cloud")
    own = promise(cast.ravi, surface=build.surface("inspect.profiler", team=team))
    promise(cast.ravi, surface=build.surface("cloud.render", team=other))
    caller = Caller(text=build.key("incidents:read", team=team).text)
    assert [row["ref"] for row in caller.get("followups")["results"]] == [own.ref]


def test_a_retry_promises_once(bot: Caller) -> None:
    first = bot.post("followups", BODY, Idempotency_Key="k1")
    again = bot.post("followups", BODY, Idempotency_Key="k1")
    assert first.body == again.body
    assert FollowUp.objects.count() == 1


def test_comments_stand_among_what_happened(bot: Caller, cast: Cast) -> None:
    ref = promise(cast.ravi).ref
    said = bot.post(f"followups/{ref}/notes", {"text": "Waits for *review*."})
    assert (said.status, said["what"], said["by"]) == (201, "comment", "bot")
    assert bot.post(f"followups/{ref}/notes", {"text": " "}).fields == {"text"}
