"""Every change of schedules, shifts and handoffs."""

from __future__ import annotations

from apps.rotations.services.editing import (
    Edited,
    LayerEdit,
    OverrideEdit,
    ScheduleEdit,
    archive_schedule,
    edit_schedule,
    restore_schedule,
)
from apps.rotations.services.handoffs import audit_all, tell_handoffs, warn_unreachable
from apps.rotations.services.schedules import (
    LayerPlan,
    add_override,
    archive_layer,
    cancel_override,
    cover_surface,
    create_schedule,
    plan_layer,
    weekly_anchor,
    weekly_preset,
)
from apps.rotations.services.shifts import (
    extend_all,
    find_differences,
    materialise,
    rebuild_for,
    record_gap,
)

__all__ = [
    "Edited",
    "LayerEdit",
    "LayerPlan",
    "OverrideEdit",
    "ScheduleEdit",
    "add_override",
    "archive_layer",
    "archive_schedule",
    "audit_all",
    "cancel_override",
    "cover_surface",
    "create_schedule",
    "edit_schedule",
    "extend_all",
    "find_differences",
    "materialise",
    "plan_layer",
    "rebuild_for",
    "record_gap",
    "restore_schedule",
    "tell_handoffs",
    "warn_unreachable",
    "weekly_anchor",
    "weekly_preset",
]
