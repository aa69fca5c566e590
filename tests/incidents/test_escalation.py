"""Paging somebody by hand from an incident: a person, a team, a schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.core import audit
from apps.core.errors import Conflict, Invalid
from apps.incidents import services as incidents
from apps.incidents.models import Incident
from apps.paging import links
from apps.paging.models import Page
from apps.paging.selectors import coming
from apps.rotations.models import Role
from tests import builders as build
from tests.conftest import Cast
from tests.world import World


def _page(
    incident: Incident, kind: str, pk: int, cast: Cast, world: World, words: str = ""
) -> Page:
    return incidents.page_by_hand(
        incident=incident, target=(kind, pk), summary=words, actor=audit.person(cast.maya),
        now=world.now,
    )  # fmt: skip


def _incident(cast: Cast, world: World, **more: Any) -> Incident:
    incident = build.incident(by=cast.maya, commander=cast.maya, now=world.now, **more)
    world.run()
    world.forget()
    return incident


def test_a_person_is_asked_three_times_and_then_the_incident_says_that_nobody_answered(
    world: World, cast: Cast
) -> None:
    incident = _incident(cast, world, severity="SEV2")
    page = _page(incident, "person", cast.ravi.pk, cast, world, "Refunds fail too.")
    for _ in range(3):
        world.run()
        world.expect_page(to=cast.ravi, containing="Refunds fail too.")
        world.expect_nothing()
        world.advance(minutes=5)
    page.refresh_from_db()
    assert page.status == Page.Status.EXHAUSTED
    said = list(incident.timeline.order_by("pk").values_list("what", "text"))
    assert ("paged_by_hand", "Maya Lind pages Ravi Rao: Refunds fail too.") in said
    assert said[-1][0] == "exhausted"


def test_the_link_of_the_message_takes_the_page_and_ends_it(world: World, cast: Cast) -> None:
    incident = _incident(cast, world)
    page = _page(incident, "person", cast.ravi.pk, cast, world)
    address = f"/ack/{links.make(page.pk, cast.ravi.pk)}/"
    Client().post(address)
    incident.refresh_from_db()
    page.refresh_from_db()
    assert (page.status, page.acknowledged_by) == (Page.Status.ACKNOWLEDGED, cast.ravi)
    assert incident.acknowledged_at is not None
    assert incident.participants.filter(pk=cast.ravi.pk).exists()
    Client().post(address, {"do": "resolve"})
    page.refresh_from_db()
    assert page.status == Page.Status.RESOLVED
    assert incident.is_standing
    world.forget()


def test_everybody_in_a_team_is_woken(world: World, cast: Cast) -> None:
    team = build.team("packs")
    team.members.add(cast.ravi, cast.bea)
    _page(_incident(cast, world), "team", team.pk, cast, world)
    world.run()
    for person in (cast.ravi, cast.bea):
        world.expect_page(to=person, containing="Snowflake profiling times out")
    world.expect_nothing()


def test_a_schedule_wakes_who_is_on_call_now(world: World, cast: Cast) -> None:
    schedule = build.schedule(cast.bea, cast.ravi, key="billing", now=world.now)
    page = _page(_incident(cast, world), "schedule", schedule.pk, cast, world)
    assert coming([page], now=world.now)[page.pk].names == "Bea Bell"
    assert page.policy_snapshot["name"] == "Billing"
    world.run()
    world.expect_page(to=cast.bea, containing="You are on call")
    world.forget()


def test_a_schedule_with_a_second_line_asks_that_next(world: World, cast: Cast) -> None:
    from apps.rotations.models import Layer

    schedule = build.schedule(cast.bea, key="billing", now=world.now)
    Layer.objects.create(schedule=schedule, name="Second", role=Role.SECONDARY)
    page = _page(_incident(cast, world), "schedule", schedule.pk, cast, world)
    steps = page.policy_snapshot["steps"]
    assert [(step["delay_seconds"], step["targets"][0]["role"]) for step in steps] == [
        (0, "primary"), (300, "secondary"),
    ]  # fmt: skip


def test_the_page_freezes_whom_it_names_and_ends_with_the_incident(
    world: World, cast: Cast
) -> None:
    surface = build.surface(primary=cast.bea)
    incident = _incident(cast, world, surface=surface, severity="SEV1")
    page = _page(incident, "person", cast.ravi.pk, cast, world)
    assert (page.policy, page.surface, page.label) == (None, surface, "SEV1")
    assert (page.opener_kind, page.opener_ref) == ("incident", incident.ref)
    incidents.transition(
        incident=incident, to="resolved", actor=audit.person(cast.maya), now=world.now,
        impact_summary="Runs were late.", detection_source="internal",
        public_silence="Nobody outside saw it.",
    )  # fmt: skip
    page.refresh_from_db()
    assert page.status == Page.Status.RESOLVED
    world.forget()


def test_pressing_the_button_twice_wakes_nobody_twice(world: World, cast: Cast) -> None:
    incident = _incident(cast, world)
    first = _page(incident, "person", cast.ravi.pk, cast, world)
    with pytest.raises(Conflict, match="Ravi Rao is being paged for this already") as refused:
        _page(incident, "person", cast.ravi.pk, cast, world)
    assert refused.value.code == "already_paged"
    _page(incident, "person", cast.bea.pk, cast, world)
    Page.objects.filter(pk=first.pk).update(status="exhausted", next_at=None)
    assert _page(incident, "person", cast.ravi.pk, cast, world).pk != first.pk
    assert len(incidents.page_ids(incident)) == 3


def test_nobody_is_woken_for_what_is_over_or_of_the_past(world: World, cast: Cast) -> None:
    over, past = _incident(cast, world), _incident(cast, world, kind="backfilled")
    Incident.objects.filter(pk=over.pk).update(
        status="resolved", resolved_at=world.now + timedelta(minutes=1)
    )
    for incident, said in ((over, "nobody is woken for it"), (past, "of the past")):
        with pytest.raises(Conflict, match=said):
            _page(incident, "person", cast.ravi.pk, cast, world)
    assert not Page.objects.exists()


def test_a_drill_reaches_nobody_but_those_who_take_part(world: World, cast: Cast) -> None:
    drill = _incident(cast, world, kind="drill")
    with pytest.raises(Conflict, match="only people who take part"):
        _page(drill, "person", cast.ravi.pk, cast, world)
    team = build.team("packs")
    team.members.add(cast.ravi, cast.bea)
    drill.participants.add(cast.bea)
    _page(drill, "team", team.pk, cast, world)
    world.run()
    world.expect_page(to=cast.bea, containing="DRILL")
    world.expect_nothing()


def test_whoever_is_called_into_a_restricted_incident_can_see_it(world: World, cast: Cast) -> None:
    incident = _incident(cast, world, visibility="restricted")
    assert not Incident.objects.visible_to(cast.sam).exists()
    _page(incident, "person", cast.sam.pk, cast, world)
    assert list(Incident.objects.visible_to(cast.sam)) == [incident]
    world.forget()


def test_a_target_that_is_not_there_is_named(world: World, cast: Cast) -> None:
    incident = _incident(cast, world)
    cast.olu.is_active = False
    cast.olu.save()
    empty = build.team("empty")
    wrong = [
        ("person", cast.olu.pk, "person"), ("person", 999_999, "person"),
        ("team", 999_999, "team"), ("team", empty.pk, "team"),
        ("schedule", 999_999, "schedule"), ("city", 1, "target"),
    ]  # fmt: skip
    for kind, pk, field in wrong:
        with pytest.raises(Invalid) as refused:
            _page(incident, kind, pk, cast, world)
        assert set(refused.value.fields) == {field}, kind
    assert not Page.objects.exists()
