"""What each step asks for, in sentences: the pure guards, every pair of states."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from apps.incidents.guards import Facts, blockers
from apps.incidents.models import Incident

STATES = [str(state) for state in Incident.Status.values]
BARE = Facts(status="investigating", is_declared=True)
FULL = replace(
    BARE, has_surface=True, has_commander=True, note="Why.", mitigation_note="Rolled back.",
    impact_summary="12 late.", detection_source="alert", public_told=True,
)  # fmt: skip

AGAIN = "Say why it is opened again."
SURFACE = "Name the surface it hurts, or say in the note why nobody knows yet."
COMMANDER = "Nobody was found to command it: name somebody, or say in the note who looks at it."
WHAT_HELPED = "Say what was done so that customers are fine."
IMPACT = "Say in a sentence who was hurt and how: the impact summary."
NOTICED = "Say what noticed it first: an alert, a ticket, a customer, somebody here."
PUBLIC = "Publish an update for customers, or say why they need none."
NOT_AN_INCIDENT = "Say why it is not an incident."
# By what a step leads to: what it says to an incident that nobody has said anything about.
ASKED: dict[str, list[str]] = {
    "triage": [AGAIN],
    "declined": [NOT_AN_INCIDENT],
    "mitigated": [WHAT_HELPED],
    "resolved": [IMPACT, NOTICED, PUBLIC],
}
STANDING = {"triage", "investigating", "identified", "mitigated"}


@pytest.mark.parametrize(("was", "to"), list(product(STATES, STATES)))
def test_every_pair_of_states_says_what_it_asks_for(was: str, to: str) -> None:
    """Whatever the step, it asks for these and, once they are said, for nothing."""
    declared = was != "triage"
    bare, full = (replace(one, status=was, is_declared=declared) for one in (BARE, FULL))
    wanted = ASKED.get(to, [])
    if to == "investigating":
        wanted = [SURFACE, COMMANDER] if not declared else [] if was in STANDING else [AGAIN]
    assert [one.reason for one in blockers(bare, to)] == wanted
    assert blockers(full, to) == []


@pytest.mark.parametrize(
    ("facts", "to", "keys"),
    [
        # Declaring
        (replace(FULL, status="triage", is_declared=False, note=""), "investigating", []),
        (replace(BARE, status="triage", is_declared=False, note="Nobody knows where."),
         "investigating", []),
        (replace(BARE, status="triage", is_declared=False, has_severity=False, note="x"),
         "investigating", ["severity"]),
        (replace(BARE, status="resolved", is_declared=False), "investigating",
         ["reason", "surface", "commander"]),
        # Mitigating and resolving
        (replace(BARE, mitigation_note=" \n"), "mitigated", ["mitigation_note"]),
        (replace(FULL, impact_summary="  "), "resolved", ["impact_summary"]),
        (replace(FULL, detection_source=""), "resolved", ["detection_source"]),
        (replace(FULL, public_told=False), "resolved", ["public"]),
        (replace(FULL, public_told=False, public_silence="No customer saw it."), "resolved", []),
        (replace(FULL, public_told=False, tells_the_public=False), "resolved", []),
        (replace(FULL, unsent_updates=1), "resolved", ["unsent"]),
        # Closing
        (replace(FULL, review_required=True), "closed", ["review"]),
        (replace(FULL, review_required=True, review_published=True), "closed", []),
        (replace(FULL, follow_ups_without_owner=("FUP-3", "FUP-4")), "closed",
         ["follow_up", "follow_up"]),
        (replace(FULL, elsewhere=("TCK-7 waits for an answer.",)), "closed", ["elsewhere"]),
    ],
)  # fmt: skip
def test_a_guard_holds_until_what_it_asks_for_is_there(
    facts: Facts, to: str, keys: list[str]
) -> None:
    assert [one.key for one in blockers(facts, to)] == keys
    assert all(one.to == to and one.reason.endswith(".") for one in blockers(facts, to))


def test_what_can_be_said_names_its_field_and_what_must_be_done_names_none() -> None:
    bare = replace(BARE, unsent_updates=2, review_required=True)
    fields = {one.key: one.field for to in ("resolved", "closed") for one in blockers(bare, to)}
    assert fields == {
        "impact_summary": "impact_summary", "detection_source": "detection_source",
        "public": "public_silence", "unsent": "", "review": "",
    }  # fmt: skip


def test_several_drafts_are_counted() -> None:
    (one,) = blockers(replace(FULL, unsent_updates=3), "resolved")
    assert one.reason == "3 updates were written and not sent: deal with each."
