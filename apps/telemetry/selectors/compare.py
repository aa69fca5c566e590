"""One release of the detector against another.

On the same fixtures only what changed says anything: McNemar's exact test of what was fixed
against what was broken. Audits of two releases are different samples: Newcombe's interval of the
difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q

from apps.telemetry import proportions
from apps.telemetry.models import SemanticLabel
from apps.telemetry.proportions import Difference, Interval, Paired

Truth = SemanticLabel.TruthSource
SHOWN = 60  # changed columns on a page
MOST = 20_000  # fixtures of one release that are looked at


@dataclass(frozen=True)
class Turned:
    """A fixture that the two releases read differently, one of them rightly."""

    column_ref: str
    truth: str
    before: str
    after: str
    fixed: bool


@dataclass(frozen=True)
class Sample:
    package: str
    right: int
    n: int
    interval: Interval


@dataclass(frozen=True)
class Releases:
    """`before` and `after` on fixtures that both saw, and each on its own audits."""

    before: str
    after: str
    both_right: int
    both_wrong: int
    fixed: int
    broken: int
    paired: Paired
    turned: Sequence[Turned]
    audits: tuple[Sample, Sample]
    difference: Difference  # after less before

    @property
    def fixtures(self) -> int:
        return self.both_right + self.both_wrong + self.fixed + self.broken


def releases(user: Any, *, since: datetime) -> list[str]:
    """Packages that were labeled by audit or fixture, the one last sampled first."""
    rows = SemanticLabel.objects.visible_to(user).filter(
        truth_source__in=(Truth.AUDIT, Truth.FIXTURE), sampled_at__gte=since
    )
    found = (
        rows.exclude(package="").order_by().values_list("package").annotate(last=Max("sampled_at"))
    )
    return [package for package, last in sorted(found, key=lambda row: row[1], reverse=True)]


def _fixtures(user: Any, package: str) -> dict[str, tuple[str, str, bool]]:
    """What a release last said of each fixture: prediction, truth, right or not."""
    rows = (
        SemanticLabel.objects.visible_to(user)
        .filter(truth_source=Truth.FIXTURE, package=package)
        .order_by("column_ref", "-sampled_at")
        .distinct("column_ref")
        .values_list("column_ref", "predicted", "truth", "correct")[:MOST]
    )
    return {ref: (predicted, truth, correct) for ref, predicted, truth, correct in rows}


def compare(*, user: Any, before: str, after: str, since: datetime, until: datetime) -> Releases:
    """What the release `after` does better and worse than `before`."""
    old, new = _fixtures(user, before), _fixtures(user, after)
    shared = sorted(old.keys() & new.keys())
    turned = [
        Turned(ref, new[ref][1], old[ref][0], new[ref][0], fixed=new[ref][2])
        for ref in shared
        if old[ref][2] != new[ref][2]
    ]
    fixed = sum(1 for one in turned if one.fixed)
    right = sum(1 for ref in shared if old[ref][2] and new[ref][2])
    samples = _audits(user, before, after, since, until)
    return Releases(
        before=before,
        after=after,
        both_right=right,
        both_wrong=len(shared) - right - len(turned),
        fixed=fixed,
        broken=len(turned) - fixed,
        paired=proportions.mcnemar(fixed, len(turned) - fixed),
        turned=sorted(turned, key=lambda one: (one.fixed, one.column_ref))[:SHOWN],
        audits=samples,
        difference=proportions.newcombe(
            samples[1].right, samples[1].n, samples[0].right, samples[0].n
        ),
    )


def _audits(
    user: Any, before: str, after: str, since: datetime, until: datetime
) -> tuple[Sample, Sample]:
    rows = SemanticLabel.objects.visible_to(user).filter(
        truth_source=Truth.AUDIT,
        sampled_at__gte=since,
        sampled_at__lt=until,
        package__in=(before, after),
    )
    found = rows.order_by().values_list("package")
    counted = {
        package: (right, n)
        for package, right, n in found.annotate(
            right=Count("correct", filter=Q(correct=True)), n=Count("*")
        )
    }

    def sample(package: str) -> Sample:
        right, n = counted.get(package, (0, 0))
        return Sample(package, right, n, proportions.wilson(right, n))

    return sample(before), sample(after)
