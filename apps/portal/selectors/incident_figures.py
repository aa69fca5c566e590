"""The figures page of incidents: which months, and every figure as a table, a drawing, a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from apps.accounts.models import Person
from apps.core.models import Kind
from apps.incidents.metrics import METRICS, MILESTONES, Summary, seconds
from apps.incidents.models import Incident, Severity
from apps.incidents.selectors.figures import Figures, Month, case_of, figures
from apps.portal import formats, plots

MONTHS = (3, 6, 12)
STANDARD = 6
LOOKS = {key: f"pl-{key.lower()}" for key in Severity.values}
SHOWN = 50  # rows of a list; the file has all


@dataclass(frozen=True)
class Measured:
    """One figure with the incidents behind it, the longest first."""

    summary: Summary
    rows: Sequence[tuple[Incident, float]]
    more: int
    longest: float

    @property
    def is_few(self) -> bool:
        return self.summary.n < 10


def chosen_months(value: str) -> int:
    return int(value) if value in {str(one) for one in MONTHS} else STANDARD


def since(months: int, now: datetime) -> datetime:
    """The first instant of the month (UTC) so many months back, the present one included."""
    first = now.astimezone(UTC).date().replace(day=1)
    number = first.year * 12 + first.month - 1 - (months - 1)
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def read(
    person: Person, *, months: int, kind: str, severity: str, surface: str, now: datetime
) -> Figures:
    return figures(
        user=person,
        kind=kind,
        since=since(months, now),
        severity=severity,
        surface=surface,
    )


def measured(found: Figures) -> list[Measured]:
    """Each figure with its list."""
    rows = {row.ref: row for row in found.rows}
    result = []
    for summary in found.summaries.values():
        values = [(rows[ref], took) for ref, took in summary.values if ref in rows]
        longest = values[0][1] if values else 0.0
        more = max(0, len(values) - SHOWN)
        result.append(Measured(summary, values[:SHOWN], more, longest))
    return result


def every_month(found: Figures, months: int, now: datetime) -> list[tuple[date, Month | None]]:
    """The months of the window, also those without an incident."""
    there = {month.first: month for month in found.months}
    day = since(months, now).date()
    result = []
    for _ in range(months):
        result.append((day, there.get(day)))
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return result


def drawing(found: Figures, months: int, now: datetime) -> dict[str, Any]:
    """Incidents by month, stacked by severity, with the series for the key."""
    days = [day for day, _ in every_month(found, months, now)]
    counts: dict[str, dict[date, int]] = {key: {} for key in Severity.values}
    for row in found.rows:
        day = row.detected_at.astimezone(UTC).date().replace(day=1)
        counts[row.severity][day] = counts[row.severity].get(day, 0) + 1
    series = [
        plots.Series(key, [counts[key].get(day, 0) for day in days], LOOKS[key])
        for key in Severity.values
    ]
    names = [f"{formats.MONTHS[day.month - 1]} {day.year % 100:02}" for day in days]
    return {"plot": plots.stacked(names, series, "incidents"), "series": series}


# -- as files


def _list_lines(found: Figures) -> list[Sequence[object]]:
    head = ("ref", "title", "kind", "severity", "status", "surface", "noticed_by")
    lines: list[Sequence[object]] = [
        (*head, *MILESTONES, *(f"{key}_seconds" for key in METRICS)),
    ]
    for row in found.rows:
        case = case_of(row)
        took = (seconds(metric, case.milestones) for metric in METRICS.values())
        lines.append(
            (
                row.ref,
                row.title,
                row.kind,
                row.severity,
                row.status,
                row.surface.key if row.surface else "",
                row.detection_source,
                *(_instant(getattr(row, name)) for name in MILESTONES),
                *("" if one is None else round(one) for one in took),
            )
        )
    return lines


def _instant(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""


def _figure_lines(found: Figures) -> list[Sequence[object]]:
    lines: list[Sequence[object]] = [
        ("figure", "n", "median_seconds", "p90_seconds", "mean_seconds", "without_value")
    ]
    for key, one in found.summaries.items():
        values = ("" if v is None else round(v) for v in (one.median, one.p90, one.mean))
        lines.append((key, one.n, *values, len(one.missing)))
    return lines


TABLES: Mapping[str, Any] = {"incidents": _list_lines, "figures": _figure_lines}
KINDS = {kind.value: kind.label for kind in Kind}
