"""Accuracy, releases against each other and changed types, as their pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.portal import telemetry_plots as plots
from apps.telemetry.proportions import Interval
from apps.telemetry.selectors.accuracy import Accuracy, TypeScore
from apps.telemetry.selectors.compare import Releases

WINDOWS = {"28d": "28 d", "90d": "90 d", "365d": "365 d"}
STANDARD = "90d"
TONES = {"firing": "danger", "warning": "warning"}


def since(window: str, now: datetime) -> datetime:
    return now - timedelta(days=int(window.removesuffix("d")))


@dataclass(frozen=True)
class TypeRow:
    score: TypeScore
    whisker: plots.Whisker | None
    tone: str


def type_rows(found: Accuracy) -> tuple[list[TypeRow], float]:
    """Every type with its whisker, and where their common axis begins."""
    lowers = [one.precision.lower for one in found.types if one.precision.lower is not None]
    goal = [found.target] if found.target is not None else []
    floor = plots.floor_of([*lowers, *goal])
    return [
        TypeRow(
            one,
            whisker(one.precision, found.target, floor),
            TONES.get(one.look, ""),
        )
        for one in found.types
    ], floor


def whisker(interval: Interval, target: float | None, floor: float) -> plots.Whisker | None:
    if interval.p is None or interval.lower is None or interval.upper is None:
        return None
    return plots.whisker(interval.p, interval.lower, interval.upper, target, floor)


def axis_of(floor: float) -> list[plots.Tick]:
    middle = (1 + floor) / 2
    return [
        plots.Tick(0, f"{floor:.0%}".replace("%", " %"), "start"),
        plots.Tick(50, f"{middle:.0%}".replace("%", " %")),
        plots.Tick(100, "100 %", "end"),
    ]


def verdict_words(found: Releases) -> tuple[str, str]:
    """What the fixtures say of the newer release, and how that looks."""
    if not found.fixtures:
        return "No fixture was read by both releases, so nothing can be said", "info"
    if found.paired.regression:
        return f"{found.after} is worse on the same fixtures", "danger"
    if found.paired.improvement:
        return f"{found.after} is better on the same fixtures", "success"
    return "No difference that could not be chance, on the same fixtures", "info"


def audit_words(found: Releases) -> tuple[str, str]:
    before, after = found.audits
    if not before.n or not after.n:
        return "One of them was never audited", "info"
    if not found.difference.significant:
        return "No difference that could not be chance, in their audits", "info"
    better = (found.difference.difference or 0) > 0
    return (
        f"{found.after} was {'better' if better else 'worse'} in its audit",
        "success" if better else "danger",
    )


def pick(names: Sequence[str], wanted: str, default: int) -> str:
    """The release asked for, or the one at that place; empty where there are not so many."""
    if wanted in names:
        return wanted
    return names[default] if len(names) > default else ""
