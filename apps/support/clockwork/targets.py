"""Another target or another calendar for a clock that runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from apps.calendars.businesstime import Calendar
from apps.support.clockwork.passing import breach, unbreached
from apps.support.clockwork.state import (
    BREACHED,
    BY_RETARGET,
    Change,
    Changes,
    ClockState,
    Terms,
    checked,
    due_after,
    passed_level,
    used,
)


def retarget(
    clock: ClockState,
    at: datetime,
    terms: Terms,
    calendar: Calendar,
    *,
    was: Calendar,
    may_correct: bool = False,
) -> Changes:
    """Another target from `at` on; `was` is the calendar in which the clock ran until then.

    What was met is frozen and what was missed stays missed, unless `may_correct`: before triage
    is confirmed, a better reading of the ticket takes a breach back.
    """
    if not clock.is_open:
        return ()
    past = breach(clock, at, terms, was)
    clock = past[-1].clock if past else clock
    kept = used(clock, at, was)
    if clock.state == BREACHED:
        if not may_correct or terms.seconds <= kept:
            return past
        again = unbreached(clock, terms, calendar, due=clock.due_at)
        past = (*past, Change("unbreach", at, again, "corrected"))
        return past + _moved(again, at, kept, terms, calendar)
    if clock.target_seconds == terms.seconds and (was is calendar or was == calendar):
        return past
    return past + _moved(clock, at, kept, terms, calendar)


def _moved(clock: ClockState, at: datetime, kept: int, terms: Terms, calendar: Calendar) -> Changes:
    """A clock that is not missed, with `kept` seconds used, under another target."""
    if not clock.is_paused:
        clock = replace(clock, consumed_seconds=kept, anchor_at=at)
        return _again(clock, at, terms, calendar, "retarget")
    passed = passed_level(terms, terms.seconds, kept)
    stored = replace(
        clock,
        target_seconds=terms.seconds,
        warned_percent=min(clock.warned_percent, passed),
        generation=clock.generation + 1,
    )
    return (Change("retarget", at, stored),)


def _again(clock: ClockState, at: datetime, terms: Terms, calendar: Calendar, what: str) -> Changes:
    """A running clock, checkpointed at `at`, under these terms; too late already is a breach."""
    passed = passed_level(terms, terms.seconds, clock.consumed_seconds)
    clock = replace(
        clock,
        target_seconds=terms.seconds,
        due_at=due_after(calendar, at, terms.seconds - clock.consumed_seconds),
        warned_percent=min(clock.warned_percent, passed),
        generation=clock.generation + 1,
    )
    change = Change(what, at, checked(clock, terms, calendar))
    if what == "retarget" and terms.seconds <= clock.consumed_seconds:
        return change, missed_by_retarget(clock, at, terms, calendar)
    return (change,)


def missed_by_retarget(clock: ClockState, at: datetime, terms: Terms, calendar: Calendar) -> Change:
    missed = replace(clock, state=BREACHED, due_at=at, breached_at=at, breach_cause=BY_RETARGET)
    return Change("breach", at, checked(missed, terms, calendar), BY_RETARGET)


def recalendar(
    clock: ClockState, at: datetime, terms: Terms, calendar: Calendar, *, was: Calendar
) -> Changes:
    """The calendar has a new version: seconds until `at` as the old one counts, the rest anew.

    A clock that stands still keeps its numbers; what was met or missed stays so.
    """
    if not clock.is_open or clock.is_paused:
        return ()
    past = breach(clock, at, terms, was)
    clock = past[-1].clock if past else clock
    moved = replace(clock, consumed_seconds=used(clock, at, was), anchor_at=at)
    if clock.state == BREACHED:
        after = replace(moved, generation=clock.generation + 1)
        return (*past, Change("recalendar", at, after))
    same = replace(terms, seconds=clock.target_seconds)
    return past + _again(moved, at, same, calendar, "recalendar")
