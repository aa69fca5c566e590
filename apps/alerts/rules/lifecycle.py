"""From looks to states: ok, pending, firing, and back. Pure.

A look is what one moment says; a state is what people are told. A rule waits before it fires
(`for`), and goes on firing for a while after it was last true (`keep`), so that what flaps is told
once. Everything follows from the looks and the times alone: after hours of silence the first look
gives the right state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

OK, PENDING, FIRING = "ok", "pending", "firing"
SILENT = frozenset({"no_data", "insufficient_data"})
# Nothing comes any more, neither good nor bad: that is no recovery. A day covers what runs nightly.
HOLD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a group stands, since when, and when a look last said that it is true."""

    state: str
    since: datetime
    last_true_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """`event`: "" for nothing, "fired", "resolved", or "gone silent" for an end without a proof."""

    standing: Standing
    event: str = ""


def step(
    was: Standing | None,
    look: str,
    *,
    now: datetime,
    for_seconds: int = 0,
    keep_seconds: int = 900,
    hold: timedelta = HOLD,
) -> Step:
    """Where a group stands after a look; `look` "gone" says that there is no such group."""
    held = was or Standing(OK, now)
    if look == "firing":
        return _true(held, now, timedelta(seconds=for_seconds))
    if held.state == OK:
        return Step(held)
    quiet = now - (held.last_true_at or held.since)
    if look in SILENT:
        if quiet < hold:
            return Step(held)
        return _ended(held, now, "gone silent")
    if look in {"gone", "suppressed"}:
        return _ended(held, now, "resolved")
    if held.state == FIRING and quiet < timedelta(seconds=keep_seconds):
        return Step(held)
    return _ended(held, now, "resolved")


def _true(was: Standing, now: datetime, wait: timedelta) -> Step:
    if was.state == FIRING:
        return Step(replace(was, last_true_at=now))
    since = was.since if was.state == PENDING else now
    if now - since < wait:
        return Step(Standing(PENDING, since, now))
    return Step(Standing(FIRING, now, now), "fired")


def _ended(was: Standing, now: datetime, event: str) -> Step:
    return Step(Standing(OK, now), event if was.state == FIRING else "")


def inhibited(tier: int, heard: list[int]) -> bool:
    """Whether a rule of this tier stays quiet: a firing one with a lower number is heard."""
    return any(other < tier for other in heard)
