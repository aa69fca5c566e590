"""What somebody who means ill, or a tool that sends rubbish, gets out of an incident: nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.changes.models import Change
from apps.core import audit
from apps.core.errors import Invalid
from apps.incidents import services
from apps.incidents.models import Incident, Mark, SeverityLevel
from apps.incidents.services import cadence
from apps.incidents.services.review import open_review
from apps.ownership.models import SurfaceDependency
from tests import builders as build
from tests.calls import tool
from tests.conftest import Cast
from tests.incidents import commskit as comms
from tests.runbooks import kit
from tests.world import START, World

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SECRET = "Payroll of Bramble was copied"


def secret(cast: Cast, **more: Any) -> Incident:
    return build.incident(title=SECRET, visibility="restricted", by=cast.maya, now=START, **more)


def story(incident: Incident) -> str:
    return " ".join(incident.timeline.values_list("text", flat=True))


# -- what a restricted incident is called


def test_merging_into_a_restricted_incident_does_not_say_what_it_is_called(cast: Cast) -> None:
    hidden, shown = secret(cast), build.incident(title="Logins fail", by=cast.ravi, now=START)
    services.merge(child=shown, into=hidden, actor=audit.person(cast.maya), now=START + MINUTE)
    assert Incident.objects.visible_to(cast.olu).filter(pk=shown.pk).exists()
    assert SECRET not in story(shown)
    assert f"merged it into {hidden.ref}." in story(shown)
    assert "Logins fail" in story(hidden)


def test_a_comment_on_what_is_merged_opens_no_restricted_incident(cast: Cast) -> None:
    hidden = secret(cast)
    shown = build.incident(title="Logins fail", by=cast.maya, commander=cast.ravi, now=START)
    services.comment(incident=shown, text="Me too", actor=audit.person(cast.bea), now=START)
    services.merge(child=shown, into=hidden, actor=audit.person(cast.maya), now=START + MINUTE)
    sees = Incident.objects.filter(pk=hidden.pk)
    assert sees.visible_to(cast.ravi).exists()
    assert not sees.visible_to(cast.bea).exists()
    services.undo_merge(child=shown, actor=audit.person(cast.maya), now=START + 2 * MINUTE)
    assert not sees.visible_to(cast.ravi).exists()


@pytest.mark.parametrize("ref", ["{}", "inc-{0.pk}"])
def test_a_link_to_a_restricted_incident_does_not_say_what_it_is_called(
    cast: Cast, ref: str
) -> None:
    hidden, shown = secret(cast), build.incident(by=cast.ravi, now=START)
    ref = ref.format(hidden) if "pk" in ref else hidden.ref
    services.add_link(
        incident=shown, kind="incident", ref=ref, label=f"SEV2 {SECRET}",
        actor=audit.person(cast.maya), now=START,
    )  # fmt: skip
    assert shown.links.get().label == ""
    assert SECRET not in story(shown)


def test_an_open_incident_is_linked_by_what_it_is_called(cast: Cast) -> None:
    one, other = (build.incident(by=cast.ravi, now=START) for _ in range(2))
    services.add_link(
        incident=one, kind="incident", ref=other.ref, label="SEV3 Logins fail",
        actor=audit.person(cast.maya), now=START,
    )  # fmt: skip
    assert one.links.get().label == "SEV3 Logins fail"


@pytest.mark.parametrize("said", ["", SECRET, f" help: {SECRET.lower()}!"])
def test_a_page_for_a_restricted_incident_does_not_say_what_it_is_called(
    cast: Cast, said: str
) -> None:
    hidden = secret(cast)
    page = services.page_by_hand(
        incident=hidden, target=("person", cast.ravi.pk), summary=said,
        actor=audit.person(cast.maya), now=START,
    )  # fmt: skip
    assert page.summary == f"You are needed in {hidden.ref}, which is restricted"


def test_taking_a_page_lets_only_those_into_a_restricted_incident_who_were_called(
    world: World, cast: Cast
) -> None:
    hidden = build.incident(
        title=SECRET, visibility="restricted", by=cast.maya, commander=cast.maya, now=world.now
    )
    world.run()
    page = services.page_by_hand(
        incident=hidden, target=("schedule", build.schedule(cast.bea, now=world.now).pk),
        actor=audit.person(cast.maya), now=world.now, summary="",
    )  # fmt: skip
    world.run()
    world.forget()
    for person, sees in ((cast.ravi, False), (cast.bea, True)):
        services.page_acknowledged(page_id=page.pk, actor=audit.person(person), now=world.now)
        assert Incident.objects.visible_to(person).filter(pk=hidden.pk).exists() is sees


# -- what a key of a team reads


def test_a_key_of_a_team_reads_of_no_change_and_no_runbook_of_another_team(cast: Cast) -> None:
    ours, theirs = build.team("inspect"), build.team("billing")
    mine, other = build.surface("inspect", team=ours), build.surface("payments", team=theirs)
    SurfaceDependency.objects.create(surface=mine, on_surface=other, strength="hard")
    for place in (mine, other):
        Change.objects.create(
            kind="release", ref=place.key, summary=f"{place.key} 2 is out", surface=place,
            occurred_at=START - MINUTE, recorded_at=START,
        )  # fmt: skip
    people = kit.Cast(ravi=cast.ravi, bea=cast.bea, maya=cast.maya, olu=cast.olu)
    secret = kit.approved(people, kit.runbook(people, key="rb-secret", surfaces=[other]))
    secret.runbook.triggers.create(by="alert", value="profiling times out")
    incident = build.incident(surface=mine, by=cast.maya, now=START)
    build.step(incident, "resolved", by=cast.maya, now=START + MINUTE)
    open_review(incident=incident, actor=audit.person(cast.maya), now=START + MINUTE)
    path, key = f"incidents/{incident.ref}", tool("incidents:read", team=ours)
    for caller, named in ((key, ["inspect"]), (tool("incidents:read"), ["inspect", "payments"])):
        facts = caller.get(f"{path}/review")["facts"]
        assert sorted(one["summary"].split()[0] for one in facts["changes"]) == named
        found = {one["ref"] for one in caller.get(f"{path}/hints").body if one["kind"] == "runbook"}
        assert found == ({"rb-secret"} if "payments" in named else set())


# -- what an incident drags along


@pytest.mark.parametrize(
    ("kind", "ref"),
    [("page", "1"), ("page", "abc"), ("alert", "²"), ("alert", "9" * 30), ("alert", "1")],
)
def test_no_page_and_no_alert_that_is_not_there_is_tied_to_an_incident(
    cast: Cast, kind: str, ref: str
) -> None:
    incident = build.incident(by=cast.ravi, now=START)
    with pytest.raises(Invalid) as refused:
        services.add_link(
            incident=incident, kind=kind, ref=ref, actor=audit.person(cast.ravi), now=START
        )
    assert set(refused.value.fields) == {"ref"}
    assert not incident.links.exists()


def test_nobody_ends_the_page_of_another_incident_by_linking_it(cast: Cast) -> None:
    page = build.page(now=START)
    incident = build.incident(by=cast.ravi, now=START)
    with pytest.raises(Invalid):
        services.add_link(
            incident=incident, kind="page", ref=str(page.pk), actor=audit.person(cast.ravi),
            now=START,
        )  # fmt: skip
    build.step(incident, "resolved", by=cast.ravi, now=START + MINUTE)
    page.refresh_from_db()
    assert page.is_waiting


def test_an_incident_with_a_broken_link_still_ends(cast: Cast) -> None:
    incident = build.incident(by=cast.ravi, now=START)
    services.link(incident, "page", "²", "", "", START)
    build.step(incident, "resolved", by=cast.ravi, now=START + MINUTE)
    assert incident.status == "resolved"


# -- who answered


def reminded(incident: Incident) -> bool:
    cadence.remind_due(now=START + 30 * MINUTE)
    return Mark.objects.filter(incident=incident, slot__startswith="acknowledge:").exists()


@pytest.mark.parametrize(
    ("commander", "is_reminded"), [("bea", False), ("", True)], ids=["named", "found"]
)
def test_whoever_was_named_commander_answered_and_whoever_was_found_did_not(
    cast: Cast, commander: str, is_reminded: bool
) -> None:
    comms.framework()
    SeverityLevel.objects.update(acknowledge_seconds=300)
    surface = build.surface(primary=cast.ravi, now=START)
    chosen = getattr(cast, commander) if commander else None
    incident = build.incident(
        severity="SEV1", surface=surface, by=cast.maya, commander=chosen, now=START
    )
    services.link(incident, "page", str(build.page(now=START).pk), "", "", START)
    assert reminded(incident) is is_reminded


def test_whoever_takes_a_role_answered(cast: Cast) -> None:
    comms.framework()
    SeverityLevel.objects.update(acknowledge_seconds=300)
    surface = build.surface(primary=cast.ravi, now=START)
    incident = build.incident(severity="SEV1", surface=surface, by=cast.maya, now=START)
    services.link(incident, "page", str(build.page(now=START).pk), "", "", START)
    services.assign(
        incident=incident, role="commander", person=cast.bea, actor=audit.person(cast.bea),
        now=START + MINUTE,
    )  # fmt: skip
    assert not reminded(incident)


# -- times that cannot be read back


@pytest.mark.parametrize("at", [datetime(1, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, tzinfo=UTC)])
def test_a_milestone_lies_in_a_time_that_every_zone_can_read(cast: Cast, at: datetime) -> None:
    incident = build.incident(by=cast.ravi, now=START)
    with pytest.raises(Invalid) as refused:
        services.set_milestones(
            incident=incident, reason="x", actor=audit.person(cast.ravi), now=START,
            impact_started_at=at,
        )  # fmt: skip
    assert set(refused.value.fields) == {"impact_started_at"}


def test_the_next_update_is_promised_within_a_year(cast: Cast) -> None:
    incident = build.incident(by=cast.ravi, now=START)
    comms.audience()
    for at in (START + timedelta(days=367), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)):
        with pytest.raises(Invalid) as refused:
            comms.draft(incident, cast.ravi, START, next_update_at=at)
        assert set(refused.value.fields) == {"next_update_at"}
