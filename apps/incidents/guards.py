"""What must be said or done before an incident takes a step. Pure: facts in, sentences out.

A guard is answered with the step: `field` names the argument of `transition` that does it, or is
empty where something must be done first. A guard that a sentence may lift names `note`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

TRIAGE, INVESTIGATING, IDENTIFIED = "triage", "investigating", "identified"
MITIGATED, RESOLVED, IN_REVIEW, CLOSED = "mitigated", "resolved", "in_review", "closed"
DECLINED, MERGED = "declined", "merged"
STANDING = frozenset({TRIAGE, INVESTIGATING, IDENTIFIED, MITIGATED})


@dataclass(frozen=True)
class Facts:
    """What the guards look at: the incident with what comes along with the step."""

    status: str
    has_severity: bool = True
    has_surface: bool = False
    has_commander: bool = False
    is_declared: bool = False
    note: str = ""  # said with the step; never kept from an earlier one
    mitigation_note: str = ""
    impact_summary: str = ""
    detection_source: str = ""
    tells_the_public: bool = True  # False for drills, tests and what is written down afterwards
    public_told: bool = False
    public_silence: str = ""
    unsent_updates: int = 0
    review_required: bool = False
    review_published: bool = False
    follow_ups_without_owner: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()  # what higher apps say


@dataclass(frozen=True)
class Blocker:
    """One thing that holds up the step to `to`; `field` is what answers it, "" for a deed."""

    to: str
    key: str
    reason: str
    field: str = ""


def blockers(facts: Facts, to: str) -> list[Blocker]:
    """What holds up the step to `to`, in the order in which it is best dealt with.

    Whether the step exists at all is the transition table's to say.
    """
    guards = _GUARDS.get(to)
    return [Blocker(to, *found) for found in guards(facts)] if guards else []


_Found = list[tuple[str, str, str]]


def _declare(facts: Facts) -> _Found:
    found: _Found = []
    if facts.status != TRIAGE and facts.status not in STANDING and not facts.note.strip():
        found.append(("reason", "Say why it is opened again.", "note"))
    if facts.is_declared:
        return found
    if not facts.has_severity:
        found.append(("severity", "Say how severe it is.", "severity"))
    if not facts.has_surface and not facts.note.strip():
        text = "Name the surface it hurts, or say in the note why nobody knows yet."
        found.append(("surface", text, "surface"))
    if not facts.has_commander and not facts.note.strip():
        text = "Nobody was found to command it: name somebody, or say in the note who looks at it."
        found.append(("commander", text, "commander"))
    return found


def _triage(facts: Facts) -> _Found:
    if facts.note.strip():
        return []
    return [("reason", "Say why it is opened again.", "note")]


def _decline(facts: Facts) -> _Found:
    if facts.note.strip():
        return []
    return [("reason", "Say why it is not an incident.", "note")]


def _mitigate(facts: Facts) -> _Found:
    if facts.mitigation_note.strip():
        return []
    return [("mitigation_note", "Say what was done so that customers are fine.", "mitigation_note")]


def _resolve(facts: Facts) -> _Found:
    found: _Found = []
    if not facts.impact_summary.strip():
        text = "Say in a sentence who was hurt and how: the impact summary."
        found.append(("impact_summary", text, "impact_summary"))
    if not facts.detection_source:
        text = "Say what noticed it first: an alert, a ticket, a customer, somebody here."
        found.append(("detection_source", text, "detection_source"))
    if facts.tells_the_public and not facts.public_told and not facts.public_silence.strip():
        text = "Publish an update for customers, or say why they need none."
        found.append(("public", text, "public_silence"))
    if facts.unsent_updates:
        text = "An update was written and not sent: publish it or throw it away."
        if facts.unsent_updates > 1:
            text = f"{facts.unsent_updates} updates were written and not sent: deal with each."
        found.append(("unsent", text, ""))
    return found


def _close(facts: Facts) -> _Found:
    found: _Found = []
    if facts.review_required and not facts.review_published:
        found.append(("review", "Its review is not published yet.", ""))
    for ref in facts.follow_ups_without_owner:
        found.append(("follow_up", f"{ref} has no owner who is still here.", ""))
    found += [("elsewhere", text, "") for text in facts.elsewhere]
    return found


_GUARDS: dict[str, Callable[[Facts], _Found]] = {
    INVESTIGATING: _declare,
    TRIAGE: _triage,
    DECLINED: _decline,
    MITIGATED: _mitigate,
    RESOLVED: _resolve,
    CLOSED: _close,
}
