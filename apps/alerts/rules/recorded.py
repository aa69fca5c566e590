"""History as a reader: loaded once, asked at any moment. Pure.

It holds what one rule asks for and nothing else: its groups, facet and objective were chosen when
it was loaded. Counts are summed up by the minute, so that a stretch between whole minutes is exact.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate

from apps.alerts.rules.facts import (
    Aged,
    Duration,
    Ending,
    Inventory,
    NotRecorded,
    Reading,
    SourceFact,
    Tally,
)
from apps.telemetry.percentile import cont


class Counts:
    """(epoch second, bad, total) in order of time, summed from the left."""

    def __init__(self, rows: Iterable[tuple[float, int, int]]) -> None:
        ordered = sorted(rows)
        self.at = [row[0] for row in ordered]
        self.bad = [0, *accumulate(row[1] for row in ordered)]
        self.total = [0, *accumulate(row[2] for row in ordered)]

    def between(self, since: datetime, until: datetime) -> Tally:
        """Of [since, until)."""
        first = bisect_left(self.at, since.timestamp())
        last = bisect_left(self.at, until.timestamp())
        return Tally(self.bad[last] - self.bad[first], self.total[last] - self.total[first])


@dataclass(frozen=True, slots=True)
class PastSource:
    """A source as it is now, and when it succeeded, in order."""

    now: SourceFact
    successes: Sequence[datetime]

    def at(self, moment: datetime) -> SourceFact | None:
        """As it was known then; None before anybody knew it."""
        if self.now.known_since > moment:
            return None
        done = bisect_right(self.successes, moment)
        last = self.successes[done - 1] if done else None
        return replace(self.now, last_success_at=last, changed_at=None)


@dataclass(frozen=True, slots=True)
class PastChanges:
    """Columns of one group that changed their type, in order, and how many it has."""

    rows: Sequence[tuple[datetime, str]]
    columns: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class PastTimes:
    """When runs of one group ended and how many seconds they took, in order."""

    ends: Sequence[datetime]
    seconds: Sequence[float]


@dataclass(frozen=True)
class Recorded:
    """A `facts.Reader` of the past. What was not loaded is not recorded."""

    counts: Mapping[str, Counts] | None = None  # of runs, labels, or an objective under ""
    shares: Mapping[str, float] = field(default_factory=dict)
    singles: Sequence[tuple[datetime, bool]] | None = None  # end, bad; in order
    values: Mapping[str, Sequence[Reading]] | None = None
    ends: Mapping[str, Sequence[Ending]] | None = None  # by the time of reading
    past_sources: Sequence[PastSource] | None = None
    changes: Mapping[str, PastChanges] | None = None
    times: Mapping[str, PastTimes] | None = None
    first: datetime | None = None

    @property
    def groups(self) -> int:
        """How many groups a look goes over, at the most."""
        kept = (self.counts, self.values, self.ends, self.past_sources, self.changes, self.times)
        return max(len(one) for one in (*kept, ("",)) if one is not None)

    @property
    def rows(self) -> int:
        """How many readings or durations looks go over one by one, in all."""
        values = sum(len(one) for one in (self.values or {}).values())
        return values + sum(len(one.ends) for one in (self.times or {}).values())

    def runs(
        self, *, source: str, facet: str, by: str, since: datetime, until: datetime
    ) -> dict[str, Tally]:
        return self._tallies(since, until)

    def labels(
        self, *, truths: Sequence[str], by: str, since: datetime, until: datetime
    ) -> dict[str, Tally]:
        return self._tallies(since, until)

    def _tallies(self, since: datetime, until: datetime) -> dict[str, Tally]:
        found = {key: one.between(since, until) for key, one in self._counts().items()}
        return {key: tally for key, tally in found.items() if tally.total}

    def _counts(self) -> Mapping[str, Counts]:
        if self.counts is None:
            raise NotRecorded("No history of counts is kept for this rule.")
        return self.counts

    def weights(self) -> dict[str, float]:
        return dict(self.shares)

    def slo(self, *, since: datetime, until: datetime) -> Tally:
        whole = self._counts().get("")
        return whole.between(since, until) if whole else Tally()

    def newest_first(self, *, count: int, until: datetime) -> Sequence[bool]:
        rows = self.singles or ()
        last = bisect_left(rows, until, key=lambda row: row[0])
        return [bad for _, bad in reversed(rows[max(0, last - count) : last])]

    def readings(
        self, *, metric: str, subject: str, since: datetime, until: datetime
    ) -> dict[str, list[Reading]]:
        if self.values is None:
            raise NotRecorded("No history of readings is kept for this rule.")
        found: dict[str, list[Reading]] = {}
        for of, rows in self.values.items():
            first = bisect_left(rows, since, key=lambda row: row.at)
            last = bisect_left(rows, until, key=lambda row: row.at)
            if first < last:
                found[of] = list(rows[first:last])
        return found

    def endings(self, *, metric: str, subject: str, until: datetime) -> dict[str, Ending]:
        if self.ends is None:
            raise NotRecorded("No history of end dates is kept for this rule.")
        found: dict[str, Ending] = {}
        for of, rows in self.ends.items():
            last = bisect_right(rows, until, key=lambda row: row.at)
            if last:
                found[of] = rows[last - 1]
        return found

    def sources(self, *, now: datetime) -> Sequence[SourceFact]:
        if self.past_sources is None:
            raise NotRecorded("No history of sources is kept for this rule.")
        found = [one.at(now) for one in self.past_sources]
        return [one for one in found if one is not None]

    def aged(
        self, *, what: str, priority: str, calendar: str,
        days: float | None, seconds: float | None, now: datetime,
    ) -> Sequence[Aged]:  # fmt: skip
        raise NotRecorded("How old things were at an earlier moment is not kept.")

    def inventory(self, *, by: str, since: datetime, until: datetime) -> dict[str, Inventory]:
        if self.changes is None:
            raise NotRecorded("No history of inventories is kept for this rule.")
        found: dict[str, Inventory] = {}
        for key, past in self.changes.items():
            first = bisect_left(past.rows, since, key=lambda row: row[0])
            last = bisect_left(past.rows, until, key=lambda row: row[0])
            columns = {column for _, column in past.rows[first:last]}
            found[key] = Inventory(len(columns), past.columns, past.label)
        return found

    def durations(
        self, *, facet: str, by: str, since: datetime, until: datetime
    ) -> dict[str, Duration]:
        if self.times is None:
            raise NotRecorded("No history of durations is kept for this rule.")
        found: dict[str, Duration] = {}
        for key, past in self.times.items():
            first, last = bisect_left(past.ends, since), bisect_left(past.ends, until)
            if first < last:
                found[key] = Duration(cont(past.seconds[first:last], 0.95), last - first)
        return found

    def counted(self, *, what: str, since: datetime, until: datetime) -> int:
        return self.slo(since=since, until=until).bad

    def history_from(self, *, what: str) -> datetime | None:
        return self.first
