"""Telling the owner of a rule that it cannot look."""

from __future__ import annotations

from datetime import datetime

from apps.accounts.models import Person
from apps.alerts import rule_notices
from apps.alerts.models import AlertRule
from apps.notifications import services as notifications


def tell_owner(rule: AlertRule, now: datetime) -> None:
    """Its owner, once; without one that is here, the managers."""
    owner = rule.owner if rule.owner is not None and rule.owner.is_active else None
    readers = [owner] if owner else list(Person.objects.active().managers().order_by("pk"))
    why = "you own it" if owner else "you are a manager, and it has no owner who is here"
    for person in readers:
        notifications.notify(
            person=person,
            what="rule_broken",
            write=rule_notices.broken,
            facts=rule_notices.Broken(
                key=rule.key,
                name=rule.name,
                error=rule.error,
                url=notifications.absolute(f"/rules/{rule.key}/"),
                why=why,
            ),
            urgency="low",
            subject=("alert_rule", rule.key),
            dedupe=f"rule:{rule.pk}:broken:{int(now.timestamp())}",
            now=now,
        )
