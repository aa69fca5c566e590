"""Who is on call when: the pure calculator.

No database, no clock, no input or output: a `Definition` and instants go in, shifts come out.
"""

from __future__ import annotations

from apps.rotations.timeline.definition import (
    KINDS,
    MAX_CHANGES,
    MAX_LAYERS,
    MAX_PEOPLE,
    ROLES,
    Cause,
    Definition,
    LayerMode,
    LayerSpec,
    Override,
    OverrideKind,
    Role,
    Shift,
    Swap,
    TemporarySchedule,
    TemporaryShift,
    Timeline,
    merge_temporary_schedules,
)
from apps.rotations.timeline.recurring import Recurring
from apps.rotations.timeline.rotation import (
    Advance,
    Rotation,
    Turn,
    Unit,
    boundary,
    handoffs,
    shift_at,
    slot_at,
)
from apps.rotations.timeline.sweep import (
    MAX_WINDOW,
    Presence,
    compute,
    find_gaps,
    joined,
    next_change,
    on_call_at,
    presences,
)
from apps.rotations.timeline.wallclock import Interval, TimelineError, resolve_wall, zone
from apps.rotations.timeline.windows import (
    DAYS,
    Window,
    is_active,
    next_weekly_time,
    next_window,
)

__all__ = [
    "DAYS",
    "KINDS",
    "MAX_CHANGES",
    "MAX_LAYERS",
    "MAX_PEOPLE",
    "MAX_WINDOW",
    "ROLES",
    "Advance",
    "Cause",
    "Definition",
    "Interval",
    "LayerMode",
    "LayerSpec",
    "Override",
    "OverrideKind",
    "Presence",
    "Recurring",
    "Role",
    "Rotation",
    "Shift",
    "Swap",
    "TemporarySchedule",
    "TemporaryShift",
    "Timeline",
    "TimelineError",
    "Turn",
    "Unit",
    "Window",
    "boundary",
    "compute",
    "find_gaps",
    "handoffs",
    "is_active",
    "joined",
    "merge_temporary_schedules",
    "next_change",
    "next_weekly_time",
    "next_window",
    "on_call_at",
    "presences",
    "resolve_wall",
    "shift_at",
    "slot_at",
    "zone",
]
