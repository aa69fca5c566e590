"""Durations: percentiles of several sizes on one axis, and of one over time. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.portal.telemetry_plots.bars import Tick
from apps.portal.telemetry_plots.moments import HEIGHT, TOP, VOLUME_FOOT, Mark, place
from apps.portal.telemetry_plots.words import length

DECADES = (1, 10, 60, 600, 3600, 36_000, 360_000)  # s: where an axis of durations may begin, end


@dataclass(frozen=True)
class Spread:
    """Percentiles of one size in percent of a logarithmic axis; None where n is too small."""

    p50: float | None
    p95: float | None
    p99: float | None
    limit: float | None
    title: str

    @property
    def last(self) -> float | None:
        return self.p99 if self.p99 is not None else self.p95


@dataclass(frozen=True)
class Spreads:
    rows: Sequence[Spread]
    ticks: Sequence[Tick]


@dataclass(frozen=True)
class Lengths:
    """Seconds; what is not known, or not to be shown, is None."""

    name: str
    p50: float | None
    p95: float | None
    p99: float | None
    limit: float | None


def spreads(rows: Sequence[Lengths]) -> Spreads:
    """Percentiles on one logarithmic axis: what takes seconds and what takes hours side by side."""
    values = [
        value
        for row in rows
        for value in (row.p50, row.p95, row.p99, row.limit)
        if value is not None and value > 0
    ]
    if not values:
        return Spreads([Spread(None, None, None, None, row.name) for row in rows], ())
    low = max((one for one in DECADES[:-1] if one <= min(values)), default=DECADES[0])
    high = min((one for one in DECADES if one >= max(values) and one > low), default=DECADES[-1])

    def across(value: float | None) -> float | None:
        if value is None:
            return None
        part = math.log(max(value, low) / low) / math.log(high / low)
        return round(min(part, 1.0) * 100, 2)

    drawn = [
        Spread(across(row.p50), across(row.p95), across(row.p99), across(row.limit), _said(row))
        for row in rows
    ]
    between = [one for one in DECADES if low <= one <= high]
    anchors = {low: "start", high: "end"}
    ticks = [Tick(across(one) or 0.0, length(one), anchors.get(one, "middle")) for one in between]
    return Spreads(drawn, ticks)


def _said(row: Lengths) -> str:
    named = (("p50", row.p50), ("p95", row.p95), ("p99", row.p99), ("objective", row.limit))
    return f"{row.name}: " + ", ".join(
        f"{name} {length(value)}" for name, value in named if value is not None
    )


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    title: str
    censored: bool = False


@dataclass(frozen=True)
class Stretch:
    """Neighboring points that are joined; a step without runs ends one."""

    look: str
    points: Sequence[Point]

    @property
    def steps(self) -> list[tuple[Point, Point]]:
        return list(zip(self.points, self.points[1:], strict=False))


@dataclass(frozen=True)
class Sample:
    """Percentiles of one step, in seconds."""

    starts_at: datetime
    ends_at: datetime
    n: int
    p50: float | None
    p95: float | None
    p50_at_least: bool  # runs that were cut off lie at or below it
    p95_at_least: bool
    name: str


@dataclass(frozen=True)
class Trend:
    stretches: Sequence[Stretch]
    ticks: Sequence[Tick]
    labels: Sequence[Tick]
    marks: Sequence[Mark]
    limit: float | None
    height: int = HEIGHT
    ground: int = VOLUME_FOOT


def trend(
    samples: Sequence[Sample],
    labels: Sequence[Tick],
    marks: Sequence[Mark] = (),
    limit: float | None = None,
) -> Trend:
    """p50 and p95 over time; the axis begins at zero."""
    values = [value for one in samples for value in (one.p50, one.p95) if value is not None]
    if not values:
        return Trend((), (), labels, marks, None)
    top = _round_seconds(max(values))
    start, end = samples[0].starts_at, samples[-1].ends_at

    def up(value: float) -> float:
        return round(VOLUME_FOOT - value / top * (VOLUME_FOOT - TOP), 1)

    stretches = []
    for look in ("p95", "p50"):
        row: list[Point] = []
        for one in samples:
            value = getattr(one, look)
            if value is None:
                stretches += [Stretch(look, row)] if row else []
                row = []
                continue
            sign = "≥ " if getattr(one, f"{look}_at_least") else ""
            title = f"{one.name}: {look} {sign}{length(value)}, n {one.n:,}"
            middle = place(one.starts_at + (one.ends_at - one.starts_at) / 2, start, end)
            row.append(Point(middle, up(value), title, bool(sign)))
        stretches += [Stretch(look, row)] if row else []
    ticks = [Tick(up(top * part), length(top * part)) for part in (0, 0.5, 1)]
    shown = up(limit) if limit is not None and limit <= top else None
    return Trend(stretches, ticks, labels, marks, shown)


def _round_seconds(highest: float) -> float:
    """The next length that half of it, too, is a round one."""
    steps = (0.1, 0.2, 0.4, 1, 2, 4, 10, 20, 40, 60, 120, 240, 360, 600, 1200, 1800, 2400, 3600,
             7200, 14_400, 28_800, 43_200, 86_400)  # fmt: skip
    return next((one for one in steps if one >= highest), highest)
