"""Surfaces over the API: who answers for them, what fails with them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import Team
from apps.core import audit, clock
from apps.ownership import services
from apps.ownership.models import ExternalParty, OwnershipAssignment, Surface, SurfaceDependency
from apps.paging import services as paging
from apps.paging.services import PolicyStep
from tests import builders as build
from tests.calls import Caller, Reply, signed_in, tool
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer() -> Caller:
    return tool("ownership:read", "ownership:write")


def test_a_surface_is_shown_with_everything_that_decides_who_is_woken(
    writer: Caller, cast: Cast
) -> None:
    team = build.team("inspect", lead=cast.maya)
    profiler = build.surface("inspect.profiler", team=team, primary=cast.ravi, backup=cast.bea)
    facet = build.surface("inspect.profiler.snowflake", parent=profiler)
    report = build.surface("inspect.report", team=team)
    party = ExternalParty.objects.create(key="snowflake", name="Snowflake")
    SurfaceDependency.objects.create(surface=profiler, on_party=party, note="warehouse")
    SurfaceDependency.objects.create(surface=report, on_surface=profiler)
    build.schedule(cast.bea, surfaces=[profiler])
    policy = build.policy(PolicyStep(0, [{"kind": "surface_on_call"}]), name="Wake Bea")
    paging.use_policy(surface=profiler, policy=policy)
    shown = writer.get("surfaces/inspect.profiler")
    assert shown.status == 200
    assert (shown["primary"], shown["backup"]) == (cast.ravi.email, cast.bea.email)
    assert (shown["team"], shown["tier"], shown["lifecycle"]) == ("inspect", 2, "live")
    assert (shown["schedule"], shown["on_call"]) == ("profiler", [cast.bea.email])
    assert shown["policy"] == "Wake Bea"
    assert shown["blast_radius"] == ["inspect.profiler.snowflake", "inspect.report"]
    assert shown["dependencies"] == [
        {"surface": None, "party": "snowflake", "strength": "hard", "note": "warehouse"}
    ]
    child = writer.get(f"surfaces/{facet.key}")
    assert (child["parent"], child["schedule"], child["policy"]) == (
        "inspect.profiler", "profiler", "Wake Bea",
    )  # fmt: skip
    assert (child["primary"], child["policy"]) == (None, "Wake Bea")
    assert writer.get("surfaces/inspect.report")["policy"] == "Standard"


def test_the_list_is_by_key_filtered_and_needs_few_queries(
    writer: Caller, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    team = build.team("inspect")
    for number in range(10):
        build.surface(f"s{number}", team=team if number % 2 else None, primary=cast.ravi, tier=1)
    build.surface("t", kind="pack", tier=3, lifecycle="retired")
    with django_assert_max_num_queries(6):
        rows = writer.get("surfaces")["results"]
    assert [row["key"] for row in rows] == [*(f"s{n}" for n in range(10)), "t"]
    assert {row["primary"] for row in rows} == {cast.ravi.email, None}

    def asked(**query: str) -> list[str]:
        return [row["key"] for row in writer.get("surfaces", query)["results"]]

    assert asked(team="inspect") == ["s1", "s3", "s5", "s7", "s9"]
    assert asked(kind="pack") == asked(tier="3") == asked(lifecycle="retired") == ["t"]
    assert asked(team="nobody") == []


def test_a_surface_is_created_with_its_owners(writer: Caller, cast: Cast) -> None:
    build.team("inspect")
    body = {
        "key": "inspect.api", "name": "API", "team": "inspect", "tier": 1, "kind": "service",
        "primary": "RAVI@example.com", "backup": cast.bea.email,
        "dashboard_url": "https://grafana.example.com/d/1", "archived_at": "2020-01-01T00:00:00Z",
        "id": "7", "password": "x",
    }  # fmt: skip
    reply = writer.post("surfaces", body, Idempotency_Key="a")
    assert reply.status == 201, reply.body
    assert (reply["primary"], reply["backup"], reply["tier"]) == (
        cast.ravi.email, cast.bea.email, 1,
    )  # fmt: skip
    row = Surface.objects.get()
    assert row.archived_at is None and row.dashboard_url.endswith("/d/1")
    assert writer.post("surfaces", body, Idempotency_Key="a").body == reply.body
    again = writer.post("surfaces", body)
    assert (again.status, again.fields) == (400, {"key"})


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"key": "Not A Key"}, "key"),
    ({"key": "x" * 81}, "key"),
    ({"name": ""}, "name"),
    ({"tier": 9}, "tier"),
    ({"kind": "thing"}, "kind"),
    ({"team": "nobody"}, "team"),
    ({"parent": "nothing"}, "parent"),
    ({"primary": "nobody@example.com"}, "primary"),
    ({"primary": {"id": 1}}, "primary"),
    ({"dashboard_url": "javascript:alert(1)"}, "dashboard_url"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG, ids=str)
def test_a_surface_that_makes_no_sense_is_refused_whole(
    writer: Caller, cast: Cast, changes: dict[str, Any], field: str
) -> None:
    body = {"key": "inspect.api", "name": "API", "primary": cast.ravi.email, **changes}
    reply = writer.post("surfaces", body)
    assert (reply.status, reply.fields) == (400, {field}), reply.body
    assert not Surface.objects.exists()


def test_primary_and_backup_are_two_people(writer: Caller, cast: Cast) -> None:
    body = {"key": "a", "name": "A", "primary": cast.ravi.email, "backup": cast.ravi.email}
    reply = writer.post("surfaces", body)
    assert (reply.status, reply.code) == (400, "same_person")
    assert not Surface.objects.exists() and not OwnershipAssignment.objects.exists()


def test_a_change_touches_only_what_it_names(writer: Caller, cast: Cast) -> None:
    build.surface("a", primary=cast.ravi, backup=cast.bea)
    reply = writer.patch("surfaces/a", {"name": "Better", "tier": 1, "key": "b"})
    assert (reply.status, reply["name"], reply["tier"], reply["key"]) == (200, "Better", 1, "a")
    assert (reply["primary"], reply["backup"]) == (cast.ravi.email, cast.bea.email)
    assert OwnershipAssignment.objects.count() == 2


def test_owners_can_be_exchanged_and_the_last_backup_taken_away(writer: Caller, cast: Cast) -> None:
    build.surface("a", primary=cast.ravi, backup=cast.bea)
    swapped = writer.patch("surfaces/a", {"primary": cast.bea.email, "backup": cast.ravi.email})
    assert (swapped["primary"], swapped["backup"]) == (cast.bea.email, cast.ravi.email)
    bare = writer.patch("surfaces/a", {"backup": None})
    assert (bare["primary"], bare["backup"]) == (cast.bea.email, None)
    clash = writer.patch("surfaces/a", {"backup": cast.bea.email})
    assert (clash.status, clash.code) == (400, "same_person")
    was = OwnershipAssignment.objects.filter(role="primary").exclude(active_to=None)
    assert [row.person for row in was] == [cast.ravi]


def test_a_planned_change_is_not_run_over(writer: Caller, cast: Cast) -> None:
    from datetime import timedelta

    surface = build.surface("a", primary=cast.ravi)
    services.assign(
        surface=surface, role="primary", holder=cast.bea, actor=audit.SYSTEM,
        active_from=clock.now() + timedelta(days=1),
    )  # fmt: skip
    reply = writer.patch("surfaces/a", {"primary": cast.sam.email})
    assert (reply.status, reply.code) == (409, "conflict")
    assert writer.get("surfaces/a")["primary"] == cast.ravi.email


def test_a_key_of_a_team_stays_inside_its_team(cast: Cast) -> None:
    mine, theirs = build.team("inspect"), build.team("billing")
    build.surface("inspect.api", team=mine)
    other = build.surface("billing.api", team=theirs)
    SurfaceDependency.objects.create(
        surface=other, on_surface=Surface.objects.get(key="inspect.api")
    )
    key = tool("ownership:read", "ownership:write", team=mine)
    assert [row["key"] for row in key.get("surfaces")["results"]] == ["inspect.api"]
    assert key.get("surfaces/inspect.api")["blast_radius"] == []
    assert key.get("surfaces/billing.api").status == 404
    assert key.patch("surfaces/billing.api", {"name": "Mine"}).status == 404
    for foreign in ({"team": "billing"}, {"team": None}, {"parent": "billing.api"}):
        reply = key.patch("surfaces/inspect.api", foreign)
        assert (reply.status, reply.fields) == (400, set(foreign))
        assert key.post("surfaces", {"key": "x", "name": "X", **foreign}).status == 400
    made = key.post("surfaces", {"key": "inspect.new", "name": "New"})
    assert (made.status, made["team"]) == (201, "inspect")
    assert Team.objects.get(key="billing").surfaces.count() == 1


def test_only_who_edits_ownership_changes_it(cast: Cast) -> None:
    build.surface("a")
    reader, ravi, maya = tool("ownership:read"), signed_in(cast.ravi), signed_in(cast.maya)
    assert reader.patch("surfaces/a", {"name": "X"}).status == 403
    for caller, status in ((ravi, 403), (maya, 200)):
        caller.client.cookies["csrftoken"] = token = "a" * 32
        assert caller.patch("surfaces/a", {"name": "X"}, X_CSRFToken=token).status == status


@pytest.mark.django_db(transaction=True)
def test_the_same_key_eight_times_at_once_is_one_surface() -> None:
    text = tool("ownership:write").text
    replies: list[Reply] = []

    def create() -> None:
        try:
            replies.append(Caller(text=text).post("surfaces", {"key": "a", "name": "A"}))
        finally:
            connection.close()

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(reply.status for reply in replies)[0] == 201 and len(replies) == 8
    assert {reply.status for reply in replies[1:]} <= {201, 400, 409}
    assert all(reply.code in ("invalid", "conflict") for reply in replies if reply.status != 201)
    assert Surface.objects.count() == 1
