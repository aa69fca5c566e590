"""What a deadline costs: `make bench-sla`, or `python -m benchmarks.deadline`.

One office calendar in Berlin (Monday to Friday 09:00 to 18:00, with holidays), four targets, and in
one run for each:

- empty: a call of a function that does nothing, the floor of any figure here;
- warm: the calendar has been asked before, as in a sweep over many clocks;
- cold: a calendar that was just built from its row;
- first: as cold, and the process has not read these days of the zone before;
- walk: a plain walk minute by minute through the open days, which gives the same answer.

Medians of many rounds, one kind after the other in each round so that a busy machine touches all.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from apps.calendars.businesstime import DAYS, Calendar, calendar, deadline

ROUNDS = 15
HOUR = 3600
WORKING_DAY = 9 * HOUR
START = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
CLOSED = {"2026-12-25": [], "2026-12-26": [], "2027-01-01": [], "2026-12-24": [[540, 720]]}
TARGETS = {
    "1 hour": HOUR,
    "1 working day": WORKING_DAY,
    "5 working days": 5 * WORKING_DAY,
    "20 working days": 20 * WORKING_DAY,
}
BUDGET = 300.0  # µs for a deadline over 20 working days


def office() -> Calendar:
    return Calendar.of("Europe/Berlin", {day: [[540, 1080]] for day in DAYS[:5]}, CLOSED)


def walk(rules: Calendar, start: datetime, seconds: int) -> datetime:
    """The first minute that begins with the target used up, found by looking at each in turn."""
    zone = ZoneInfo(rules.zone)
    exceptions = dict(rules.exceptions)
    instant, left = start, seconds // 60
    while True:
        local = instant.astimezone(zone)
        spans = exceptions.get(local.date(), rules.weekly[local.weekday()])
        if not spans:
            tomorrow = local.date() + timedelta(days=1)
            instant = midnight(tomorrow, zone)
            continue
        minute = local.hour * 60 + local.minute
        if any(opens <= minute < closes for opens, closes in spans):
            if not left:
                return instant
            left -= 1
        instant += timedelta(minutes=1)


def midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=zone).astimezone(UTC)


def empty(rules: Calendar, start: datetime, seconds: int) -> None:
    """Nothing, with the same arguments."""


def measured(call: Callable[[], object], times: int, before: Callable[[], object]) -> float:
    """Microseconds of one call; `before` runs ahead of each and is not counted."""
    clock, spent = time.perf_counter, 0.0
    for _ in range(times):
        before()
        began = clock()
        call()
        spent += clock() - began
    return spent / times * 1e6


def looped(call: Callable[[], object], times: int) -> float:
    """Microseconds of one call among many in a row, for what is short beside the clock itself."""
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times * 1e6


def one_round(rules: Calendar, seconds: int) -> dict[str, float]:
    def forget() -> None:
        rules._blocks.clear()

    def forget_all() -> None:
        forget()
        calendar._midnight_offset.cache_clear()

    def ask() -> object:
        return deadline(rules, START, seconds)

    return {
        "empty": looped(lambda: empty(rules, START, seconds), 20_000),
        "warm": looped(ask, 5_000),
        "cold": measured(ask, 100, forget),
        "first": measured(ask, 40, forget_all),
        "walk": measured(lambda: walk(rules, START, seconds), 1, lambda: None),
    }


def median_of(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {kind: statistics.median(one[kind] for one in rounds) for kind in rounds[0]}


def main() -> None:
    rules = office()
    print(f"Deadlines, µs a call, median of {ROUNDS} rounds; Python {platform.python_version()}")
    print(
        f"{'target':16}{'empty':>8}{'warm':>8}{'cold':>8}{'first':>8}{'walk':>10}{'walk/warm':>11}"
    )
    figures: dict[str, float] = {}
    for name, seconds in TARGETS.items():
        assert deadline(rules, START, seconds) == walk(rules, START, seconds), name
        figures = median_of([one_round(rules, seconds) for _ in range(ROUNDS)])
        shown = [figures[kind] for kind in ("empty", "warm", "cold", "first")]
        cells = "".join(f"{value:8.2f}" for value in shown)
        print(f"{name:16}{cells}{figures['walk']:10.0f}{figures['walk'] / figures['warm']:10.0f}x")
    worst = max(figures["cold"], figures["first"])
    kept = "kept" if worst < BUDGET else "NOT KEPT"
    print(f"Budget for 20 working days: {BUDGET:.0f} µs, {kept}: at most {worst:.0f} µs.")


if __name__ == "__main__":
    main()
