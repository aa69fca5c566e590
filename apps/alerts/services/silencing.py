"""Silences: said with a reason and an end, ended early, never without either."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.alerts.models import AlertRule, Silence
from apps.alerts.services.mutes import criteria_of
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.text import one_line
from apps.intake.models import Integration
from apps.ownership.models import Surface

LONGEST = timedelta(days=30)
FARTHEST = timedelta(days=365)


@transaction.atomic
def create_silence(
    *,
    reason: str,
    ends_at: datetime,
    starts_at: datetime | None = None,
    surface: Surface | None = None,
    integration: Integration | None = None,
    rule: AlertRule | None = None,
    dedup_key: str = "",
    class_name: str = "",
    actor: Actor,
    now: datetime,
) -> Silence:
    """Page nobody for alerts that fit all that is named, from `starts_at` (now) until `ends_at`.

    Pages that are out already go on. Raises Invalid, by field: without a reason, when it would
    last more than 30 days, and when it names nothing and so would mute everything.
    """
    start = max(starts_at or now, now)
    _check_times(start, ends_at, now)
    row = Silence(
        reason=_reason(reason),
        surface=surface,
        integration=integration,
        rule=rule,
        dedup_key=_pattern("dedup_key", dedup_key, 300),
        class_name=_pattern("class_name", class_name, 120),
        starts_at=start,
        ends_at=ends_at,
        created_by_id=actor.person_id,
        created_at=now,
    )
    _check_names_something(row)
    row.save()
    return row


@transaction.atomic
def change_silence(
    *, silence: Silence, fields: Mapping[str, Any], actor: Actor, now: datetime
) -> Silence:
    """Change its reason or its end; what it mutes stays, so that nobody is surprised.

    Raises Conflict once it is over, Invalid by field.
    """
    row = _locked(silence)
    _check_not_over(row, now)
    if "reason" in fields:
        row.reason = _reason(fields["reason"])
    if "ends_at" in fields:
        _check_times(max(row.starts_at, now), fields["ends_at"], now)
        row.ends_at = fields["ends_at"]
    row.save(update_fields=["reason", "ends_at"])
    return row


@transaction.atomic
def end_silence(*, silence: Silence, actor: Actor, now: datetime) -> Silence:
    """End it now. Whoever should have been woken meanwhile is woken within a minute.

    Raises Conflict when it is over already.
    """
    row = _locked(silence)
    _check_not_over(row, now)
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    return row


def _locked(silence: Silence) -> Silence:
    return Silence.objects.select_for_update(of=("self",)).get(pk=silence.pk)


def _check_not_over(row: Silence, now: datetime) -> None:
    if row.ended_at is not None or row.ends_at <= now:
        raise Conflict("This silence is over. Make a new one.")


def _reason(text: str) -> str:
    reason = one_line(text)
    if not 0 < len(reason) <= 300:
        said = "Say in 1 to 300 characters why nobody is to be paged."
        raise Invalid(said, fields={"reason": [said]})
    return reason


def _pattern(name: str, text: str, most: int) -> str:
    pattern = one_line(text)
    if len(pattern) > most:
        said = f"At most {most} characters."
        raise Invalid(said, fields={name: [said]})
    return pattern


def _check_names_something(row: Silence) -> None:
    if criteria_of(row).is_whole_site:
        said = (
            "This would mute every alert of the site. Name a surface, an integration, a rule, "
            "a dedup key or a class."
        )
        raise Invalid(said, fields={"surface": [said]})


def _check_times(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    said, field = "", "ends_at"
    if ends_at <= now:
        said = "It would be over already. Choose a later end."
    elif ends_at <= starts_at:
        said = "The end must come after the start."
    elif ends_at - starts_at > LONGEST:
        said = f"At most {LONGEST.days} days. What is muted for longer is forgotten."
    elif starts_at - now > FARTHEST:
        said, field = "At most a year ahead.", "starts_at"
    if said:
        raise Invalid(said, fields={field: [said]})
