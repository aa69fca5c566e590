"""What a schedule is made of, and what comes out: plain values, checked when they are built.

People are opaque strings. Instants are aware (kept in UTC), intervals half-open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, NamedTuple

from apps.rotations.timeline.recurring import Recurring
from apps.rotations.timeline.rotation import Rotation
from apps.rotations.timeline.wallclock import Interval, TimelineError, merge, utc, zone
from apps.rotations.timeline.windows import Window, mask_of

MAX_LAYERS = 50
MAX_PEOPLE = 500
MAX_CHANGES = 2_000

Role = Literal["primary", "secondary", "shadow"]
LayerMode = Literal["priority", "cumulative"]
OverrideKind = Literal["exclusive", "add", "remove", "replace"]
Cause = Literal["rotation", "swap", "override", "temporary"]
ROLES = ("primary", "secondary", "shadow")
KINDS = ("exclusive", "add", "remove", "replace")


def _check_role(role: str | None) -> None:
    if role is not None and role not in ROLES:
        raise TimelineError(f"“{role[:20]}” is not a role; use {', '.join(ROLES)}.", "role")


def _set_period(item: object, start: str = "start", end: str = "end") -> None:
    """Brings both ends of a frozen item to UTC and checks their order; either may be None."""
    low, high = getattr(item, start), getattr(item, end)
    for field, value in ((start, low), (end, high)):
        if value is not None:
            object.__setattr__(item, field, utc(value, field))
    if low is not None and high is not None and low >= high:
        label = end.replace("_", " ")
        raise TimelineError(f"The {label} must come after the {start.replace('_', ' ')}.", end)


def _check_person(name: str | None, field: str) -> None:
    if not name:
        raise TimelineError("Name a person.", field)


@dataclass(frozen=True)
class LayerSpec:
    """One layer, or one dated version of it: versions share the name and do not overlap.

    Exactly one of `user` (always the same person), `rotation` and `recurring` says who is on.
    `windows` limit it to parts of the week; `effective_from`/`effective_to` to a period.
    Among layers of one role the higher `priority` hides the lower while somebody is on in it.
    """

    name: str | None = None
    priority: int = 0
    role: Role = "primary"
    time_zone: str | None = None
    effective_from: datetime | None = None
    effective_to: datetime | None = None
    windows: tuple[Window, ...] = ()
    user: str | None = None
    rotation: Rotation | None = None
    recurring: Recurring | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "windows", tuple(self.windows))
        if sum(source is not None for source in (self.user, self.rotation, self.recurring)) != 1:
            raise TimelineError("A layer has one of user, rotation and recurring.", "rotation")
        if self.user is not None:
            _check_person(self.user, "user")
        _check_role(self.role)
        mask_of(self.windows)
        if self.time_zone is not None:
            zone(self.time_zone)
        _set_period(self, "effective_from", "effective_to")

    def people(self) -> Iterable[str]:
        """Everyone who may come on in this layer, perhaps more than once."""
        if self.user is not None:
            yield self.user
        elif self.rotation is not None:
            yield from (name for name in self.rotation.participants if name is not None)
        elif self.recurring is not None:
            yield from (name for group in self.recurring.groups for name in group)


@dataclass(frozen=True)
class Override:
    """A change by hand, in [start, end):

    - exclusive: `user` alone is on; the highest priority, then the later in the list, wins,
      and no override of another kind has an effect beside it;
    - replace: `user` stands in for `replaces`, only while `replaces` is on, boundaries kept;
    - remove: `user` is not on; add: `user` is on too.

    `layer` (a layer's name) limits it to that layer. A person that an exclusive or add override
    brings takes that layer's role, else `role`.
    """

    kind: OverrideKind
    user: str
    start: datetime
    end: datetime
    replaces: str | None = None
    priority: int = 0
    layer: str | None = None
    role: Role = "primary"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise TimelineError(f"“{self.kind[:20]}” is not a kind of override.", "kind")
        _check_person(self.user, "user")
        if self.kind == "replace":
            _check_person(self.replaces, "replaces")
        _check_role(self.role)
        _set_period(self)


@dataclass(frozen=True)
class Swap:
    """`to_user` takes over what `from_user` serves in layers during [start, end).

    Without a taker (None) it changes nothing. Of two swaps the later in the list wins.
    """

    from_user: str
    to_user: str | None
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        _check_person(self.from_user, "from")
        if self.to_user == "":
            raise TimelineError("Name the person who takes the shift, or nobody.", "to")
        _set_period(self)


@dataclass(frozen=True)
class TemporaryShift:
    """`user` is on in [start, end), as far as the temporary schedule reaches."""

    user: str
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        _check_person(self.user, "user")
        _set_period(self)


@dataclass(frozen=True)
class TemporarySchedule:
    """In [start, end) only `shifts` count: no layer, swap or override does."""

    start: datetime
    end: datetime
    shifts: tuple[TemporaryShift, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "shifts", tuple(self.shifts))
        _set_period(self)


def merge_temporary_schedules(
    schedules: Iterable[TemporarySchedule],
) -> tuple[TemporarySchedule, ...]:
    """The same as schedules that neither touch nor overlap, with shifts cut to their schedule
    and one person's touching shifts joined, ordered by person."""
    ordered = sorted(schedules, key=lambda schedule: (schedule.start, schedule.end))
    shifts = [
        TemporaryShift(shift.user, max(shift.start, one.start), min(shift.end, one.end))
        for one in ordered
        for shift in one.shifts
        if max(shift.start, one.start) < min(shift.end, one.end)
    ]
    return tuple(
        TemporarySchedule(span.start, span.end, _join_shifts(shifts, span))
        for span in merge([Interval(one.start, one.end) for one in ordered])
    )


def _join_shifts(shifts: list[TemporaryShift], span: Interval) -> tuple[TemporaryShift, ...]:
    inside: dict[str, list[Interval]] = {}
    for shift in sorted(shifts, key=lambda shift: (shift.user, shift.start)):
        if span.start <= shift.start < span.end:
            inside.setdefault(shift.user, []).append(Interval(shift.start, shift.end))
    return tuple(
        TemporaryShift(user, *interval)
        for user, intervals in inside.items()
        for interval in merge(intervals)
    )


@dataclass(frozen=True)
class Definition:
    """A whole schedule. `layer_mode="cumulative"` shows all layers at once, whatever the priority.

    Applied in this order: layers, swaps, overrides, temporary schedules.
    """

    time_zone: str
    layers: tuple[LayerSpec, ...]
    layer_mode: LayerMode = "priority"
    swaps: tuple[Swap, ...] = ()
    overrides: tuple[Override, ...] = ()
    temporary_schedules: tuple[TemporarySchedule, ...] = ()

    def __post_init__(self) -> None:
        for field in ("layers", "swaps", "overrides", "temporary_schedules"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        zone(self.time_zone)
        if self.layer_mode not in ("priority", "cumulative"):
            raise TimelineError("layer_mode is either priority or cumulative.", "layer_mode")
        self._check_sizes()
        self._check_layer_names()

    def _check_sizes(self) -> None:
        if len(self.layers) > MAX_LAYERS:
            raise TimelineError(
                f"The schedule has {len(self.layers)} layers; at most {MAX_LAYERS} are possible.",
                "layers",
            )
        changes = len(self.swaps) + len(self.overrides)
        changes += sum(1 + len(one.shifts) for one in self.temporary_schedules)
        if changes > MAX_CHANGES:
            raise TimelineError(
                f"At most {MAX_CHANGES:,} swaps, overrides and temporary shifts are possible; "
                f"these are {changes:,}.",
                "overrides",
            )
        if len(self.people) > MAX_PEOPLE:
            raise TimelineError(
                f"The schedule names {len(self.people)} people; at most {MAX_PEOPLE} are possible.",
                "layers",
            )

    def _check_layer_names(self) -> None:
        names = {layer.name for layer in self.layers}
        for override in self.overrides:
            if override.layer is not None and override.layer not in names:
                raise TimelineError(f"There is no layer named “{override.layer[:60]}”.", "layer")

    @cached_property
    def people(self) -> frozenset[str]:
        """Everyone whom the definition names."""
        found = {name for layer in self.layers for name in layer.people()}
        found.update(override.user for override in self.overrides)
        found.update(override.replaces for override in self.overrides if override.replaces)
        for swap in self.swaps:
            found.update(name for name in (swap.from_user, swap.to_user) if name)
        found.update(shift.user for one in self.temporary_schedules for shift in one.shifts)
        return frozenset(found)


class Shift(NamedTuple):
    """`user` is on in [start, end). A tuple rather than a dataclass: a year makes thousands.

    `layer` is the layer's name, None for overrides and temporary schedules on the whole schedule.
    `cause` says why this person: rotation (any kind of layer), swap, override or temporary.
    `planned_user` is whom the layer had planned; None where a change by hand added the person.
    """

    user: str
    role: Role
    layer: str | None
    start: datetime
    end: datetime
    cause: Cause
    planned_user: str | None


@dataclass(frozen=True)
class Timeline:
    """The answer for a window of time.

    `shifts`: by start, cut to the window; what one person serves in one layer without a break is
    one shift unless `cause` or `planned_user` changes. `gaps`: nobody is on but shadows.
    `handoffs`: every rotation boundary in the window, whether or not the person changes.
    `on_call_seconds`: per person, in any role, double duty counted once.
    """

    shifts: tuple[Shift, ...]
    gaps: tuple[Interval, ...]
    handoffs: tuple[datetime, ...]
    on_call_seconds: dict[str, int]
