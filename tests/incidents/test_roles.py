"""Who does what in an incident, who hands over what, and who is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.core import audit
from apps.core.errors import Conflict, Invalid
from apps.incidents import services as incidents
from apps.incidents.models import Incident
from apps.incidents.role_words import RoleGiven, role_given
from apps.notifications.layout import Reader
from apps.notifications.models import Message
from tests import builders as build
from tests.conftest import Cast
from tests.world import World


def _assign(incident: Incident, role: str, person: Any, by: Any, world: World, **more: str) -> None:
    incidents.assign(
        incident=incident, role=role, person=person, actor=audit.person(by), now=world.now, **more
    )


def test_a_role_is_handed_over_with_a_note_and_the_next_one_is_told(
    world: World, cast: Cast
) -> None:
    incident = build.incident(severity="SEV2", by=cast.maya, commander=cast.maya, now=world.now)
    _assign(incident, "lead", cast.ravi, cast.maya, world)
    world.run()
    world.expect_page(to=cast.ravi, containing=f"You are technical lead of {incident.ref}")
    world.advance(minutes=40)
    _assign(incident, "lead", cast.bea, cast.ravi, world, handover_note="Flag is off, watch runs.")
    world.run()
    world.expect_page(to=cast.bea, containing="Flag is off, watch runs.")
    rows = list(incident.roles.filter(role="lead").order_by("pk"))
    assert [(row.person, row.handover_note) for row in rows] == [
        (cast.ravi, "Flag is off, watch runs."), (cast.bea, ""),
    ]  # fmt: skip
    assert rows[0].to_at == rows[1].from_at == world.now
    assert incident.timeline.filter(
        text="Bea Bell is technical lead, after Ravi Rao. Handed over: Flag is off, watch runs."
    ).exists()
    assert [(row.role, row.person) for row in incidents.roles_of(incident)] == [
        ("commander", cast.maya), ("lead", cast.bea),
    ]  # fmt: skip


def test_nobody_is_told_of_a_role_that_they_took_themselves(world: World, cast: Cast) -> None:
    incident = build.incident(by=cast.maya, commander=cast.maya, now=world.now)
    _assign(incident, "comms", cast.sam, cast.sam, world)
    _assign(incident, "comms", cast.sam, cast.maya, world)
    assert not Message.objects.filter(what="incident_role").exists()
    assert incident.roles.filter(role="comms").count() == 1


def test_a_role_can_stay_with_nobody(world: World, cast: Cast) -> None:
    incident = build.incident(by=cast.maya, commander=cast.maya, now=world.now)
    _assign(incident, "commander", None, cast.maya, world, handover_note="Off duty.")
    incident.refresh_from_db()
    assert incident.commander is None
    assert incidents.roles_of(incident) == []


def test_a_role_that_cannot_be_given_is_refused_in_words(world: World, cast: Cast) -> None:
    incident = build.incident(by=cast.maya, now=world.now)
    cast.olu.is_active = False
    cast.olu.save()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"role": "king", "person": cast.ravi}, "role"),
        ({"role": "lead", "person": cast.olu}, "person"),
        ({"role": "lead", "person": cast.ravi, "handover_note": "x" * 10_001}, "handover_note"),
    ]
    for given, field in wrong:
        with pytest.raises(Invalid) as refused:
            incidents.assign(
                incident=incident, actor=audit.person(cast.maya), now=world.now, **given
            )
        assert set(refused.value.fields) == {field}


def test_a_merged_incident_gives_no_roles(world: World, cast: Cast) -> None:
    into = build.incident(by=cast.maya, now=world.now)
    child = build.incident(by=cast.maya, now=world.now)
    Incident.objects.filter(pk=child.pk).update(status="merged", merged_into=into)
    with pytest.raises(Conflict, match="was merged"):
        _assign(child, "lead", cast.ravi, cast.maya, world)


def test_the_message_says_what_the_role_is_for_and_who_gave_it() -> None:
    now = datetime(2026, 3, 9, 6, 30, tzinfo=ZoneInfo("UTC"))
    facts = RoleGiven(
        ref="INC-7", title="Snowflake times out", severity="SEV2", role="comms",
        name="communication lead", why="", by="Maya Lind", before="Sam Sand", note="Next at 07:30.",
        declared_at=now - timedelta(minutes=14), url="https://ops.example/incidents/INC-7/",
        kind="drill",
    )  # fmt: skip
    reader = Reader(name="Ravi", zone=ZoneInfo("UTC"))
    made = role_given(facts, reader, now)
    assert made.subject == (
        "[DRILL] [SEV2] Snowflake times out. You are communication lead of INC-7"
    )
    for said in ("keep each promised time", "Sam Sand", "Next at 07:30.", "Maya Lind gave it"):
        assert said in made.text, said
