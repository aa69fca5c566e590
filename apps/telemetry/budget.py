"""What an objective allows to go wrong, what of it is spent, and how long the rest lasts. Pure.

Sums are exact: an objective of 0.99 over 12,000 events allows 120 and not 120.0000000001, so that
the 120th is still within it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

DAY = 86_400
INCIDENT_SHARE = 0.2  # of a budget: one incident that spent more of it owes a review


@dataclass(frozen=True)
class State:
    """`consumed` and `remaining` are parts of the budget: above 1 and below 0 once it is spent.
    Without any event nothing can be said: None."""

    total: int
    bad: int
    allowed: float
    consumed: float | None
    remaining: float | None
    sli: float | None
    met: bool | None
    freeze: bool | None


@dataclass(frozen=True)
class Pace:
    """What one day is expected to bring."""

    bad: float
    total: float


def exact(objective: Decimal | float) -> Fraction:
    """The objective as it is written: 0.999 is 999 of 1,000."""
    return Fraction(str(objective))


def allowed(objective: Decimal | float, total: float) -> float:
    """How many of so many events may be bad."""
    return float(Fraction(total) * (1 - exact(objective)))


def state(objective: Decimal | float, total: int, bad: int) -> State:
    """The budget of a window that held so many events. Spent to the last event it is still met;
    one more freezes."""
    budget = Fraction(total) * (1 - exact(objective))
    if not total:
        return State(total, bad, 0.0, None, None, None, None, None)
    consumed = Fraction(bad) / budget
    return State(
        total=total,
        bad=bad,
        allowed=float(budget),
        consumed=float(consumed),
        remaining=float(1 - consumed),
        sli=float(1 - Fraction(bad, total)),
        met=consumed <= 1,
        freeze=consumed > 1,
    )


def seconds(objective: Decimal | float, period: float) -> float:
    """How long something may be away within a period."""
    return allowed(objective, period)


def exhausted_after(burn: float, period: float, remaining: float = 1.0) -> float | None:
    """Seconds until what remains of a period's budget is spent at this burn rate; None when it
    never is."""
    if burn <= 0:
        return None
    return max(0.0, remaining) * period / burn


def exhaustion(
    days: Sequence[tuple[float, float]], pace: Pace, objective: Decimal | float
) -> float | None:
    """In how many days a rolling window's budget is spent, if each day from now on is like `pace`.

    `days` are (bad, total) of the window's days, the oldest first: each day ahead one of them
    leaves, so old failures give budget back. 0 when it is spent now; None when the window fills up
    with such days and its budget is not spent.
    """
    share = float(1 - exact(objective))
    bad, total = sum(day[0] for day in days), sum(day[1] for day in days)
    over = bad - share * total
    if total and over > 0:
        return 0.0
    for number, (old_bad, old_total) in enumerate(days):
        step = (pace.bad - old_bad) - share * (pace.total - old_total)
        if over + step > 0 and step > 0:
            return number - over / step
        over += step
    return None


def share_of_budget(bad: float, allowed: float) -> float | None:
    """Which part of a budget one incident spent."""
    return bad / allowed if allowed else None
