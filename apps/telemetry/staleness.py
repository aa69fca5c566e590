"""How old is too old. Pure: ages in seconds, states out.

The age of a source counts from its last success, and where there never was one from when it was
first known. What is paused is suppressed, not fresh.
"""

from __future__ import annotations

from typing import Literal

GRACE = 0.5  # of a cadence: a run may be late by so much before anybody is woken
MAX_AGE = 24 * 60 * 60  # s, where no cadence is known

Staleness = Literal["fresh", "late", "firing", "suppressed", "unknown"]


def age(last_success_age: float | None, known_age: float | None) -> float | None:
    """Seconds since the last success, or since it is known; None where neither is."""
    return known_age if last_success_age is None else last_success_age


def limit(cadence_seconds: float, grace: float = GRACE) -> float:
    """The age in seconds from which on a schedule has been missed."""
    return cadence_seconds * (1 + grace)


def stale_state(
    age_seconds: float | None,
    cadence_seconds: float,
    grace: float = GRACE,
    paused: bool = False,
) -> Staleness:
    """Against a known cadence: late after it, firing after its grace as well, both strictly."""
    if paused:
        return "suppressed"
    if age_seconds is None:
        return "unknown"
    if age_seconds > limit(cadence_seconds, grace):
        return "firing"
    return "late" if age_seconds > cadence_seconds else "fresh"


def aged_state(
    age_seconds: float | None, max_age_seconds: float = MAX_AGE, paused: bool = False
) -> Staleness:
    """Where no cadence is known: firing when older than it may be."""
    if paused:
        return "suppressed"
    if age_seconds is None:
        return "unknown"
    return "firing" if age_seconds > max_age_seconds else "fresh"
