"""The dashboard of telemetry: every figure of it as a drawing, a table and a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet

from apps.accounts.models import Person
from apps.changes.models import Change
from apps.portal import formats
from apps.portal import telemetry_plots as plots
from apps.portal.context import link
from apps.portal.templatetags._viewer import Viewer
from apps.portal.templatetags.telemetry import warehouse
from apps.telemetry.judging import rate_look
from apps.telemetry.models import Grain, ProfiledSource, TypeChange
from apps.telemetry.proportions import newcombe
from apps.telemetry.selectors import accuracy, durations, freshness, spans
from apps.telemetry.selectors.accuracy import Accuracy
from apps.telemetry.selectors.dashboard import ENOUGH, Board, Compared
from apps.telemetry.selectors.durations import Took
from apps.telemetry.selectors.freshness import Freshness
from apps.telemetry.selectors.rates import Part, Released, Step, Tally
from apps.telemetry.selectors.spans import Span

MARKS = 8  # releases beside a drawing
WORST = 8  # sources on the dashboard
AUDITED = timedelta(days=90)
TROUBLE = ("stale", "never", "late")
PAGES = {
    "telemetry": "Dashboard",
    "telemetry_runs": "Runs",
    "telemetry_sources": "Sources",
    "telemetry_accuracy": "Accuracy",
    "telemetry_types": "Type changes",
    "telemetry_measurements": "Measurements",
    "telemetry_counts": "Counts",
    "slos": "Objectives",
    "detection": "Detection",
}


def tabs(current: str) -> list[dict[str, Any]]:
    """The pages of telemetry, as far as this installation has them."""
    found = [
        {"label": label, "url": link(name), "current": name == current}
        for name, label in PAGES.items()
    ]
    return [one for one in found if one["url"]]


# -- which look back


def chosen_span(params: Mapping[str, str], now: datetime) -> Span:
    """The span of the address, which may end in the past: `until` is how an alert looks back."""
    until = moment(params.get("until", ""))
    return spans.span(params.get("span", ""), min(until, now) if until else now)


def moment(text: str) -> datetime | None:
    """An instant of an address, ISO 8601 with its zone; nothing for anything else."""
    try:
        found = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo and 2000 <= found.year <= 9000 else None


def since_words(span: Span, zone: tzinfo, cycle: str, now: datetime) -> str:
    """From when to when, in the reader's time; whole days are those of UTC and say so."""
    if span.grain == Grain.DAY:
        first, last = span.start.date(), span.end.date()
        return f"{formats.plain_day(first)} to {formats.plain_day(last)}, whole days of UTC"
    return formats.span(span.start, span.end, zone, cycle, now)


def step_name(at: datetime, end: datetime, span: Span, zone: tzinfo, cycle: str) -> str:
    if span.grain == Grain.DAY:
        return formats.plain_day(at.date())
    day = formats.plain_day(at.astimezone(zone).date())
    return f"{day} {formats.clock(at, zone, cycle)} to {formats.clock(end, zone, cycle)}"


# -- rates


def rate_of(tally: Tally) -> plots.Rate:
    found = tally.rate
    return plots.Rate(tally.bad, tally.n, found.p, found.lower, found.upper)


@dataclass(frozen=True)
class RateRow:
    """One warehouse type or template with its bar; `tone`: what may surely be said against it."""

    facet: str
    label: str
    tally: Tally
    usual: Tally
    bar: plots.Bar
    tone: str
    why: str


def _tone(one: Compared, objective: float | None) -> tuple[str, str]:
    """What is surely bad, and why: never on less than the interval says."""
    tally = one.part.tally
    if objective is not None:
        look = rate_look(tally.bad, tally.n, objective)
        if look == "firing":
            return "danger", f"surely above the {plots.percent(objective)} that are allowed"
    if one.is_worse:
        return "danger", f"surely more than the usual {plots.percent(one.usual.rate.p)}"
    if objective is not None and look == "warning":
        return "warning", f"above the {plots.percent(objective)} that are allowed, not surely"
    return "", ""


def rate_rows(board: Board) -> tuple[list[RateRow], plots.Shares]:
    drawn = plots.shares([rate_of(one.part.tally) for one in board.parts], board.objective)
    rows = []
    for one, bar in zip(board.parts, drawn.bars, strict=True):
        tone, why = _tone(one, board.objective)
        facet = one.part.facet
        rows.append(RateRow(facet, warehouse(facet), one.part.tally, one.usual, bar, tone, why))
    return rows, drawn


def report_rows(parts: Sequence[Part]) -> tuple[list[RateRow], plots.Shares]:
    drawn = plots.shares([rate_of(part.tally) for part in parts])
    return [
        RateRow(part.facet, part.facet.replace("_", " "), part.tally, Tally(), bar, "", "")
        for part, bar in zip(parts, drawn.bars, strict=True)
    ], drawn


@dataclass(frozen=True)
class PackageRow:
    """A release of the profiler; `why`: what may surely be said beside the one before it."""

    label: str
    package: str
    tally: Tally
    bar: plots.Bar
    tone: str
    why: str
    last_at: datetime


def package_rows(board: Board) -> tuple[list[PackageRow], plots.Shares]:
    drawn = plots.shares([rate_of(one.tally) for one in board.packages])
    rows = []
    for number, (one, bar) in enumerate(zip(board.packages, drawn.bars, strict=True)):
        before = board.packages[number + 1] if number + 1 < len(board.packages) else None
        tone, why = _against(one, before)
        label = one.package or "Release not sent"
        rows.append(PackageRow(label, one.package, one.tally, bar, tone, why, one.last_at))
    return rows, drawn


def _against(one: Released, before: Released | None) -> tuple[str, str]:
    if before is None or min(one.tally.n, before.tally.n) < ENOUGH:
        return "", ""
    found = newcombe(one.tally.bad, one.tally.n, before.tally.bad, before.tally.n)
    if not found.significant or found.difference is None:
        return "", f"no sure difference to {before.package or 'the one before'}"
    worse = found.difference > 0
    words = f"surely {'more' if worse else 'fewer'} failures than {before.package}"
    return ("danger" if worse else "", words)


# -- over time


def releases(person: Person, span: Span) -> list[Change]:
    """What was released or deployed in the span, the oldest first; at most MARKS, the newest."""
    rows = Change.objects.visible_to(person).filter(
        kind__in=(Change.Kind.RELEASE, Change.Kind.DEPLOYMENT),
        occurred_at__gte=span.start,
        occurred_at__lt=span.end,
    )
    return list(rows.order_by("-occurred_at")[:MARKS])[::-1]


def marks_of(changes: Sequence[Change], span: Span) -> list[plots.Mark]:
    return plots.marks(
        [
            (plots.place(change.occurred_at, span.start, span.end), change.summary)
            for change in changes
        ]
    )


def over_time(board: Board, changes: Sequence[Change], viewer: Viewer) -> plots.OverTime:
    span, zone, cycle = board.span, viewer.zone, viewer.cycle
    moments = [
        plots.Moment(
            step.starts_at, step.ends_at, rate_of(step.tally),
            step_name(step.starts_at, step.ends_at, span, zone, cycle),
        )
        for step in board.steps
    ]  # fmt: skip
    drawn = marks_of(changes, span)
    return plots.over_time(moments, _labels(span, viewer), drawn, board.objective)


def _labels(span: Span, viewer: Viewer) -> list[plots.Tick]:
    zone = UTC if span.grain == Grain.DAY else viewer.zone
    return plots.time_labels(span.start, span.end, zone, viewer.cycle)


def named_steps(board: Board, viewer: Viewer) -> list[tuple[str, Step]]:
    """The table behind: only steps in which something ended, the newest first."""
    return [
        (step_name(step.starts_at, step.ends_at, board.span, viewer.zone, viewer.cycle), step)
        for step in reversed(board.steps)
        if step.tally.finished
    ]


# -- durations


def lengths(sizes: Sequence[Took]) -> list[plots.Lengths]:
    def seconds(found: durations.Percentile | None) -> float | None:
        return found.seconds if found else None

    return [
        plots.Lengths(
            one.label, seconds(one.p50), seconds(one.p95), seconds(one.p99),
            None if one.objective is None else float(one.objective),
        )
        for one in sizes
    ]  # fmt: skip


def trend(board: Board, changes: Sequence[Change], viewer: Viewer) -> plots.Trend:
    span = board.span
    known = {one.starts_at: one for one in board.trend}
    samples = []
    for at in span.starts:
        end = min(at + span.step, span.end)
        one = known.get(at)
        name = step_name(at, end, span, viewer.zone, viewer.cycle)
        samples.append(
            plots.Sample(
                at, end, one.n if one else 0,
                one.p50.seconds if one and one.p50 else None,
                one.p95.seconds if one and one.p95 else None,
                bool(one and one.p50 and one.p50.at_least),
                bool(one and one.p95 and one.p95.at_least),
                name,
            )
        )  # fmt: skip
    limit = next((one.objective for one in board.sizes if one.size == board.trend_size), None)
    return plots.trend(
        samples, _labels(span, viewer), marks_of(changes, span), None if limit is None else limit
    )


# -- the page


def fresh_rows(person: Person, now: datetime) -> list[Freshness]:
    """Every source that is expected to be fresh, the worst first."""
    return freshness.sources(now=now, user=person)


@dataclass(frozen=True)
class FreshCount:
    total: int
    trouble: int
    late: int
    paused: int


def fresh_count(rows: Sequence[Freshness]) -> FreshCount:
    states = [row.state for row in rows]
    return FreshCount(
        total=len(states) - states.count("suppressed"),
        trouble=states.count("stale") + states.count("never"),
        late=states.count("late"),
        paused=states.count("suppressed"),
    )


def figures(
    board: Board, fresh: FreshCount, changed: int, types: Accuracy, address: str
) -> list[dict[str, Any]]:
    """The strip at the top: each figure with what it is of."""
    total, reports = board.total, board.reports
    look = rate_look(total.bad, total.n, board.objective) if board.objective is not None else "ok"
    runs = link("telemetry_runs")
    return [
        {
            "label": "Runs that failed",
            "value": _told(total, "No runs"),
            "note": _of(total) if total.n else "that is no good news by itself",
            "tone": {"firing": "danger", "warning": "warning"}.get(look, "") if total.n
            else "warning",
            "glyph": "tri" if look == "firing" and total.n else "",
            "url": f"{runs}{address}&show=bad",
        },
        {
            "label": "Timed out",
            "value": f"{total.timed_out:,}",
            "note": "cut off, so their durations are lower bounds" if total.timed_out
            else "none was cut off",
            "tone": "",
            "url": f"{runs}{address}&show=timed_out",
        },
        {
            "label": "Sources without a fresh profile",
            "value": f"{fresh.trouble} of {fresh.total}" if fresh.total else "No sources",
            "note": _fresh_note(fresh),
            "tone": "danger" if fresh.trouble else ("warning" if fresh.late else ""),
            "glyph": "over" if fresh.trouble else "",
            "url": link("telemetry_sources"),
        },
        {
            "label": "Reports that failed",
            "value": _told(reports, "No reports"),
            "note": _of(reports) if reports.n else "",
            "tone": "",
            "url": "#h-reports",
        },
        _types_right(types),
        {
            "label": "Columns of another type",
            "value": f"{changed:,}",
            "note": "than in the inventory before",
            "tone": "",
            "url": f"{link('telemetry_types')}{address}",
        },
    ]  # fmt: skip


def _types_right(found: Accuracy) -> dict[str, Any]:
    overall = found.overall
    if overall.p is None:
        value, note = "No audit", f"in {AUDITED.days} days"
    else:
        value = plots.percent(overall.p)
        note = f"{plots.bounds(overall.lower, overall.upper)}, {found.n:,} audited"
    return {
        "label": "Semantic types right",
        "value": value,
        "note": note,
        "tone": {"firing": "danger", "warning": "warning"}.get(found.look, ""),
        "glyph": "tri" if found.look == "firing" else "",
        "url": link("telemetry_accuracy"),
    }


def audited(person: Person, span: Span) -> Accuracy:
    """Audits are seldom: of the ninety days before the end of a look back, however short it is."""
    return accuracy.accuracy(
        user=person, since=span.end - AUDITED, until=span.end, source=accuracy.Truth.AUDIT
    )


def _told(tally: Tally, none: str) -> str:
    """A share, or of too few to be one what it would be of."""
    if not tally.n:
        return none
    if tally.n < plots.FEW:
        return f"{tally.bad:,} of {tally.n:,}"
    return plots.percent(tally.rate.p)


def _of(tally: Tally) -> str:
    if tally.n < plots.FEW:
        return "too few to judge"
    rate = tally.rate
    return f"{tally.bad:,} of {tally.n:,}, interval {plots.bounds(rate.lower, rate.upper)}"


def _fresh_note(fresh: FreshCount) -> str:
    parts = [f"{fresh.late} late" if fresh.late else "", f"{fresh.paused} paused" if fresh.paused
             else ""]  # fmt: skip
    return ", ".join(part for part in parts if part) or "none late, none paused"


def changed_types(person: Person, span: Span) -> int:
    rows: QuerySet[TypeChange] = TypeChange.objects.visible_to(person)
    return rows.filter(at__gte=span.start, at__lt=span.end).count()


def is_anything_sent(board: Board, person: Person) -> bool:
    """Whether a page of figures says more than one that teaches how they come about."""
    if board.total.finished or board.reports.finished:
        return True
    return ProfiledSource.objects.visible_to(person).exists()


def address(span: Span, until: str = "", **more: str) -> str:
    """The look back as it stands in an address, to go on with it elsewhere."""
    chosen = {"span": span.key, "until": until, **more}
    return f"?{urlencode({key: value for key, value in chosen.items() if value})}"


# -- as files

TALLY_HEAD = ("good", "bad", "n", "rate_percent", "lower_percent", "upper_percent", "timed_out",
              "excluded", "canceled")  # fmt: skip
Lines = list[Sequence[object]]


def tally_cells(tally: Tally) -> Sequence[object]:
    rate = tally.rate
    shown = ("" if one is None else f"{100 * one:.2f}" for one in (rate.p, rate.lower, rate.upper))
    return (tally.good, tally.bad, tally.n, *shown, tally.timed_out, tally.excluded,
            tally.canceled)  # fmt: skip


def _warehouses(board: Board) -> Lines:
    rows = [(one.part.facet, *tally_cells(one.part.tally)) for one in board.parts]
    return [("warehouse_type", *TALLY_HEAD), *rows]


def _reports(board: Board) -> Lines:
    return [
        ("template", *TALLY_HEAD),
        *((part.facet, *tally_cells(part.tally)) for part in board.report_parts),
    ]


def _steps(board: Board) -> Lines:
    return [
        ("from", "to", *TALLY_HEAD),
        *(
            (instant(step.starts_at), instant(step.ends_at), *tally_cells(step.tally))
            for step in board.steps
        ),
    ]


def _durations(board: Board) -> Lines:
    head = ("size", "n", "cut_off", "p50_seconds", "p95_seconds", "p95_at_least", "p99_seconds",
            "p99_at_least", "objective_seconds", "relative_error")  # fmt: skip
    return [head, *((one.size, *_took_cells(one, board.span)) for one in board.sizes)]


def _took_cells(one: Took, span: Span) -> Sequence[object]:
    def cells(found: durations.Percentile | None) -> tuple[object, object]:
        return (f"{found.seconds:.3f}", int(found.at_least)) if found else ("", "")

    p50 = f"{one.p50.seconds:.3f}" if one.p50 else ""
    return (one.n, one.censored, p50, *cells(one.p95), *cells(one.p99), one.objective or "",
            durations.error(span))  # fmt: skip


def instant(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""


def _packages(board: Board) -> Lines:
    rows = [(one.package, *tally_cells(one.tally)) for one in board.packages]
    return [("package", *TALLY_HEAD), *rows]


TABLES: Mapping[str, Callable[[Board], Lines]] = {
    "warehouses": _warehouses,
    "packages": _packages,
    "reports": _reports,
    "steps": _steps,
    "durations": _durations,
}
