"""Clocks counted from their beginning: timed again, or begun late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from apps.calendars.businesstime import Calendar, Pause, deadline, worked
from apps.support.clockwork.state import (
    BREACHED,
    BY_TIME,
    CANCELLED,
    MET,
    PAUSED,
    RUNNING,
    Change,
    Changes,
    ClockState,
    Terms,
    checked,
    due_after,
    passed_level,
    used,
)
from apps.support.clockwork.targets import missed_by_retarget


def recompute(
    clock: ClockState,
    now: datetime,
    terms: Terms,
    calendar: Calendar,
    pauses: Iterable[Pause] = (),
) -> Changes:
    """Time the clock again from its start in this calendar, with the pauses that it had.

    For a day that turns out to have been closed. What was met stays met; a breach goes when the
    promise was kept after all, and one that only now shows is written.
    """
    if clock.state in {MET, CANCELLED}:
        return ()
    spans = list(pauses)
    until = clock.stopped_at or now
    total = worked(calendar, clock.started_at, until, spans)
    due = deadline(calendar, clock.started_at, clock.target_seconds, spans)
    if total == used(clock, until, calendar) and due == clock.due_at:
        return ()
    return _recomputed(clock, until, total, due, now, terms, calendar)


def _recomputed(
    clock: ClockState,
    until: datetime,
    total: int,
    due: datetime | None,
    now: datetime,
    terms: Terms,
    calendar: Calendar,
) -> Changes:
    late = due is not None and until > due
    base = replace(clock, consumed_seconds=total, anchor_at=until, generation=clock.generation + 1)
    if clock.stopped_at is not None:
        base = replace(base, worked_seconds_final=total)
    if late:
        after = replace(base, state=BREACHED, due_at=due, breached_at=due)
        after = replace(after, breach_cause=clock.breach_cause or BY_TIME)
        what = "recalendar" if clock.state == BREACHED else "breach"
        return (Change(what, now, checked(after, terms, calendar), "recomputed"),)
    state = MET if clock.stopped_at else PAUSED if clock.is_paused else RUNNING
    kept = replace(base, state=state, due_at=None if clock.is_paused else due)
    kept = replace(kept, breached_at=None, breach_cause="")
    what = "unbreach" if clock.state == BREACHED else "recalendar"
    if what == "unbreach":
        kept = replace(kept, steps_taken=0, waived_at=None, waived_reason="")
    return (Change(what, now, checked(kept, terms, calendar), "recomputed"),)


def adopt(
    started_at: datetime,
    at: datetime,
    terms: Terms,
    calendar: Calendar,
    *,
    pauses: Iterable[Pause] = (),
    paused: bool = False,
) -> Changes:
    """A clock for what began before there was a target for it: the time since then counts.

    What is too late by then is missed at `at`, because of the new target, and not before.
    """
    fresh = ClockState(RUNNING, terms.seconds, started_at, at)
    return _counted(fresh, at, terms, calendar, pauses, paused, "start")


def readopt(
    clock: ClockState,
    at: datetime,
    terms: Terms,
    calendar: Calendar,
    *,
    pauses: Iterable[Pause] = (),
    paused: bool = False,
) -> Changes:
    """The same for a clock that was let go because nothing was promised for a while."""
    if clock.state != CANCELLED:
        return ()
    back = replace(clock, cancel_cause="", generation=clock.generation + 1)
    return _counted(back, at, terms, calendar, pauses, paused, "restore")


def _counted(
    clock: ClockState,
    at: datetime,
    terms: Terms,
    calendar: Calendar,
    pauses: Iterable[Pause],
    paused: bool,
    what: str,
) -> Changes:
    """Counted from its start until `at`, and from there on under these terms."""
    kept = worked(calendar, clock.started_at, at, pauses)
    clock = replace(
        clock,
        state=PAUSED if paused else RUNNING,
        target_seconds=terms.seconds,
        consumed_seconds=kept,
        anchor_at=at,
        is_paused=paused,
        due_at=None if paused else due_after(calendar, at, terms.seconds - kept),
        warned_percent=passed_level(terms, terms.seconds, kept),
    )
    counted = Change(what, at, checked(clock, terms, calendar), "counted from its start")
    if terms.seconds <= kept and not paused:
        return counted, missed_by_retarget(clock, at, terms, calendar)
    return (counted,)
