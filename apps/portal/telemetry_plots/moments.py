"""A share over time: its interval for each step, above how many it is of. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from apps.portal import formats
from apps.portal.telemetry_plots.bars import FEW, Rate, Tick, top_of
from apps.portal.telemetry_plots.words import bounds, percent, short_percent

HEIGHT, TOP, GROUND = 176, 14, 124  # px: of a drawing over time, its highest value, its zero
VOLUME_TOP, VOLUME_FOOT = 132, 152  # px: how many ran, below the rates


@dataclass(frozen=True)
class Moment:
    """One step of time."""

    starts_at: datetime
    ends_at: datetime
    rate: Rate
    name: str  # "14:10 to 15:10", for its title


@dataclass(frozen=True)
class Column:
    """A step: `x`, `width` in percent; the interval from `upper` down to `lower`, the share at
    `y`, in px; `volume` is how high its number of runs stands. `y` is None where nothing ran, and
    where a share of too few lies beyond the axis, which others set."""

    x: float
    width: float
    y: float | None
    upper: float
    lower: float
    volume: float
    few: bool
    title: str

    @property
    def band(self) -> float:
        return round(self.lower - self.upper, 1)

    @property
    def volume_y(self) -> float:
        return round(VOLUME_FOOT - self.volume, 1)

    @property
    def end(self) -> float:
        return round(self.x + self.width, 2)


@dataclass(frozen=True)
class Mark:
    """A release: where it stands and the number that the list beside it names; of several so near
    to each other that their numbers would overlap, the first one names all."""

    x: float
    text: str
    title: str


def marks(placed: Sequence[tuple[float, str]], near: float = 3.0) -> list[Mark]:
    """Marks of (x, title) in the order of time, numbered from one."""
    found: list[Mark] = []
    first, leader = 0, -1
    for number, (x, title) in enumerate(placed, start=1):
        if leader >= 0 and x - found[leader].x < near:
            found[leader] = Mark(found[leader].x, f"{first}–{number}", found[leader].title)
            found.append(Mark(x, "", title))
            continue
        first, leader = number, len(found)
        found.append(Mark(x, str(number), title))
    return found


@dataclass(frozen=True)
class OverTime:
    columns: Sequence[Column]
    ticks: Sequence[Tick]
    labels: Sequence[Tick]
    marks: Sequence[Mark]
    height: int = HEIGHT
    ground: int = GROUND
    foot: int = VOLUME_FOOT
    most: int = 0
    limit: float | None = None


def place(at: datetime, start: datetime, end: datetime) -> float:
    """Where an instant stands between two others, in percent."""
    return round((at - start) / (end - start) * 100, 2)


def over_time(
    moments: Sequence[Moment],
    labels: Sequence[Tick],
    marks: Sequence[Mark] = (),
    limit: float | None = None,
) -> OverTime:
    """The share of each step with its interval, above how many runs it is of."""
    if not moments:
        return OverTime((), (), labels, marks)
    start, end = moments[0].starts_at, moments[-1].ends_at
    judged = [one.rate for one in moments if one.rate.n >= FEW] or [one.rate for one in moments]
    top = max(top_of([*(one.p or 0 for one in judged), limit or 0]), 0.05)
    if judged and (middling := sorted(one.upper or 0 for one in judged)[len(judged) // 2]) > top:
        top = top_of([middling])
    most = max(one.rate.n for one in moments)
    columns = [_column(one, start, end, top, most) for one in moments]
    ticks = [Tick(_up(top * part, top), short_percent(top * part)) for part in (0, 0.5, 1)]
    shown = None if limit is None else _up(limit, top)
    return OverTime(columns, ticks, labels, marks, most=most, limit=shown)


def _column(one: Moment, start: datetime, end: datetime, top: float, most: int) -> Column:
    left, right = place(one.starts_at, start, end), place(one.ends_at, start, end)
    gap = (right - left) * 0.08
    rate = one.rate
    few = rate.n < FEW
    volume = 0.0 if not most else (VOLUME_FOOT - VOLUME_TOP) * rate.n / most
    words = f"{percent(rate.p)} ({bounds(rate.lower, rate.upper)}), " if rate.n else ""
    title = f"{one.name}: {words}{rate.k:,} of {rate.n:,}" if rate.n else f"{one.name}: no runs"
    return Column(
        x=round(left + gap, 2),
        width=round(right - left - 2 * gap, 2),
        y=None if rate.p is None or rate.p > top else _up(rate.p, top),
        upper=_up(rate.upper or 0, top),
        lower=_up(rate.lower or 0, top),
        volume=round(max(volume, 1.0) if rate.n else 0.0, 1),
        few=few,
        title=title,
    )


def _up(share: float, top: float) -> float:
    return round(GROUND - min(share / top, 1.0) * (GROUND - TOP), 1)


def time_labels(start: datetime, end: datetime, zone: tzinfo, cycle: str = "24") -> list[Tick]:
    """Round local times below a time axis, about six, none so near an edge that it sticks out."""
    length = end - start
    steps = (0.25, 1, 6, 12, 24, 96, 168, 336)
    hours = next((step for step in steps if length / timedelta(hours=step) <= 7), 672)
    if hours < 24:
        return _clock_labels(start, end, timedelta(hours=hours), zone, cycle)
    return _day_labels(start, end, round(hours / 24), zone)


def _clock_labels(
    start: datetime, end: datetime, step: timedelta, zone: tzinfo, cycle: str
) -> list[Tick]:
    local = start.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + step * math.ceil((local - midnight) / step)
    found = []
    while at <= end:
        text = formats.clock(at, zone, cycle)
        if at.hour == 0 and at.minute == 0:
            text = formats.plain_day(at.date()).rpartition(" ")[0]
        found.append(Tick(place(at, start, end), text))
        at += step
    return [tick for tick in found if 3 <= tick.at <= 97]


def _day_labels(start: datetime, end: datetime, days: int, zone: tzinfo) -> list[Tick]:
    day = end.astimezone(zone).date()
    found = []
    while True:
        at = datetime(day.year, day.month, day.day, tzinfo=zone)
        if at < start:
            break
        found.append(Tick(place(at, start, end), f"{day.day} {formats.MONTHS[day.month - 1]}"))
        day -= timedelta(days=days)
    return [tick for tick in reversed(found) if 2 <= tick.at <= 98]
