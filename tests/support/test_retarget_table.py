"""What each event does to a running, a paused, a met and a breached clock: every cell.

The clock: ten hours around the clock from 00:00, warned of at 50 and 80 percent; after a breach
steps at once and after an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.calendars.businesstime import ALWAYS, Calendar
from apps.support import clockwork
from apps.support.clockwork import Changes, ClockState, Terms

ZERO = datetime(2026, 9, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPEN = Calendar("UTC", ALWAYS)
# The same hours but closed from 06 to 12 on the day in question.
CLOSED_AT_NOON = Calendar("UTC", ALWAYS, ((ZERO.date(), ((0, 360), (720, 1440))),))
TERMS = Terms(10 * 3600, (50, 80), (0, 3600))
SHORTER, LONGER = replace(TERMS, seconds=6 * 3600), replace(TERMS, seconds=20 * 3600)
TOO_SHORT = replace(TERMS, seconds=3 * 3600)


def h(hours: float) -> datetime:
    return ZERO + timedelta(hours=hours)


def last(changes: Changes) -> ClockState:
    return changes[-1].clock


def running() -> ClockState:
    return last(clockwork.begin(ZERO, TERMS, OPEN))


def paused() -> ClockState:
    """Four hours used, standing still since 04:00."""
    return last(clockwork.pause(running(), h(4), TERMS, OPEN))


def met() -> ClockState:
    return last(clockwork.stop(running(), h(4), TERMS, OPEN))


def breached() -> ClockState:
    """Missed at 10:00, its first step taken."""
    return last(clockwork.tick(running(), h(10.5), TERMS, OPEN))


def breached_and_paused() -> ClockState:
    return last(clockwork.pause(breached(), h(10.75), TERMS, OPEN))


@dataclass(frozen=True)
class Row:
    """At `hour` the act is done to the clock; the events and columns that must come out."""

    name: str
    clock: Callable[[], ClockState]
    act: Callable[[ClockState], Changes]
    whats: tuple[str, ...] = ()
    after: dict[str, Any] | None = None


def pause(hour: float) -> Callable[[ClockState], Changes]:
    return lambda clock: clockwork.pause(clock, h(hour), TERMS, OPEN)


def resume(hour: float, terms: Terms = TERMS) -> Callable[[ClockState], Changes]:
    return lambda clock: clockwork.resume(clock, h(hour), terms, OPEN)


def retarget(hour: float, terms: Terms, **more: Any) -> Callable[[ClockState], Changes]:
    return lambda clock: clockwork.retarget(clock, h(hour), terms, OPEN, was=OPEN, **more)


def recalendar(hour: float) -> Callable[[ClockState], Changes]:
    return lambda clock: clockwork.recalendar(clock, h(hour), TERMS, CLOSED_AT_NOON, was=OPEN)


def stop(hour: float) -> Callable[[ClockState], Changes]:
    return lambda clock: clockwork.stop(clock, h(hour), TERMS, OPEN)


def cancel(hour: float, cause: str = "merged") -> Callable[[ClockState], Changes]:
    return lambda clock: clockwork.cancel(clock, h(hour), cause)


def reopen(hour: float) -> Callable[[ClockState], Changes]:
    return lambda clock: clockwork.reopen(clock, h(hour), TERMS, OPEN)


def waive(hour: float) -> Callable[[ClockState], Changes]:
    return lambda clock: clockwork.waive(clock, h(hour), "the customer agreed")


ROWS = [
    # -- enters a state that pauses
    Row("pause, running: used seconds are kept, no due time, not looked at", running, pause(4),
        ("pause",), {"state": "paused", "consumed_seconds": 4 * 3600, "due_at": None,
                     "next_check_at": None, "is_paused": True, "remaining": 6 * 3600}),
    Row("pause, running, exactly at due: nothing is missed", running, pause(10),
        ("pause",), {"state": "paused", "consumed_seconds": 10 * 3600, "breached_at": None}),
    Row("pause, running, after due that nobody noticed: missed first", running, pause(11),
        ("breach", "pause"), {"state": "breached", "breached_at": h(10), "is_paused": True}),
    Row("pause, paused: nothing", paused, pause(5)),
    Row("pause, met: nothing", met, pause(5)),
    Row("pause, breached: stays so, steps stop", breached, pause(10.75),
        ("pause",), {"state": "breached", "next_check_at": None, "due_at": h(10),
                     "breached_at": h(10), "consumed_seconds": int(10.75 * 3600)}),
    Row("pause, breached, steps go on where the terms say so", breached,
        lambda clock: clockwork.pause(
            clock, h(10.75), replace(TERMS, steps_while_paused=True), OPEN),
        ("pause",), {"state": "breached", "is_paused": True, "next_check_at": h(11)}),
    Row("pause in time, read after the breach was noted: taken back", breached, pause(9),
        ("unbreach", "pause"), {"state": "paused", "consumed_seconds": 9 * 3600,
                                "breached_at": None, "steps_taken": 0}),
    # -- leaves it
    Row("resume, running: nothing", running, resume(5)),
    Row("resume, paused: due from what is left", paused, resume(20),
        ("resume",), {"state": "running", "due_at": h(26), "anchor_at": h(20), "generation": 1,
                      "consumed_seconds": 4 * 3600, "next_check_at": h(21)}),
    Row("resume, paused, before it was paused: nothing counts twice", paused, resume(3),
        ("resume",), {"anchor_at": h(4), "due_at": h(10)}),
    Row("resume, met: nothing", met, resume(5)),
    Row("resume, breached: runs on, steps as well", breached_and_paused, resume(30),
        ("resume",), {"state": "breached", "due_at": h(10), "next_check_at": h(11),
                      "anchor_at": h(30), "is_paused": False}),
    # -- priority, policy, type
    Row("retarget, running: checkpoint and a new due time", running, retarget(4, SHORTER),
        ("retarget",), {"state": "running", "due_at": h(6), "consumed_seconds": 4 * 3600,
                        "target_seconds": 6 * 3600, "generation": 1}),
    Row("retarget, running, longer", running, retarget(4, LONGER),
        ("retarget",), {"due_at": h(20), "next_check_at": h(10), "warned_percent": 0}),
    Row("retarget, running, used up already: missed once, now, by the new target", running,
        retarget(4, TOO_SHORT), ("retarget", "breach"),
        {"state": "breached", "breached_at": h(4), "breach_cause": "retarget", "due_at": h(4)}),
    Row("retarget, running, used up to the second: missed as well", running,
        retarget(3, TOO_SHORT), ("retarget", "breach"), {"breached_at": h(3)}),
    Row("retarget, running, the same target: nothing", running, retarget(4, TERMS)),
    Row("retarget, running, late already: missed by the old target", running,
        retarget(11, LONGER), ("breach",),
        {"state": "breached", "breached_at": h(10), "target_seconds": 10 * 3600}),
    Row("retarget, paused: the new target waits", paused, retarget(5, LONGER),
        ("retarget",), {"state": "paused", "target_seconds": 20 * 3600, "due_at": None,
                        "consumed_seconds": 4 * 3600, "next_check_at": None}),
    Row("retarget, paused, used up already: missed when it runs on",
        lambda: last(retarget(5, TOO_SHORT)(paused())), resume(20, TOO_SHORT),
        ("resume", "breach"), {"breached_at": h(20), "breach_cause": "retarget"}),
    Row("retarget, met: frozen", met, retarget(5, TOO_SHORT)),
    Row("retarget, breached: sticks", breached, retarget(10.75, LONGER)),
    Row("retarget, breached, before triage: a correction takes it back", breached,
        retarget(12, LONGER, may_correct=True), ("unbreach", "retarget"),
        {"state": "running", "due_at": h(20), "breached_at": None, "steps_taken": 0,
         "consumed_seconds": 12 * 3600}),
    Row("retarget, breached, before triage, still too short: sticks", breached,
        retarget(12, replace(TERMS, seconds=11 * 3600), may_correct=True)),
    Row("retarget, breached and paused, before triage", breached_and_paused,
        retarget(12, LONGER, may_correct=True), ("unbreach", "retarget"),
        {"state": "paused", "due_at": None, "target_seconds": 20 * 3600}),
    # -- the calendar
    Row("calendar, running: until now as it was, the rest in the new one", running,
        recalendar(4), ("recalendar",),
        {"state": "running", "consumed_seconds": 4 * 3600, "due_at": h(16), "generation": 1}),
    Row("calendar, running, late already: missed by the old one", running, recalendar(11),
        ("breach", "recalendar"), {"state": "breached", "breached_at": h(10)}),
    Row("calendar, paused: nothing", paused, recalendar(5)),
    Row("calendar, met: frozen", met, recalendar(5)),
    Row("calendar, breached: the breach stays", breached, recalendar(11),
        ("recalendar",), {"state": "breached", "due_at": h(10), "breached_at": h(10),
                          "consumed_seconds": 11 * 3600}),
    # -- it ends
    Row("stop, running, in time", running, stop(4), ("stop",),
        {"state": "met", "stopped_at": h(4), "worked_seconds_final": 4 * 3600,
         "next_check_at": None, "due_at": h(10)}),
    Row("stop, running, exactly at due: kept", running, stop(10), ("stop",), {"state": "met"}),
    Row("stop, running, a second late", running, stop(10 + 1 / 3600), ("breach", "stop"),
        {"state": "breached", "breached_at": h(10), "worked_seconds_final": 10 * 3600 + 1}),
    Row("stop, paused: kept, with what was used", paused, stop(50), ("stop",),
        {"state": "met", "worked_seconds_final": 4 * 3600, "is_paused": False}),
    Row("stop, met: nothing", met, stop(5)),
    Row("stop, breached: stays, with its working time", breached, stop(12), ("stop",),
        {"state": "breached", "worked_seconds_final": 12 * 3600, "next_check_at": None}),
    Row("stop in time, read after the breach was noted: taken back", breached, stop(9.5),
        ("unbreach", "stop"), {"state": "met", "stopped_at": h(9.5), "breached_at": None,
                               "worked_seconds_final": int(9.5 * 3600)}),
    # -- no policy, merged, spam
    Row("cancel, running", running, cancel(4), ("cancel",),
        {"state": "cancelled", "next_check_at": None, "cancel_cause": "merged"}),
    Row("cancel, paused", paused, cancel(5), ("cancel",), {"state": "cancelled"}),
    Row("cancel, met", met, cancel(5), ("cancel",), {"state": "cancelled"}),
    Row("cancel, breached", breached, cancel(11), ("cancel",),
        {"state": "cancelled", "breached_at": h(10)}),
    Row("cancel, cancelled: nothing", lambda: last(cancel(4)(running())), cancel(5)),
    # -- reopened
    Row("reopen, running: nothing", running, reopen(5)),
    Row("reopen, paused: nothing", paused, reopen(5)),
    Row("reopen, met: what was left counts on, the time between was a pause", met, reopen(100),
        ("reopen",), {"state": "running", "due_at": h(106), "reopened_count": 1,
                      "stopped_at": None, "worked_seconds_final": None, "generation": 1}),
    Row("reopen, breached: stays, and steps of meanwhile are passed over",
        lambda: last(stop(10.5)(breached())), reopen(100), ("reopen",),
        {"state": "breached", "breached_at": h(10), "steps_taken": 2, "next_check_at": None,
         "reopened_count": 1}),
    # -- waived
    Row("waive, running: nothing to waive", running, waive(4)),
    Row("waive, paused: nothing to waive", paused, waive(5)),
    Row("waive, met: nothing to waive", met, waive(5)),
    Row("waive, breached: nobody is told any more", breached, waive(11), ("waive",),
        {"state": "breached", "waived_at": h(11), "next_check_at": None}),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_an_event_does_to_a_clock(row: Row) -> None:
    before = row.clock()
    changes = row.act(before)
    assert tuple(change.what for change in changes) == row.whats
    if row.after is not None:
        clock = last(changes)
        assert {name: getattr(clock, name) for name in row.after} == row.after
    keys = [change.key for change in changes]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("made", [running, paused, met, breached], ids=lambda made: made.__name__)
def test_a_restored_clock_is_as_if_it_had_never_been_cancelled(
    made: Callable[[], ClockState],
) -> None:
    was = made()
    back = last(clockwork.restore(last(cancel(11)(was)), h(12), TERMS, OPEN))
    assert replace(back, generation=was.generation) == was


@pytest.mark.parametrize("made", [running, paused, met, breached], ids=lambda made: made.__name__)
def test_restoring_what_was_not_cancelled_does_nothing(made: Callable[[], ClockState]) -> None:
    assert clockwork.restore(made(), h(12), TERMS, OPEN) == ()
