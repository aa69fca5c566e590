"""How incidents went, in figures: what a page or the API shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from apps.core.models import Kind
from apps.incidents.metrics import (
    METRICS,
    MILESTONES,
    NOT_COUNTED,
    Case,
    Milestones,
    Summary,
    summarize,
)
from apps.incidents.models import Incident

MOST = 2_000  # incidents in one look; more says so


@dataclass(frozen=True)
class Share:
    """How many of all; `share` is 0 to 1."""

    key: str
    label: str
    n: int
    share: float


@dataclass(frozen=True)
class Month:
    """One month of UTC with its own figures, for a plot."""

    first: date
    n: int
    summaries: dict[str, Summary]


@dataclass(frozen=True)
class Figures:
    """`n` counts what was neither declined nor merged; `summaries` and `detection` are of those.

    `rows` are the incidents themselves, the newest first. `is_cut` says that there were more.
    """

    kind: str
    since: datetime
    until: datetime | None
    n: int
    summaries: dict[str, Summary]
    detection: list[Share]
    severities: list[Share]
    months: list[Month]
    rows: list[Incident]
    is_cut: bool


def figures(
    *,
    user: Any,
    kind: str = Kind.REAL,
    since: datetime,
    until: datetime | None = None,
    severity: str = "",
    surface: str = "",
) -> Figures:
    """Figures over the incidents of one kind that `user` may see, detected in [since, until).

    Kinds are never mixed: a drill is no incident. `severity` and `surface` (its key) narrow it.
    """
    found = Incident.objects.visible_to(user).filter(kind=kind, detected_at__gte=since)
    if until is not None:
        found = found.filter(detected_at__lt=until)
    if severity:
        found = found.filter(severity=severity)
    if surface:
        found = found.filter(surface__key=surface)
    counted = found.exclude(status__in=NOT_COUNTED).select_related("surface")
    rows = list(counted.order_by("-detected_at", "-pk")[: MOST + 1])
    is_cut = len(rows) > MOST
    rows = rows[:MOST]
    return Figures(
        kind=kind,
        since=since,
        until=until,
        n=len(rows),
        summaries=_summaries(rows, kind),
        detection=_shares(rows, "detection_source", Incident.Detection.choices),
        severities=_shares(rows, "severity", Incident._meta.get_field("severity").choices or []),
        months=_months(rows, kind),
        rows=rows,
        is_cut=is_cut,
    )


def case_of(incident: Incident) -> Case:
    """An incident as the figures see it."""
    return Case(
        ref=incident.ref,
        milestones=milestones_of(incident),
        kind=incident.kind,
        status=incident.status,
    )


def milestones_of(incident: Incident) -> Milestones:
    """When each thing happened in it."""
    return Milestones.of({name: getattr(incident, name) for name in MILESTONES})


def _summaries(rows: Iterable[Incident], kind: str) -> dict[str, Summary]:
    cases = [case_of(row) for row in rows]
    return {key: summarize(metric, cases, kind=kind) for key, metric in METRICS.items()}


def _shares(rows: list[Incident], name: str, choices: Iterable[Any]) -> list[Share]:
    """How the rows fall on the choices, the most frequent first; empty ones are left out."""
    counts = Counter(str(getattr(row, name)) for row in rows)
    labels = {str(key): str(label) for key, label in choices}
    return [
        Share(key, labels.get(key) or "Not said", n, n / len(rows))
        for key, n in counts.most_common()
    ]


def _months(rows: list[Incident], kind: str) -> list[Month]:
    """The months from the first incident to the last, without holes."""
    by_month: dict[date, list[Incident]] = {}
    for row in rows:
        by_month.setdefault(row.detected_at.date().replace(day=1), []).append(row)
    if not by_month:
        return []
    month, last, found = min(by_month), max(by_month), []
    while month <= last:
        here = by_month.get(month, [])
        found.append(Month(month, len(here), _summaries(here, kind)))
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return found
