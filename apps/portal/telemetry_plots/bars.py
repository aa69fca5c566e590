"""Shares as bars that lie, one row each, on one axis from zero. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.portal.telemetry_plots.words import bounds, percent, short_percent

FEW = 10  # a rate of fewer runs is not drawn as a bar
TOPS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)  # where an axis of shares may end


@dataclass(frozen=True)
class Rate:
    """k of n with the interval of its share; all None of nothing."""

    k: int
    n: int
    p: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Bar:
    """One row: where its bar ends and its interval lies, in percent; `few`: not to be judged."""

    width: float
    lower: float
    upper: float
    few: bool
    title: str
    is_cut: bool  # the interval goes on beyond the axis


@dataclass(frozen=True)
class Tick:
    at: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Shares:
    """`limit`: where what is allowed ends, in percent of the width."""

    top: float
    bars: Sequence[Bar]
    ticks: Sequence[Tick]
    limit: float | None = None


def top_of(values: Sequence[float]) -> float:
    """The first round share that nothing exceeds."""
    highest = max(values, default=0.0)
    return next((top for top in TOPS if top >= highest), 1.0)


def shares(rows: Sequence[Rate], limit: float | None = None) -> Shares:
    """Bars with their intervals on one common axis from zero."""
    judged = [row for row in rows if row.n >= FEW]
    # An interval may be cut off by the edge, a bar never: one wide row must not flatten the rest.
    sure = [row for row in judged if row.n >= 3 * FEW] or judged
    top = top_of([*(row.upper or 0 for row in sure), *(row.p or 0 for row in judged), limit or 0])
    shown = None if limit is None else round(limit / top * 100, 2)
    ticks = _share_ticks(top) if judged else ()
    return Shares(top, [_bar(row, top) for row in rows], ticks, shown)


def _bar(row: Rate, top: float) -> Bar:
    def across(share: float | None) -> float:
        return round(min(1.0, (share or 0) / top) * 100, 2)

    title = f"{percent(row.p)} ({bounds(row.lower, row.upper)}), {row.k:,} of {row.n:,}"
    is_cut = row.upper is not None and row.upper > top
    return Bar(across(row.p), across(row.lower), across(row.upper), row.n < FEW, title, is_cut)


def _share_ticks(top: float) -> list[Tick]:
    parts = 5 if top in (0.05, 0.5, 1.0) else (3 if top == 0.3 else 4)
    anchors = {0: "start", parts: "end"}
    return [
        Tick(round(number / parts * 100, 2), short_percent(top * number / parts),
             anchors.get(number, "middle"))
        for number in range(parts + 1)
    ]  # fmt: skip
