"""What somebody who means ill, or a tool that sends rubbish, gets out of an incident: nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.core import audit
from apps.core.errors import Invalid
from apps.incidents import services
from apps.incidents.models import Incident, Mark, SeverityLevel
from apps.incidents.services import cadence
from tests import builders as build
from tests.conftest import Cast
from tests.incidents import commskit as comms
from tests.world import START

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
