"""Driving an incident: what each step stamps, what it refuses, who may see it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, transaction

from apps.accounts.authentication import KeyPrincipal
from apps.core import audit
from apps.core.errors import Conflict, IllegalTransition, Invalid
from apps.core.models import StatusChange
from apps.incidents import services as incidents
from apps.incidents.models import Incident, TimelineEntry
from apps.paging.models import Page
from tests import builders as build
from tests.conftest import Cast
from tests.world import World


def test_a_declared_incident_is_under_investigation_with_its_milestones(
    world: World, cast: Cast
) -> None:
    incident = build.incident(by=cast.maya)
    assert incident.status == "investigating"
    assert incident.detected_at == incident.declared_at == world.now
    assert incident.ref == f"INC-{incident.pk}"


def test_each_step_is_in_the_timeline_and_the_history(world: World, cast: Cast) -> None:
    incident = build.incident(by=cast.maya)
    for to in ("identified", "mitigated", "resolved"):
        world.advance(minutes=10)
        build.step(incident, to, by=cast.ravi, now=world.now)
    assert (incident.mitigated_at, incident.resolved_at) == (
        world.now - timedelta(minutes=10),
        world.now,
    )
    steps = StatusChange.objects.filter(kind="incidents.incident", ref=str(incident.pk))
    assert [s.became for s in steps.order_by("at", "pk")] == [
        "investigating",
        "identified",
        "mitigated",
        "resolved",
    ]
    assert incident.timeline.filter(what="resolved", actor=cast.ravi).exists()


def test_a_step_that_the_book_does_not_have_is_refused(world: World, cast: Cast) -> None:
    incident = build.incident(by=cast.maya)
    with pytest.raises(IllegalTransition, match="cannot become closed"):
        incidents.transition(
            incident=incident, to="closed", actor=audit.person(cast.maya), now=world.now
        )


def test_the_second_of_two_who_resolve_is_told(world: World, cast: Cast) -> None:
    incident = build.incident(by=cast.maya)
    stale = Incident.objects.get(pk=incident.pk)
    actor = audit.person(cast.maya)
    build.step(incident, "resolved", by=cast.maya, now=world.now)
    with pytest.raises(Conflict, match="changed by somebody else"):
        incidents.transition(incident=stale, to="identified", actor=actor, now=world.now)


def test_reopening_takes_a_reason(world: World, cast: Cast) -> None:
    incident = build.incident(by=cast.maya)
    actor = audit.person(cast.maya)
    build.step(incident, "resolved", by=cast.maya, now=world.now)
    with pytest.raises(Invalid, match="why it is opened again"):
        incidents.transition(incident=incident, to="investigating", actor=actor, now=world.now)
    incidents.transition(
        incident=incident, to="investigating", actor=actor, now=world.now, note="It is back."
    )
    assert incident.resolved_at is None


def test_resolving_ends_the_pages(world: World, cast: Cast) -> None:
    surface = build.surface(primary=cast.ravi)
    build.schedule(cast.ravi, surfaces=[surface])
    build.alert(build.native(surface=surface), severity="critical", dedup_key="a", now=world.now)
    world.run()
    world.expect_page(to=cast.ravi)
    incident = Incident.objects.get()
    build.step(incident, "resolved", by=cast.maya, now=world.now)
    assert Page.objects.get().status == "resolved"
    world.run()
    world.expect_page(to=cast.ravi, containing="Maya Lind resolved it")


def test_lowering_the_severity_takes_a_reason(world: World, cast: Cast) -> None:
    incident = build.incident(severity="SEV2", by=cast.maya)
    actor = audit.person(cast.maya)
    with pytest.raises(Invalid, match="takes a reason"):
        incidents.set_severity(
            incident=incident, severity="SEV3", reason=" ", actor=actor, now=world.now
        )
    raised = incidents.set_severity(
        incident=incident, severity="SEV1", reason="", actor=actor, now=world.now
    )
    assert raised.severity == "SEV1"


def test_the_timeline_is_append_only(world: World, cast: Cast) -> None:
    incident = build.incident(by=cast.maya)
    with pytest.raises(DatabaseError), transaction.atomic():
        TimelineEntry.objects.filter(incident=incident).update(text="never happened")
    with pytest.raises(DatabaseError), transaction.atomic():
        incident.timeline.all().delete()


@pytest.mark.parametrize("text", ["", "   ", "x" * 10_001])
def test_an_empty_or_endless_comment_is_refused(world: World, cast: Cast, text: str) -> None:
    incident = build.incident(by=cast.maya)
    with pytest.raises(Invalid):
        incidents.comment(
            incident=incident, text=text, actor=audit.person(cast.ravi), now=world.now
        )


def test_a_restricted_incident_is_seen_by_managers_commander_and_participants(
    world: World, cast: Cast
) -> None:
    incident = build.incident(by=cast.maya, visibility="restricted", commander=cast.ravi)
    incident.participants.add(cast.bea)
    seen = [
        person.first_name
        for person in (cast.maya, cast.ravi, cast.bea, cast.sam, cast.olu)
        if Incident.objects.visible_to(person).exists()
    ]
    assert seen == ["Maya", "Ravi", "Bea"]
    assert not Incident.objects.visible_to(AnonymousUser()).exists()


def test_a_key_of_a_team_sees_its_own_incidents_alone(world: World, cast: Cast) -> None:
    inspect, packs = build.team("inspect"), build.team("packs")
    mine = build.incident(surface=build.surface(team=inspect), by=cast.maya)
    build.incident(surface=build.surface("pack.stripe", team=packs), by=cast.maya)
    key = KeyPrincipal(build.key("incidents:read", team=inspect).row)
    assert list(Incident.objects.visible_to(key)) == [mine]
