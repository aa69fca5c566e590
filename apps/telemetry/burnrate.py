"""How fast an error budget is spent, and when somebody must know. Pure.

A burn rate of 1 spends exactly the budget over its period. A rule looks at a long window, which
says that it matters, and at a short one, which says that it goes on. Times are seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, NamedTuple

from apps.telemetry.judging import Look
from apps.telemetry.proportions import binomial_upper_tail

MINUTE, HOUR, DAY = 60, 3600, 86_400
PERIOD = 30 * DAY
MIN_TOTAL, MIN_BAD = 20, 3  # below these a ratio of few events says nothing
CONSECUTIVE = 3  # failures in a row that page where there is no rate to speak of
BUSY, CALM = 20.0, 3.0  # events an hour: from here all windows; below this none by rate
_HAIR = 1e-9  # relative: 144 of 10,000 is not above 14.4 times 0.001, whatever floats say


class Window(NamedTuple):
    """What a stretch of time held."""

    bad: float
    total: float

    @property
    def ratio(self) -> float | None:
        return self.bad / self.total if self.total else None


@dataclass(frozen=True)
class BurnWindow:
    """One pair of windows with its burn rate. `severity`: a page wakes, a ticket waits."""

    severity: Literal["page", "ticket"]
    long_seconds: int
    short_seconds: int
    burn: float
    min_total: int = MIN_TOTAL
    min_bad: int = MIN_BAD

    @property
    def key(self) -> str:
        days, hours = divmod(self.long_seconds, DAY)
        long = f"{days}d" if days > 1 and not hours else f"{self.long_seconds // HOUR}h"
        return f"{self.severity}-{long}"


@dataclass(frozen=True)
class Reset:
    """How an outage ends for a rule, in seconds after its beginning and after its end."""

    fires: bool
    fire_at: float | None = None
    short_below: float | None = None
    long_below: float | None = None

    @property
    def resolves(self) -> float | None:
        if self.short_below is None or self.long_below is None:
            return None
        return min(self.short_below, self.long_below)


# The multi-window rules of the SRE Workbook (table 5-8, and its sample of four pairs).
RECOMMENDED: tuple[BurnWindow, ...] = (
    BurnWindow("page", HOUR, 5 * MINUTE, 14.4),
    BurnWindow("page", 6 * HOUR, 30 * MINUTE, 6),
    BurnWindow("ticket", DAY, 2 * HOUR, 3),
    BurnWindow("ticket", 3 * DAY, 6 * HOUR, 1),
)
_BUSY = (
    BurnWindow("page", HOUR, 15 * MINUTE, 14.4),  # five minutes would often hold nothing
    *RECOMMENDED[1:],
)


def hourly(day: float, three_days: float) -> float:
    """Events an hour by what came in a day and in three, whichever was busier: a weekend does not
    make an objective quiet, and a new one has no three days yet."""
    return max(day / 24, three_days / 72)


def windows_for(per_hour: float) -> tuple[BurnWindow, ...]:
    """Which windows mean anything at so many events an hour.

    Below three an hour no window pages: one failure would be a fire. Then so many failures in a
    row page (`consecutive_look`), and the long windows still write tickets.
    """
    if per_hour >= BUSY:
        return _BUSY
    return _BUSY[1:] if per_hour >= CALM else _BUSY[2:]


def by_consecutive(per_hour: float) -> bool:
    """Whether failures in a row page, as there is too little for a rate."""
    return per_hour < CALM


def consecutive_look(newest_first: Sequence[bool], k: int = CONSECUTIVE) -> Look:
    """Firing when the last k events were all bad (True)."""
    if not newest_first:
        return "no_data"
    if len(newest_first) < k:
        return "insufficient_data"
    return "firing" if all(newest_first[:k]) else "ok"


# -- one look


def threshold(slo: float, burn: float) -> float:
    """The failure rate at which a budget burns so fast."""
    return burn * (1 - slo)


def burn(bad: float, total: float, slo: float) -> float | None:
    """How fast the budget is spent by what a window held; None of nothing."""
    return round(bad / total / (1 - slo), 9) if total else None


def exceeds(window: Window, limit: float) -> bool:
    """Strictly above the limit; an empty window exceeds nothing."""
    return window.total > 0 and window.bad > limit * window.total * (1 + _HAIR)


def burn_look(
    long: Window,
    short: Window,
    slo: float,
    burn: float,
    min_total: int = MIN_TOTAL,
    min_bad: int = MIN_BAD,
    previous: str = "ok",
) -> str:
    """A Look, or what it was `previous`ly where the short window is empty: that is no evidence."""
    if not long.total:
        return "no_data"
    if long.total < min_total:
        return "insufficient_data"
    if not short.total:
        return previous
    limit = threshold(slo, burn)
    if not (exceeds(long, limit) and exceeds(short, limit)):
        return "ok"
    return "firing" if long.bad >= min_bad else "insufficient_data"


def run(
    buckets: Iterable[tuple[float, float]],
    *,
    slo: float,
    long: int,
    short: int,
    burn: float,
    min_total: int = 1,
    min_bad: int = 0,
) -> list[tuple[int, str]]:
    """When a rule fires and resolves over (bad, total) of buckets of equal length.

    `long` and `short` are numbers of buckets. It looks after each of them; the answer holds
    (how many buckets were over, "firing" or "resolved").
    """
    rows = list(buckets)
    bads = [0.0, *accumulate(bad for bad, _ in rows)]
    totals = [0.0, *accumulate(total for _, total in rows)]
    state, changes = "ok", []
    for end in range(1, len(rows) + 1):
        look = burn_look(
            _last(bads, totals, end, long), _last(bads, totals, end, short),
            slo, burn, min_total, min_bad, state,
        )  # fmt: skip
        if (look == "firing") != (state == "firing"):
            changes.append((end, "firing" if look == "firing" else "resolved"))
        state = look
    return changes


def _last(bads: Sequence[float], totals: Sequence[float], end: int, count: int) -> Window:
    start = max(0, end - count)
    return Window(bads[end] - bads[start], totals[end] - totals[start])


# -- what a rule would do, by arithmetic alone


def burn_for(budget_fraction: float, window: float, period: float = PERIOD) -> float:
    """The burn rate that spends this part of a period's budget within a window."""
    return budget_fraction * period / window


def spent(burn: float, window: float, period: float = PERIOD) -> float:
    """Which part of a period's budget a window at this burn rate spends."""
    return burn * window / period


def fires_after(slo: float, error_ratio: float, window: float, burn: float) -> float | None:
    """Seconds from the beginning of steady errors until the window has seen enough of them, after
    a clean past; None when it never does."""
    limit = threshold(slo, burn)
    if error_ratio <= limit * (1 + _HAIR):
        return None
    return limit / error_ratio * window


def reset(slo: float, error_ratio: float, outage: float, rule: BurnWindow) -> Reset:
    """When a rule fires in an outage of so many seconds, and when each window is below again."""
    at = fires_after(slo, error_ratio, rule.long_seconds, rule.burn)
    if at is None or at >= outage:
        return Reset(False)
    short = fires_after(slo, error_ratio, rule.short_seconds, rule.burn) or 0.0
    return Reset(True, max(at, short), rule.short_seconds - short, rule.long_seconds - at)


def max_burn(slo: float) -> float:
    """The burn rate when everything fails: more is not possible."""
    return 1 / (1 - slo)


def reachable(slo: float, burn: float) -> bool:
    """Whether a rule of this burn rate can ever fire."""
    return burn < max_burn(slo) * (1 - _HAIR)


def least_bad(n: int, slo: float, burn: float) -> int:
    """How many of n must fail before their share is above the threshold."""
    return math.floor(n * threshold(slo, burn) * (1 + _HAIR)) + 1


def false_alarm(n: int, true_rate: float, slo: float, burn: float) -> float:
    """How likely one look at n events exceeds the threshold when this share truly fails."""
    return binomial_upper_tail(least_bad(n, slo, burn), n, true_rate)
