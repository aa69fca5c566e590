"""A clock as plain values, what it is judged by, and the questions that can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from apps.calendars.businesstime import Calendar, deadline, worked

RUNNING = "running"
PAUSED = "paused"
MET = "met"
BREACHED = "breached"
CANCELLED = "cancelled"

BY_TIME = "time"
BY_RETARGET = "retarget"
IN_TIME = "stopped in time"


@dataclass(frozen=True)
class Terms:
    """What was promised: working seconds, warnings in percent of them, and the steps that follow
    a breach, each so many elapsed seconds after it, in order."""

    seconds: int
    warn_percents: tuple[int, ...] = ()
    step_seconds: tuple[int, ...] = ()
    steps_while_paused: bool = False


@dataclass(frozen=True)
class ClockState:
    """A clock, by the names of its columns."""

    state: str
    target_seconds: int
    started_at: datetime
    anchor_at: datetime
    consumed_seconds: int = 0
    is_paused: bool = False
    due_at: datetime | None = None
    next_check_at: datetime | None = None
    warned_percent: int = 0
    steps_taken: int = 0
    generation: int = 0
    stopped_at: datetime | None = None
    breached_at: datetime | None = None
    breach_cause: str = ""
    without_reply: bool = False
    waived_at: datetime | None = None
    waived_reason: str = ""
    reopened_count: int = 0
    cancel_cause: str = ""
    worked_seconds_final: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether the promise is still to be kept; a missed one, too, until it is stopped."""
        return self.stopped_at is None and self.state != CANCELLED

    @property
    def remaining(self) -> int:
        """Working seconds that were left at the anchor; below 0 what was used beyond."""
        return self.target_seconds - self.consumed_seconds


@dataclass(frozen=True)
class Change:
    """One thing that happened to a clock: at which instant it was true, and the clock after it.

    `number` is the percentage of a warning or the count of a step.
    """

    what: str
    at: datetime
    clock: ClockState
    cause: str = ""
    number: int | None = None

    @property
    def key(self) -> str:
        """Names it once for the clock: `breach:0`, `warn:50:2`, `step:1:2`."""
        number = "" if self.number is None else f"{self.number}:"
        return f"{self.what}:{number}{self.clock.generation}"


Changes = tuple[Change, ...]


def used(clock: ClockState, at: datetime, calendar: Calendar) -> int:
    """Working seconds that are used up at an instant, which may lie before the last checkpoint."""
    if at < clock.anchor_at:
        return max(0, clock.consumed_seconds - worked(calendar, at, clock.anchor_at))
    if clock.is_paused or not clock.is_open:
        return clock.consumed_seconds
    return clock.consumed_seconds + worked(calendar, clock.anchor_at, at)


def next_check(clock: ClockState, terms: Terms, calendar: Calendar) -> datetime | None:
    """When something can next happen by itself: a warning, the due time, a step, or nothing."""
    if not clock.is_open or clock.waived_at is not None:
        return None
    if clock.state == BREACHED:
        return _next_step(clock, terms)
    if clock.is_paused or clock.due_at is None:
        return None
    warning = next_warning(clock, terms, calendar)
    return clock.due_at if warning is None else min(warning[1], clock.due_at)


def _next_step(clock: ClockState, terms: Terms) -> datetime | None:
    stands = clock.is_paused and not terms.steps_while_paused
    if stands or clock.breached_at is None or clock.steps_taken >= len(terms.step_seconds):
        return None
    return clock.breached_at + timedelta(seconds=terms.step_seconds[clock.steps_taken])


def next_warning(
    clock: ClockState, terms: Terms, calendar: Calendar
) -> tuple[int, datetime] | None:
    """The lowest level that was not warned of yet, and when it is reached."""
    for percent in sorted(terms.warn_percents):
        if clock.warned_percent < percent < 100:
            return percent, reached(clock, percent, calendar)
    return None


def reached(clock: ClockState, percent: int, calendar: Calendar) -> datetime:
    """When so much of the target is used up."""
    left = _share(clock.target_seconds, percent) - clock.consumed_seconds
    return due_after(calendar, clock.anchor_at, left) if left > 0 else clock.anchor_at


def _share(seconds: int, percent: int) -> int:
    return -(-seconds * percent // 100)


def passed_level(terms: Terms, seconds: int, consumed: int) -> int:
    """The highest level of warning that is behind, 0 for none."""
    behind = [one for one in terms.warn_percents if _share(seconds, one) <= consumed]
    return max(behind, default=0)


def due_after(calendar: Calendar, start: datetime, seconds: int) -> datetime:
    """When `seconds` from `start` on are used up; none of them at once, or at the next opening."""
    due = deadline(calendar, start, max(0, seconds))
    assert due is not None  # only a pause without an end has no deadline
    return due


def checked(clock: ClockState, terms: Terms, calendar: Calendar) -> ClockState:
    """The clock with its next check."""
    return replace(clock, next_check_at=next_check(clock, terms, calendar))
