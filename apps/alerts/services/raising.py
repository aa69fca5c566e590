"""From a rule's firing to an alert: a native event of our own, in the same transaction.

The alert goes the way of every tool's event, so that silences, routing and pages treat it alike.
The delivery key names the one firing: noticing it twice is harmless.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apps.alerts.models import AlertRule, Firing, RuleGroup
from apps.alerts.rules.seen import Seen
from apps.intake import services as intake
from apps.notifications import services as notifications


def dedup_key(rule: AlertRule, group: str) -> str:
    """Of the alert: `rule:<key>`, with the group where the rule has groups."""
    return f"rule:{rule.key}:{group}" if group else f"rule:{rule.key}"


def severity(rule: AlertRule, seen: Seen) -> str:
    """What the look says, else the rule's own."""
    return seen.severity or rule.severity


def raise_alert(
    *, rule: AlertRule, group: RuleGroup, seen: Seen, now: datetime, again: bool = False
) -> None:
    """Tell of a firing, of its rise to another severity, or again after somebody resolved the
    alert while the rule went on firing."""
    key = dedup_key(rule, group.group)
    grave = severity(rule, seen)
    firing = f"{key}:{_stamp(group.since)}:{grave}"
    _receive(
        {
            "action": "trigger",
            "dedup_key": key,
            "group_key": f"rule:{rule.key}:{seen.surface}" if seen.surface else f"rule:{rule.key}",
            "summary": _summary(rule, seen),
            "severity": grave,
            "surface": seen.surface or (rule.surface.key if rule.surface else None),
            "source": "rules",
            "component": (seen.label or seen.group)[:255] or None,
            "class": f"rule.{rule.kind}",
            "links": _links(rule, seen, now),
            "details": _details(rule, seen),
        },
        delivery_key=f"{firing}:{_stamp(now)}" if again else firing,
        now=now,
    )
    group.memory = {**group.memory, "severity": grave, "told_at": now.timestamp()}


def end(*, rule: AlertRule, group: RuleGroup, text: str, now: datetime) -> None:
    """Close a group's firing, if it has one, and its alert, if it raised one."""
    if group.state != RuleGroup.State.FIRING:
        return
    Firing.objects.filter(rule=rule, group=group.group, resolved_at=None).update(resolved_at=now)
    if group.is_inhibited:
        return
    key = dedup_key(rule, group.group)
    _receive(
        {"action": "resolve", "dedup_key": key, "summary": text[:1024]},
        delivery_key=f"{key}:{_stamp(group.since)}:resolved",
        now=now,
    )


def _receive(body: dict[str, Any], *, delivery_key: str, now: datetime) -> None:
    known = {name: value for name, value in body.items() if value not in (None, "")}
    intake.receive(
        integration=intake.internal_integration(now=now),
        body=known,
        delivery_key=delivery_key,
        now=now,
    )


def _stamp(at: datetime) -> int:
    """Whole seconds: short, so that a key with a long group keeps within its column."""
    return int(at.timestamp())


def _summary(rule: AlertRule, seen: Seen) -> str:
    group = f" ({seen.group})" if seen.group and seen.group not in seen.text else ""
    if seen.label and seen.label in seen.text:
        group = ""
    return f"{rule.name}{group}: {seen.text}"[:1024]


def _links(rule: AlertRule, seen: Seen, now: datetime) -> list[dict[str, str]]:
    found = [(f"/rules/{rule.key}/", "The rule")]
    if rule.runbook is not None:
        found.insert(0, (f"/runbooks/{rule.runbook.key}/", f"Runbook {rule.runbook.key}"))
    if seen.path:
        found.append((_as_it_was(seen.path, now), "What it looked at"))
    return [{"href": notifications.absolute(path), "text": text} for path, text in found]


def _as_it_was(path: str, now: datetime) -> str:
    """A list with a span looks back from the moment of the alert, whenever it is opened."""
    return f"{path}&until={now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if "span=" in path else path


def _details(rule: AlertRule, seen: Seen) -> dict[str, Any]:
    found: dict[str, Any] = {
        "rule": rule.key,
        "kind": rule.kind,
        "group": seen.group,
        "look": seen.text,
        "value": seen.value,
        "limit": seen.limit,
        "n": seen.n,
        "lower": seen.lower,
        "upper": seen.upper,
        "owner": rule.owner.name if rule.owner else None,
        "runbook": rule.runbook.key if rule.runbook else None,
    }
    return {name: value for name, value in found.items() if value not in (None, "")}
