"""How often something is meant to be fresh, as people write it and as it is kept. Pure."""

from __future__ import annotations

import re

LEAST, MOST = 60, 366 * 86_400  # seconds: rarer than once a year is no cadence
_WORDS = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800, "nightly": 86_400}
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LENGTH = re.compile(r"(?:every\s+)?(\d{1,8})\s*(s|m|h|d|w)?[a-z]*", re.ASCII)


def parse(text: str) -> int | None:
    """Seconds of “6 h”, “daily”, “every 15 min” or “3600”; None for nothing. ValueError else."""
    plain = text.strip().lower()
    if plain in {"", "-", "–", "none", "never"}:
        return None
    found = _LENGTH.fullmatch(plain)
    if plain not in _WORDS and found is None:
        raise ValueError(f"“{text[:40]}” is no cadence. Write one such as 6 h, daily or 900.")
    seconds = _WORDS.get(plain) or int(found[1]) * _UNITS[found[2] or "s"]  # type: ignore[index] # not None here
    if not LEAST <= seconds <= MOST:
        raise ValueError("A cadence is between a minute and a year.")
    return seconds


def words(seconds: int | None) -> str:
    """ "every 6 h", "daily", in the largest unit that says it exactly; empty where nothing runs."""
    if seconds is None:
        return ""
    for word in ("hourly", "daily", "weekly"):
        if seconds == _WORDS[word]:
            return word
    unit = next(unit for unit in ("w", "d", "h", "m", "s") if seconds % _UNITS[unit] == 0)
    return f"every {seconds // _UNITS[unit]} {unit}"
