"""Rules as people make them: drafted, tried, switched on with an owner and a runbook, and off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.accounts.models import Person
from apps.alerts.models import AlertRule, Severity
from apps.alerts.rules import params as parameters
from apps.alerts.services import raising
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.text import one_line
from apps.core.transitions import move
from apps.ownership.models import Surface
from apps.runbooks.models import Runbook
from apps.telemetry import burnrate
from apps.telemetry.models import Slo

Status = AlertRule.Status
CHANGEABLE = (
    "name", "description", "params", "severity", "surface", "owner", "runbook", "slo", "tier",
    "every_seconds", "for_seconds", "keep_firing_seconds",
)  # fmt: skip
_KEY = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_TIMES = {
    "every_seconds": (60, 86_400, "A rule looks at least once a day and at most once a minute."),
    "for_seconds": (0, 7 * 86_400, "It may be pending for up to 7 days."),
    "keep_firing_seconds": (0, 7 * 86_400, "It may keep firing for up to 7 days."),
    "tier": (0, 99, "A tier is a number from 0 to 99; the lowest is heard."),
}
_NO_BURN = {
    Slo.Sli.FRESHNESS: "An objective about fresh sources changes once a day: use a rule about "
    "missed schedules or age.",
}


@transaction.atomic
def create_rule(
    *,
    key: str,
    name: str,
    kind: str,
    params: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    severity: str = Severity.ERROR,
    surface: Surface | None = None,
    owner: Person | None = None,
    runbook: Runbook | None = None,
    slo: Slo | None = None,
    tier: int = 0,
    description: str = "",
    every_seconds: int = 60,
    for_seconds: int = 0,
    keep_firing_seconds: int = 900,
) -> AlertRule:
    """A draft: it looks at nothing until it is switched on. Raises Invalid, by field."""
    rule = AlertRule(
        key=key.strip().lower(), kind=kind, surface=surface, owner=owner, runbook=runbook, slo=slo,
        severity=severity, tier=tier, every_seconds=every_seconds, for_seconds=for_seconds,
        keep_firing_seconds=keep_firing_seconds, created_by_id=actor.person_id, created_at=now,
        name=one_line(name), description=one_line(description), params=dict(params),
    )  # fmt: skip
    _check(rule, new=True)
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError as error:
        said = f"There is a rule {rule.key} already. Choose another key."
        raise Invalid(said, fields={"key": [said]}) from error
    return rule


@transaction.atomic
def change_rule(
    *, rule: AlertRule, fields: Mapping[str, Any], actor: Actor, now: datetime
) -> AlertRule:
    """Change what `CHANGEABLE` names; key and kind stay. Raises Invalid by field, Conflict for
    an archived rule.

    Groups that the changed rule does not look at any more end with its next look.
    """
    unknown = set(fields) - set(CHANGEABLE)
    if unknown:
        raise Invalid(
            "The key and the kind of a rule stay as they are: draft another one.",
            fields={name: ["This cannot be changed."] for name in unknown},
        )
    row = _locked(rule)
    if row.archived_at is not None:
        raise Conflict("This rule is archived.")
    was = (row.params, row.slo_id)
    for name, value in fields.items():
        text = name in {"name", "description"}
        setattr(row, name, one_line(value) if text else value)
    _check(row)
    if row.status == Status.ON:
        _check_ready(row)
        row.next_at = now
    row.save()
    if was != (row.params, row.slo_id):
        for group in row.groups.select_for_update(of=("self",)):
            group.memory = {**group.memory, "changed": True}
            group.save(update_fields=["memory"])
    return row


@transaction.atomic
def switch_on(*, rule: AlertRule, actor: Actor, now: datetime) -> AlertRule:
    """From now on it looks. It needs an owner and a runbook: somebody who looks after it, and
    what to do when it fires. Raises Invalid by field, Conflict when it is on or archived."""
    row = _locked(rule)
    if row.archived_at is not None:
        raise Conflict("This rule is archived.")
    _check(row)
    _check_ready(row)
    return move(row, to=Status.ON, actor=actor, now=now, next_at=now, error="", params=row.params)


@transaction.atomic
def switch_off(*, rule: AlertRule, reason: str, actor: Actor, now: datetime) -> AlertRule:
    """It looks no more, and what it raised ends. Raises Invalid without a reason."""
    said = one_line(reason)
    if not 0 < len(said) <= 300:
        text = "Say why, in up to 300 characters: whoever relied on it wants to know."
        raise Invalid(text, fields={"reason": [text]})
    row = _locked(rule)
    move(row, to=Status.OFF, actor=actor, now=now, note=said, next_at=None)
    for group in row.groups.select_for_update(of=("self",)):
        raising.end(rule=row, group=group, text=f"{actor.label} switched the rule off: {said}",
                    now=now)  # fmt: skip
    row.groups.all().delete()
    return row


@transaction.atomic
def archive_rule(*, rule: AlertRule, actor: Actor, now: datetime) -> AlertRule:
    """Out of the lists; what it said stays. Raises Conflict while it is on."""
    row = _locked(rule)
    if row.status == Status.ON:
        raise Conflict("This rule is on. Switch it off first.")
    row.archived_at = row.archived_at or now
    row.save(update_fields=["archived_at"])
    return row


def _locked(rule: AlertRule) -> AlertRule:
    rows = AlertRule.objects.select_for_update(of=("self",))
    return rows.select_related("surface", "owner", "runbook", "slo").get(pk=rule.pk)


# -- what a rule must be


def _check(rule: AlertRule, *, new: bool = False) -> None:
    wrong: dict[str, list[str]] = {}
    if new and not (_KEY.fullmatch(rule.key) and len(rule.key) <= 60):
        wrong["key"] = ["Small letters, digits and dashes, up to 60: snowflake-failures."]
    if not 0 < len(rule.name) <= 120:
        wrong["name"] = ["A name has 1 to 120 characters. It stands in every alert."]
    if len(rule.description) > 500:
        wrong["description"] = ["At most 500 characters."]
    if rule.severity not in Severity.values:
        wrong["severity"] = [f"Choose one of {', '.join(Severity.values)}."]
    for name, (least, most, said) in _TIMES.items():
        value = getattr(rule, name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            wrong[name] = [said]
    wrong.update(_check_params(rule))
    if wrong:
        first = next(iter(wrong.values()))[0]
        raise Invalid(first, fields=wrong)


def _check_params(rule: AlertRule) -> dict[str, list[str]]:
    try:
        rule.params = parameters.check(rule.kind, rule.params)
    except parameters.BadParams as error:
        return error.fields
    if rule.kind != AlertRule.Kind.BURN_RATE:
        return {"slo": ["Only a rule about a budget has an SLO."]} if rule.slo else {}
    if rule.slo is None:
        return {"slo": ["Choose the SLO whose budget it watches."]}
    if rule.slo.archived_at is not None:
        return {"slo": ["This SLO is archived."]}
    if said := why_no_burn(rule.slo):
        return {"slo": [said]}
    return _check_reachable(rule, float(rule.slo.objective))


def why_no_burn(slo: Slo) -> str:
    """Why no budget of what an objective measures by now can burn; empty where it can."""
    return _NO_BURN.get(Slo.Sli(slo.sli), "")


def _check_reachable(rule: AlertRule, objective: float) -> dict[str, list[str]]:
    if rule.params["windows"] == "auto":
        return {}
    most = burnrate.max_burn(objective)
    dead = [row for row in rule.params["windows"] if not burnrate.reachable(objective, row["burn"])]
    if not dead:
        return {}
    said = (
        f"With this objective everything failing burns {most:.3g} times as fast as it lasts: "
        f"{dead[0]['burn']:g} times can never be reached."
    )
    return {"windows": [said]}


def _check_ready(rule: AlertRule) -> None:
    wrong: dict[str, list[str]] = {}
    if rule.owner is None or not rule.owner.is_active:
        wrong["owner"] = ["Name who looks after this rule."]
    if rule.runbook is None or rule.runbook.archived_at is not None:
        wrong["runbook"] = ["Choose the runbook that says what to do when it fires."]
    if wrong:
        said = "A rule that is on has an owner and a runbook."
        raise Invalid(said, fields=wrong)
