"""The ticket's state machine: one table for portal, admin, API and mail. Pure.

`new → open → (waiting_customer | waiting_third_party)* → resolved → closed`, and the side states
`merged` and `spam`. A transition has a verb, the states that it starts from, the one that it leads
to, and what it needs; the services check the needs, `core.transitions` moves the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NEW = "new"
OPEN = "open"
WAITING_CUSTOMER = "waiting_customer"
WAITING_THIRD_PARTY = "waiting_third_party"
RESOLVED = "resolved"
CLOSED = "closed"
MERGED = "merged"
SPAM = "spam"

ACTIVE = frozenset({NEW, OPEN, WAITING_CUSTOMER, WAITING_THIRD_PARTY})  # somebody still works on it
WAITING = frozenset({WAITING_CUSTOMER, WAITING_THIRD_PARTY})
ENDED = frozenset({RESOLVED, CLOSED, MERGED, SPAM})


@dataclass(frozen=True)
class Verb:
    """One way from state to state. `needs` are checked by the service of the same name."""

    key: str
    label: str
    sources: frozenset[str]
    to: str
    needs: tuple[str, ...] = ()
    by_hand: bool = True  # offered to people; the others happen by an event or by the clock


VERBS: Mapping[str, Verb] = {
    verb.key: verb
    for verb in (
        Verb("triage", "Accept", frozenset({NEW}), OPEN, ("type", "owner")),
        Verb("start", "Open", frozenset({NEW}), OPEN, by_hand=False),  # the first agent reply
        Verb("wait", "Wait for customer", frozenset({NEW, OPEN}), WAITING_CUSTOMER, ("message",)),
        Verb(
            "wait_third_party",
            "Wait for third party",
            frozenset({NEW, OPEN, WAITING_CUSTOMER}),
            WAITING_THIRD_PARTY,
            ("link", "expected_by"),
        ),
        Verb("resume", "Back to open", WAITING, OPEN),
        Verb("resolve", "Resolve", ACTIVE, RESOLVED, ("resolution_code", "message_or_none_needed")),
        Verb("reopen", "Reopen", frozenset({RESOLVED}), OPEN),
        Verb("close", "Close", frozenset({RESOLVED}), CLOSED),
        Verb("merge", "Merge", ACTIVE | {RESOLVED}, MERGED, ("target",)),
        Verb("spam", "Mark as spam", ACTIVE | {RESOLVED}, SPAM),
        Verb("not_spam", "Not spam", frozenset({SPAM}), NEW),
    )
}


def transitions() -> dict[str, frozenset[str]]:
    """The table as `core.transitions` reads it. Undoing a merge leads back to any earlier state."""
    table: dict[str, set[str]] = {
        state: set() for state in (*sorted(ACTIVE), RESOLVED, CLOSED, MERGED, SPAM)
    }
    for verb in VERBS.values():
        for source in verb.sources:
            table[source].add(verb.to)
    table[MERGED] |= ACTIVE | {RESOLVED}
    return {state: frozenset(to) for state, to in table.items()}


def verbs_from(state: str) -> list[Verb]:
    """What a person may do from `state`, in the order of the table."""
    return [verb for verb in VERBS.values() if verb.by_hand and state in verb.sources]


def verb_to(state: str, to: str) -> Verb | None:
    """The verb by which a person moves from `state` to `to`, if there is one."""
    return next((verb for verb in verbs_from(state) if verb.to == to), None)
