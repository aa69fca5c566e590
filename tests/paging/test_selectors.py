"""Who is told next, read for many pages at once, agrees with the escalation itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.paging import selectors
from apps.paging import services as paging
from apps.paging.models import Page
from apps.paging.services import PolicyStep
from tests import builders as build
from tests.conftest import Cast
from tests.world import World


def _page(cast: Cast, targets: list[dict[str, Any]], **more: Any) -> Page:
    policy = build.policy(PolicyStep(10, targets))
    surface = more.pop("surface", None)
    if surface:
        paging.use_policy(surface=surface, policy=policy)
        return build.page(surface=surface, **more)
    policy.is_default = True
    policy.save()
    return build.page(**more)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("surface_on_call", "Ravi Rao"),
        ("surface_primary", "Ravi Rao"),
        ("surface_backup", "Bea Bell"),
        ("surface_lead", "Maya Lind"),
        ("person", "Sam Sand"),
        ("team", "Bea Bell, Maya Lind, Ravi Rao and 1 more"),
        ("team_lead", "Maya Lind"),
        ("schedule", "Ravi Rao"),
        ("managers", "Maya Lind"),
    ],
)
def test_each_target_names_the_people_that_the_escalation_names(
    world: World, cast: Cast, kind: str, names: str
) -> None:
    team = build.team(lead=cast.maya, members=[cast.ravi, cast.bea, cast.sam])
    surface = build.surface(team=team, primary=cast.ravi, backup=cast.bea)
    schedule = build.schedule(cast.ravi, cast.bea, surfaces=[surface])
    of = {
        "person": {"person": cast.sam},
        "team": {"team": team},
        "team_lead": {"team": team},
        "schedule": {"schedule": schedule},
    }
    page = _page(cast, [{"kind": kind, **of.get(kind, {})}], surface=surface)
    found = selectors.coming([page], now=world.now)[page.pk]
    assert (found.names, found.at) == paging.next_told(page, now=world.now)
    assert found.names == names


def test_a_facet_goes_to_whoever_is_on_call_for_its_parent(world: World, cast: Cast) -> None:
    parent = build.surface()
    build.schedule(cast.bea, surfaces=[parent])
    facet = build.surface("inspect.profiler.snowflake", parent=parent)
    page = _page(cast, [{"kind": "surface_on_call"}], surface=facet)
    assert selectors.coming([page], now=world.now)[page.pk].names == "Bea Bell"


def test_the_deactivated_and_a_page_without_surface_find_nobody(world: World, cast: Cast) -> None:
    cast.sam.is_active = False
    cast.sam.save()
    page = _page(cast, [{"kind": "person", "person": cast.sam}, {"kind": "surface_primary"}])
    assert selectors.coming([page], now=world.now)[page.pk].names == "nobody yet"
    assert paging.next_told(page, now=world.now) == ("nobody yet", page.next_at)


def test_a_test_page_names_only_its_own_recipients(world: World, cast: Cast) -> None:
    target = {"kind": "managers"}
    page = _page(cast, [target], kind="test", recipients=[cast.ravi.pk])
    assert selectors.coming([page], now=world.now)[page.pk].names == "nobody yet"


def test_who_was_told_last_in_this_round_is_known(world: World, cast: Cast) -> None:
    surface = build.surface(primary=cast.ravi, backup=cast.bea)
    build.schedule(cast.ravi, surfaces=[surface])
    page, quiet = build.page(surface=surface), build.page()
    world.advance(minutes=5)
    world.forget()
    page.refresh_from_db()
    quiet.refresh_from_db()
    told = selectors.told([page, quiet])
    assert [person.name for person in told[page.pk].people] == ["Bea Bell", "Ravi Rao"]
    assert (told[page.pk].step, told[page.pk].steps, told[page.pk].at) == (2, 3, world.now)


def test_an_acknowledged_page_goes_to_nobody(world: World, cast: Cast) -> None:
    page = build.page(surface=build.surface(primary=cast.ravi))
    page.status = Page.Status.ACKNOWLEDGED
    assert selectors.coming([page], now=world.now) == {}


def test_many_pages_cost_as_many_queries_as_one(world: World, cast: Cast) -> None:
    def pages(count: int, mark: str) -> list[Page]:
        made = []
        for number in range(count):
            surface = build.surface(f"{mark}.s{number}", primary=cast.ravi, backup=cast.bea)
            build.schedule(cast.ravi, key=f"{mark}-{number}", surfaces=[surface])
            made.append(build.page(surface=surface))
        return made

    costs = []
    for some in (pages(1, "one"), pages(6, "many")):
        with CaptureQueriesContext(connection) as caught:
            assert len(selectors.coming(some, now=world.now)) == len(some)
            selectors.told(some)
        costs.append(len(caught))
    assert costs[0] == costs[1] <= 8
