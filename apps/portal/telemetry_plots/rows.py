"""One row of an accuracy, the days of a source, single readings. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
