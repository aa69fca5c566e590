"""Which changes are suspected, and what else is offered for an incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from apps.changes.models import Change
from apps.core import clock
from apps.incidents import services as incidents
from apps.incidents.models import Incident
from apps.incidents.selectors.hints import hints, hints_for, leans_on
from apps.incidents.suspects import Happened, Near, Place, rank, reach
from apps.ownership.models import Surface, SurfaceDependency
from apps.runbooks.models import Runbook, RunbookVersion
from tests import builders as build
from tests.conftest import Cast

BEGAN = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)

# -- the map (pure): 1 profiler.snowflake is a part of 2 profiler, which leans on 3 connectivity,
#    which leans on 4 deploy; 5 reports leans on 1; 6 is a part of 1; 7 stands alone.
PLACES = {
    1: Place("profiler.snowflake", 2), 2: Place("profiler"), 3: Place("connectivity"),
    4: Place("deploy"), 5: Place("reports"), 6: Place("profiler.snowflake.xs", 1),
    7: Place("docs"),
}  # fmt: skip
LEANS = [(2, 3), (3, 4), (5, 1)]


def test_it_reaches_what_the_surface_leans_on_and_not_what_leans_on_it() -> None:
    found = reach(1, PLACES, LEANS)
    assert {pk: near.hops for pk, near in found.items()} == {1: 0, 2: 1, 6: 1, 3: 2, 4: 3}
    assert found[2].how == "of which it is a part"
    assert found[6].how == "which is a part of it"
    assert found[3].how == "2 steps down what it leans on"


def test_a_circle_ends_where_it_began() -> None:
    places = {1: Place("a"), 2: Place("b"), 3: Place("c")}
    found = reach(1, places, [(1, 2), (2, 3), (3, 1)])
    assert {pk: near.hops for pk, near in found.items()} == {1: 0, 2: 1, 3: 2}


def test_the_fewest_hops_count_and_far_away_is_out_of_reach() -> None:
    places = {number: Place(f"s{number}") for number in range(1, 9)}
    chain = [(number, number + 1) for number in range(1, 8)]
    assert set(reach(1, places, chain)) == {1, 2, 3, 4, 5}
    assert reach(1, places, [*chain, (1, 4)])[4].hops == 1


def test_a_surface_that_is_not_on_the_map_reaches_nothing() -> None:
    assert reach(99, PLACES, LEANS) == {}


NEAR = {1: Near("profiler", 0), 2: Near("connectivity", 1, "which it leans on")}


def _change(pk: int, surface: int | None, hours: float) -> Happened:
    at = BEGAN - timedelta(hours=hours)
    return Happened(pk, "Release", f"r{pk}", f"inspect {pk}", "", surface, at)


RANKED: list[tuple[str, list[Happened], list[int]]] = [
    ("nearer in time first", [_change(1, 1, 20), _change(2, 1, 1)], [2, 1]),
    ("nearer on the map first", [_change(1, 2, 4), _change(2, 1, 4)], [2, 1]),
    ("eight hours weigh as much as a hop", [_change(1, 2, 1), _change(2, 1, 8)], [2, 1]),
    ("and more than eight weigh more", [_change(1, 2, 1), _change(2, 1, 10)], [1, 2]),
    ("what came after caused nothing", [_change(1, 1, -0.1), _change(2, 1, 0)], [2]),
    ("the window is a day, and its edge counts", [_change(1, 1, 24), _change(2, 1, 24.1)], [1]),
    ("elsewhere counts nothing", [_change(1, 7, 1)], []),
    ("no surface ranks behind the same hour", [_change(1, None, 2), _change(2, 2, 2)], [2, 1]),
    ("of equal ones the newer row first", [_change(1, 1, 2), _change(2, 1, 2)], [2, 1]),
]


@pytest.mark.parametrize(("case", "changes", "order"), RANKED, ids=[row[0] for row in RANKED])
def test_suspects_are_ranked_by_hop_and_nearness(
    case: str, changes: list[Happened], order: list[int]
) -> None:
    assert [one.change.pk for one in rank(changes, NEAR, BEGAN)] == order


def test_a_suspect_says_why_and_scores_between_nothing_and_one() -> None:
    found = rank([_change(1, 1, 0), _change(2, 2, 8), _change(3, None, 1)], NEAR, BEGAN)
    assert [(one.score, one.why) for one in found] == [
        (1.0, "0 min before, on the surface itself"),
        (0.25, "8 h before, on connectivity, which it leans on"),
        (0.1146, "60 min before; no surface is known for it"),
    ]


def test_no_more_than_asked_for_are_named() -> None:
    many = [_change(number, 1, number / 10) for number in range(1, 30)]
    assert [one.change.pk for one in rank(many, NEAR, BEGAN, most=3)] == [1, 2, 3]


# -- with the database


def _deploy(surface: Surface | None, ref: str, at: datetime) -> Change:
    return Change.objects.create(
        kind="release", ref=ref, summary=f"{ref} is out", surface=surface, occurred_at=at,
        recorded_at=at, url=f"https://git.example/{ref}",
    )  # fmt: skip


def _lean(surface: Surface, on: Surface, strength: str = "hard") -> None:
    SurfaceDependency.objects.create(surface=surface, on_surface=on, strength=strength)


@pytest.mark.django_db
def test_the_release_of_eight_hours_before_is_the_first_suspect(cast: Cast) -> None:
    parent = build.surface("inspect.profiler")
    part = build.surface("inspect.profiler.snowflake", parent=parent)
    deploy, docs = build.surface("platform.deploy"), build.surface("docs.guide")
    _lean(parent, deploy)
    _lean(part, docs, strength="soft")
    now = clock.now()
    _deploy(parent, "inspect 2.14.0", now - timedelta(hours=8))
    _deploy(deploy, "revision 147", now - timedelta(hours=20))
    _deploy(docs, "guide 3", now - timedelta(hours=1))
    _deploy(parent, "inspect 2.13.9", now - timedelta(hours=30))
    found = hints(user=cast.maya, surface=part, words="", now=now)
    assert [(one.kind, one.label) for one in found] == [
        ("change", "Release: inspect 2.14.0 is out"),
        ("change", "Release: revision 147 is out"),
    ]
    assert found[0].why == "8 h before, on inspect.profiler, of which it is a part"
    assert (found[0].relation, found[0].url) == ("suspect", "https://git.example/inspect 2.14.0")
    assert found[0].score > found[1].score


@pytest.mark.django_db
def test_leaning_costs_two_queries_whatever_the_map(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    surfaces = [build.surface(f"s.a{number}") for number in range(6)]
    for first, second in pairwise(surfaces):
        _lean(first, second)
    with django_assert_num_queries(2):
        assert len(leans_on(surfaces[0])) == 5
    assert leans_on(None) == {}


@pytest.mark.django_db
def test_incidents_like_it_come_by_their_title_and_their_surface(cast: Cast) -> None:
    surface, other = build.surface("inspect.profiler"), build.surface("platform.billing")
    now = clock.now()
    standing = build.incident(title="Snowflake profiling times out", surface=surface, by=cast.maya)
    old = build.incident(
        title="Snowflake profile runs time out", surface=other, by=cast.maya,
        now=now - timedelta(days=60),
    )  # fmt: skip
    Incident.objects.filter(pk=old.pk).update(status="closed", resolved_at=now, closed_at=now)
    build.incident(title="Invoices are late", surface=other, by=cast.maya)
    found = hints(user=cast.ravi, surface=surface, words="Snowflake profiling timeouts", now=now)
    assert [(one.ref, one.relation) for one in found] == [
        (standing.ref, "duplicate"), (old.ref, "related"),
    ]  # fmt: skip
    assert found[0].why == "It stands now; its title sounds the same and it is on the same surface"
    assert found[1].why == "It was 60 days ago; its title sounds the same"


@pytest.mark.django_db
def test_nobody_is_offered_what_they_may_not_see(cast: Cast) -> None:
    surface = build.surface("inspect.profiler")
    secret = build.incident(
        title="Keys were exposed", surface=surface, by=cast.maya, visibility="restricted"
    )
    asked: dict[str, Any] = {"surface": surface, "words": "Keys were exposed", "now": clock.now()}
    assert hints(user=cast.sam, **asked) == []
    assert [one.ref for one in hints(user=cast.maya, **asked)] == [secret.ref]


@pytest.mark.django_db
def test_neither_itself_nor_what_is_linked_is_offered_again(cast: Cast) -> None:
    surface = build.surface("inspect.profiler")
    now = clock.now()
    change = _deploy(surface, "inspect 2.14.0", now - timedelta(hours=1))
    incident = build.incident(surface=surface, by=cast.maya, now=now)
    assert [one.ref for one in hints_for(incident, user=cast.maya, now=now)] == [str(change.pk)]
    incidents.link(incident, "change", str(change.pk), "", "inspect 2.14.0", now)
    assert hints_for(incident, user=cast.maya, now=now) == []


@pytest.mark.django_db
def test_words_that_are_no_words_are_no_trouble(cast: Cast) -> None:
    build.incident(by=cast.maya)
    for words in ("", "a", "%", "' OR 1=1", "x" * 5000, "\x00\n\t", "🔥🔥🔥🔥"):
        assert hints(user=cast.maya, surface=None, words=words, now=clock.now()) == []


@pytest.mark.django_db
def test_everything_that_may_belong_to_it_comes_in_one_list(cast: Cast) -> None:
    """Standing incidents first, then suspects, runbooks, and what is long over."""
    now = clock.now()
    surface = build.surface("inspect.profiler")
    _runbook(surface, cast, now)
    change = _deploy(surface, "inspect 2.14.0", now - timedelta(hours=1))
    standing = build.incident(title="Profiles time out", surface=surface, by=cast.maya, now=now)
    past = build.incident(title="Profiles time out", surface=surface, by=cast.maya, now=now)
    Incident.objects.filter(pk=past.pk).update(status="closed", resolved_at=now, closed_at=now)
    found = hints(user=cast.ravi, surface=surface, words="Profiles time out", now=now)
    assert [(one.kind, one.ref) for one in found] == [
        ("incident", standing.ref), ("change", str(change.pk)), ("runbook", "rb-timeouts"),
        ("incident", past.ref),
    ]  # fmt: skip
    assert "it is for inspect.profiler" in found[2].why
    assert all(0 <= one.score <= 1 for one in found)


def _runbook(surface: Surface, cast: Cast, now: datetime) -> None:
    """An approved one for the surface."""
    row = Runbook.objects.create(key="rb-timeouts", title="Time-outs", created_at=now)
    row.surfaces.add(surface)
    RunbookVersion.objects.create(
        runbook=row, number=1, status="approved", author=cast.ravi, approved_by=cast.maya,
        created_at=now, approved_at=now,
    )  # fmt: skip


@pytest.mark.django_db
def test_hints_cost_a_fixed_number_of_queries(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    now = clock.now()
    surface = build.surface("inspect.profiler")
    for number in range(8):
        _deploy(surface, f"r{number}", now - timedelta(hours=number))
        build.incident(title=f"Profiles time out {number}", surface=surface, by=cast.maya, now=now)
    with django_assert_max_num_queries(25):
        found = hints(user=cast.ravi, surface=surface, words="Profiles time out", now=now)
    assert [one.kind for one in found].count("incident") == 5
    assert [one.kind for one in found].count("change") == 5
