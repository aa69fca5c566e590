"""From rows to the calculator's values: one schedule's definition for a window of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import Any, cast

from apps.rotations import timeline
from apps.rotations.models import Layer, LayerVersion, Override, Schedule


def windows_of(rows: Iterable[Mapping[str, Any]]) -> tuple[timeline.Window, ...]:
    """Weekly windows from their stored form."""
    return tuple(
        timeline.Window(
            tuple(row["days"]), time.fromisoformat(row["start"]), time.fromisoformat(row["end"])
        )
        for row in rows
    )


def definition_of(schedule: Schedule, start: datetime, end: datetime) -> timeline.Definition:
    """The schedule as the calculator sees it; a layer's name is its id, a person's theirs."""
    versions = (
        LayerVersion.objects.filter(layer__schedule=schedule)
        .overlapping(start, end)
        .select_related("layer")
        .prefetch_related("members__person")
    )
    specs = [spec for version in versions if (spec := _layer(version)) is not None]
    named = {spec.name for spec in specs}
    overrides = schedule.overrides.standing().overlapping(start, end).order_by("created_at", "pk")
    overrides = overrides.exclude(person__is_active=False)
    return timeline.Definition(
        time_zone=schedule.time_zone,
        layer_mode=cast("timeline.LayerMode", schedule.layer_mode),
        layers=tuple(specs),
        overrides=tuple(
            _override(row) for row in overrides if not row.layer_id or str(row.layer_id) in named
        ),
    )


def _layer(version: LayerVersion) -> timeline.LayerSpec | None:
    """One version as a layer; None while nobody is in its turn."""
    members = sorted(version.members.all(), key=lambda member: member.position)
    # Whoever was deactivated keeps their place as a buffer: nobody is on call in it, and it shows.
    people = [str(m.person_id) if m.person and m.person.is_active else None for m in members]
    if not any(people):
        return None
    shift = version.anchor_index % len(people)
    layer: Layer = version.layer
    return timeline.LayerSpec(
        name=str(layer.pk),
        priority=layer.priority,
        role=cast("timeline.Role", layer.role),
        time_zone=version.time_zone,
        effective_from=version.effective_from,
        effective_to=version.effective_to,
        windows=windows_of(version.windows),
        rotation=timeline.Rotation(
            unit=cast("timeline.Unit", version.unit),
            every=version.every,
            anchor_local=datetime.combine(version.anchor_date, version.anchor_time),
            participants=(*people[shift:], *people[:shift]),
            advance=cast("timeline.Advance", version.advance),
        ),
    )


def _override(row: Override) -> timeline.Override:
    return timeline.Override(
        kind=cast("timeline.OverrideKind", row.kind),
        user=str(row.person_id),
        replaces=str(row.replaces_id) if row.replaces_id else None,
        start=row.start_at,
        end=row.end_at,
        layer=str(row.layer_id) if row.layer_id else None,
    )
