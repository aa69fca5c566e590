"""Geometry of bar and line charts, pure: series in, coordinates out.

Across, everything is in percent, so that a chart fits any width while its text keeps its size;
upwards it is in px. The axis always begins at zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

HEIGHT, TOP, FOOT = 168, 10, 22  # px: of the drawing, above the highest value, for the labels
LABELS = 6  # at most about so many labels below the axis


@dataclass(frozen=True)
class Series:
    """One row of values, one for each category. `look` is the class that draws it."""

    label: str
    values: Sequence[int]
    look: str


@dataclass(frozen=True)
class Bar:
    """A part of a stack: `x`, `width` in percent, `y`, `height` in px."""

    x: float
    width: float
    y: float
    height: float
    look: str
    title: str


@dataclass(frozen=True)
class Point:
    x: float  # percent
    y: float  # px
    title: str


@dataclass(frozen=True)
class Line:
    look: str
    points: Sequence[Point]

    @property
    def steps(self) -> list[tuple[Point, Point]]:
        """The stretches between neighbors."""
        return list(zip(self.points, self.points[1:], strict=False))


@dataclass(frozen=True)
class Tick:
    at: float  # px for the y axis, percent for the x axis
    text: str


@dataclass(frozen=True)
class Plot:
    """A finished drawing. `top` is the value at the upper edge of the scale."""

    height: int
    top: int
    ticks: Sequence[Tick]
    labels: Sequence[Tick]
    bars: Sequence[Bar] = ()
    lines: Sequence[Line] = field(default_factory=tuple)

    @property
    def ground(self) -> int:
        """Where zero is, in px from above."""
        return self.height - FOOT


def nice(highest: int) -> int:
    """The next round number that two even steps lead to: 2, 4, … 20, 40, 50, 60, 80, 100, …"""
    if highest <= 20:
        return max(2, highest + highest % 2)
    size = 10 ** int(math.log10(highest))
    return int(next(size * step for step in (1, 2, 4, 5, 6, 8, 10) if size * step >= highest))


def stacked(names: Sequence[str], series: Sequence[Series], unit: str) -> Plot:
    """Bars that stand on each other; `unit` says what is counted, for the titles."""
    totals = [sum(one.values[number] for one in series) for number in range(len(names))]
    top = nice(max(totals, default=0))
    plot = _frame(names, top)
    bars = []
    for number, name in enumerate(names):
        below = 0
        for one in series:
            value = one.values[number]
            if value:
                title = f"{name}: {value} {one.label} of {totals[number]} {unit}"
                bars.append(_bar(plot, number, len(names), below, value, one.look, title))
            below += value
    return Plot(plot.height, top, plot.ticks, plot.labels, bars)


def lines(names: Sequence[str], series: Sequence[Series]) -> Plot:
    """One line for each series, over the middle of each category."""
    top = nice(max((value for one in series for value in one.values), default=0))
    plot = _frame(names, top)
    drawn = [
        Line(
            one.look,
            [
                Point(_middle(number, len(names)), _up(plot, value),
                      f"{names[number]}: {value} {one.label}")
                for number, value in enumerate(one.values)
            ],
        )
        for one in series
    ]  # fmt: skip
    return Plot(plot.height, top, plot.ticks, plot.labels, (), drawn)


def _frame(names: Sequence[str], top: int) -> Plot:
    bare = Plot(HEIGHT, top, (), ())
    ticks = [Tick(_up(bare, value), f"{value:,}") for value in (0, top // 2, top)]
    step = max(1, math.ceil(len(names) / LABELS))
    labels = [
        Tick(_middle(number, len(names)), name)
        for number, name in enumerate(names)
        if number % step == 0
    ]
    return Plot(HEIGHT, top, ticks, labels)


def _up(plot: Plot, value: float) -> float:
    return round(plot.ground - value / plot.top * (plot.ground - TOP), 1)


def _middle(number: int, count: int) -> float:
    return round((number + 0.5) / count * 100, 2)


def _bar(plot: Plot, number: int, count: int, below: int, value: int, look: str, title: str) -> Bar:
    foot, head = _up(plot, below), _up(plot, below + value)
    slot = 100 / count
    return Bar(
        x=round((number + 0.16) * slot, 2),
        width=round(slot * 0.68, 2),
        y=head,
        height=round(foot - head, 1),
        look=look,
        title=title,
    )
