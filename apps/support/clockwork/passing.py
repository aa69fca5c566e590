"""What happens to a clock by itself, when time passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from apps.calendars.businesstime import Calendar
from apps.support.clockwork.state import (
    BREACHED,
    BY_TIME,
    PAUSED,
    RUNNING,
    Change,
    Changes,
    ClockState,
    Terms,
    checked,
    next_check,
    reached,
)


def tick(clock: ClockState, now: datetime, terms: Terms, calendar: Calendar) -> Changes:
    """All that has fallen due by `now`: the breach and its steps, or the highest warning.

    What is due exactly now is not missed yet. A warning of what is missed already is left out.
    """
    missed = breach(clock, now, terms, calendar)
    after = missed[-1].clock if missed else clock
    if after.state == BREACHED:
        return missed + _steps(after, now, terms, calendar)
    return warn(clock, now, terms, calendar)


def breach(clock: ClockState, now: datetime, terms: Terms, calendar: Calendar) -> Changes:
    """A promise whose due time is behind is missed since then, whenever it is noticed."""
    if clock.state != RUNNING or clock.due_at is None or now <= clock.due_at:
        return ()
    missed = replace(clock, state=BREACHED, breached_at=clock.due_at, breach_cause=BY_TIME)
    return (Change("breach", clock.due_at, checked(missed, terms, calendar), BY_TIME),)


def warn(clock: ClockState, now: datetime, terms: Terms, calendar: Calendar) -> Changes:
    """The highest level that was reached and not warned of; lower ones are passed over."""
    if clock.state != RUNNING:
        return ()
    levels = [p for p in terms.warn_percents if clock.warned_percent < p < 100]
    behind = [(p, at) for p in levels if (at := reached(clock, p, calendar)) < now]
    if not behind:
        return ()
    percent, at = max(behind)
    warned = checked(replace(clock, warned_percent=percent), terms, calendar)
    return (Change("warn", at, warned, number=percent),)


def _steps(clock: ClockState, now: datetime, terms: Terms, calendar: Calendar) -> Changes:
    """Every step that has fallen due, once each and in order."""
    found: Changes = ()
    while (at := next_check(clock, terms, calendar)) is not None and at < now:
        taken = replace(clock, steps_taken=clock.steps_taken + 1)
        clock = checked(taken, terms, calendar)
        found += (Change("step", at, clock, number=clock.steps_taken),)
    return found


def unbreached(
    clock: ClockState, terms: Terms, calendar: Calendar, *, due: datetime | None
) -> ClockState:
    """The clock as if it had not been missed; nobody was told, no step was taken."""
    back = replace(
        clock,
        state=PAUSED if clock.is_paused else RUNNING,
        due_at=None if clock.is_paused else due,
        breached_at=None,
        breach_cause="",
        steps_taken=0,
        waived_at=None,
        waived_reason="",
        generation=clock.generation + 1,
    )
    return checked(back, terms, calendar)
