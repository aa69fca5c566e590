"""Geometry of the telemetry pages' drawings, pure: figures in, coordinates out.

Across in percent, so that a drawing fits any width while its text keeps its size; upwards in px.
Where there is an interval it is drawn, where there is too little to judge that is what is shown,
and where nothing ran nothing is drawn: no data is never a good figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from apps.portal import formats

FEW = 10  # a rate of fewer runs is not drawn as a bar
TOPS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)  # where an axis of shares may end
HEIGHT, TOP, GROUND = 176, 14, 124  # px: of a drawing over time, its highest value, its zero
VOLUME_TOP, VOLUME_FOOT = 132, 152  # px: how many ran, below the rates
DECADES = (1, 10, 60, 600, 3600, 36_000, 360_000)  # s: where an axis of durations may begin, end


def percent(share: float | None, digits: int = 1) -> str:
    """ "33.9 %"; 0 and 100 only when it is none or all, "none" of nothing."""
    if share is None:
        return "none"
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", " %")
    text = f"{100 * share:.{digits}f}"
    least = 10.0**-digits
    if float(text) == 0:
        text = f"under {least:g}"
    elif float(text) >= 100:
        text = f"over {100 - least:g}"
    return f"{text} %"


def bounds(lower: float | None, upper: float | None) -> str:
    """ "25.8–43.1", of percent, to stand in brackets behind its share."""
    if lower is None or upper is None:
        return ""
    return f"{100 * lower:.1f}–{100 * upper:.1f}"


# -- shares as bars that lie, one row each


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
        Tick(round(number / parts * 100, 2), _short_percent(top * number / parts),
             anchors.get(number, "middle"))
        for number in range(parts + 1)
    ]  # fmt: skip


def _short_percent(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"


# -- a share over time


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
    ticks = [Tick(_up(top * part, top), _short_percent(top * part)) for part in (0, 0.5, 1)]
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


# -- durations


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
    low = max((one for one in DECADES if one <= min(values)), default=DECADES[0])
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


def length(seconds: float | None) -> str:
    """ "420 ms", "4.2 s", "48 s", "6 m 12 s", "2 h 10 m": as finely as it is measured."""
    if seconds is None:
        return ""
    if seconds == 0:
        return "0 s"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} m {rest} s" if rest else f"{minutes} m"
    return formats.duration(timedelta(seconds=whole))


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


# -- one row of an accuracy, days of a source, single readings


@dataclass(frozen=True)
class Whisker:
    """A share with its interval and target between `floor` and one, in percent of the width."""

    point: float
    lower: float
    upper: float
    target: float | None


def floor_of(lowers: Sequence[float]) -> float:
    """Where an axis of accuracies may begin: a round share below all of them."""
    lowest = min(lowers, default=0.0)
    return next((one for one in (0.9, 0.8, 0.6, 0.5) if one <= lowest), 0.0)


def whisker(
    p: float, lower: float, upper: float, target: float | None = None, floor: float = 0.0
) -> Whisker:
    def across(share: float) -> float:
        return round(max(0.0, min(1.0, (share - floor) / (1 - floor))) * 100, 2)

    return Whisker(
        across(p), across(lower), across(upper), None if target is None else across(target)
    )


@dataclass(frozen=True)
class Day:
    """One day of a source: how many runs succeeded, of how many that count."""

    name: str
    good: int
    n: int


@dataclass(frozen=True)
class Square:
    x: float
    width: float
    look: str  # ok, part, bad, none
    title: str


def strip(days: Sequence[Day]) -> list[Square]:
    """A cell for each day; one without a run is empty, which is not the same as a good one."""
    slot = 100 / max(len(days), 1)
    return [
        Square(round(number * slot, 2), round(slot * 0.86, 2), _look(day), _day_words(day))
        for number, day in enumerate(days)
    ]


def _look(day: Day) -> str:
    if not day.n:
        return "none"
    if not day.good:
        return "bad"
    return "part" if 4 * (day.n - day.good) > day.n else "ok"


def _day_words(day: Day) -> str:
    return f"{day.name}: {day.good} of {day.n} good" if day.n else f"{day.name}: no runs"


@dataclass(frozen=True)
class Band:
    """All cells of one look as one path in a box of 100 a day and 20 high: short, for lists."""

    look: str
    path: str


def strip_bands(days: Sequence[Day]) -> list[Band]:
    paths: dict[str, list[str]] = {}
    for number, day in enumerate(days):
        look = _look(day)
        top, high = (6, 14) if look == "part" else (1, 18)
        paths.setdefault(look, []).append(f"M{100 * number + 7} {top}h86v{high}h-86z")
    return [Band(look, "".join(parts)) for look, parts in paths.items()]


@dataclass(frozen=True)
class Spark:
    """A line of readings in a box of 100 by 100, and its limit; nothing for fewer than two."""

    points: str
    limit: float | None


def spark(values: Sequence[float], limit: float | None = None) -> Spark | None:
    if len(values) < 2:
        return None
    shown = [*values, limit] if limit is not None else list(values)
    low, high = min(0.0, *shown), max(shown)
    width = (high - low) or 1.0

    def up(value: float) -> float:
        return round(96 - (value - low) / width * 92, 1)

    step = 100 / (len(values) - 1)
    points = " ".join(f"{number * step:.1f},{up(value)}" for number, value in enumerate(values))
    return Spark(points, None if limit is None else up(limit))
