"""What each event does to the clock of a promise. Pure: no Django, no clock of its own.

A clock keeps `consumed_seconds`, the working seconds that were used up to `anchor_at`. While it
runs, the promise ends at `due_at = deadline(anchor_at, target - consumed)`. Every pause, resume,
new target and new calendar is a checkpoint: used seconds are added, the anchor moves, and what is
left counts on. Nothing is ever computed again from the beginning, except by `recompute`.

Each function answers the changes that follow, in order, the last with the clock as it then is; an
empty answer means that nothing happens. Times are those at which something was true, which may be
before it was noticed: a reply of 09:58 stops a clock at 09:58, also when it is read at 10:03 and
the breach of 10:00 was written meanwhile.

| event | running | paused | met | breached |
|---|---|---|---|---|
| pause | checkpoint, no due | – | – | stands still, no steps unless the terms say so |
| resume | – | due from what is left | – | runs on |
| retarget | checkpoint, or breach once | target stored | frozen | sticky, corrected before triage |
| recalendar | checkpoint with the old one | – | frozen | sticky |
| stop | met by the due time, else breached | met | – | stays, with its working time |
| cancel | out | out | out | out, but kept when only the policy is gone |
| reopen | – | – | runs on with what was left | stays breached |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from apps.calendars.businesstime import Calendar, Pause, deadline, worked

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


NO_TERMS = Terms(0)  # of a target that is gone: nothing is warned of, nobody is told


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


# -- questions


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
    warning = _next_warning(clock, terms, calendar)
    return clock.due_at if warning is None else min(warning[1], clock.due_at)


def _next_step(clock: ClockState, terms: Terms) -> datetime | None:
    stands = clock.is_paused and not terms.steps_while_paused
    if stands or clock.breached_at is None or clock.steps_taken >= len(terms.step_seconds):
        return None
    return clock.breached_at + timedelta(seconds=terms.step_seconds[clock.steps_taken])


def _next_warning(
    clock: ClockState, terms: Terms, calendar: Calendar
) -> tuple[int, datetime] | None:
    """The lowest level that was not warned of yet, and when it is reached."""
    for percent in sorted(terms.warn_percents):
        if clock.warned_percent < percent < 100:
            return percent, _reached(clock, percent, calendar)
    return None


def _reached(clock: ClockState, percent: int, calendar: Calendar) -> datetime:
    left = _share(clock.target_seconds, percent) - clock.consumed_seconds
    return _due(calendar, clock.anchor_at, left) if left > 0 else clock.anchor_at


def _share(seconds: int, percent: int) -> int:
    return -(-seconds * percent // 100)


def _passed(terms: Terms, seconds: int, consumed: int) -> int:
    """The highest level of warning that is behind, 0 for none."""
    behind = [one for one in terms.warn_percents if _share(seconds, one) <= consumed]
    return max(behind, default=0)


def _due(calendar: Calendar, start: datetime, seconds: int) -> datetime:
    due = deadline(calendar, start, max(0, seconds))
    assert due is not None  # only a pause without an end has no deadline
    return due


def _checked(clock: ClockState, terms: Terms, calendar: Calendar) -> ClockState:
    return replace(clock, next_check_at=next_check(clock, terms, calendar))


# -- what happens by itself


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
    return (Change("breach", clock.due_at, _checked(missed, terms, calendar), BY_TIME),)


def warn(clock: ClockState, now: datetime, terms: Terms, calendar: Calendar) -> Changes:
    """The highest level that was reached and not warned of; lower ones are passed over."""
    if clock.state != RUNNING:
        return ()
    levels = [p for p in terms.warn_percents if clock.warned_percent < p < 100]
    reached = [(p, at) for p in levels if (at := _reached(clock, p, calendar)) < now]
    if not reached:
        return ()
    percent, at = max(reached)
    warned = _checked(replace(clock, warned_percent=percent), terms, calendar)
    return (Change("warn", at, warned, number=percent),)


def _steps(clock: ClockState, now: datetime, terms: Terms, calendar: Calendar) -> Changes:
    """Every step that has fallen due, once each and in order."""
    found: Changes = ()
    while (at := next_check(clock, terms, calendar)) is not None and at < now:
        taken = replace(clock, steps_taken=clock.steps_taken + 1)
        clock = _checked(taken, terms, calendar)
        found += (Change("step", at, clock, number=clock.steps_taken),)
    return found


# -- what people do


def begin(at: datetime, terms: Terms, calendar: Calendar, *, paused: bool = False) -> Changes:
    """A new clock; one that starts in a state that pauses it stands still at once."""
    due = None if paused else _due(calendar, at, terms.seconds)
    state = PAUSED if paused else RUNNING
    clock = ClockState(state, terms.seconds, at, at, is_paused=paused, due_at=due)
    return (Change("start", at, _checked(clock, terms, calendar)),)


def pause(clock: ClockState, at: datetime, terms: Terms, calendar: Calendar) -> Changes:
    """Used seconds are kept, what is left waits. A missed promise stays missed."""
    if not clock.is_open or clock.is_paused:
        return ()
    past, clock = _caught_up(clock, at, terms, calendar)
    kept = used(clock, at, calendar)
    stands = replace(clock, consumed_seconds=kept, anchor_at=at, is_paused=True)
    if clock.state == RUNNING:
        stands = replace(stands, state=PAUSED, due_at=None)
    return (*past, Change("pause", at, _checked(stands, terms, calendar)))


def resume(clock: ClockState, at: datetime, terms: Terms, calendar: Calendar) -> Changes:
    """What is left counts from here. A target that became too short meanwhile is missed now."""
    if not clock.is_open or not clock.is_paused:
        return ()
    at = max(at, clock.anchor_at)
    runs = replace(clock, anchor_at=at, is_paused=False, generation=clock.generation + 1)
    if clock.state == PAUSED:
        due = _due(calendar, at, clock.remaining)
        runs = replace(runs, state=RUNNING, due_at=due)
    again = Change("resume", at, _checked(runs, terms, calendar))
    if clock.state == PAUSED and clock.remaining < 0:
        return again, _missed_by_retarget(runs, at, terms, calendar)
    return (again,)


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
        again = _unbreached(clock, terms, calendar, due=clock.due_at)
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
    passed = _passed(terms, terms.seconds, kept)
    stored = replace(
        clock,
        target_seconds=terms.seconds,
        warned_percent=min(clock.warned_percent, passed),
        generation=clock.generation + 1,
    )
    return (Change("retarget", at, stored),)


def _again(clock: ClockState, at: datetime, terms: Terms, calendar: Calendar, what: str) -> Changes:
    """A running clock, checkpointed at `at`, under these terms; too late already is a breach."""
    passed = _passed(terms, terms.seconds, clock.consumed_seconds)
    clock = replace(
        clock,
        target_seconds=terms.seconds,
        due_at=_due(calendar, at, terms.seconds - clock.consumed_seconds),
        warned_percent=min(clock.warned_percent, passed),
        generation=clock.generation + 1,
    )
    change = Change(what, at, _checked(clock, terms, calendar))
    if what == "retarget" and terms.seconds <= clock.consumed_seconds:
        return change, _missed_by_retarget(clock, at, terms, calendar)
    return (change,)


def _missed_by_retarget(
    clock: ClockState, at: datetime, terms: Terms, calendar: Calendar
) -> Change:
    missed = replace(clock, state=BREACHED, due_at=at, breached_at=at, breach_cause=BY_RETARGET)
    return Change("breach", at, _checked(missed, terms, calendar), BY_RETARGET)


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
        again = replace(again, state=RUNNING, due_at=_due(calendar, at, clock.remaining))
    elif clock.breached_at is not None:
        behind = (at - clock.breached_at).total_seconds()
        gone = sum(after <= behind for after in terms.step_seconds)
        again = replace(again, steps_taken=max(clock.steps_taken, gone))
    return (Change("reopen", at, _checked(again, terms, calendar)),)


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
    return (Change("restore", at, _checked(back, terms, calendar)),)


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
            running = _unbreached(clock, terms, calendar, due=clock.breached_at)
            past = (Change("unbreach", at, running, IN_TIME),)
    else:
        past = breach(clock, at, terms, calendar)
    return past, (past[-1].clock if past else clock)


def _unbreached(
    clock: ClockState, terms: Terms, calendar: Calendar, *, due: datetime | None
) -> ClockState:
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
    return _checked(back, terms, calendar)


# -- the one computation from the beginning


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
        return (Change(what, now, _checked(after, terms, calendar), "recomputed"),)
    state = MET if clock.stopped_at else PAUSED if clock.is_paused else RUNNING
    kept = replace(base, state=state, due_at=None if clock.is_paused else due)
    kept = replace(kept, breached_at=None, breach_cause="")
    what = "unbreach" if clock.state == BREACHED else "recalendar"
    if what == "unbreach":
        kept = replace(kept, steps_taken=0, waived_at=None, waived_reason="")
    return (Change(what, now, _checked(kept, terms, calendar), "recomputed"),)


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
        due_at=None if paused else _due(calendar, at, terms.seconds - kept),
        warned_percent=_passed(terms, terms.seconds, kept),
    )
    counted = Change(what, at, _checked(clock, terms, calendar), "counted from its start")
    if terms.seconds <= kept and not paused:
        return counted, _missed_by_retarget(clock, at, terms, calendar)
    return (counted,)
