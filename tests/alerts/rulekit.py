"""What tests of rules share: a profiler's source, rules that are on, looks and the engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.accounts.models import Person
from apps.alerts import services
from apps.alerts.models import Alert, AlertRule, RuleGroup
from apps.core import audit
from apps.intake import services as intake
from apps.runbooks import services as runbooks
from apps.runbooks.models import Runbook

NOON = datetime(2026, 9, 7, 12, tzinfo=UTC)  # a Monday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def runbook(key: str = "rb-snowflake-timeouts", *, now: datetime = NOON) -> Runbook:
    found = Runbook.objects.filter(key=key).first()
    return found or runbooks.create(key=key, title="Time-outs", actor=audit.SYSTEM, now=now)


def rule(
    kind: str, owner: Person, *, key: str = "", on: bool = True, now: datetime = NOON, **fields: Any
) -> AlertRule:
    """A rule of `owner`; parameters are those that are no field of a rule."""
    names = {*services.rules.CHANGEABLE, "runbook"} - {"params"}
    given = {name: value for name, value in fields.items() if name in names}
    params = {name: value for name, value in fields.items() if name not in names}
    made = services.create_rule(
        key=key or f"{kind.replace('_', '-')}-rule", kind=kind, params=params, owner=owner,
        actor=audit.SYSTEM, now=now,
        **{"name": kind.title(), "runbook": runbook(now=now), **given},
    )  # fmt: skip
    return services.switch_on(rule=made, actor=audit.SYSTEM, now=now) if on else made


def look(now: datetime) -> list[Alert]:
    """One pass over the rules and one of the engine; the alerts that stand then."""
    services.evaluate_due(now=now)
    intake.normalise_due(now=now)
    return standing()


def standing() -> list[Alert]:
    return list(Alert.objects.standing().order_by("dedup_key").select_related("group", "surface"))


def groups(rule: AlertRule) -> dict[str, RuleGroup]:
    return {group.group: group for group in RuleGroup.objects.filter(rule=rule)}
