"""What cannot be, said to the services of incidents: answered by field, and nothing is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.core import audit
from apps.core.errors import IllegalTransition, Invalid
from apps.incidents import services
from apps.incidents.models import Incident, IncidentType
from apps.incidents.ports import Hint
from tests import builders as build
from tests.conftest import Cast
from tests.world import START

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"title": " \t "}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"severity": "sev1"}, "severity"),
    ({"summary": "x" * 10_001}, "summary"),
    ({"detection_source": "oracle"}, "detection_source"),
    ({"kind": "joke"}, "kind"),
    ({"visibility": "secret"}, "visibility"),
    ({"suggested": "P0"}, "suggested"),
    ({"suggested": "SEV1", "severity": "SEV3"}, "severity_reason"),
    ({"suggested": "SEV1", "severity": "SEV3", "severity_reason": "  "}, "severity_reason"),
    ({"detected_at": START + HOUR}, "detected_at"),
    ({"impact_started_at": START + HOUR}, "impact_started_at"),
    ({"impact_started_at": START - HOUR, "detected_at": START - 2 * HOUR}, "impact_started_at"),
    ({"links": [services.NewLink("", "TCK-1")]}, "ref"),
    ({"links": [services.NewLink("ticket", "x" * 61)]}, "ref"),
    ({"links": [services.NewLink("ticket", "TCK-1", relation="friend")]}, "relation"),
    ({"links": [services.NewLink("ticket", "TCK-1", url="javascript:alert(1)")]}, "url"),
    ({"links": [services.NewLink("ticket", "TCK-1", url="https://" + "x" * 300)]}, "url"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG, ids=str)
def test_a_declaration_that_cannot_be_is_refused_by_field(
    changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        build.incident(now=START, **changes)
    assert set(refused.value.fields) == {field}
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    "words",
    [
        {"note": "x" * 10_001},
        {"impact_summary": "x" * 10_001},
        {"mitigation_note": "x" * 10_001},
        {"public_silence": "x" * 10_001},
        {"detection_source": "oracle"},
    ],
    ids=lambda words: next(iter(words)),
)
def test_a_step_takes_no_endless_words(words: dict[str, str], cast: Cast) -> None:
    incident = build.incident(by=cast.ravi, now=START)
    with pytest.raises(Invalid) as refused:
        build.step(incident, "resolved", now=START, **words)
    assert set(refused.value.fields) == set(words)
    incident.refresh_from_db()
    assert incident.status == "investigating"


@pytest.mark.parametrize("to", ["", "merged", "nowhere", "TRIAGE", "resolved\n", "x" * 500])
def test_a_step_to_nowhere_is_refused(to: str, cast: Cast) -> None:
    incident = build.incident(by=cast.ravi, now=START)
    with pytest.raises(IllegalTransition):
        build.step(incident, to, now=START)


def test_html_stays_text_and_a_title_one_line(cast: Cast) -> None:
    incident = build.incident(title=" <b>All</b>\n\n down ", by=cast.ravi, now=START)
    assert incident.title == "<b>All</b> down"
    entry = services.comment(
        incident=incident, text="<script>x</script>", actor=audit.SYSTEM, now=START
    )
    assert entry.text == "<script>x</script>"  # shown through core.text.markdown, which escapes


def test_a_reason_that_is_too_long_does_not_merge(cast: Cast) -> None:
    child, into = (build.incident(by=cast.ravi, now=START) for _ in range(2))
    with pytest.raises(Invalid):
        services.merge(child=child, into=into, reason="x" * 10_001, actor=audit.SYSTEM, now=START)


# -- what a declaration keeps when it can be


def test_what_was_answered_suggested_and_overridden_is_kept(cast: Cast) -> None:
    answers = {"who": "many", "data_wrong": "no", "money_or_security": "no", "workaround": "yes"}
    incident = build.incident(
        severity="SEV2", suggested="SEV3", severity_answers=answers,
        severity_reason="A big customer waits.", by=cast.ravi, now=START,
        impact_started_at=START - 2 * HOUR, detected_at=START - HOUR,
    )  # fmt: skip
    incident.refresh_from_db()
    assert (incident.suggested_severity, incident.severity_answers) == ("SEV3", answers)
    assert incident.spans.get().reason == "SEV3 was suggested: A big customer waits."
    assert (incident.impact_started_at, incident.detected_at, incident.declared_at) == (
        START - 2 * HOUR, START - HOUR, START,
    )  # fmt: skip


def test_confirmed_hints_become_links_with_their_relation(cast: Cast) -> None:
    hint = Hint(
        "change", "inspect-2.14.1", "/changes/1/", "inspect 2.14.1", "12 minutes before",
        "suspect", 0.9,
    )  # fmt: skip
    incident = build.incident(
        by=cast.ravi, now=START, links=[hint, services.NewLink("ticket", "TCK-7"), hint]
    )
    found = incident.links.order_by("pk").values_list("ref", "relation", "added_by_label")
    assert list(found) == [
        ("inspect-2.14.1", "suspect", "Ravi Rao"), ("TCK-7", "related", "Ravi Rao"),
    ]  # fmt: skip
    said = incident.timeline.filter(what="linked").values_list("text", flat=True)
    assert list(said) == [
        "Linked change inspect-2.14.1, inspect 2.14.1 (may have caused it).",
        "Linked ticket TCK-7 (has to do with it).",
    ]


def test_a_link_is_taken_away_and_the_timeline_keeps_both(cast: Cast) -> None:
    incident = build.incident(by=cast.ravi, now=START, links=[services.NewLink("ticket", "TCK-7")])
    link = incident.links.get()
    for _ in range(2):
        services.unlink(incident=incident, link=link, actor=audit.SYSTEM, now=START)
    assert not incident.links.exists()
    assert incident.timeline.filter(what="unlinked").count() == 1
    services.link(incident, "page", "7", "", "", START)
    with pytest.raises(Invalid, match="A page stays"):
        services.unlink(incident=incident, link=incident.links.get(), actor=audit.SYSTEM, now=START)


def test_a_type_may_ask_for_few_eyes_from_the_start(cast: Cast) -> None:
    security = IncidentType.objects.create(key="security", name="Security", starts_restricted=True)
    incident = build.incident(type=security, by=cast.ravi, now=START)
    assert incident.visibility == "restricted"
    assert Incident.objects.visible_to(cast.ravi).exists()
    assert not Incident.objects.visible_to(cast.sam).exists()


def test_a_tool_that_knows_neither_surface_nor_commander_is_not_turned_away() -> None:
    incident = build.incident(now=START)
    assert (incident.status, incident.commander) == ("investigating", None)
    text = incident.timeline.get(what="investigating").text
    assert "Which surface it hurts is not known yet. Nobody was found to command it." in text
