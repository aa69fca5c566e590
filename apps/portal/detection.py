"""Who noticed first, and which rules cry wolf. Pure: instants in, figures out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

FLAPS = 3  # times fired and resolved within a day: then a rule says little
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Noticed:
    """When a customer first wrote of something, and when the first alert came; None: never."""

    ticket_at: datetime | None
    alert_at: datetime | None

    @property
    def ahead(self) -> timedelta | None:
        """How much earlier than the alert the customer was; negative when the alert was first."""
        if self.ticket_at is None or self.alert_at is None:
            return None
        return self.alert_at - self.ticket_at

    @property
    def customer_first(self) -> bool | None:
        """None where no customer wrote, so that nobody can be first."""
        if self.ticket_at is None:
            return None
        return self.alert_at is None or self.ticket_at < self.alert_at


@dataclass(frozen=True)
class Race:
    """Of the incidents that customers wrote of (`n`): in how many they were first, and in how many
    of these no alert came at all. The median is of those with both, where they were first."""

    n: int
    customer_first: int
    never_alerted: int
    median_ahead: timedelta | None
    measured: int


def race(cases: Iterable[Noticed]) -> Race:
    """The figures over all incidents of a time."""
    rows = [one for one in cases if one.customer_first is not None]
    first = [one for one in rows if one.customer_first]
    lengths = [one.ahead for one in first if one.ahead is not None]
    half = median(length.total_seconds() for length in lengths) if lengths else None
    return Race(
        n=len(rows),
        customer_first=len(first),
        never_alerted=len(first) - len(lengths),
        median_ahead=None if half is None else timedelta(seconds=half),
        measured=len(lengths),
    )


@dataclass(frozen=True)
class Flap:
    """The worst day of a rule's group: so many times it fired and resolved within 24 hours."""

    times: int
    since: datetime


def flapping(firings: Sequence[tuple[datetime, datetime | None]]) -> Flap | None:
    """The worst 24 hours over (fired, resolved) of one group; None below three times.

    A group fires again only after it has resolved, so both times come in the same order.
    """
    pairs = sorted((fired, ended) for fired, ended in firings if ended is not None)
    ends = [ended for _, ended in pairs]
    worst: Flap | None = None
    for number, (start, _) in enumerate(pairs):
        within = bisect_right(ends, start + DAY) - number
        if within >= FLAPS and (worst is None or within > worst.times):
            worst = Flap(within, start)
    return worst
