"""The burn-down of a budget as a drawing, pure: days in, coordinates out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from apps.portal import formats
from apps.portal.plots import FOOT, HEIGHT, LABELS, TOP, Line, Plot, Point, Series, Tick
from apps.telemetry.selectors.budgets import Day

LOOK, PACE = "ln-1", "ln-2"
KEY = (Series("left of the budget", (), LOOK), Series("spent evenly", (), PACE))
FULL = 100


def burn_down(days: Sequence[Day]) -> Plot:
    """How much of the budget was left when each day ended, beside an even pace.

    The scale reaches below zero as far as the budget was overspent.
    """
    lowest = min([0.0, *(day.remaining for day in days if day.remaining is not None)]) * FULL
    bottom = -_nice(-lowest) if lowest < 0 else 0
    left = [
        Point(_middle(number, len(days)), _up(day.remaining * FULL, bottom), _said(day))
        for number, day in enumerate(days)
        if day.remaining is not None
    ]
    values = (0, 50, FULL, bottom) if bottom else (0, 50, FULL)
    ticks = [Tick(_up(value, bottom), f"{value:,} %") for value in values]
    step = max(1, math.ceil(len(days) / LABELS))
    labels = [
        Tick(_middle(number, len(days)), _name(day))
        for number, day in enumerate(days)
        if number % step == 0
    ]
    lines = [Line(PACE, _even(len(days), bottom)), Line(LOOK, left)] if left else []
    return Plot(HEIGHT, FULL, ticks, labels, (), lines)


def _even(count: int, bottom: int) -> list[Point]:
    """From what an even pace leaves after the first day to nothing at the end."""
    first = FULL * (1 - 1 / count)
    ends = [(0, first), (count - 1, 0.0)] if count > 1 else [(0, 0.0)]
    return [
        Point(_middle(number, count), _up(value, bottom), f"even pace: {value:.0f} %")
        for number, value in ends
    ]


def _nice(value: float) -> int:
    """50, 100, 200, 500, 1,000, … so that the scale below zero is round and can be read."""
    value = max(value, 50)
    size = 10 ** math.floor(math.log10(value))
    return int(next(size * step for step in (1, 2, 5, 10) if size * step >= value))


def _up(value: float, bottom: int) -> float:
    height = HEIGHT - FOOT - TOP
    return round(HEIGHT - FOOT - (value - bottom) / (FULL - bottom) * height, 1)


def _middle(number: int, count: int) -> float:
    return round((number + 0.5) / count * 100, 2)


def _name(day: Day) -> str:
    return f"{day.at.day} {formats.MONTHS[day.at.month - 1]}"


def _said(day: Day) -> str:
    left = (day.remaining or 0) * FULL
    return f"{_name(day)}: {left:.0f} % left, {day.tally.bad} bad of {day.tally.n} that day"
