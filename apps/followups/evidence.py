"""What shows that a follow-up holds. Pure.

What has to be shown depends on the aim: that something cannot happen again is shown by a test that
failed before or by the release that carries the change, that it is noticed by an alert or drill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LEAST_NOTE = 10  # characters in which somebody can say what an address shows
NEEDS_ANOTHER = frozenset({"P0", "P1"})  # priorities that their owner cannot verify
FITTING: Mapping[str, tuple[str, ...]] = {
    "prevent": ("regression", "release"),
    "detect": ("alert", "drill"),
    "mitigate": ("regression", "release", "drill", "execution"),
    "process": ("execution", "drill"),
    "docs": ("execution",),
    "comms": ("drill", "execution"),
}
_SAID = {
    "regression": "a test that failed before and passes now",
    "release": "the release that carries it",
    "alert": "an alert that fired when it should",
    "drill": "a drill that it passed",
    "execution": "a completed run of a runbook",
}


@dataclass(frozen=True)
class Piece:
    """A piece of evidence that was not withdrawn; `problem` is what its source says against it."""

    type: str
    has_url: bool
    note: str = ""
    problem: str = ""


def fits(aim: str, piece: Piece) -> bool:
    """Whether it shows anything for this aim; an address with a note does for every aim."""
    if piece.problem:
        return False
    explained = piece.has_url and len(piece.note.strip()) >= LEAST_NOTE
    return explained or piece.type in FITTING[aim]


def wanted(aim: str) -> str:
    """What to bring for an aim, in words."""
    named = [_SAID[one] for one in FITTING[aim]]
    return f"{', '.join(named)}, or an address with a note that says what it shows"


def missing(aim: str, pieces: Sequence[Piece]) -> str:
    """Why these pieces do not show it yet; empty when one of them does."""
    if any(fits(aim, piece) for piece in pieces):
        return ""
    problem = next((piece.problem for piece in pieces if piece.problem), "")
    if problem:
        return problem
    start = "None of the evidence fits the aim." if pieces else "There is no evidence yet."
    return f"{start} Bring {wanted(aim)}."


def needs_another(priority: str) -> bool:
    """Whether somebody other than its owner and whoever did it has to look."""
    return priority in NEEDS_ANOTHER
