"""How numbers and stretches of time read in a rule's sentences."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3600, 86_400


def percent(share: float | None) -> str:
    """0.381 is 38.1%; what is none says so."""
    if share is None:
        return "none"
    return f"{share * 100:.3g}%" if share < 0.1 or share > 0.999 else f"{share * 100:.1f}%"


def number(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def span(seconds: float) -> str:
    """The largest one or two units: 36 h, 9 days, 2 h 30 min."""
    left = max(0, int(seconds))
    if left >= 2 * DAY:
        days, hours = left // DAY, left % DAY // HOUR
        return f"{days} days {hours} h" if hours and days < 10 else f"{days} days"
    if left >= HOUR:
        hours, minutes = left // HOUR, left % HOUR // MINUTE
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if left >= MINUTE:
        return f"{left // MINUTE} min"
    return f"{left} s"


def length(seconds: float) -> str:
    """How long something took, fine enough to compare: 0.8 s, 14 s, 1 min 29 s, 2 h 30 min."""
    if seconds < 1:
        return f"{seconds:.2g} s"
    minutes, left = divmod(round(seconds), MINUTE)
    return f"{minutes} min {left} s" if left and 0 < minutes < 10 else span(round(seconds))


def plural(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
