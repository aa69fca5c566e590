"""The dashboard of telemetry: every figure of it as a drawing with the table behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import urlencode

from apps.accounts.models import Person
from apps.changes.models import Change
from apps.portal import formats
from apps.portal import telemetry_plots as plots
from apps.portal.context import link
from apps.portal.templatetags._viewer import Viewer
from apps.portal.templatetags.telemetry import warehouse
from apps.telemetry.judging import rate_look
from apps.telemetry.models import Grain
from apps.telemetry.proportions import newcombe
from apps.telemetry.selectors import durations, spans
from apps.telemetry.selectors.dashboard import ENOUGH, Board, Compared
from apps.telemetry.selectors.durations import Took
from apps.telemetry.selectors.rates import Part, Released, Step, Tally
from apps.telemetry.selectors.spans import Span

MARKS = 8  # releases beside a drawing
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


def address(span: Span, until: str = "", **more: str) -> str:
    """The look back as it stands in an address, to go on with it elsewhere."""
    chosen = {"span": span.key, "until": until, **more}
    return f"?{urlencode({key: value for key, value in chosen.items() if value})}"
