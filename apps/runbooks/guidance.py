"""What to do when a step did not go as expected. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Way:
    """A step's position and what its author wants done when it fails."""

    position: int
    on_fail: str
    on_fail_step: int | None
    on_fail_text: str


@dataclass(frozen=True)
class Advice:
    """`what` is note, goto, escalate or stop; `goto` the position that a `goto` leads to."""

    what: str
    text: str
    goto: int | None = None


def advice(way: Way) -> Advice:
    """A sentence for whoever stands before a step that failed."""
    own = way.on_fail_text.strip()
    if way.on_fail == "goto":
        head = f"Go to step {way.on_fail_step}."
        return Advice("goto", f"{head} {own}".strip(), way.on_fail_step)
    head = {
        "escalate": "Escalate: page the next person now and go on only with them.",
        "stop": "Stop here. Do no further step before somebody who knows has looked.",
    }.get(way.on_fail, "Note what you saw and go on.")
    return Advice(way.on_fail, f"{head} {own}".strip())
