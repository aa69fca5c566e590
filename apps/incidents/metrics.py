"""How long things took in incidents. Pure: instants in, seconds and figures out.

What is shown is the median, the 90th percentile, how many there were and the list itself; a mean
stands only beside them, as durations of incidents are far too skewed for it to say much alone.
What is not real, was declined or was merged into another one does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import pairwise

# The milestones by column, in the words that people read.
MILESTONES: dict[str, str] = {
    "impact_started_at": "Impact began",
    "detected_at": "Detected",
    "declared_at": "Declared",
    "acknowledged_at": "Acknowledged",
    "mitigated_at": "Mitigated",
    "resolved_at": "Resolved",
    "closed_at": "Closed",
}
# Somebody may take an alert before or after it is declared; the rest is one line.
_LINES = (
    ("impact_started_at", "detected_at", "declared_at", "mitigated_at", "resolved_at", "closed_at"),
    ("detected_at", "acknowledged_at"),
)
NOT_COUNTED = frozenset({"declined", "merged"})


@dataclass(frozen=True)
class Milestones:
    """When each thing happened; None where it did not, or nobody knows."""

    impact_started_at: datetime | None = None
    detected_at: datetime | None = None
    declared_at: datetime | None = None
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None

    @classmethod
    def of(cls, values: Mapping[str, datetime | None]) -> Milestones:
        return cls(**{one.name: values.get(one.name) for one in fields(cls)})


@dataclass(frozen=True)
class Metric:
    """One figure as data: from which milestone to which. `floor`: never less than nothing, for
    what may happen before its beginning."""

    key: str
    name: str
    start: str
    end: str
    explanation: str
    floor: bool = False


METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric(
            "ttd", "Time to detect", "impact_started_at", "detected_at",
            "From when customers were first hurt until anything or anybody noticed.",
        ),
        Metric(
            "tta", "Time to acknowledge", "declared_at", "acknowledged_at",
            "From the declaration until somebody took it; nothing where it was taken before.",
            floor=True,
        ),
        Metric(
            "ttm", "Time to mitigate", "impact_started_at", "mitigated_at",
            "From when customers were first hurt until they were fine again.",
        ),
        Metric(
            "ttr", "Time to resolve", "impact_started_at", "resolved_at",
            "From when customers were first hurt until it was over.",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One incident as the figures see it."""

    ref: str
    milestones: Milestones
    kind: str = "real"
    status: str = "resolved"


@dataclass(frozen=True)
class Summary:
    """Figures in seconds. `values` are (ref, seconds), the longest first; `missing` are the refs
    of those that ended without one of the two milestones. With no value at all the rest is None."""

    metric: Metric
    values: tuple[tuple[str, float], ...]
    missing: tuple[str, ...]
    median: float | None
    p90: float | None
    mean: float | None

    @property
    def n(self) -> int:
        return len(self.values)


def seconds(metric: Metric, milestones: Milestones) -> float | None:
    """How long it took; None when one of its two ends is not known."""
    start: datetime | None = getattr(milestones, metric.start)
    end: datetime | None = getattr(milestones, metric.end)
    if start is None or end is None:
        return None
    took = (end - start).total_seconds()
    return max(0.0, took) if metric.floor else took


def summarize(metric: Metric, cases: Iterable[Case], *, kind: str = "real") -> Summary:
    """The figure over all cases of one kind that count."""
    counted = [one for one in cases if one.kind == kind and one.status not in NOT_COUNTED]
    measured = [(one, seconds(metric, one.milestones)) for one in counted]
    values = sorted(
        ((one.ref, took) for one, took in measured if took is not None),
        key=lambda pair: (-pair[1], pair[0]),
    )
    over = [one.ref for one, took in measured if took is None and one.milestones.resolved_at]
    took = sorted(value for _, value in values)
    return Summary(
        metric=metric,
        values=tuple(values),
        missing=tuple(over),
        median=quantile(took, 0.5),
        p90=quantile(took, 0.9),
        mean=sum(took) / len(took) if took else None,
    )


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The value below which `share` (0 to 1) of `ordered` (ascending) lies, interpolated between
    neighbours as PostgreSQL's percentile_cont does; None of nothing."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def disorder(milestones: Milestones) -> tuple[str, str] | None:
    """The first two milestones that stand the wrong way round, (earlier, later); None if none."""
    for line in _LINES:
        known = [(name, at) for name in line if (at := getattr(milestones, name)) is not None]
        for (earlier, first), (later, second) in pairwise(known):
            if second < first:
                return earlier, later
    return None
