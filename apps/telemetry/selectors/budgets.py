"""What is left of the error budgets, how fast they burn, and what a spent one stops.

A window is whole days in UTC, today included, so that it reads the daily sums that are kept as
runs come in. Burn rates look at shorter times and read the runs themselves. However many
objectives are asked for, the number of statements is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Q

from apps.ownership.models import Surface
from apps.telemetry import budget as calculator
from apps.telemetry import burnrate
from apps.telemetry.burnrate import BurnWindow
from apps.telemetry.models import Slo
from apps.telemetry.selectors import series
from apps.telemetry.selectors.events import Cell, Recent, bad_of, days_of, recent_of
from apps.telemetry.selectors.rates import Tally

DAY = timedelta(days=1)
ENOUGH = 20  # events before a pace says anything of the days to come
NONE = Tally()


@dataclass(frozen=True)
class Day:
    """One day (UTC) of the window, with the part of the whole window's budget left at its end."""

    at: datetime
    tally: Tally
    remaining: float | None

    @property
    def date(self) -> date:
        return self.at.date()


@dataclass(frozen=True)
class Burn:
    """How fast the budget went in the last hours; `rate` None: nothing happened in them."""

    hours: int
    bad: int
    total: int
    rate: float | None


@dataclass(frozen=True)
class Budget:
    """One objective at one instant. `since` is the first midnight (UTC) of its window."""

    slo: Slo
    now: datetime
    since: datetime
    tally: Tally
    state: calculator.State
    burns: Sequence[Burn]
    days: Sequence[Day]
    exhausts_in: timedelta | None  # from now, at the pace of the last day or three

    @property
    def exhausts_at(self) -> datetime | None:
        return None if self.exhausts_in is None else self.now + self.exhausts_in

    @property
    def is_spent(self) -> bool:
        return self.state.freeze is True

    @property
    def freezes(self) -> bool:
        return self.is_spent and self.slo.policy == Slo.Policy.FREEZE

    @property
    def per_hour(self) -> float:
        """How busy it is, which decides what windows mean anything, here and for its rules."""
        totals = {burn.hours: burn.total for burn in self.burns}
        return burnrate.hourly(totals[24], totals[72])

    @property
    def by_consecutive(self) -> bool:
        return burnrate.by_consecutive(self.per_hour)

    @property
    def in_a_row(self) -> bool:
        """So many failures in a row page: where there is no rate to speak of, and single ones."""
        return self.by_consecutive and self.slo.sli in {Slo.Sli.PROFILE_RUNS, Slo.Sli.REPORT_RUNS}

    @property
    def judged(self) -> int:
        """What was counted, with what was left out as the customer's own fault."""
        return self.tally.n + self.tally.excluded

    @property
    def windows(self) -> tuple[BurnWindow, ...]:
        return burnrate.windows_for(self.per_hour)


@dataclass(frozen=True)
class Freeze:
    """Why releases of a surface stop: the objectives whose budget is spent."""

    budgets: Sequence[Budget]

    @property
    def reason(self) -> str:
        names = ", ".join(one.slo.name for one in self.budgets)
        return f"The error budget is spent: {names}. Only P0 and security fixes go out."


def budget(*, slo: Slo, now: datetime) -> Budget:
    """One objective's budget."""
    return budgets(slos=[slo], now=now)[0]


def budgets(*, slos: Sequence[Slo], now: datetime) -> list[Budget]:
    """The budget of each, in the order given."""
    now = now.astimezone(UTC)
    below = _below()
    slis = {slo.sli for slo in slos}
    longest = max((slo.window_days for slo in slos), default=1)
    since, counted = first_day(now, longest), {slo.count_key for slo in slos if slo.count_key}
    cells = {sli: days_of(sli, since=since, now=now, counted=counted) for sli in slis}
    recent = {sli: recent_of(sli, now=now, counted=counted) for sli in slis}
    return [
        _of(
            slo,
            [cell for cell in cells[slo.sli] if _counts(slo, cell, below)],
            [cell for cell in recent[slo.sli] if _counts(slo, cell, below)],
            now,
        )
        for slo in slos
    ]


def first_day(now: datetime, days: int) -> datetime:
    """The midnight (UTC) at which a window of so many days begins that ends today."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - (days - 1) * DAY


def bad_within(*, slo: Slo, spans: Sequence[tuple[datetime, datetime]]) -> list[int]:
    """How many bad events came in each [start, end], such as while an incident lasted.

    Runs are kept for 90 days: older ones are not there to be counted.
    """
    return bad_of(slo, spans, series.below(slo.surface))


def frozen(*, surface: Surface, now: datetime) -> Freeze | None:
    """Whether releases of a surface are to stop, and why.

    Objectives count that speak of the surface, of one above or below it, or of everything.
    """
    parents = _parents()
    line = _upwards(surface.pk, parents) | _downwards(surface.pk, parents)
    rows = Slo.objects.filter(archived_at=None, policy=Slo.Policy.FREEZE)
    rows = rows.filter(Q(surface=None) | Q(surface__in=line)).select_related("surface")
    spent = [one for one in budgets(slos=list(rows), now=now) if one.is_spent]
    return Freeze(spent) if spent else None


def _of(slo: Slo, cells: Sequence[Cell], recent: Sequence[Recent], now: datetime) -> Budget:
    since = first_day(now, slo.window_days)
    by_day: dict[datetime, Tally] = {}
    for cell in cells:
        if cell.at >= since:
            by_day[cell.at] = by_day.get(cell.at, NONE) + cell.tally
    tally = sum(by_day.values(), NONE)
    state = calculator.state(slo.objective, tally.n, tally.bad)
    burns = [_burn(slo, recent, number) for number in range(len(Recent.HOURS))]
    days = _days(by_day, since, slo.window_days, state)
    ends = _exhausted(days, burns, slo)
    return Budget(slo, now, since, tally, state, burns, days, ends)


def _burn(slo: Slo, recent: Sequence[Recent], number: int) -> Burn:
    bad = sum(int(row.windows[number].bad) for row in recent)
    total = sum(int(row.windows[number].total) for row in recent)
    rate = burnrate.burn(bad, total, float(slo.objective))
    return Burn(Recent.HOURS[number], bad, total, rate)


def _days(
    by_day: dict[datetime, Tally], since: datetime, count: int, state: calculator.State
) -> list[Day]:
    result, spent = [], 0
    for number in range(count):
        at = since + number * DAY
        tally = by_day.get(at, NONE)
        spent += tally.bad
        left = 1 - spent / state.allowed if state.allowed else None
        result.append(Day(at, tally, left))
    return result


def _exhausted(days: Sequence[Day], burns: Sequence[Burn], slo: Slo) -> timedelta | None:
    pace = next((burn for burn in burns if burn.hours >= 24 and burn.total >= ENOUGH), None)
    if pace is None:
        return None
    each = calculator.Pace(pace.bad * 24 / pace.hours, pace.total * 24 / pace.hours)
    past = [(day.tally.bad, day.tally.n) for day in days]
    found = calculator.exhaustion(past, each, slo.objective)
    return None if found is None else timedelta(days=found)


# -- which events an objective speaks of


def _counts(slo: Slo, cell: Cell | Recent, below: dict[int, set[int]]) -> bool:
    if slo.surface_id and cell.surface_id not in below.get(slo.surface_id, {slo.surface_id}):
        return False
    if slo.facet and cell.facet != slo.facet:
        return False
    return slo.sli != Slo.Sli.COUNTS or cell.key == slo.count_key


def _parents() -> dict[int, int | None]:
    return dict(Surface.objects.values_list("pk", "parent_id"))


def _below() -> dict[int, set[int]]:
    """Every surface with itself and all that hang below it."""
    parents = _parents()
    found: dict[int, set[int]] = {pk: set() for pk in parents}
    for pk in parents:
        for above in _upwards(pk, parents):
            found[above].add(pk)
    return found


def _upwards(pk: int, parents: dict[int, int | None]) -> set[int]:
    line: set[int] = set()
    above: int | None = pk
    while above is not None and above not in line:
        line.add(above)
        above = parents.get(above)
    return line


def _downwards(pk: int, parents: dict[int, int | None]) -> set[int]:
    return {one for one in parents if pk in _upwards(one, parents)}
