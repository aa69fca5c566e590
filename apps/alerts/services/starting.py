"""The rules to begin with: drafts, so that somebody reads, replays and owns each before it wakes
anybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import Person
from apps.alerts.models import AlertRule, Severity
from apps.alerts.services.rules import create_rule
from apps.core.audit import Actor
from apps.telemetry.models import Slo

_HOUR, _DAY = 3600, 86_400
_RULES: tuple[dict[str, Any], ...] = (
    {
        "key": "profile-failures", "name": "Profile runs fail", "kind": "rate",
        "description": "One warehouse type fails more often than it may, surely and not by chance.",
        "params": {"group_by": "facet", "window": _HOUR, "threshold": 0.1},
    },
    {
        "key": "report-failures", "name": "Inspector reports fail", "kind": "rate",
        "description": "One template fails, as it does when it no longer fits the profile.",
        "params": {"source": "report_runs", "group_by": "facet", "window": _DAY,
                   "threshold": 0.05},
    },
    {
        "key": "slower-than-usual", "name": "Profile runs are slow", "kind": "change",
        "description": "Slower than at the same hour of the same weekday, within one size.",
        "params": {"group_by": "facet"}, "severity": Severity.WARNING, "every_seconds": 300,
    },
    {
        "key": "missed-schedules", "name": "A schedule was missed", "kind": "absence",
        "description": "Nothing fails when nothing runs: silence past the cadence is a fault.",
        "every_seconds": 300,
    },
    {
        "key": "old-profiles", "name": "A profile is old", "kind": "stale",
        "description": "Where no rhythm is known, age decides.",
        "severity": Severity.WARNING, "every_seconds": 900,
    },
    {
        "key": "changed-since-profiled", "name": "Changed since it was profiled", "kind": "stale",
        "description": "A model, or what it reads, changed and was not profiled again.",
        "params": {"rule": "changed"}, "severity": Severity.WARNING, "every_seconds": 900,
        "for_seconds": 6 * _HOUR,
    },
    {
        "key": "types-changed", "name": "Semantic types changed", "kind": "inventory",
        "description": "Many columns have another type than in the inventory before.",
        "every_seconds": 300,
    },
    {
        "key": "type-corrections", "name": "Users correct types", "kind": "count",
        "description": "More corrections than chance brings. They prove nothing and come first.",
        "params": {"what": "corrections", "window": 2 * _HOUR}, "every_seconds": 300,
    },
    {
        "key": "type-accuracy", "name": "Semantic types are wrong", "kind": "accuracy",
        "description": "What audits found is surely below the target.",
        "every_seconds": 900,
    },
    {
        "key": "certificates", "name": "A certificate ends", "kind": "expiry",
        "description": "Told at 30, 14 and 3 days, ever louder.", "every_seconds": _HOUR,
    },
    {
        "key": "old-p1-tickets", "name": "A P1 is open for too long", "kind": "age",
        "description": "No P1 is to be open for more than five business days.",
        "params": {"priority": "P1", "max_business_days": 5}, "severity": Severity.WARNING,
        "every_seconds": 900,
    },
)  # fmt: skip


@transaction.atomic
def starter_rules(*, actor: Actor, now: datetime) -> list[AlertRule]:
    """Drafts of the rules above and of one for each budget, as far as no rule has their key.

    They belong to whoever asked for them, and need a runbook each before they can be on.
    """
    known = set(AlertRule.objects.values_list("key", flat=True))
    owner = Person.objects.active().filter(pk=actor.person_id).first() if actor.person_id else None
    wanted = [*_RULES, *(_budget(slo) for slo in _burning())]
    return [
        create_rule(**{"params": {}, **one, "owner": owner, "actor": actor, "now": now})
        for one in wanted
        if one["key"] not in known
    ]


def _burning() -> list[Slo]:
    rows = Slo.objects.filter(archived_at=None).exclude(sli=Slo.Sli.FRESHNESS)
    return list(rows.select_related("surface"))


def _budget(slo: Slo) -> dict[str, Any]:
    return {
        "key": f"budget-{slo.key}"[:60].rstrip("-_"),
        "name": f"Budget burns: {slo.name}"[:120],
        "kind": "burn_rate",
        "slo": slo,
        "surface": slo.surface,
    }
