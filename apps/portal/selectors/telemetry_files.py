"""The tables of the dashboard as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from apps.telemetry.selectors import durations
from apps.telemetry.selectors.dashboard import Board
from apps.telemetry.selectors.durations import Took
from apps.telemetry.selectors.rates import Tally
from apps.telemetry.selectors.spans import Span

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
