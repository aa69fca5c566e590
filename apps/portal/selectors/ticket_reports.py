"""The reports page: which weeks, and every figure of it as tables and drawings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

from apps.accounts.models import Person
from apps.portal import charts, formats, plots
from apps.support.models import Metric, Priority
from apps.support.selectors import reports
from apps.support.selectors.reports import Aged, Flow, Kept, Share, Top

WEEKS = (4, 13, 26)
STANDARD = 13
LONGEST = 2 * 366  # days
QUEUE_DAYS = (30, 90)  # what the queue can filter by
KEPT = {"week": "Week", "metric": "Promise", "priority": "Priority", "owner": "Owner"}


@dataclass(frozen=True)
class Window:
    """[start, end) in a zone. `weeks` is 0 for dates chosen by hand; `last` is the last day."""

    start: datetime
    end: datetime
    zone: tzinfo
    weeks: int
    first: date
    last: date
    error: str = ""

    @property
    def text(self) -> str:
        """ "Mon 24 Aug to Fri 20 Nov"."""
        return f"{formats.plain_day(self.first, self.last)} to {formats.plain_day(self.last)}"

    @property
    def query(self) -> dict[str, str]:
        """The window as it stands in an address."""
        if self.weeks:
            return {"weeks": str(self.weeks)}
        return {"from": self.first.isoformat(), "to": self.last.isoformat()}


def window(params: Mapping[str, str], *, now: datetime, zone: tzinfo) -> Window:
    """The weeks asked for, this one included; or whole days, `to` included, up to now."""
    today = now.astimezone(zone).date()
    if params.get("from") or params.get("to"):
        try:
            return _dates(params, today, now, zone)
        except ValueError as error:
            words = str(error) if "isoformat" not in str(error) else "Write dates as 2026-03-31."
            return _weeks(STANDARD, today, now, zone, words)
    chosen = params.get("weeks", "")
    number = int(chosen) if chosen in {str(one) for one in WEEKS} else STANDARD
    return _weeks(number, today, now, zone)


def _weeks(number: int, today: date, now: datetime, zone: tzinfo, error: str = "") -> Window:
    monday = today - timedelta(days=today.weekday())
    first = monday - timedelta(weeks=number - 1)
    return Window(charts.local_midnight(first, zone), now, zone, number, first, today, error)


def _dates(params: Mapping[str, str], today: date, now: datetime, zone: tzinfo) -> Window:
    last = min(date.fromisoformat(params["to"]) if params.get("to") else today, today)
    given = params.get("from")
    first = date.fromisoformat(given) if given else last - timedelta(days=27)
    if first > last:
        raise ValueError("The first day comes after the last one, or is still to come.")
    if (last - first).days > LONGEST or first.year < 2000:
        raise ValueError("At most two years at once.")
    end = min(charts.local_midnight(last + timedelta(days=1), zone), now)
    return Window(charts.local_midnight(first, zone), end, zone, 0, first, last)


# -- the page


@dataclass(frozen=True)
class Report:
    """Everything on the page; `kept` by week, metric, priority and owner."""

    window: Window
    metric: str
    kept: Mapping[str, Sequence[Kept]]
    flow: Sequence[Flow]
    backlog: Sequence[Aged]
    first_contact: Share
    satisfaction: Share
    types: Sequence[Top]
    surfaces: Sequence[Top]

    @property
    def total(self) -> Kept:
        """All promises of the window together; no durations, which would mix minutes and weeks."""
        rows = self.kept["priority"]
        sums = (sum(getattr(row, name) for row in rows)
                for name in ("met", "missed", "waived", "without_reply"))  # fmt: skip
        return Kept("All", *sums)

    @property
    def open(self) -> int:
        return sum(row.total for row in self.backlog)

    @property
    def most(self) -> int:
        """The longest bar of the backlog."""
        return max((row.total for row in self.backlog), default=0)


def kept(person: Person, window: Window, metric: str) -> dict[str, list[Kept]]:
    """Promises by week, metric, priority and owner. How long it took is told by metric, and by
    the rest once one metric is chosen: a median of minutes and weeks together says nothing."""
    span: dict[str, Any] = {"start": window.start, "end": window.end, "zone": str(window.zone)}
    if metric:
        return reports.kept_by(person, by=list(KEPT), metric=metric, **span)
    others = [one for one in KEPT if one != "metric"]
    found = reports.kept_by(person, by=others, durations=False, **span)
    return {**found, "metric": reports.kept(person, by="metric", **span)}


def report(person: Person, window: Window, metric: str, *, now: datetime) -> Report:
    """All of it, for what the person may see."""
    span: dict[str, Any] = {"start": window.start, "end": window.end}
    return Report(
        window=window,
        metric=metric,
        kept=_every_week(kept(person, window, metric), window),
        flow=reports.flow(person, **span, zone=str(window.zone)),
        backlog=reports.backlog(person, now=now),
        first_contact=reports.first_contact(person, **span),
        satisfaction=reports.satisfaction(person, **span),
        types=reports.top_types(person, **span),
        surfaces=reports.top_surfaces(person, **span),
    )


def _every_week(found: dict[str, list[Kept]], window: Window) -> dict[str, list[Kept]]:
    """A week in which nothing was stopped is a week all the same."""
    there = {row.key: row for row in found["week"]}
    names = reports.weeks(window.start, window.end, str(window.zone))
    return {
        **found,
        "week": [there.get(name) or Kept(name, 0, 0, 0, 0, key=name) for name in names],
    }


# -- drawings


def kept_series(rows: Sequence[Kept]) -> list[plots.Series]:
    return [
        plots.Series("kept", [row.met for row in rows], "pl-good"),
        plots.Series("missed", [row.missed for row in rows], "pl-bad"),
    ]


def flow_series(rows: Sequence[Flow]) -> list[plots.Series]:
    return [
        plots.Series("created", [row.created for row in rows], "ln-1"),
        plots.Series("resolved", [row.resolved for row in rows], "ln-2"),
    ]


def week_names(keys: Sequence[str]) -> list[str]:
    """Short names for an axis: "24 Aug"."""
    return [short_week(key) for key in keys]


def short_week(key: str) -> str:
    day = date.fromisoformat(key)
    return f"{day.day} {formats.MONTHS[day.month - 1]}"


def drawings(report: Report) -> dict[str, Any]:
    """The two charts with their series."""
    good = kept_series(report.kept["week"])
    both = flow_series(report.flow)
    names = week_names([row.key for row in report.kept["week"]])
    return {
        "kept": plots.stacked(names, good, "promises"),
        "kept_series": good,
        "flow": plots.lines(week_names([row.week for row in report.flow]), both),
        "flow_series": both,
    }


# -- links to the tickets behind a figure


def queue_address(window: Window, **filters: str) -> str:
    """The queue with the tickets of a row: all states, created about in the window."""
    days = (window.end - window.start).days
    created = next((str(one) for one in QUEUE_DAYS if days <= one + 1), "")
    chosen = {**filters, "status": "any", **({"created": created} if created else {})}
    return f"?{urlencode(chosen)}"


# -- tables as files

HEAD = ("kept", "missed", "n", "rate_percent", "waived", "without_reply",
        "p50_working_seconds", "p90_working_seconds")  # fmt: skip
Lines = Sequence[Sequence[object]]


def _kept_lines(by: str) -> Callable[[Person, Window, str, datetime], Lines]:
    def lines(person: Person, window: Window, metric: str, now: datetime) -> Lines:
        rows = _every_week(kept(person, window, metric), window)[by]
        return [(by, *HEAD), *(_kept_cells(row) for row in rows)]

    return lines


def _kept_cells(row: Kept) -> Sequence[object]:
    rate = "" if row.rate is None else f"{100 * row.rate:.1f}"
    times = ("" if one is None else one for one in (row.p50, row.p90))
    return (row.label, row.met, row.missed, row.n, rate, row.waived, row.without_reply, *times)


def _flow_lines(person: Person, window: Window, metric: str, now: datetime) -> Lines:
    span = {"start": window.start, "end": window.end}
    rows = reports.flow(person, **span, zone=str(window.zone))
    return [("week", "created", "resolved"), *((r.week, r.created, r.resolved) for r in rows)]


def _backlog_lines(person: Person, window: Window, metric: str, now: datetime) -> Lines:
    rows = reports.backlog(person, now=now)
    cells = ((r.label, *(r.by_priority[p] for p in Priority.values), r.total) for r in rows)
    return [("age", *Priority.values, "total"), *cells]


def _top_lines(find: Callable[..., list[Top]], name: str) -> Callable[..., Lines]:
    def lines(person: Person, window: Window, metric: str, now: datetime) -> Lines:
        rows = find(person, start=window.start, end=window.end)
        cells = ((r.key, r.label, r.count, r.open, r.reopened) for r in rows)
        return [(name, "name", "tickets", "still_open", "reopened"), *cells]

    return lines


TABLES: Mapping[str, Callable[[Person, Window, str, datetime], Lines]] = {
    **{by: _kept_lines(by) for by in KEPT},
    "flow": _flow_lines,
    "backlog": _backlog_lines,
    "types": _top_lines(reports.top_types, "type"),
    "surfaces": _top_lines(reports.top_surfaces, "surface"),
}
METRICS = [("", "All promises"), *Metric.choices]
