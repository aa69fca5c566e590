"""Silences: with a reason and an end, never of the whole site; and over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from apps.alerts import services
from apps.alerts.models import AlertRule, Silence
from apps.core import audit, clock
from apps.core.errors import Conflict, Invalid
from apps.ownership.models import Surface
from apps.paging.models import Page
from tests import builders as build
from tests.calls import signed_in, tool
from tests.conftest import Cast

NOW = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
pytestmark = pytest.mark.django_db
SCOPES = ("events:read", "incidents:write")
UNTIL = "2026-09-07T08:00:00Z"


def silence(**more: Any) -> Silence:
    wanted: dict[str, Any] = {
        "reason": "Resized", "dedup_key": "disk:*", "ends_at": NOW + HOUR, "actor": audit.SYSTEM,
        "now": NOW, **more,
    }  # fmt: skip
    return services.create_silence(**wanted)


def change(row: Silence, now: datetime = NOW, **fields: Any) -> Silence:
    return services.change_silence(silence=row, fields=fields, actor=audit.SYSTEM, now=now)


def test_it_holds_from_its_start_until_just_before_its_end() -> None:
    silence(starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)
    minutes = (0, 59, 60, 119, 120)
    held = [Silence.objects.holding(NOW + timedelta(minutes=minute)).exists() for minute in minutes]
    assert held == [False, False, True, True, False]


def test_a_start_that_has_passed_is_now() -> None:
    assert silence(starts_at=NOW - DAY).starts_at == NOW


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"reason": " \n "}, "reason"),
        ({"reason": "x" * 301}, "reason"),
        ({"ends_at": NOW}, "ends_at"),
        ({"ends_at": NOW - HOUR}, "ends_at"),
        ({"starts_at": NOW + 2 * HOUR}, "ends_at"),
        ({"ends_at": NOW + 30 * DAY + HOUR}, "ends_at"),
        ({"starts_at": NOW + 366 * DAY, "ends_at": NOW + 367 * DAY}, "starts_at"),
        ({"dedup_key": ""}, "surface"),
        ({"dedup_key": "*"}, "surface"),
        ({"dedup_key": " ", "class_name": "?*"}, "surface"),
        ({"dedup_key": "x" * 301}, "dedup_key"),
        ({"class_name": "x" * 121}, "class_name"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        silence(**given)
    assert set(refused.value.fields) == {field}
    assert not Silence.objects.exists()


def test_thirty_days_are_the_most() -> None:
    assert silence(ends_at=NOW + 30 * DAY).pk


def test_its_end_moves_and_its_reason_changes_until_it_is_over() -> None:
    row = silence()
    assert change(row, ends_at=NOW + 3 * HOUR, reason="Still resized").reason == "Still resized"
    assert change(row, NOW + 2 * HOUR, ends_at=NOW + 2 * HOUR + 30 * DAY).ends_at > NOW + 30 * DAY
    with pytest.raises(Invalid) as refused:
        change(row, NOW + 2 * HOUR, ends_at=NOW + 40 * DAY)
    assert "ends_at" in refused.value.fields
    with pytest.raises(Conflict):
        change(row, NOW + 40 * DAY, reason="Again")


def test_it_is_ended_once() -> None:
    row = silence()
    ended = services.end_silence(silence=row, actor=audit.SYSTEM, now=NOW + HOUR / 2)
    assert ended.ended_at == NOW + HOUR / 2
    assert not Silence.objects.holding(NOW + HOUR / 2).exists()
    with pytest.raises(Conflict):
        services.end_silence(silence=row, actor=audit.SYSTEM, now=NOW + HOUR / 2)
    with pytest.raises(Conflict):
        change(row, NOW + HOUR / 2, reason="Again")


def test_a_rule_is_named_by_its_key_and_mutes_its_groups_alone() -> None:
    rule = AlertRule.objects.create(
        key="slow", name="Slow", kind=AlertRule.Kind.RATE, created_at=NOW
    )
    row = silence(dedup_key="", rule=rule)
    source = build.native()
    one = build.alert(source, dedup_key="rule:slow", severity="info", now=NOW)
    assert not services.mutes.fitting(row, [one], {})  # another tool's key of the same name


# -- over the API


@pytest.fixture
def _at_six() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def test_a_deployment_mutes_its_surface_and_ends_that_again(cast: Cast, _at_six: None) -> None:
    surface = build.surface("inspect.api")
    caller = tool(*SCOPES, name="ci")
    body = {"reason": "Release 1.8.0", "surface": "inspect.api", "ends_at": UNTIL}
    made = caller.post("silences", body, Idempotency_Key="run-1")
    again = caller.post("silences", body, Idempotency_Key="run-1")
    assert (made.status, made["state"], made["surface"]) == (201, "holding", "inspect.api")
    assert (again["id"], Silence.objects.count()) == (made["id"], 1)
    assert (made["by"], made["rule"], made["class"], made["ended_at"]) == (None,) * 4
    build.alert(build.native(surface=surface), severity="critical", dedup_key="a")
    assert not Page.objects.exists()
    ended = caller.post(f"silences/{made['id']}/end")
    assert (ended.status, ended["state"]) == (200, "over")
    assert caller.post(f"silences/{made['id']}/end").status == 409
    assert services.unmute_due(now=clock.now()) == 1


def test_what_is_named_is_shown_and_filtered(cast: Cast, _at_six: None) -> None:
    AlertRule.objects.create(key="slow", name="Slow", kind="rate", created_at=NOW)
    source = build.native()
    caller = tool(*SCOPES)
    named = {
        "rule": "slow", "integration": str(source.pk), "dedup_key": "rule:*", "class": "Slow*",
        "reason": "Known", "starts_at": "2026-09-07T07:00:00Z", "ends_at": UNTIL,
    }  # fmt: skip
    made = caller.post("silences", named)
    assert made.status == 201, made.body
    assert {name: made[name] for name in named} == named
    assert made["state"] == "planned"
    silence(now=clock.now(), ends_at=clock.now() + HOUR)

    def ids(**query: str) -> list[str]:
        return [row["id"] for row in caller.get("silences", query)["results"]]

    assert len(ids()) == 2 and ids(rule="slow") == [made["id"]] == ids(holding="false")
    assert len(ids(holding="true")) == 1 and ids(surface="x") == []
    assert caller.get(f"silences/{made['id']}")["reason"] == "Known"
    assert caller.get("silences/999").status == 404


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"reason", "ends_at"}),
        ({"reason": "x", "ends_at": UNTIL}, {"surface"}),
        ({"reason": "x", "ends_at": UNTIL, "dedup_key": "***"}, {"surface"}),
        ({"reason": "x", "ends_at": "tomorrow", "dedup_key": "a"}, {"ends_at"}),
        ({"reason": "x", "ends_at": UNTIL, "surface": "nowhere"}, {"surface"}),
        ({"reason": "x", "ends_at": UNTIL, "rule": "none"}, {"rule"}),
        ({"reason": "x", "ends_at": UNTIL, "integration": "none"}, {"integration"}),
        ({"reason": ["x"], "ends_at": UNTIL, "dedup_key": "a"}, {"reason"}),
    ],
)
def test_the_api_refuses_by_field(
    cast: Cast, _at_six: None, body: dict[str, Any], fields: set[str]
) -> None:
    reply = tool(*SCOPES).post("silences", body)
    assert (reply.status, reply.fields) == (400, fields)


def test_reason_and_end_are_changed(cast: Cast, _at_six: None) -> None:
    row = silence(ends_at=clock.now() + HOUR, now=clock.now())
    caller = tool(*SCOPES)
    reply = caller.patch(f"silences/{row.pk}", {"reason": "Longer", "ends_at": UNTIL})
    assert (reply.status, reply["reason"], reply["ends_at"]) == (200, "Longer", UNTIL)
    assert caller.patch(f"silences/{row.pk}", {"ends_at": "2027-09-07T08:00:00Z"}).status == 400


def test_a_key_of_a_team_mutes_its_own_surfaces_alone(cast: Cast, _at_six: None) -> None:
    mine = build.surface("inspect.api", team=build.team("inspect"))
    build.surface("billing")
    caller = tool(*SCOPES, team=mine.team)
    until = {"reason": "x", "ends_at": UNTIL}
    assert caller.post("silences", {**until, "dedup_key": "a"}).fields == {"surface"}
    assert caller.post("silences", {**until, "surface": "billing"}).fields == {"surface"}
    made = caller.post("silences", {**until, "surface": "inspect.api"})
    other = silence(surface=Surface.objects.get(key="billing"))
    assert caller.post(f"silences/{other.pk}/end").status == 404
    assert caller.patch(f"silences/{other.pk}", {"reason": "y"}).status == 404
    assert caller.post(f"silences/{made['id']}/end").status == 200


def test_reading_and_muting_take_their_scopes(cast: Cast) -> None:
    assert tool("incidents:write").get("silences").status == 403
    assert tool("events:read").post("silences", {}).status == 403
    assert signed_in(cast.olu).get("silences").status == 200
