"""The severity that four answers suggest, and how a severity changes."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from apps.core import audit, clock
from apps.core.errors import Conflict, Invalid
from apps.incidents import services as incidents
from apps.incidents import severity_matrix as matrix
from apps.incidents.models import SeveritySpan
from apps.incidents.seeds_framework import ensure_framework
from apps.incidents.selectors.framework import added_up, time_in_severity
from tests import builders as build
from tests.conftest import Cast

# who, data_wrong, money_or_security, workaround → level
SUGGESTED = [
    ("one", "no", "no", "yes", "SEV4"),
    ("one", "no", "no", "no", "SEV3"),
    ("several", "no", "no", "yes", "SEV3"),
    ("several", "no", "no", "no", "SEV2"),
    ("many", "no", "no", "yes", "SEV3"),
    ("many", "no", "no", "no", "SEV2"),
    ("most", "no", "no", "yes", "SEV2"),
    ("most", "no", "no", "no", "SEV1"),
    ("one", "maybe", "no", "yes", "SEV2"),
    ("most", "maybe", "no", "no", "SEV1"),
    ("one", "yes", "no", "yes", "SEV1"),
    ("one", "no", "yes", "yes", "SEV1"),
    ("most", "yes", "yes", "no", "SEV1"),
    ("", "no", "no", "yes", "SEV3"),
    ("", "no", "no", "no", "SEV2"),
    ("", "no", "no", "", "SEV2"),
    ("one", "no", "no", "", "SEV3"),
    ("one", "", "no", "yes", "SEV2"),
    ("one", "no", "", "yes", "SEV2"),
    ("most", "", "", "", "SEV1"),
    ("", "", "", "", "SEV2"),
]
REASONS = [
    (("one", "no", "yes", "yes"), "money or security is at stake"),
    (("most", "yes", "yes", "no"), "money or security is at stake"),
    (("one", "yes", "no", "yes"), "wrong or lost data is shown as if it were right"),
    (("one", "no", "no", "yes"), "one customer is hurt and there is a safe way around it"),
    (("several", "no", "no", "no"), "several customers are hurt and there is no safe way around"),
    (("one", "no", "no", ""), "no way around it is known yet"),
    (("one", "", "no", "yes"), "nobody can say yet whether data is wrong"),
    (("", "no", "no", "no"), "nobody can say yet how many customers are hurt"),
]


def _answers(who: str, data: str, money: str, around: str) -> dict[str, object]:
    return {
        "who": who, "data_wrong": data, "money_or_security": money, "workaround": around,
    }  # fmt: skip


@pytest.mark.parametrize("row", SUGGESTED, ids=lambda row: "-".join(row))
def test_four_answers_suggest_a_level(row: tuple[str, str, str, str, str]) -> None:
    *given, level = row
    assert matrix.suggest(_answers(*given)).key == level


@pytest.mark.parametrize(("given", "why"), REASONS, ids=str)
def test_the_suggestion_says_why(given: tuple[str, str, str, str], why: str) -> None:
    assert why in matrix.suggest(_answers(*given)).why


def test_every_answer_leads_to_a_level_and_a_worse_one_never_to_a_milder() -> None:
    """Questions list their answers from the mildest on; so each step may only raise the level."""
    choices = [[choice.key for choice in question.choices] for question in matrix.QUESTIONS]
    keys = [question.key for question in matrix.QUESTIONS]
    for given in product(*choices):
        level = matrix.suggest(dict(zip(keys, given, strict=True))).key
        assert level in {"SEV1", "SEV2", "SEV3", "SEV4"}
        for place, answer in enumerate(given):
            at = choices[place].index(answer)
            for worse in choices[place][at + 1 :]:
                changed = [*given[:place], worse, *given[place + 1 :]]
                found = matrix.suggest(dict(zip(keys, changed, strict=True))).key
                assert found <= level, (given, changed)  # SEV1 sorts before SEV2


WRONG: list[tuple[dict[str, object], str]] = [
    ({"who": "nobody"}, "who: answer one, several, many, most"),
    ({"who": 3}, "who: answer"),
    ({"workaround": True}, "workaround: answer"),
    ({"mood": "bad"}, "mood: there is no such question"),
]


@pytest.mark.parametrize(("answers", "said"), WRONG, ids=str)
def test_an_answer_that_is_none_is_named(answers: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        matrix.suggest(answers)


def test_what_is_kept_of_the_answers_leaves_out_what_nobody_knew() -> None:
    given = {"who": "one", "data_wrong": "", "workaround": None}
    assert matrix.checked(given) == {"who": "one"}


def test_time_in_severity_adds_up_over_spans_and_counts_on_until_now() -> None:
    now = clock.now()

    def span(severity: str, start: int, end: int | None) -> SeveritySpan:
        return SeveritySpan(
            severity=severity,
            from_at=now - timedelta(minutes=start),
            to_at=None if end is None else now - timedelta(minutes=end),
        )

    spans = [span("SEV3", 60, 50), span("SEV2", 50, 30), span("SEV3", 30, None)]
    assert added_up(spans, now=now) == {
        "SEV2": timedelta(minutes=20), "SEV3": timedelta(minutes=40),
    }  # fmt: skip


@pytest.mark.django_db
def test_the_time_in_each_severity_is_kept(cast: Cast) -> None:
    start = clock.now()
    incident = build.incident(severity="SEV3", by=cast.maya, now=start)
    by: dict[str, Any] = {"incident": incident, "actor": audit.person(cast.maya)}
    incidents.set_severity(severity="SEV2", reason="", now=start + timedelta(minutes=8), **by)
    incidents.set_severity(
        severity="SEV3", reason="It was one customer.", now=start + timedelta(minutes=28), **by
    )
    assert time_in_severity(incident, now=start + timedelta(minutes=40)) == {
        "SEV2": timedelta(minutes=20), "SEV3": timedelta(minutes=20),
    }  # fmt: skip
    said = list(incident.timeline.filter(what="severity").order_by("pk").values_list("text"))
    assert said == [("SEV3 → SEV2: raised",), ("SEV2 → SEV3: It was one customer.",)]


@pytest.mark.django_db
def test_raising_brings_the_tasks_of_the_worse_level_once(cast: Cast) -> None:
    ensure_framework()
    incident = build.incident(severity="SEV3", by=cast.maya)
    incidents.make_tasks(incident=incident, actor=audit.SYSTEM, now=clock.now())
    before = set(incident.tasks.values_list("text", flat=True))
    by: dict[str, Any] = {
        "incident": incident,
        "actor": audit.person(cast.maya),
        "now": clock.now(),
    }
    incidents.set_severity(severity="SEV2", reason="", **by)
    raised = set(incident.tasks.values_list("text", flat=True))
    assert before < raised
    assert "Name a technical lead" in raised - before
    incidents.set_severity(severity="SEV3", reason="Smaller.", **by)
    incidents.set_severity(severity="SEV2", reason="", **by)
    assert incident.tasks.count() == len(raised)


@pytest.mark.django_db
def test_two_who_change_it_at_once_do_not_both_do(cast: Cast) -> None:
    incident = build.incident(severity="SEV3", by=cast.maya)
    by: dict[str, Any] = {
        "incident": incident,
        "actor": audit.person(cast.maya),
        "now": clock.now(),
    }
    incidents.set_severity(severity="SEV1", reason="", **by)
    with pytest.raises(Conflict, match="It is SEV1 already"):
        incidents.set_severity(severity="SEV1", reason="", **by)
    # To whoever still sees SEV3 on the page, SEV2 looks like raising; it is lowering.
    with pytest.raises(Invalid, match="takes a reason"):
        incidents.set_severity(severity="SEV2", reason=" ", **by)
