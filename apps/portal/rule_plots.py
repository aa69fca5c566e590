"""Geometry of a rule's value against its limit over time, pure: figures in, coordinates out.

Across in percent, so that the drawing fits any width while its text keeps its size; upwards in px.
The axis begins at zero. Where there was nothing to judge by, no line is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

from apps.portal import formats

HEIGHT, TOP, GROUND = 168, 12, 144  # px: of all, of the highest value, of zero
LABELS = 6  # at most about so many below the axis
_STEPS = (1, 2, 2.5, 4, 5, 6, 8, 10)


@dataclass(frozen=True)
class Value:
    """What a look at `at` said; None where there was nothing to judge by."""

    at: datetime
    value: float | None
    limit: float | None


@dataclass(frozen=True)
class Stretch:
    """A part of a line: x in percent, y in px."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Band:
    """A time in which it fired."""

    x: float
    width: float
    title: str


@dataclass(frozen=True)
class Tick:
    at: float  # px for the y axis, percent for the x axis
    text: str


@dataclass(frozen=True)
class Plot:
    value: Sequence[Stretch]
    limit: Sequence[Stretch]
    bands: Sequence[Band]
    ticks: Sequence[Tick]
    labels: Sequence[Tick]
    height: int = HEIGHT
    ground: int = GROUND
    top: int = TOP


def plot(
    values: Sequence[Value],
    bands: Sequence[tuple[datetime, datetime, str]],
    start: datetime,
    end: datetime,
    zone: tzinfo,
    *,
    is_share: bool,
) -> Plot | None:
    """The drawing; None where no look had a value."""
    known = [number for one in values for number in (one.value, one.limit) if number is not None]
    if not any(one.value is not None for one in values):
        return None
    top = nice(max(known))
    if is_share:
        top = min(1.0, top)
    return Plot(
        value=_line([(one.at, one.value) for one in values], start, end, top),
        limit=_line([(one.at, one.limit) for one in values], start, end, top),
        bands=[_band(since, until, title, start, end) for since, until, title in bands],
        ticks=[Tick(_up(part * top, top), _number(part * top, is_share)) for part in (0, 0.5, 1)],
        labels=_days(start, end, zone),
    )


def nice(highest: float) -> float:
    """The next round number: 0.05, 0.1, 0.2, 0.25, 0.4, 0.5, 1, …; 1 for nothing."""
    if highest <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(highest))
    return float(next(size * step for step in _STEPS if size * step >= highest * (1 - 1e-9)))


def _line(
    points: Sequence[tuple[datetime, float | None]], start: datetime, end: datetime, top: float
) -> list[Stretch]:
    """A line through the points; level parts are one stretch, and gaps stay gaps."""
    found: list[Stretch] = []
    for (at, value), (following, then) in pairwise(points):
        if value is None or then is None:
            continue
        x1, y1 = _across(at, start, end), _up(value, top)
        x2, y2 = _across(following, start, end), _up(then, top)
        last = found[-1] if found else None
        if last is not None and (last.x2, last.y1, last.y2) == (x1, y1, y1) and y1 == y2:
            found[-1] = Stretch(last.x1, y1, x2, y2)
        else:
            found.append(Stretch(x1, y1, x2, y2))
    return found


def _band(since: datetime, until: datetime, title: str, start: datetime, end: datetime) -> Band:
    left, right = _across(max(since, start), start, end), _across(min(until, end), start, end)
    return Band(left, round(max(0.4, right - left), 2), title)


def _across(at: datetime, start: datetime, end: datetime) -> float:
    whole = (end - start).total_seconds()
    return round(min(100.0, max(0.0, (at - start).total_seconds() / whole * 100)), 2)


def _up(value: float, top: float) -> float:
    return round(GROUND - min(1.0, max(0.0, value / top)) * (GROUND - TOP), 1)


def _number(value: float, is_share: bool) -> str:
    return f"{value * 100:.3g} %" if is_share else f"{value:,.4g}"


def _days(start: datetime, end: datetime, zone: tzinfo) -> list[Tick]:
    """Midnights of the viewer's zone, a few of them."""
    first = start.astimezone(zone).date()
    last = end.astimezone(zone).date()
    every = max(1, math.ceil((last - first).days / LABELS))
    found = []
    for number in range(1, (last - first).days + 1, every):
        on = first + timedelta(days=number)
        at = datetime(on.year, on.month, on.day, tzinfo=zone)
        where = _across(at, start, end)
        if 3 <= where <= 97:
            found.append(Tick(where, formats.plain_day(on)))
    return found
