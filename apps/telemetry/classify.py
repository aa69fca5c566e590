"""How a run is judged: whose fault, how large, good or bad. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

TABLES = ((10, "small"), (50, "medium"), (200, "large"))  # up to so many tables
ROWS = ((100_000, "small"), (10_000_000, "medium"), (1_000_000_000, "large"))
_FACTOR = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000, "t": 1_000_000_000_000}
_FIGURE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmbt]?)")
_NAMED = frozenset({"small", "medium", "large", "huge"})
# A duration says something of these; what failed halfway or was canceled took as long as it took.
TIMED = ("succeeded", "partial", "timed_out")


@dataclass(frozen=True, slots=True)
class CodeRule:
    """What a diagnostic code means."""

    blame: str
    is_timeout: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The editable tables, as plain values: codes by name, longest good seconds by size."""

    codes: Mapping[str, CodeRule] = field(default_factory=dict)
    seconds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    outcome: str
    blame: str  # empty where nothing failed
    verdict: str  # open, good, bad, excluded


_OPEN = Judgement("running", "", "open")
_GOOD = Judgement("succeeded", "", "good")
_SLOW = Judgement("succeeded", "", "bad")
_CANCELED = Judgement("canceled", "", "excluded")
_CUSTOMER = "customer"
_UNKNOWN = CodeRule("unknown")


def judge(
    outcome: str, *, code: str, duration_ms: int | None, size: str, rules: Rules
) -> Judgement:
    """What one run counts as.

    Canceled ones count for nothing. A failure that is the customer's is excluded; any other, one
    of unknown blame too, is bad: a guess must not hide a fault of ours. A success is bad when it
    took longer than its size may take. A failure whose code means that time ran out is a time-out.
    """
    if outcome == "succeeded":
        most = rules.seconds.get(size)
        slow = most is not None and duration_ms is not None and duration_ms > most * 1000
        return _SLOW if slow else _GOOD
    if outcome == "running":
        return _OPEN
    if outcome == "canceled":
        return _CANCELED
    rule = rules.codes.get(code, _UNKNOWN) if code else _UNKNOWN
    ended = "timed_out" if outcome == "failed" and rule.is_timeout else outcome
    return Judgement(ended, rule.blame, "excluded" if rule.blame == _CUSTOMER else "bad")


def size_of(row_count_bucket: str, tables: int | None) -> str:
    """How much a run had to look at: by its rows where their bucket can be read, else by tables.

    Rows: up to 100 thousand small, 10 million medium, a billion large, more huge. Tables: up to
    10 small, 50 medium, 200 large, more huge.
    """
    if row_count_bucket and (size := _size_of_rows(row_count_bucket)):
        return size
    if tables is None:
        return "unknown"
    return next((size for most, size in TABLES if tables <= most), "huge")


@lru_cache(maxsize=512)
def _size_of_rows(bucket: str) -> str:
    """`1k-10k`, `<1000`, `10m..100m`, `1b+`, `>1b` or a size's name; empty for anything else."""
    text = bucket.strip().lower().replace(",", "").replace("_", "")
    if text in _NAMED:
        return text
    figures = [float(figure) * _FACTOR[unit] for figure, unit in _FIGURE.findall(text)]
    if not figures:
        return ""
    over = text.startswith(">") or text.endswith("+")
    most = figures[-1] + (1 if over else 0)
    return next((size for limit, size in ROWS if most <= limit), "huge")
