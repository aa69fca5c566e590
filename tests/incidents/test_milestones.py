"""Milestones set right by hand, and entries of the timeline corrected."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.core import audit
from apps.core.errors import Conflict, Invalid
from apps.incidents import services
from apps.incidents.models import Incident
from tests import builders as build
from tests.conftest import Cast
from tests.world import START

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
NOW = START + timedelta(hours=5)


@pytest.fixture
def incident(cast: Cast) -> Incident:
    """Declared at once, mitigated after an hour, resolved after two."""
    made = build.incident(by=cast.ravi, now=START)
    build.step(made, "mitigated", by=cast.ravi, now=START + 60 * MINUTE)
    return build.step(made, "resolved", by=cast.ravi, now=START + 120 * MINUTE)


def put(incident: Incident, by: Cast, reason: str = "Read in the logs.", **at: Any) -> Incident:
    return services.set_milestones(
        incident=incident, reason=reason, actor=audit.person(by.bea), now=NOW, **at
    )


def test_what_really_happened_is_set_and_told_old_and_new(incident: Incident, cast: Cast) -> None:
    put(incident, cast, impact_started_at=START - 9 * MINUTE, mitigated_at=START + 50 * MINUTE)
    fresh = Incident.objects.get(pk=incident.pk)
    assert (fresh.impact_started_at, fresh.mitigated_at) == (
        START - 9 * MINUTE, START + 50 * MINUTE,
    )  # fmt: skip
    assert incident.mitigated_at == fresh.mitigated_at
    assert fresh.timeline.get(what="milestones").text == (
        "Bea Bell set impact began not known → 2026-09-07 05:51:00 UTC; "
        "mitigated 2026-09-07 07:00:00 UTC → 2026-09-07 06:50:00 UTC. Read in the logs."
    )


def test_several_move_together_when_they_are_in_order_at_the_end(
    incident: Incident, cast: Cast
) -> None:
    put(incident, cast, mitigated_at=START + 130 * MINUTE, resolved_at=START + 140 * MINUTE)
    assert incident.resolved_at == START + 140 * MINUTE
    assert incident.spans.get().to_at == START + 140 * MINUTE


def test_a_detection_that_was_earlier_takes_the_time_in_severity_along(
    incident: Incident, cast: Cast
) -> None:
    put(incident, cast, detected_at=START - 30 * MINUTE)
    assert incident.spans.get().from_at == START - 30 * MINUTE


def test_what_is_as_it_was_is_no_change(incident: Incident, cast: Cast) -> None:
    put(incident, cast, detected_at=START)
    assert not incident.timeline.filter(what="milestones").exists()


def test_a_step_that_was_skipped_gets_its_instant_afterwards(cast: Cast) -> None:
    skipped = build.incident(by=cast.ravi, now=START)
    build.step(skipped, "resolved", now=START + 120 * MINUTE)
    put(skipped, cast, mitigated_at=START + 90 * MINUTE)
    assert skipped.mitigated_at == START + 90 * MINUTE


def test_what_nobody_knows_may_be_said(incident: Incident, cast: Cast) -> None:
    put(incident, cast, impact_started_at=START, acknowledged_at=START)
    put(incident, cast, impact_started_at=None, acknowledged_at=None)
    assert incident.impact_started_at is incident.acknowledged_at is None


WRONG: list[tuple[dict[str, datetime | None], str, str]] = [
    ({"impact_started_at": START + MINUTE}, "impact_started_at",
     "“Detected” cannot be before “Impact began”."),
    ({"detected_at": START + MINUTE}, "detected_at", "“Declared” cannot be before “Detected”."),
    ({"mitigated_at": START - MINUTE}, "mitigated_at",
     "“Mitigated” cannot be before “Declared”."),
    ({"mitigated_at": START + 121 * MINUTE}, "mitigated_at",
     "“Resolved” cannot be before “Mitigated”."),
    ({"resolved_at": START + 59 * MINUTE}, "resolved_at",
     "“Resolved” cannot be before “Mitigated”."),
    ({"acknowledged_at": START - MINUTE}, "acknowledged_at",
     "“Acknowledged” cannot be before “Detected”."),
    ({"resolved_at": NOW + MINUTE}, "resolved_at", "It cannot be in the future."),
    ({"resolved_at": None}, "resolved_at", "It happened: say when."),
    ({"detected_at": None}, "detected_at", "It happened: say when."),
    ({"closed_at": NOW}, "closed_at", "It is resolved: that has not happened."),
    ({"born_at": NOW}, "born_at", "There is no such milestone."),
    ({"title": NOW}, "title", "There is no such milestone."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field", "sentence"), WRONG, ids=str)
def test_instants_that_cannot_be_are_refused_by_field(
    changes: dict[str, datetime | None], field: str, sentence: str, incident: Incident, cast: Cast
) -> None:
    before = Incident.objects.values().get(pk=incident.pk)
    with pytest.raises(Invalid) as refused:
        put(incident, cast, **changes)
    assert refused.value.fields == {field: [sentence]}
    assert Incident.objects.values().get(pk=incident.pk) == before


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2001])
def test_it_takes_a_reason(reason: str, incident: Incident, cast: Cast) -> None:
    with pytest.raises(Invalid) as refused:
        put(incident, cast, reason=reason, resolved_at=START + 110 * MINUTE)
    assert set(refused.value.fields) == {"reason"}


def test_what_has_not_happened_yet_has_no_instant(cast: Cast) -> None:
    standing = build.incident(by=cast.ravi, now=START)
    for name in ("mitigated_at", "resolved_at", "closed_at"):
        with pytest.raises(Invalid):
            put(standing, cast, **{name: NOW})


# -- corrections


def test_a_correction_is_a_row_of_its_own_that_points_to_the_other(
    incident: Incident, cast: Cast
) -> None:
    entry = incident.timeline.get(what="opened")
    row = services.correct(
        entry=entry, text="It was **billing**.", actor=audit.person(cast.bea), now=NOW
    )
    assert (row.corrects, row.what, row.is_markdown, row.at) == (entry, "correction", True, NOW)
    assert incident.timeline.get(pk=entry.pk).text == entry.text
    assert cast.bea in incident.participants.all()
    with pytest.raises(Conflict, match="That is a correction"):
        services.correct(entry=row, text="x", actor=audit.SYSTEM, now=NOW)


@pytest.mark.parametrize("text", ["", " \n", "x" * 10_001])
def test_an_empty_or_endless_correction_is_refused(
    text: str, incident: Incident, cast: Cast
) -> None:
    with pytest.raises(Invalid):
        services.correct(
            entry=incident.timeline.get(what="opened"), text=text, actor=audit.SYSTEM, now=NOW
        )
