"""From layers and changes to the people on call at one instant.

One function decides for `on_call_at` and for the sweep alike, so that the answer for now and the
answer for next month can never follow different rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from apps.rotations.timeline.definition import (
    Cause,
    Definition,
    LayerSpec,
    Override,
    Role,
    Swap,
    TemporaryShift,
    merge_temporary_schedules,
)
from apps.rotations.timeline.recurring import Occurrences, Stretch
from apps.rotations.timeline.rotation import Turns
from apps.rotations.timeline.wallclock import Interval, local, zone
from apps.rotations.timeline.windows import mask_of

People = tuple[str, ...]
NOBODY: People = ()
# Takers by the person they stand in for; the number is the precedence of the change.
Takers = dict[str, tuple[int, str]]


class Duty(NamedTuple):
    """A person on call, and why. `place` tells unnamed layers apart; -1 is no layer at all."""

    user: str
    role: Role
    layer: str | None
    place: int
    cause: Cause
    planned_user: str | None


class Layer:
    """A layer in its zone, ready for questions."""

    def __init__(self, spec: LayerSpec, tz: ZoneInfo, place: int) -> None:
        self.spec = spec
        self.tz = tz
        self.place = place
        self.mask = mask_of(spec.windows)
        self.turns = Turns(spec.rotation, tz, spec.windows) if spec.rotation else None
        self.occurrences = Occurrences(spec.recurring, tz) if spec.recurring else None
        self.always = (spec.user,) if spec.user is not None else NOBODY

    def people_at(self, instant: datetime, shown: datetime) -> People:
        """Who is on in this layer; `shown` is the wall time of the instant in its zone."""
        spec = self.spec
        if spec.effective_from is not None and instant < spec.effective_from:
            return NOBODY
        if spec.effective_to is not None and instant >= spec.effective_to:
            return NOBODY
        if self.mask is not None and not self.mask.is_open(self.tz, instant, shown):
            return NOBODY
        if self.turns is not None:
            user = self.turns.user(self.turns.index(instant, shown))
            return NOBODY if user is None else (user,)
        return self.occurrences.at(instant, shown) if self.occurrences else self.always

    def stretches(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        """Who is on when in [start, end), in order of start, cut to windows and period.

        Stretches of a recurring layer may overlap; those of other layers do not.
        """
        bounds = self.effective(start, end)
        if bounds is None:
            return
        whole = self._whole(*bounds)
        open_spans = [bounds] if self.mask is None else self.mask.open_between(self.tz, *bounds)
        yield from _cut(whole, open_spans)

    def _whole(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        if self.turns is not None:
            for turn in self.turns.between(start, end):
                if turn.user is not None:
                    yield Stretch(turn.start, turn.end, (turn.user,))
        elif self.occurrences is not None:
            yield from self.occurrences.between(start, end)
        else:
            yield Stretch(start, end, self.always)

    def effective(self, start: datetime, end: datetime) -> Interval | None:
        """The part of [start, end) in which the layer's version holds; None if it never does."""
        low, high = self.spec.effective_from, self.spec.effective_to
        start = start if low is None or low <= start else low
        end = end if high is None or high >= end else high
        return Interval(start, end) if start < end else None


def _cut(whole: Iterable[Stretch], open_spans: Sequence[Interval]) -> Iterator[Stretch]:
    """The parts of the stretches, which are in order of start, that lie in open time."""
    first = 0
    for start, end, users in whole:
        while first < len(open_spans) and open_spans[first].end <= start:
            first += 1
        for at in range(first, len(open_spans)):
            low, high = open_spans[at]
            if low >= end:
                break
            low, high = (low if low > start else start), (high if high < end else end)
            if low < high:
                yield Stretch(low, high, users)


class Changes:
    """The swaps, overrides and temporary schedules in force at an instant, ready for look-up.

    Each comes with its precedence; among those for one person the highest counts. A stand-in may
    be stood in for in turn, by a change of higher precedence than the one that brought them:
    Ravi's shift goes to Bea, and later Bea asks Sam.
    """

    def __init__(
        self,
        swaps: Iterable[tuple[int, Swap]] = (),
        overrides: Iterable[tuple[int, Override]] = (),
        temporary: Iterable[TemporaryShift] | None = None,
    ) -> None:
        self.swaps: Takers = {}
        for rank, swap in swaps:
            if swap.to_user is not None:
                _prefer(self.swaps, swap.from_user, rank, swap.to_user)
        self.temporary = None if temporary is None else {shift.user for shift in temporary}
        self.exclusive: dict[str | None, tuple[int, Override]] = {}
        self.replaces: dict[str | None, Takers] = {}
        self.removes: dict[str | None, set[str]] = {}
        self.adds: list[Override] = []
        for rank, override in overrides:
            self._take(rank, override)

    def _take(self, rank: int, override: Override) -> None:
        scope = override.layer
        if override.kind == "exclusive":
            if scope not in self.exclusive or self.exclusive[scope][0] < rank:
                self.exclusive[scope] = rank, override
        elif override.kind == "replace" and override.replaces is not None:
            takers = self.replaces.setdefault(scope, {})
            _prefer(takers, override.replaces, rank, override.user)
        elif override.kind == "remove":
            self.removes.setdefault(scope, set()).add(override.user)
        else:
            self.adds.append(override)

    def takers(self, layer: str | None) -> Takers:
        """Who stands in for whom in that layer: what holds for all layers, and its own."""
        everywhere = self.replaces.get(None, {})
        if layer is None or layer not in self.replaces:
            return everywhere
        takers = dict(everywhere)
        for user, (rank, taker) in self.replaces[layer].items():
            _prefer(takers, user, rank, taker)
        return takers

    def removed(self, layer: str | None) -> set[str]:
        """Who is taken out of that layer."""
        everywhere = self.removes.get(None, set())
        return everywhere if layer is None else everywhere | self.removes.get(layer, set())


NO_CHANGES = Changes()


def _prefer(takers: Takers, user: str, rank: int, taker: str) -> None:
    if user not in takers or takers[user][0] < rank:
        takers[user] = rank, taker


def _follow(user: str, takers: Takers) -> str:
    """The last in the chain of stand-ins; ends because the precedence rises at each step."""
    rank = -1
    while (hit := takers.get(user)) is not None and hit[0] > rank:
        rank, user = hit
    return user


class Stack:
    """A definition, ready for questions: its layers and its changes in order of precedence."""

    def __init__(self, definition: Definition) -> None:
        names: dict[tuple[str, Role], int] = {}
        self.layers: list[Layer] = []
        for number, spec in enumerate(definition.layers):
            known = spec.name is not None
            place = names.setdefault((spec.name or "", spec.role), number) if known else number
            tz = zone(spec.time_zone or definition.time_zone)
            self.layers.append(Layer(spec, tz, place))
        self._named = {
            layer.spec.name: (layer.spec.role, layer.place)
            for layer in reversed(self.layers)
            if layer.spec.name is not None
        }
        self.cumulative = definition.layer_mode == "cumulative"
        self.swaps = list(enumerate(definition.swaps))
        # The sort keeps the order of the list among equals, so a later override ranks higher.
        ranked = sorted(definition.overrides, key=lambda override: override.priority)
        self.overrides = list(enumerate(ranked))
        self.temporary = merge_temporary_schedules(definition.temporary_schedules)

    def changes_at(self, instant: datetime) -> Changes:
        """What is in force at the instant."""
        swaps = [pair for pair in self.swaps if pair[1].start <= instant < pair[1].end]
        overrides = [pair for pair in self.overrides if pair[1].start <= instant < pair[1].end]
        temporary = None
        for one in self.temporary:
            if one.start <= instant < one.end:
                temporary = [s for s in one.shifts if s.start <= instant < s.end]
        if not swaps and not overrides and temporary is None:
            return NO_CHANGES
        return Changes(swaps, overrides, temporary)

    def visible(self, people: Sequence[People]) -> list[bool]:
        """Which layers count, given who is on in each: per role those of the highest priority
        among the layers in which somebody is on."""
        if self.cumulative:
            return [bool(users) for users in people]
        top: dict[Role, int] = {}
        for layer, users in zip(self.layers, people, strict=True):
            if users:
                spec = layer.spec
                top[spec.role] = max(top.get(spec.role, spec.priority), spec.priority)
        return [
            bool(users) and layer.spec.priority == top[layer.spec.role]
            for layer, users in zip(self.layers, people, strict=True)
        ]

    def layer_duties(self, layer: Layer, users: People, changes: Changes) -> tuple[Duty, ...]:
        """The people of a visible layer after swaps, replacements and removals, each once."""
        spec = layer.spec
        if changes is NO_CHANGES:
            return tuple(
                Duty(user, spec.role, spec.name, layer.place, "rotation", user) for user in users
            )
        found: dict[str, Duty] = {}
        takers, removed = changes.takers(spec.name), changes.removed(spec.name)
        for planned in users:
            swapped = _follow(planned, changes.swaps)
            user = _follow(swapped, takers)
            if user in removed:
                continue
            cause: Cause = (
                "override" if user != swapped else "swap" if swapped != planned else "rotation"
            )
            if user not in found or cause == "rotation":
                found[user] = Duty(user, spec.role, spec.name, layer.place, cause, planned)
        return tuple(found.values())

    def extra_duties(self, changes: Changes) -> tuple[Duty, ...]:
        """The people whom exclusive and add overrides or a temporary schedule bring."""
        if changes is NO_CHANGES:
            return ()
        if changes.temporary is not None:
            return tuple(
                Duty(user, "primary", None, -1, "temporary", None)
                for user in sorted(changes.temporary)
            )
        if None in changes.exclusive:
            return (self._brought(changes.exclusive[None][1]),)
        alone = [override for _, override in changes.exclusive.values()]
        added = [one for one in changes.adds if one.layer not in changes.exclusive]
        return tuple(dict.fromkeys(self._brought(override) for override in alone + added))

    def hides(self, layer: Layer, changes: Changes) -> bool:
        """Whether a temporary schedule or an exclusive override hides the layer."""
        if changes.temporary is not None or None in changes.exclusive:
            return True
        return layer.spec.name is not None and layer.spec.name in changes.exclusive

    def _brought(self, override: Override) -> Duty:
        role, place = override.role, -1
        if override.layer is not None:
            role, place = self._named[override.layer]
        return Duty(override.user, role, override.layer, place, "override", None)

    def shown(self, people: Sequence[People], changes: Changes) -> list[bool]:
        """Which layers count at an instant: the visible ones that no change hides."""
        visible = self.visible(people)
        if changes is NO_CHANGES:
            return visible
        return [
            seen and not self.hides(layer, changes)
            for layer, seen in zip(self.layers, visible, strict=True)
        ]

    def duties_at(self, instant: datetime) -> Iterator[Duty]:
        """Everyone on call at the instant."""
        clocks: dict[ZoneInfo, datetime] = {}
        people = []
        for layer in self.layers:
            if (shown := clocks.get(layer.tz)) is None:
                shown = clocks[layer.tz] = local(instant, layer.tz)
            people.append(layer.people_at(instant, shown))
        changes = self.changes_at(instant)
        for layer, users, counts in zip(
            self.layers, people, self.shown(people, changes), strict=True
        ):
            if counts:
                yield from self.layer_duties(layer, users, changes)
        yield from self.extra_duties(changes)


def stack_of(definition: Definition) -> Stack:
    """The definition's stack, built once. Kept on the definition, which is frozen, so that it can
    neither go stale nor outlive it; a cache by value would hash the whole definition each time."""
    kept = vars(definition)
    stack = kept.get("_stack")
    if not isinstance(stack, Stack):
        stack = kept["_stack"] = Stack(definition)
    return stack
