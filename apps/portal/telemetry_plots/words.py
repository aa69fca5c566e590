"""How shares and lengths are written beside drawings of telemetry. Pure."""

from __future__ import annotations

from datetime import timedelta

from apps.portal import formats


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


def short_percent(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"


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
