"""Objectives over the API: set, read with their budgets, changed, laid down."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Person
from apps.core import clock
from apps.telemetry.models import Slo
from tests import builders as build
from tests.builders import telemetry as given
from tests.calls import Caller, nobody, signed_in, tool
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
SCOPES = ("incidents:read", "incidents:write")
BODY = {"key": "profiles", "name": "Runs succeed", "sli": "profile_runs", "objective": 0.99}


CSRF = {"X_CSRFToken": "a" * 32}


def with_token(person: Person) -> Caller:
    """A person in a browser that has its CSRF token."""
    caller = signed_in(person)
    caller.client.cookies["csrftoken"] = "a" * 32
    return caller


@pytest.fixture
def bot() -> Caller:
    return tool(*SCOPES, name="bot")


def test_an_objective_is_set_and_read_with_its_budget(bot: Caller, cast: Cast) -> None:
    given.codes()
    now = clock.now()
    surface = build.surface("profiler")
    given.runs(given.profiler(surface=surface), 95, bad=5, at=now)
    body = {**BODY, "surface": "profiler", "owner": cast.ravi.email}
    made = bot.post("slos", body)
    assert (made.status, made["key"], made["surface"]) == (201, "profiles", "profiler")
    assert (made["objective"], made["window_days"], made["policy"]) == (0.99, 28, "freeze")
    found = bot.get("slos/profiles")["budget"]
    assert (found["good"], found["bad"], found["total"]) == (95, 5, 100)
    assert (found["allowed"], found["consumed"]) == (1.0, 5.0)
    assert found["met"] is False and found["freeze"] is True
    assert found["burn_rates"][2] == {"hours": 24, "bad": 5, "total": 100, "burn_rate": 5.0}
    assert len(found["days"]) == 28 and found["exhausts_at"] is not None
    (row,) = bot.get("slos")["results"]
    assert row["owner"] == cast.ravi.email and "budget" not in row


def test_nothing_that_happened_is_null_and_not_good(bot: Caller) -> None:
    found = bot.post("slos", BODY)["budget"]
    assert found["share_good"] is None and found["met"] is None
    assert found["consumed"] is None and found["freeze"] is False


def test_a_change_keeps_the_rest_and_laying_down_is_one(bot: Caller) -> None:
    bot.post("slos", BODY)
    found = bot.patch("slos/profiles", {"objective": "0.95", "policy": "warn"})
    assert (found["objective"], found["policy"], found["name"]) == (0.95, "warn", "Runs succeed")
    assert bot.patch("slos/profiles", {"archived": True})["archived_at"] is not None
    refused = bot.patch("slos/profiles", {"name": "Other"})
    assert (refused.status, refused.code) == (409, "archived")
    assert bot.get("slos", {"archived": "true"})["results"][0]["key"] == "profiles"
    assert bot.get("slos", {"archived": "false"})["results"] == []
    assert bot.patch("slos/profiles", {"archived": False, "name": "Other"})["name"] == "Other"


def test_a_retry_sets_it_once(bot: Caller) -> None:
    first = bot.post("slos", BODY, Idempotency_Key="a")
    again = bot.post("slos", BODY, Idempotency_Key="a")
    assert first.status == again.status == 201
    assert Slo.objects.count() == 1
    assert bot.post("slos", BODY).fields == {"key"}


WRONG: list[tuple[Any, str]] = [
    ({**BODY, "objective": 1}, "objective"),
    ({**BODY, "objective": "0.9999999"}, "objective"),
    ({**BODY, "objective": "NaN"}, "objective"),
    ({**BODY, "sli": "counts"}, "count_key"),
    ({**BODY, "sli": "freshness", "window_days": 120}, "window_days"),
    ({**BODY, "window_days": 366}, "window_days"),
    ({**BODY, "surface": "nowhere"}, "surface"),
    ({**BODY, "owner": "nobody@example.com"}, "owner"),
    ({**BODY, "key": "a b"}, "key"),
    ({}, "key"),
]


@pytest.mark.parametrize(("body", "field"), WRONG)
def test_what_is_no_objective_is_refused_by_field(bot: Caller, body: Any, field: str) -> None:
    reply = bot.post("slos", body)
    assert (reply.status, field in reply.fields) == (400, True)
    assert not Slo.objects.exists()


def test_who_may_not_is_refused(bot: Caller, cast: Cast) -> None:
    bot.post("slos", BODY)
    assert nobody().get("slos").status == 401
    assert tool("rotations:read").get("slos").status == 403
    assert tool("incidents:read").post("slos", BODY).status == 403
    assert bot.get("slos/other").status == 404


def test_people_read_all_and_change_only_with_the_grant_for_policies(
    bot: Caller, cast: Cast
) -> None:
    bot.post("slos", BODY)
    ravi, maya = with_token(cast.ravi), with_token(cast.maya)
    assert ravi.get("slos/profiles").status == 200
    for reply in (
        ravi.patch("slos/profiles", {"name": "Mine"}, **CSRF),
        ravi.post("slos", {**BODY, "key": "mine"}, **CSRF),
    ):
        assert (reply.status, reply.code) == (403, "not_allowed")
    assert maya.patch("slos/profiles", {"name": "Hers"}, **CSRF)["name"] == "Hers"


def test_a_teams_key_keeps_to_its_surfaces(bot: Caller) -> None:
    ours, theirs = build.team("ours"), build.team("theirs")
    build.surface("a", team=ours)
    build.surface("b", team=theirs)
    bot.post("slos", {**BODY, "key": "site"})
    bot.post("slos", {**BODY, "key": "b", "surface": "b"})
    key = tool(*SCOPES, team=ours)
    assert key.post("slos", {**BODY, "surface": "a"}).status == 201
    assert key.post("slos", {**BODY, "key": "c", "surface": "b"}).fields == {"surface"}
    assert key.post("slos", {**BODY, "key": "c"}).code == "not_allowed"
    assert key.patch("slos/site", {"name": "Mine"}).code == "not_allowed"
    assert key.patch("slos/b", {"name": "Mine"}).status == 404
    assert key.patch("slos/profiles", {"surface": None}).code == "not_allowed"
    assert [row["key"] for row in key.get("slos")["results"]] == ["profiles", "site"]
