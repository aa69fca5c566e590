"""Opening an incident by hand."""

from __future__ import annotations

import pytest

from apps.core import audit, clock
from apps.core.errors import IllegalTransition, Invalid
from apps.incidents import services
from apps.incidents.models import Incident
from tests import builders as build
from tests.conftest import Cast


def test_whoever_opens_a_restricted_incident_is_on_it_and_sees_it(cast: Cast) -> None:
    incident = build.incident(by=cast.ravi, visibility="restricted", commander=cast.bea)
    seen = {
        person: Incident.objects.visible_to(person).filter(pk=incident.pk).exists()
        for person in (cast.ravi, cast.bea, cast.maya, cast.sam, cast.olu)
    }
    assert seen == {
        cast.ravi: True, cast.bea: True, cast.maya: True, cast.sam: False, cast.olu: False,
    }  # fmt: skip


def test_it_is_declared_at_once_and_says_who_did_it(cast: Cast) -> None:
    incident = build.incident(by=cast.ravi)
    assert incident.status == "investigating"
    assert incident.declared_at is not None
    said = list(incident.timeline.order_by("pk").values_list("what", "actor_label"))
    assert said == [(what, "Ravi Rao") for what in ("opened", "commander", "investigating")]


@pytest.mark.parametrize(("title", "severity"), [("", "SEV3"), ("x" * 201, "SEV3"), ("Fine", "P1")])
def test_a_title_or_severity_that_cannot_be_is_refused_in_words(
    cast: Cast, title: str, severity: str
) -> None:
    with pytest.raises(Invalid) as refused:
        build.incident(title=title, severity=severity, by=cast.ravi)
    assert refused.value.fields


def test_a_plain_move_cannot_merge(cast: Cast) -> None:
    incident = build.incident(by=cast.ravi)
    with pytest.raises(IllegalTransition):
        services.transition(
            incident=incident, to="merged", actor=audit.person(cast.ravi), now=clock.now()
        )
    incident.refresh_from_db()
    assert incident.status == "investigating"
