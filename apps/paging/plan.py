"""How an escalation goes on: pure decisions over a frozen policy.

A snapshot is `{"name", "time_zone", "repeats", "working_hours": [window, …], "steps": [
{"delay_seconds", "only_in_working_hours", "targets": [{"kind", "id"?, "role"?}]}]}`; a window is
`{"days": ["mon"], "start": "09:00", "end": "17:00"}`. A step's delay counts from the step before
(the first one's from the opening, or from the last step of the loop before).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apps.rotations.timeline import Window, next_window

Snapshot = Mapping[str, Any]


@dataclass(frozen=True)
class Position:
    """The step to take next: how often the steps ran before, which one, and when."""

    loop: int
    step: int
    due_at: datetime


def start(snapshot: Snapshot, now: datetime) -> Position | None:
    """The first step of a run that begins at `now`; None for a policy without steps."""
    return _at(snapshot, 0, 0, now)


def after(snapshot: Snapshot, *, loop: int, step: int, taken_at: datetime) -> Position:
    """What follows the step taken at `taken_at`: the next step, the next loop, or the end.

    The end is the position past the last step. It leaves whoever was told last as long to answer
    as the steps leave between them.
    """
    steps = snapshot["steps"]
    following = _at(snapshot, loop, step + 1, taken_at) if step + 1 < len(steps) else None
    if following is None and loop < snapshot["repeats"]:
        following = _at(snapshot, loop + 1, 0, taken_at)
    pause = timedelta(seconds=_pause(steps))
    return following or Position(loop, len(steps), taken_at + pause)


def _at(snapshot: Snapshot, loop: int, step: int, since: datetime) -> Position | None:
    steps: Sequence[Mapping[str, Any]] = snapshot["steps"]
    if not steps:
        return None
    delay = timedelta(seconds=steps[step]["delay_seconds"])
    if loop and step == 0:  # a loop never follows the last at once: that would be a storm
        delay = max(delay, timedelta(seconds=_pause(steps)))
    due = since + delay
    if steps[step].get("only_in_working_hours"):
        due = opening(snapshot["working_hours"], snapshot["time_zone"], due)
    return Position(loop, step, due)


def earliest(snapshot: Snapshot, step: int, now: datetime) -> datetime:
    """Now, or the next opening for a step that waits for working hours."""
    steps = snapshot["steps"]
    if step < len(steps) and steps[step].get("only_in_working_hours"):
        return opening(snapshot["working_hours"], snapshot["time_zone"], now)
    return now


def _pause(steps: Sequence[Mapping[str, Any]]) -> int:
    """The wait before the steps run again: the longest wait in them, at least five minutes."""
    return max(300, *(int(step["delay_seconds"]) for step in steps))


def windows(rows: Sequence[Mapping[str, Any]]) -> tuple[Window, ...]:
    """Weekly windows from their stored form."""
    return tuple(
        Window(tuple(row["days"]), time.fromisoformat(row["start"]), time.fromisoformat(row["end"]))
        for row in rows
    )


def opening(rows: Sequence[Mapping[str, Any]], zone: str, instant: datetime) -> datetime:
    """`instant` itself inside a working window, else the start of the next; no windows: at once."""
    found = next_window(windows(rows), ZoneInfo(zone), instant) if rows else None
    return instant if found is None else max(instant, found.start)


def ordinal(snapshot: Snapshot, step: int) -> str:
    """ "1 of 3", as the subject of a page says it."""
    return f"{step + 1} of {len(snapshot['steps'])}"
