"""Impact × urgency → priority. Pure.

The matrix is ITIL's usual one: what hurts many and cannot wait is P1, what hurts few and can is P4.
"""

from __future__ import annotations

from typing import Literal

Level = Literal["high", "medium", "low"]
LEVELS: tuple[Level, ...] = ("high", "medium", "low")
PRIORITIES = ("P1", "P2", "P3", "P4")

MATRIX: dict[tuple[str, str], str] = {
    ("high", "high"): "P1",
    ("high", "medium"): "P2",
    ("high", "low"): "P3",
    ("medium", "high"): "P2",
    ("medium", "medium"): "P3",
    ("medium", "low"): "P4",
    ("low", "high"): "P3",
    ("low", "medium"): "P4",
    ("low", "low"): "P4",
}


def priority(impact: str, urgency: str) -> str:
    """P1 to P4; raises KeyError for a level that is none of high, medium, low."""
    return MATRIX[impact, urgency]


def raised(current: str) -> str:
    """One step up; P1 stays P1."""
    return PRIORITIES[max(0, PRIORITIES.index(current) - 1)]
