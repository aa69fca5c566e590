"""Objectives as the pages show them: their budgets, what burned them, the rules that watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.accounts.models import Person
from apps.alerts.models import AlertRule, RuleGroup
from apps.incidents.models import Incident
from apps.portal import slo_plots, slo_words
from apps.portal.plots import Plot
from apps.portal.templatetags._vocabulary import Look
from apps.telemetry import budget as calculator
from apps.telemetry import burnrate
from apps.telemetry.models import Slo
from apps.telemetry.selectors import budgets, series
from apps.telemetry.selectors.budgets import Budget

VIEWS = {"": "In force", "archived": "Laid down"}
INCIDENTS = 10  # at most, the newest
NOT_ONES = (Incident.Status.DECLINED, Incident.Status.MERGED)


@dataclass(frozen=True)
class Row:
    """One objective of the list."""

    slo: Slo
    budget: Budget
    look: Look
    tone: str
    reached: str
    left: str
    burn: str

    @property
    def percent_left(self) -> float:
        return max(0.0, (self.budget.state.remaining or 0.0) * 100)


@dataclass(frozen=True)
class Spender:
    """An incident with what happened while it lasted; `share` is of the window's budget."""

    incident: Incident
    bad: int
    share: float | None

    @property
    def owes_review(self) -> bool:
        return self.share is not None and self.share > calculator.INCIDENT_SHARE

    @property
    def words(self) -> str:
        return f"{self.share * 100:,.0f} %" if self.share is not None else "none"


@dataclass(frozen=True)
class Page:
    """All that one objective's page says."""

    row: Row
    plot: Plot
    spenders: Sequence[Spender]
    rules: Sequence[AlertRule]

    @property
    def budget(self) -> Budget:
        return self.row.budget

    @property
    def biggest(self) -> Spender | None:
        """The incident that alone spent more of the budget than one may."""
        owing = [one for one in self.spenders if one.owes_review]
        return max(owing, key=lambda one: one.share or 0.0, default=None)


def rows_of(person: Person) -> QuerySet[Slo]:
    return Slo.objects.visible_to(person).select_related("surface", "owner")


def listed(person: Person, *, archived: bool, now: datetime) -> list[Row]:
    """Objectives with their budgets: the most spent first, those without any event last."""
    slos = list(rows_of(person).exclude(archived_at=None)) if archived else list(
        rows_of(person).filter(archived_at=None)
    )  # fmt: skip
    found = [_row(one) for one in budgets.budgets(slos=slos, now=now)]
    return sorted(found, key=_most_spent)


def counts(person: Person) -> dict[str, int]:
    found: dict[str, int] = rows_of(person).aggregate(
        force=Count("pk", filter=Q(archived_at=None)),
        down=Count("pk", filter=Q(archived_at__isnull=False)),
    )
    return {"": found["force"], "archived": found["down"]}


def _most_spent(row: Row) -> tuple[bool, float, str]:
    left = row.budget.state.remaining
    return (left is None, left if left is not None else 0.0, row.slo.key)


def _row(found: Budget) -> Row:
    day = next(burn for burn in found.burns if burn.hours == 24)
    return Row(
        slo=found.slo,
        budget=found,
        look=slo_words.look(found),
        tone=slo_words.tone(found),
        reached=slo_words.reached(found.state.sli, found.slo.objective),
        left=slo_words.left(found.state.remaining),
        burn=slo_words.times(day.rate),
    )


def page(person: Person, slo: Slo, *, now: datetime) -> Page:
    """One objective, in a fixed number of statements."""
    found = budgets.budget(slo=slo, now=now)
    return Page(
        row=_row(found),
        plot=slo_plots.burn_down(found.days),
        spenders=_spenders(person, found),
        rules=_rules(person, slo),
    )


def burns(found: Budget) -> list[dict[str, Any]]:
    """How fast it burned in the last hours, and what that does to the budget."""
    period = timedelta(days=found.slo.window_days).total_seconds()
    return [
        {
            "burn": burn,
            "words": slo_words.times(burn.rate),
            "spent": None
            if burn.rate is None
            else f"{burnrate.spent(burn.rate, burn.hours * 3600, period) * 100:.1f} %",
            "fast": burn.rate is not None and burn.rate > 1,
            "few": 0 < burn.total < burnrate.MIN_TOTAL,
        }
        for burn in found.burns
    ]


def _rules(person: Person, slo: Slo) -> list[AlertRule]:
    firing = Count("groups", filter=Q(groups__state=RuleGroup.State.FIRING))
    rows = AlertRule.objects.visible_to(person).current().filter(slo=slo)
    return list(rows.annotate(firing=firing).order_by("tier", "key"))


def _spenders(person: Person, found: Budget) -> list[Spender]:
    """Incidents of the window with the bad events that came while each lasted."""
    slo = found.slo
    rows = Incident.objects.visible_to(person).real().exclude(status__in=NOT_ONES)
    rows = rows.filter(Q(resolved_at=None) | Q(resolved_at__gt=found.since))
    if (below := series.below(slo.surface)) is not None:
        rows = rows.filter(surface__in=below)
    newest = list(rows.order_by("-detected_at", "-pk")[:INCIDENTS])
    spans = [
        (max(row.impact_started_at or row.detected_at, found.since), row.resolved_at or found.now)
        for row in newest
    ]
    bad = budgets.bad_within(slo=slo, spans=spans)
    made = [
        Spender(row, number, calculator.share_of_budget(number, found.state.allowed))
        for row, number in zip(newest, bad, strict=True)
        if number
    ]
    return sorted(made, key=lambda one: -one.bad)
