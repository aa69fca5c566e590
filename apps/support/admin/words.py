"""How managers type promises: “15 min”, “1 d”, “none”; “50, 80”; “owner at once; lead after 1 h”.

Pure. Of promises a day is nine working hours; of steps after a breach, which count elapsed time, it
is 24 hours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from apps.support.models import EscalationStep
from apps.support.services.policies import Step

MINUTE, HOUR = 60, 3600
WORKING_DAY = 9 * HOUR
DAY = 24 * HOUR
MAX_TEXT = 400
NOTHING = frozenset({"", "none", "-", "–", "no", "never"})
AT_ONCE = "at once"
RAISE = "raise priority"

_PART = re.compile(r"([0-9]{1,6}(?:[.,][0-9]{1,2})?)\s*([a-z]+)", re.ASCII)
_UNITS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
}
Tell = EscalationStep.Notify
_WHO = {
    **dict.fromkeys(("owner", "the owner"), Tell.OWNER),
    **dict.fromkeys(("backup", "the backup"), Tell.BACKUP),
    **dict.fromkeys(("lead", "the lead", "team lead"), Tell.LEAD),
    **dict.fromkeys(("page", "on call", "page on call"), Tell.PAGE),
}
_STEP = re.compile(r"(?P<who>[a-z ]+?)\s+(?P<when>at once|after\s+[0-9].*)")


# -- durations


def read(text: str, *, day: int = WORKING_DAY) -> int | None:
    """Seconds of “1 h 30 min”, None for “none”. ValueError, in words, for anything else."""
    plain = " ".join(text.lower().split())
    if plain in NOTHING:
        return None
    rest = _PART.sub("", plain)
    if rest.replace(",", "").replace("and", "").strip() or len(plain) > 60:
        raise ValueError("Write a time such as 15 min, 2 h or 1 d, or none.")
    sizes, total = {"s": 1, "min": MINUTE, "h": HOUR, "d": day}, Fraction(0)
    for number, unit in _PART.findall(plain):
        if unit not in _UNITS:
            raise ValueError(f"“{unit}” is no unit: write min, h or d.")
        total += Fraction(number.replace(",", ".")) * sizes[_UNITS[unit]]
    return int(total)


def show(seconds: int | None, *, day: int | None = WORKING_DAY) -> str:
    """“1 d”, “1 h 30 min”, “none”: whole days where it is that, without them if `day` is None."""
    if seconds is None:
        return "none"
    if day and seconds and seconds % day == 0:
        return f"{seconds // day} d"
    hours, rest = divmod(seconds, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 min"


# -- warnings


def read_percents(text: str) -> tuple[int, ...]:
    """(50, 80) of “50, 80 %”. ValueError, in words, for anything else."""
    plain = text.replace("%", " ").replace(",", " ").replace(";", " ").split()
    if [part.lower() for part in plain] in ([], ["none"]):
        return ()
    if len(plain) > 20 or not all(part.isascii() and part.isdigit() for part in plain):
        raise ValueError("Write percentages such as 50, 80, or none.")
    return tuple(sorted({int(part[:4]) for part in plain}))


def show_percents(percents: Iterable[int]) -> str:
    return ", ".join(str(one) for one in sorted(percents)) or "none"


# -- steps


def read_steps(text: str) -> tuple[Step, ...]:
    """The steps of “owner at once; page after 15 min, raise priority”. ValueError, in words."""
    if text.strip().lower() in NOTHING:
        return ()
    parts = [" ".join(part.lower().split()) for part in re.split(r"[;\n]", text)]
    return tuple(_read_step(part) for part in parts if part)


def _read_step(text: str) -> Step:
    bare = re.sub(rf"[,\s]*(and\s+)?{RAISE}$", "", text)
    found = _STEP.fullmatch(bare)
    who = _WHO.get(found["who"]) if found else None
    if found is None or who is None:
        example = "owner at once; page after 15 min; lead after 1 h"
        raise ValueError(f"“{text[:60]}” is no step. Write steps such as: {example}.")
    when = found["when"]
    after = 0 if when == AT_ONCE else read(when.removeprefix("after"), day=DAY)
    return Step(after or 0, who, bare != text)


def show_steps(steps: Iterable[Step]) -> str:
    return "; ".join(_show_step(step) for step in steps) or "none"


def _show_step(step: Step) -> str:
    after = step.after_seconds
    when = f"after {show(after, day=DAY)}" if after else AT_ONCE
    return f"{step.notify} {when}" + (f", {RAISE}" if step.raise_priority else "")
