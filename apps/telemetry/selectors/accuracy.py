"""How often the detector is right, and how surely that is known.

Only labels of audits (random samples) and of fixtures say how often. What users correct is no
sample: people report what is wrong. It is counted, by the pair that was confused, and enters no
share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, F

from apps.telemetry import proportions
from apps.telemetry.judging import Look, accuracy_look, against
from apps.telemetry.models import ColumnType, SemanticLabel, Slo, StratumWeight
from apps.telemetry.proportions import Interval, Stratified, shares

Truth = SemanticLabel.TruthSource
SAMPLED = {Truth.AUDIT.value: "Audits", Truth.FIXTURE.value: "Fixtures"}
MIN_N = 30


@dataclass(frozen=True)
class Pair:
    """So many columns of one stratum that were told to be `predicted` and are `truth`."""

    stratum: str
    predicted: str
    truth: str
    n: int


@dataclass(frozen=True)
class TypeScore:
    """One semantic type: of what was called so, and of what is so, how many were right."""

    type: str
    called: int
    right: int
    really: int
    precision: Interval
    recall: Interval
    look: Look

    @property
    def is_few(self) -> bool:
        return self.called < MIN_N


@dataclass(frozen=True)
class Stratum:
    """A part of what is sampled, with the share of production that it stands for."""

    key: str
    weight: float
    is_set: bool  # by somebody, not counted from the inventory
    right: int
    n: int
    interval: Interval


@dataclass(frozen=True)
class Accuracy:
    """`overall` weighs each stratum by its share; `pooled` counts every label alike."""

    since: datetime
    n: int
    right: int
    overall: Stratified
    pooled: Interval
    types: Sequence[TypeScore]
    strata: Sequence[Stratum]
    target: float | None

    @property
    def look(self) -> Look:
        """Against the target, by the bounds of the weighted share."""
        weighed = sum(row.n for row in self.strata if row.weight > 0)
        if self.target is None or weighed < MIN_N or self.overall.p is None:
            return "insufficient_data" if self.n else "no_data"
        lower, upper = self.overall.lower or 0.0, self.overall.upper or 0.0
        return against(self.target, self.overall.p, lower, upper)


def pairs(
    *, user: Any, since: datetime, until: datetime, source: str, package: str = ""
) -> list[Pair]:
    """Labels counted by stratum, prediction and truth, in one statement over their index."""
    rows = SemanticLabel.objects.visible_to(user).filter(
        truth_source=source, sampled_at__gte=since, sampled_at__lt=until
    )
    rows = rows.filter(package=package) if package else rows
    names = ("stratum", "predicted", "truth")
    return [Pair(*row) for row in rows.order_by().values_list(*names).annotate(n=Count("*"))]


def packages(*, user: Any, since: datetime, source: str) -> list[str]:
    rows = SemanticLabel.objects.visible_to(user).filter(truth_source=source, sampled_at__gte=since)
    found = rows.order_by().exclude(package="").values_list("package", flat=True).distinct()
    return sorted(found)


def weights(user: Any) -> tuple[dict[str, float], set[str]]:
    """Shares of production columns by stratum: those that somebody set, else the inventory's.

    Returns the weights, not summing to anything, and the strata whose weight was set. Where any
    are set the others share what is left of one by the inventory.
    """
    fixed = {row.stratum: float(row.weight) for row in StratumWeight.objects.all()}
    rows = ColumnType.objects.visible_to(user).filter(source__archived_at=None).order_by()
    counted = dict(rows.values_list("semantic_type").annotate(n=Count("*")))
    return shares(counted, fixed), set(fixed)


def target() -> float | None:
    """What is promised of accuracy, if anything is."""
    slo = Slo.objects.filter(sli=Slo.Sli.ACCURACY, archived_at=None).order_by("pk").first()
    return float(slo.objective) if slo else None


def accuracy(
    *, user: Any, since: datetime, until: datetime, source: str, package: str = ""
) -> Accuracy:
    """How often the detector was right in what was sampled since then."""
    found = pairs(user=user, since=since, until=until, source=source, package=package)
    shares, fixed = weights(user)
    strata = _strata(found, shares, fixed)
    goal = target()
    n, right = sum(row.n for row in found), _right(found)
    pooled = proportions.wilson(right, n)
    return Accuracy(
        since=since,
        n=n,
        right=right,
        overall=_overall(strata, pooled),
        pooled=pooled,
        types=type_scores(found, goal),
        strata=strata,
        target=goal,
    )


def _overall(strata: Sequence[Stratum], pooled: Interval) -> Stratified:
    """Weighed by stratum. Where every stratum is all right or all wrong there is no spread to tell
    how far off that is, and thirty of thirty prove little: then Wilson's interval of all."""
    found = proportions.stratified((row.weight, row.right, row.n) for row in strata)
    if found.p is None or found.se:
        return found
    return replace(found, p=pooled.p, lower=pooled.lower, upper=pooled.upper)


def _right(found: Iterable[Pair]) -> int:
    return sum(row.n for row in found if row.predicted == row.truth)


def _strata(found: Sequence[Pair], shares: dict[str, float], fixed: set[str]) -> list[Stratum]:
    """Every stratum that is sampled or weighs something. Without any weight all weigh by n."""
    keys = {row.stratum for row in found} | {key for key, weight in shares.items() if weight > 0}
    known = any(shares.get(key) for key in keys)
    rows = []
    for key in keys:
        inside = [row for row in found if row.stratum == key]
        n, right = sum(row.n for row in inside), _right(inside)
        weight = shares.get(key, 0.0) if known else float(n)
        rows.append(Stratum(key, weight, key in fixed, right, n, proportions.wilson(right, n)))
    whole = sum(row.weight for row in rows) or 1.0
    scaled = [
        Stratum(row.key, row.weight / whole, row.is_set, row.right, row.n, row.interval)
        for row in rows
    ]
    return sorted(scaled, key=lambda row: (-row.weight, row.key))


def type_scores(found: Sequence[Pair], goal: float | None = None) -> list[TypeScore]:
    """Precision and recall of every type, what is surely worst first."""
    names = {row.predicted for row in found} | {row.truth for row in found}
    rows = []
    for name in names:
        called = sum(row.n for row in found if row.predicted == name)
        really = sum(row.n for row in found if row.truth == name)
        right = sum(row.n for row in found if row.predicted == name == row.truth)
        look: Look = (
            accuracy_look(right, called, goal, MIN_N)
            if goal is not None
            else "insufficient_data"
            if called < MIN_N
            else "ok"
        )
        rows.append(
            TypeScore(
                name, called, right, really,
                proportions.wilson(right, called), proportions.wilson(right, really), look,
            )
        )  # fmt: skip
    order = {"firing": 0, "warning": 1, "ok": 2, "proven": 2, "insufficient_data": 3, "no_data": 4}
    return sorted(
        rows,
        key=lambda row: (order[row.look], row.precision.p if row.precision.p is not None else 2,
                         row.type),
    )  # fmt: skip


@dataclass(frozen=True)
class Confusion:
    """What was told, what it is, and how often."""

    predicted: str
    truth: str
    n: int


def confusions(found: Iterable[Pair], most: int = 12) -> list[Confusion]:
    sums: dict[tuple[str, str], int] = {}
    for row in found:
        if row.predicted != row.truth:
            key = (row.predicted, row.truth)
            sums[key] = sums.get(key, 0) + row.n
    rows = [Confusion(*key, n) for key, n in sums.items()]
    return sorted(rows, key=lambda row: (-row.n, row.predicted, row.truth))[:most]


def corrections(*, user: Any, since: datetime, until: datetime) -> list[Confusion]:
    """What users corrected: how often each pair, no share of anything."""
    found = pairs(user=user, since=since, until=until, source=Truth.USER_CORRECTION)
    return confusions(found)


def corrections_by_package(*, user: Any, since: datetime, until: datetime) -> list[tuple[str, int]]:
    rows = SemanticLabel.objects.visible_to(user).filter(
        truth_source=Truth.USER_CORRECTION, sampled_at__gte=since, sampled_at__lt=until
    )
    found = rows.exclude(predicted=F("truth")).order_by().values_list("package")
    return sorted(found.annotate(n=Count("*")))
