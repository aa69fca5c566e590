"""A clock's history played again, to be compared with what is stored. Pure.

Two questions: do the events, one after the other, lead to the stored state; and do their numbers
follow from each other by business time? The second is asked where the clock ran in one calendar
only, since events do not say in which they were counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.calendars.businesstime import Calendar, deadline, worked
from apps.support.clockwork import BREACHED, CANCELLED, MET, PAUSED, RUNNING, ClockState

# After these the calendar or the target may be another one.
_OTHER_TERMS = frozenset({"retarget", "recalendar", "unbreach", "restore"})
_COUNTED = frozenset({"pause", "stop"})


@dataclass(frozen=True)
class Event:
    """One event by the names of its columns."""

    what: str
    at: datetime
    due_after: datetime | None
    consumed_seconds: int
    target_seconds: int


@dataclass(frozen=True)
class Played:
    """Where the events lead."""

    state: str
    consumed_seconds: int
    target_seconds: int
    due_at: datetime | None
    stopped_at: datetime | None
    is_paused: bool


def play(events: Sequence[Event]) -> Played | None:
    """The clock as its events say it is; None where the first one is missing."""
    if not events or events[0].what != "start":
        return None
    breached = cancelled = False
    paused, stopped = events[0].due_after is None, None
    for event in events:
        match event.what:
            case "breach":
                breached = True
            case "unbreach":
                breached = False
            case "pause":
                paused = True
            case "resume":
                paused = False
            case "stop":
                stopped, paused = event.at, False
            case "reopen":
                stopped = None
            case "cancel" | "restore":
                cancelled = event.what == "cancel"
    last = events[-1]
    if cancelled:
        state = CANCELLED
    elif breached:
        state = BREACHED
    else:
        state = MET if stopped else PAUSED if paused else RUNNING
    return Played(
        state, last.consumed_seconds, last.target_seconds, last.due_after, stopped, paused
    )


def differences(clock: ClockState, events: Sequence[Event], calendar: Calendar) -> list[str]:
    """What is stored otherwise than the history says, in words; empty when all is well."""
    played = play(events)
    if played is None:
        return ["its history does not begin with a start"]
    pairs = {
        "state": (clock.state, played.state),
        "used seconds": (clock.consumed_seconds, played.consumed_seconds),
        "target": (clock.target_seconds, played.target_seconds),
        "due": (clock.due_at, played.due_at),
        "stopped": (clock.stopped_at, played.stopped_at),
        "paused": (clock.is_paused, played.is_paused),
    }
    found = [
        f"{name} is {stored}, by its history {told}"
        for name, (stored, told) in pairs.items()
        if stored != told
    ]
    return found or _miscounted(events, calendar)


def _miscounted(events: Sequence[Event], calendar: Calendar) -> list[str]:
    """Numbers that do not follow from the event before."""
    if any(event.what in _OTHER_TERMS for event in events):
        return []
    anchor, used = events[0].at, events[0].consumed_seconds
    runs = events[0].due_after is not None
    for event in events:
        if event.what in _COUNTED and runs:
            expected = used + worked(calendar, anchor, event.at)
            if event.at >= anchor and event.consumed_seconds != expected:
                return [f"{event.consumed_seconds} s used at its {event.what}, not {expected} s"]
        if event.what in {"start", "resume"} and event.due_after is not None:
            left = max(0, event.target_seconds - event.consumed_seconds)
            due = deadline(calendar, event.at, left)
            if event.due_after != due and event.what == "start":
                return [f"due {event.due_after} at its {event.what}, not {due}"]
        if event.what in {"start", "pause", "resume", "stop", "reopen"}:
            anchor, used = event.at, event.consumed_seconds
            runs = event.what not in _COUNTED and event.due_after is not None
    return []
