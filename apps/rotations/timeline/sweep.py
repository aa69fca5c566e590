"""The timeline of a window by one sweep over the instants at which anything begins or ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TypeVar

from apps.rotations.timeline.definition import (
    Definition,
    Override,
    Shift,
    Swap,
    TemporarySchedule,
    TemporaryShift,
    Timeline,
)
from apps.rotations.timeline.stack import (
    NO_CHANGES,
    NOBODY,
    Changes,
    Duty,
    Layer,
    People,
    Stack,
    stack_of,
)
from apps.rotations.timeline.wallclock import Interval, TimelineError, merge, utc

MAX_WINDOW = timedelta(days=400)
# As much as 26 layers that change hands every hour for 400 days; some seconds of work.
MAX_STRETCHES = 250_000

Presence = frozenset[tuple[str, str]]
Rows = dict[Duty, list[Interval]]
_Key = TypeVar("_Key")
Change = tuple[int, Swap] | tuple[int, Override] | TemporarySchedule | TemporaryShift
# When, whether it begins there, and either a layer's number and a person, or a change.
Edge = tuple[datetime, bool, int, str, Change | None]


def compute(definition: Definition, start: datetime, end: datetime) -> Timeline:
    """Who is on call when in [start, end), at most 400 days of it.

    TimelineError for a window that is empty, backward or too long.
    """
    start, end = _window(start, end)
    stack = stack_of(definition)
    shifts = _shifts(_Sweep(stack).run(_edges(stack, start, end)))
    return Timeline(
        shifts=shifts,
        gaps=find_gaps(shifts, start, end),
        handoffs=_handoffs(stack, start, end),
        on_call_seconds=_seconds(shifts),
    )


def on_call_at(definition: Definition, instant: datetime) -> Presence:
    """(user, role) of everyone on call at the instant, without computing a window."""
    duties = stack_of(definition).duties_at(utc(instant))
    return frozenset([(duty.user, duty.role) for duty in duties])


def next_change(definition: Definition, instant: datetime) -> datetime | None:
    """The first instant after the given one at which anybody comes on or goes off in a role.

    None if nothing changes for 400 days.
    """
    known = instant = utc(instant)
    current = on_call_at(definition, instant)
    for days in (8, 40, 400):
        horizon = instant + timedelta(days=days)
        shifts = compute(definition, known, horizon).shifts
        for at, present in presences(shifts, known, horizon):
            if present != current:
                return at
        known = horizon
    return None


def find_gaps(
    shifts: Iterable[Shift], start: datetime, end: datetime, role: str | None = None
) -> tuple[Interval, ...]:
    """The parts of [start, end) without anybody in the role; by default, without anybody but
    shadows. `shifts` are in order of start, as in a timeline."""
    covers = [
        Interval(shift.start, shift.end)
        for shift in shifts
        if (shift.role == role if role else shift.role != "shadow")
    ]
    edges = [start, *(at for cover in merge(covers) for at in cover), end]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple(Interval(low, high) for low, high in pairs if low < high)


def presences(
    shifts: Iterable[Shift], start: datetime, end: datetime
) -> Iterator[tuple[datetime, Presence]]:
    """Who is on, in which role, from `start` and from each later instant before `end` at which a
    shift begins or ends."""
    edges = [(start, 0, "", "")]
    for shift in shifts:
        edges += [(shift.start, 1, shift.user, shift.role), (shift.end, -1, shift.user, shift.role)]
    edges.sort(key=itemgetter(0))
    count: Counter[tuple[str, str]] = Counter()
    for at, group in groupby(edges, key=itemgetter(0)):
        if at >= end:
            return
        for _, change, user, role in group:
            if user:
                count[user, role] += change
        yield at, frozenset(who for who, times in count.items() if times)


def joined(shifts: Iterable[Shift]) -> tuple[Shift, ...]:
    """Shifts with touching ones of one person in one layer made one, whatever their causes; the
    first one's cause and planned person stay. For lists to read; the causes are for the record."""
    found: dict[tuple[str, str, str | None], list[Shift]] = {}
    for shift in sorted(shifts, key=attrgetter("start")):
        row = found.setdefault((shift.user, shift.role, shift.layer), [])
        if row and shift.start <= row[-1].end:
            row[-1] = row[-1]._replace(end=max(row[-1].end, shift.end))
        else:
            row.append(shift)
    rows = [shift for row in found.values() for shift in row]
    return tuple(sorted(rows, key=attrgetter("start")))


def _window(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    start, end = utc(start, "start"), utc(end, "end")
    if end <= start:
        raise TimelineError("The end must come after the start.", "end")
    if end - start > MAX_WINDOW:
        days = (end - start) / timedelta(days=1)
        raise TimelineError(
            f"The window is {days:.1f} days long; at most {MAX_WINDOW.days} can be computed.", "end"
        )
    return start, end


def _edges(stack: Stack, start: datetime, end: datetime) -> list[Edge]:
    """Everything that begins or ends in the window, cut to it, in order of time."""
    edges: list[Edge] = []
    left = MAX_STRETCHES
    for number, layer in enumerate(stack.layers):
        by_user, used = _by_user(layer, start, end, left)
        left -= used
        for user, intervals in by_user.items():
            for low, high in merge(intervals):
                edges += [(low, True, number, user, None), (high, False, number, user, None)]
    for change, low, high in _changes(stack):
        if low < end and high > start:
            edges.append((max(low, start), True, -1, "", change))
            edges.append((min(high, end), False, -1, "", change))
    edges.sort(key=itemgetter(0))
    return edges


def _by_user(
    layer: Layer, start: datetime, end: datetime, most: int
) -> tuple[dict[str, list[Interval]], int]:
    """Each person's stretches in the layer, by start, and how many there are of all."""
    found: dict[str, list[Interval]] = {}
    used = 0
    for low, high, users in layer.stretches(start, end):
        used += len(users)
        if used > most:
            raise TimelineError(
                f"The window holds more than {MAX_STRETCHES:,} shifts; ask for a shorter one.",
                "end",
            )
        for user in users:
            found.setdefault(user, []).append(Interval(low, high))
    return found, used


def _changes(stack: Stack) -> Iterator[tuple[Change, datetime, datetime]]:
    for swap in stack.swaps:
        yield swap, swap[1].start, swap[1].end
    for override in stack.overrides:
        yield override, override[1].start, override[1].end
    for schedule in stack.temporary:
        yield schedule, schedule.start, schedule.end
        for shift in schedule.shifts:
            yield shift, shift.start, shift.end


class _Sweep:
    """Walks over the edges, keeps the state between two of them, writes down who is on."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        size = len(stack.layers)
        self._on: list[dict[str, None]] = [{} for _ in range(size)]
        self._people: list[People] = [NOBODY] * size
        self._in_force: dict[Change, None] = {}
        self._changes = NO_CHANGES
        # The duties of each layer while it counts, known until its people or the changes differ.
        self._known: list[tuple[Duty, ...] | None] = [None] * size
        # One list more than layers, for the people beside the layers.
        self._shown: list[tuple[Duty, ...]] = [()] * (size + 1)
        self._since: list[dict[Duty, datetime]] = [{} for _ in range(size + 1)]
        self._rows: Rows = {}

    def run(self, edges: list[Edge]) -> Rows:
        """Who is on when, each row's intervals in order of their end."""
        for at, group in groupby(edges, key=itemgetter(0)):
            self._apply(group)
            self._write(at)
        return self._rows

    def _apply(self, edges: Iterable[Edge]) -> None:
        touched, changed = set(), False
        for _, begins, number, user, change in edges:
            if change is not None:
                _switch(self._in_force, change, begins)
                changed = True
            else:
                _switch(self._on[number], user, begins)
                touched.add(number)
        for number in touched:
            self._people[number] = tuple(self._on[number])
            self._known[number] = None
        if changed:
            self._changes = _changes_of(self._in_force)
            self._known = [None] * len(self._known)

    def _write(self, at: datetime) -> None:
        stack, changes = self._stack, self._changes
        for number, counts in enumerate(stack.shown(self._people, changes)):
            duties = self._known[number] if counts else ()
            if duties is None:
                layer, people = stack.layers[number], self._people[number]
                duties = self._known[number] = stack.layer_duties(layer, people, changes)
            self._show(number, duties, at)
        self._show(-1, stack.extra_duties(changes), at)

    def _show(self, number: int, duties: tuple[Duty, ...], at: datetime) -> None:
        if duties == self._shown[number]:
            return
        self._shown[number] = duties
        since, present = self._since[number], frozenset(duties)
        for duty in [duty for duty in since if duty not in present]:
            self._rows.setdefault(duty, []).append(Interval(since.pop(duty), at))
        for duty in duties:
            since.setdefault(duty, at)


def _switch(state: dict[_Key, None], key: _Key, begins: bool) -> None:
    if begins:
        state[key] = None
    else:
        del state[key]


def _changes_of(in_force: Iterable[Change]) -> Changes:
    """The changes ready for look-up; a temporary schedule counts also while it is empty."""
    swaps, overrides = [], []
    temporary: list[TemporaryShift] | None = None
    for change in in_force:
        if isinstance(change, TemporarySchedule | TemporaryShift):
            temporary = temporary or []
            temporary += [change] if isinstance(change, TemporaryShift) else []
        elif isinstance(change[1], Swap):
            swaps.append((change[0], change[1]))
        else:
            overrides.append((change[0], change[1]))
    if not swaps and not overrides and temporary is None:
        return NO_CHANGES
    return Changes(swaps, overrides, temporary)


def _shifts(rows: Rows) -> tuple[Shift, ...]:
    """The rows as shifts, in order of time; what touches was cut by versions of one layer."""
    found = [
        (low, duty.place, duty.user, high, duty)
        for duty, intervals in rows.items()
        for low, high in merge(sorted(intervals))
    ]
    found.sort(key=itemgetter(0, 1, 2))
    return tuple(
        Shift(user, duty.role, duty.layer, low, high, duty.cause, duty.planned_user)
        for low, _, user, high, duty in found
    )


def _handoffs(stack: Stack, start: datetime, end: datetime) -> tuple[datetime, ...]:
    found: set[datetime] = set()
    for layer in stack.layers:
        bounds = layer.effective(start, end)
        if layer.turns is not None and bounds is not None:
            found.update(layer.turns.handoffs(*bounds))
    return tuple(sorted(found))


def _seconds(shifts: Iterable[Shift]) -> dict[str, int]:
    by_user: dict[str, list[Interval]] = {}
    for shift in shifts:
        by_user.setdefault(shift.user, []).append(Interval(shift.start, shift.end))
    return {
        user: int(sum((high - low for low, high in merge(intervals)), timedelta()).total_seconds())
        for user, intervals in sorted(by_user.items())
    }
