"""Opening hours as people write them: “09:00-12:30, 13:30-18:00”, and dates in lines of their own.

Pure. What cannot be read is a ValueError in words for the person who typed it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

MOST_LINES = 800
MOST_SPANS = 24  # of one day
LONGEST_NAME = 80
LONGEST_LINE = 400
ALL_DAY = [[0, 1440]]

Minutes = list[list[int]]
Exceptions = dict[str, dict[str, Any]]

_CLOCK = r"(?P<hour>[0-9]{1,2})(?:[:.](?P<minute>[0-9]{2}))?"
_EDGE = re.compile(_CLOCK)
_DASH = r"\s*(?:-|–|to)\s*"
_SPAN = re.compile(r"[0-9]{1,2}(?:[:.][0-9]{2})?" + _DASH + r"[0-9]{1,2}(?:[:.][0-9]{2})?")
_LIST = re.compile(rf"{_SPAN.pattern}(?:\s*,\s*{_SPAN.pattern})*")
_CLOSED = re.compile(r"closed\b[\s,:]*", re.IGNORECASE)
_WHOLE = re.compile(r"(?:all day|24 ?h(?:ours)?|24/7)\b[\s,:]*", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EXAMPLE = "Write hours such as 09:00-12:30, 13:30-18:00."


def minutes_of(text: str) -> int:
    """`HH:MM` as minutes of the day; 24:00 is 1440."""
    found = _EDGE.fullmatch(text.strip())
    hour, minute = (int(found["hour"]), int(found["minute"] or 0)) if found else (99, 0)
    if minute > 59 or hour * 60 + minute > 1440:
        raise ValueError(f"“{text.strip()[:20]}” is no time of day. {_EXAMPLE}")
    return hour * 60 + minute


def read_hours(text: str) -> Minutes:
    """One day's opening hours; empty or “closed” for none, “all day” for all of it."""
    words = text.strip()
    if not words or _CLOSED.fullmatch(words):
        return []
    if _WHOLE.fullmatch(words):
        return [list(span) for span in ALL_DAY]
    parts = [part.strip() for part in words.split(",") if part.strip()]
    if len(parts) > MOST_SPANS:
        raise ValueError(f"A day has at most {MOST_SPANS} stretches of opening hours.")
    return [_span(part) for part in parts]


def _span(text: str) -> list[int]:
    if not _SPAN.fullmatch(text):
        raise ValueError(f"“{text[:40]}” cannot be read. {_EXAMPLE}")
    opens, closes = (minutes_of(edge) for edge in re.split(_DASH, text))
    if closes <= opens:
        raise ValueError(
            f"“{text[:40]}” closes before it opens. Hours past midnight belong to the next day: "
            "end one day at 24:00 and begin the other at 00:00."
        )
    return [opens, closes]


def read_dates(text: str) -> Exceptions:
    """Dates, one a line: `2026-12-24 09:00-12:00 Christmas Eve`, `2026-12-31 closed`.

    As the model keeps them, with the source "manual". The error names every line that is wrong.
    """
    lines = [line.strip() for line in text.splitlines()]
    found: Exceptions = {}
    wrong: list[str] = []
    if len(lines) > MOST_LINES:
        raise ValueError(f"At most {MOST_LINES} lines.")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            on, row = _line(line)
            if on in found:
                raise ValueError(f"{on} is there twice.")
            found[on] = row
        except ValueError as error:
            wrong.append(f"Line {number}: {error}")
    if wrong:
        raise ValueError(" ".join(wrong[:5]))
    return found


def _line(line: str) -> tuple[str, dict[str, Any]]:
    if len(line) > LONGEST_LINE:
        raise ValueError("That is too long.")
    on, _, rest = line.partition(" ")
    rest = rest.strip()
    _check_date(on)
    if found := _CLOSED.match(rest):
        spans: Minutes = []
    elif found := _WHOLE.match(rest):
        spans = [list(span) for span in ALL_DAY]
    elif found := _LIST.match(rest):
        spans = read_hours(found[0])
    else:
        raise ValueError("After the date write “closed” or hours such as 09:00-12:00.")
    name = rest[found.end() :].strip(" ,:")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"The name has at most {LONGEST_NAME} characters.")
    return on, {"spans": spans, "name": name, "source": "manual"}


def _check_date(text: str) -> None:
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year <= 2199:
        raise ValueError(f"“{text[:20]}” is no date such as 2026-12-24.")


# -- the way back


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def write_hours(spans: Iterable[Sequence[int]]) -> str:
    """`09:00-12:30, 13:30-18:00`; empty for none."""
    return ", ".join(f"{clock(opens)}-{clock(closes)}" for opens, closes in spans)


def write_dates(exceptions: Mapping[str, Mapping[str, Any]]) -> str:
    """The manual ones as lines that `read_dates` reads."""
    rows = sorted((on, row) for on, row in exceptions.items() if row.get("source") == "manual")
    return "\n".join(
        f"{on} {write_hours(row['spans']) or 'closed'} {row.get('name', '')}".strip()
        for on, row in rows
    )


def in_words(weekly: Mapping[str, Sequence[Sequence[int]]]) -> str:
    """A week in a line, days with equal hours joined: `Mon-Fri 09:00-18:00`."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    groups: list[tuple[list[str], str]] = []
    for day in days:
        text = write_hours(weekly.get(day, ()))
        if groups and groups[-1][1] == text:
            groups[-1][0].append(day)
        else:
            groups.append(([day], text))
    if len(groups) == 1 and groups[0][1] == write_hours(ALL_DAY):
        return "24 x 7"
    return "; ".join(f"{_days(names)} {text}" for names, text in groups if text)


def _days(names: list[str]) -> str:
    first, last = names[0].title(), names[-1].title()
    return first if first == last else f"{first}-{last}"
