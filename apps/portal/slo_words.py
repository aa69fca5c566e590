"""What objectives, budgets and burn rates say in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal

from apps.portal import formats
from apps.portal.templatetags._vocabulary import Look
from apps.telemetry import burnrate
from apps.telemetry.burnrate import BurnWindow
from apps.telemetry.models import Slo
from apps.telemetry.proportions import Interval
from apps.telemetry.selectors.budgets import Budget

SOON = timedelta(days=3)

# What is good, in the plural that stands behind a number.
EVENTS: dict[str, str] = {
    Slo.Sli.PROFILE_RUNS: "profile runs",
    Slo.Sli.REPORT_RUNS: "inspector reports",
    Slo.Sli.COUNTS: "events",
    Slo.Sli.FRESHNESS: "source days",
    Slo.Sli.ACCURACY: "audited columns",
}
GOOD: dict[str, str] = {
    Slo.Sli.PROFILE_RUNS: "A profile run is good when it succeeded, within the time of its size"
    " where one is set. The customer's own faults and canceled runs are no part of it.",
    Slo.Sli.REPORT_RUNS: "An inspector report is good when it was made. The customer's own faults"
    " are no part of it.",
    Slo.Sli.COUNTS: "What is good is counted by the tool that sends the counts.",
    Slo.Sli.FRESHNESS: "Each source counts once a day: good when its last success was not too old"
    " at the end of the day, by its cadence and half of it more, or by its oldest profile.",
    Slo.Sli.ACCURACY: "A column is good when its semantic type was right in an audit or a fixture."
    " Users' corrections are no part of it, and no stratum is weighted here.",
}


@dataclass(frozen=True)
class WindowRow:
    """One pair of windows that alerts at this volume, in words."""

    window: BurnWindow
    does: str
    long: str
    short: str
    rate: str  # the failure rate above which both must be
    can_fire: bool


def percent(share: Decimal | float) -> str:
    """An objective as it was set: "99.5 %"."""
    value = (Decimal(str(share)) * 100).normalize()
    return f"{value:f} %"


def reached(share: float | None, objective: Decimal | float) -> str:
    """A share that is never rounded up to the objective: "98.99 %" of 0.98996."""
    if share is None:
        return "none"
    exponent = (Decimal(str(objective)) * 100).normalize().as_tuple().exponent
    digits = max(2, 1 - int(exponent))
    value = Decimal(str(round(share, 12))) * 100
    found = value.quantize(Decimal(1).scaleb(-digits), ROUND_FLOOR).normalize()
    return f"{found:f} %"


def left(remaining: float | None) -> str:
    """What is left of a budget: "38 % left", "25 % over"."""
    if remaining is None:
        return "no data"
    if remaining < 0:
        return f"{_whole(-remaining)} over"
    return "all spent" if remaining == 0 else f"{_whole(remaining)} left"


def _whole(share: float) -> str:
    """Whole percents, but nothing and all only where it is so."""
    value = share * 100
    if 0 < value < 1:
        return "under 1 %"
    if 99 < value < 100:
        return "over 99 %"
    return f"{value:,.0f} %"


def times(rate: float | None) -> str:
    """A burn rate: "2.4×", "none" where nothing happened."""
    if rate is None:
        return "none"
    return f"{rate:,.0f}×" if rate >= 100 else f"{rate:.1f}×"


def few(count: float) -> str:
    """A number of events that may be a part of one: "2.4", "120"."""
    return f"{count:,.0f}" if count >= 100 or count == int(count) else f"{count:.1f}"


def range_of(interval: Interval) -> str:
    """The bounds of a share: "41 to 79 %"; of nothing: "anything"."""
    if interval.lower is None or interval.upper is None:
        return "anything"
    return f"{interval.lower * 100:.0f} to {interval.upper * 100:.0f} %"


def look(budget: Budget) -> Look:
    """How an objective stands, for a list."""
    if budget.slo.archived_at:
        return Look("Laid down", "slash")
    if budget.state.met is None:
        return Look("No data", "ring")
    if budget.freezes:
        return Look("Spent: releases stop", "over", "danger")
    if budget.is_spent:
        return Look("Spent", "over", "danger")
    if budget.exhausts_in is not None and budget.exhausts_in <= SOON:
        return Look("Runs out soon", "warn", "warning")
    return Look("Kept", "check", "success")


def tone(budget: Budget) -> str:
    return look(budget).tone if look(budget).tone in {"danger", "warning"} else ""


def consequence(budget: Budget) -> str:
    """What the policy says now."""
    policy, spent = budget.slo.policy, budget.is_spent
    if policy == Slo.Policy.FREEZE:
        now = "Only P0 and security fixes go out until it recovers."
        later = "When it is spent, only P0 and security fixes go out until it recovers."
    elif policy == Slo.Policy.WARN:
        now = "Whoever releases is told so, and decides."
        later = "When it is spent, whoever releases is told so, and decides."
    else:
        now = "Nothing follows from it: its policy is to tell nobody."
        later = "Nothing follows when it is spent: its policy is to tell nobody."
    return now if spent else later


def windows(budget: Budget) -> list[WindowRow]:
    """The windows that mean anything at the present volume."""
    slo = float(budget.slo.objective)
    return [
        WindowRow(
            window=one,
            does="Wakes somebody" if one.severity == "page" else "Can wait for the day",
            long=formats.duration(timedelta(seconds=one.long_seconds)),
            short=formats.duration(timedelta(seconds=one.short_seconds)),
            rate=f"{min(burnrate.threshold(slo, one.burn), 1) * 100:.3g} %",
            can_fire=burnrate.reachable(slo, one.burn),
        )
        for one in budget.windows
    ]


def volume(per_hour: float) -> str:
    """How much happens, as a sentence: "About 42 an hour are counted."."""
    if per_hour >= burnrate.CALM:
        return f"About {few(round(per_hour))} an hour are counted."
    if per_hour * 24 >= 1:
        return f"About {few(round(per_hour * 24))} a day are counted."
    return "Less than one a day is counted." if per_hour else "Nothing came in three days."
