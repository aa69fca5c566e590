"""Spans of time as people write them: 90 s, 15 min, 4 h, 1 d, 1 h 30 min. Pure.

A day is 24 hours, always: what counts business hours is written in hours.
"""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {"d": 86_400, "h": 3600, "min": 60, "s": 1}
_WORDS: Final = {
    "s": "s", "sec": "s", "second": "s", "seconds": "s",
    "m": "min", "min": "min", "minute": "min", "minutes": "min",
    "h": "h", "hour": "h", "hours": "h", "d": "d", "day": "d", "days": "d",
}  # fmt: skip
_PART: Final = re.compile(r"([0-9]{1,7})\s*([a-z]+)")
_ALL: Final = re.compile(r"(?:[0-9]{1,7}\s*[a-z]+\s*)+")
MOST: Final = 366 * 86_400


def read(text: str) -> int | None:
    """Seconds of a span; None for an empty text. Raises ValueError, in words, for anything else."""
    words = text.strip().lower()
    if not words:
        return None
    if not _ALL.fullmatch(words):
        raise ValueError("Write a span such as 15 min, 4 h or 1 d.")
    total = 0
    for number, unit in _PART.findall(words):
        if unit not in _WORDS:
            raise ValueError(f"“{unit[:20]}” is no unit: write s, min, h or d.")
        total += int(number) * _UNITS[_WORDS[unit]]
    if not 0 < total <= MOST:
        raise ValueError("A span is longer than nothing and shorter than a year.")
    return total


def show(seconds: int | None, *, days: bool = True) -> str:
    """`1 h 30 min`; empty for None. Without `days` hours go on: `24 h`."""
    if seconds is None:
        return ""
    left, parts = seconds, []
    for unit, size in _UNITS.items():
        if unit == "d" and not days:
            continue
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"
