"""What happens to a clock because somebody did something."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from apps.calendars.businesstime import Calendar
from apps.support.clockwork.passing import breach, unbreached
from apps.support.clockwork.state import (
    BREACHED,
    BY_RETARGET,
    CANCELLED,
    IN_TIME,
    MET,
    PAUSED,
    RUNNING,
    Change,
    Changes,
    ClockState,
    Terms,
    checked,
    due_after,
    used,
)
from apps.support.clockwork.targets import missed_by_retarget


def begin(at: datetime, terms: Terms, calendar: Calendar, *, paused: bool = False) -> Changes:
    """A new clock; one that starts in a state that pauses it stands still at once."""
    due = None if paused else due_after(calendar, at, terms.seconds)
    state = PAUSED if paused else RUNNING
    clock = ClockState(state, terms.seconds, at, at, is_paused=paused, due_at=due)
    return (Change("start", at, checked(clock, terms, calendar)),)


def pause(clock: ClockState, at: datetime, terms: Terms, calendar: Calendar) -> Changes:
    """Used seconds are kept, what is left waits. A missed promise stays missed."""
    if not clock.is_open or clock.is_paused:
        return ()
    past, clock = _caught_up(clock, at, terms, calendar)
    kept = used(clock, at, calendar)
    stands = replace(clock, consumed_seconds=kept, anchor_at=at, is_paused=True)
    if clock.state == RUNNING:
        stands = replace(stands, state=PAUSED, due_at=None)
    return (*past, Change("pause", at, checked(stands, terms, calendar)))


def resume(clock: ClockState, at: datetime, terms: Terms, calendar: Calendar) -> Changes:
    """What is left counts from here. A target that became too short meanwhile is missed now."""
    if not clock.is_open or not clock.is_paused:
        return ()
    at = max(at, clock.anchor_at)
    runs = replace(clock, anchor_at=at, is_paused=False, generation=clock.generation + 1)
    if clock.state == PAUSED:
        due = due_after(calendar, at, clock.remaining)
        runs = replace(runs, state=RUNNING, due_at=due)
    again = Change("resume", at, checked(runs, terms, calendar))
    if clock.state == PAUSED and clock.remaining < 0:
        return again, missed_by_retarget(runs, at, terms, calendar)
    return (again,)


def stop(
    clock: ClockState,
    at: datetime,
    terms: Terms,
    calendar: Calendar,
    *,
    without_reply: bool = False,
) -> Changes:
    """The promise is judged here: kept if `at` is not after its due time.

    A breach that was noted although the stop was in time is taken back first.
    """
    if not clock.is_open:
        return ()
    at = max(at, clock.started_at)
    past, clock = _caught_up(clock, at, terms, calendar)
    final = used(clock, at, calendar)
    ended = replace(
        clock,
        state=BREACHED if clock.state == BREACHED else MET,
        stopped_at=at,
        consumed_seconds=final,
        worked_seconds_final=final,
        anchor_at=at,
        is_paused=False,
        next_check_at=None,
        without_reply=without_reply,
    )
    return (*past, Change("stop", at, ended, "without reply" if without_reply else ""))


def reopen(clock: ClockState, at: datetime, terms: Terms, calendar: Calendar) -> Changes:
    """The time since the stop was a pause: what was left counts on. A breach stays one, and the
    steps that would have come meanwhile are passed over."""
    if clock.stopped_at is None or clock.state == CANCELLED:
        return ()
    at = max(at, clock.stopped_at)
    again = replace(
        clock,
        anchor_at=at,
        stopped_at=None,
        worked_seconds_final=None,
        without_reply=False,
        reopened_count=clock.reopened_count + 1,
        generation=clock.generation + 1,
    )
    if clock.state == MET:
        again = replace(again, state=RUNNING, due_at=due_after(calendar, at, clock.remaining))
    elif clock.breached_at is not None:
        behind = (at - clock.breached_at).total_seconds()
        gone = sum(after <= behind for after in terms.step_seconds)
        again = replace(again, steps_taken=max(clock.steps_taken, gone))
    return (Change("reopen", at, checked(again, terms, calendar)),)


def cancel(clock: ClockState, at: datetime, cause: str) -> Changes:
    """Out of the count, with all its numbers kept, so that `restore` can bring it back."""
    if clock.state == CANCELLED:
        return ()
    out = replace(clock, state=CANCELLED, next_check_at=None, cancel_cause=cause)
    return (Change("cancel", at, out, cause),)


def restore(clock: ClockState, at: datetime, terms: Terms, calendar: Calendar) -> Changes:
    """As if it had never been cancelled: the time since then counts."""
    if clock.state != CANCELLED:
        return ()
    if clock.breached_at is not None:
        state = BREACHED
    elif clock.stopped_at is not None:
        state = MET
    else:
        state = PAUSED if clock.is_paused else RUNNING
    back = replace(clock, state=state, cancel_cause="", generation=clock.generation + 1)
    return (Change("restore", at, checked(back, terms, calendar)),)


def waive(clock: ClockState, at: datetime, reason: str) -> Changes:
    """A missed promise that is not to count, with the reason; nobody is told any more."""
    if clock.state != BREACHED or clock.waived_at is not None:
        return ()
    out = replace(clock, waived_at=at, waived_reason=reason, next_check_at=None)
    return (Change("waive", at, out, reason),)


def _caught_up(
    clock: ClockState, at: datetime, terms: Terms, calendar: Calendar
) -> tuple[Changes, ClockState]:
    """The clock as it truly was at `at`: missed without anybody's notice, or noted as missed
    although `at` lies before."""
    past: Changes = ()
    if clock.breached_at is not None and clock.state == BREACHED:
        at_due = clock.breach_cause != BY_RETARGET and at == clock.breached_at
        if at < clock.breached_at or at_due:
            running = unbreached(clock, terms, calendar, due=clock.breached_at)
            past = (Change("unbreach", at, running, IN_TIME),)
    else:
        past = breach(clock, at, terms, calendar)
    return past, (past[-1].clock if past else clock)
