"""One look at a rate or an accuracy: what may be said of it with confidence.

Alerting wants to be sure that something is bad, a release gate that it is good; so the one reads
the bound on the good side, the other the bound on the bad side, and both may answer "not sure".
"""

from __future__ import annotations

from typing import Literal

from apps.telemetry.proportions import wilson

Look = Literal["ok", "warning", "firing", "proven", "insufficient_data", "no_data"]


def rate_look(
    failed: int, total: int, threshold: float, min_n: int = 10, confidence: float = 0.95
) -> Look:
    """Firing when even the lower bound of the failure rate is above the threshold; a warning when
    only the rate itself is."""
    found = wilson(failed, total, confidence)
    if total < max(1, min_n) or found.p is None or found.lower is None:
        return "insufficient_data"
    if found.lower > threshold:
        return "firing"
    return "warning" if found.p > threshold else "ok"


def accuracy_look(
    correct: int, audited: int, target: float, min_n: int = 30, confidence: float = 0.95
) -> Look:
    """Firing when even the upper bound is below the target; proven when even the lower one keeps
    it; a warning when the estimate is below it and nobody can be sure."""
    found = wilson(correct, audited, confidence)
    if audited < max(1, min_n) or found.p is None or found.lower is None or found.upper is None:
        return "insufficient_data"
    return against(target, found.p, found.lower, found.upper)


def against(target: float, p: float, lower: float, upper: float) -> Look:
    """An accuracy with its bounds, of whatever kind, beside its target."""
    if upper < target:
        return "firing"
    if lower >= target:
        return "proven"
    return "warning" if p < target else "ok"
