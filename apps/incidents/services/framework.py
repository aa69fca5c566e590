"""The framework as managers keep it: levels, types, task templates, audiences.

Keys stay once they are given, because tools name rows by them. What incidents refer to is
archived, never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import ManyToManyField, Model

from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.incidents.models import Audience, IncidentType, SeverityLevel, TaskTemplate

M = TypeVar("M", bound=Model)
LONGEST_SECONDS = 90 * 24 * 3600


@transaction.atomic
def save_level(*, level: SeverityLevel, fields: Mapping[str, Any], actor: Actor) -> SeverityLevel:
    """Change what a level means. Updates later do not come more often than at first, and a review
    is drafted before it is published."""
    row = SeverityLevel.objects.get(pk=level.pk)
    given = _kept(row, fields)
    merged = {name: given.get(name, getattr(row, name)) for name in _TIMES}
    first, after = merged["cadence_first_seconds"], merged["cadence_after_seconds"]
    if first and after and after < first:
        _refuse("cadence_after_seconds", "Updates do not come more often later than at first.")
    if after and not first:
        _refuse("cadence_first_seconds", "Say how often updates come at first, too.")
    draft, publish = merged["review_draft_days"], merged["review_publish_days"]
    if draft is not None and publish is not None and draft > publish:
        _refuse("review_draft_days", "A review is drafted before it is published.")
    for name in _TIMES:
        if name.endswith("_seconds") and (given.get(name) or 0) > LONGEST_SECONDS:
            _refuse(name, "At most 90 days.")
    return _save(row, given)


_TIMES = (
    "acknowledge_seconds", "commander_seconds", "internal_update_seconds", "public_update_seconds",
    "cadence_first_seconds", "cadence_after_seconds", "cadence_switch_seconds", "mitigate_seconds",
    "review_draft_days", "review_publish_days",
)  # fmt: skip


@transaction.atomic
def save_type(
    *, incident_type: IncidentType | None, fields: Mapping[str, Any], actor: Actor
) -> IncidentType:
    """Make or change a type of incident; its key stays what it was. Raises Invalid by field."""
    row = IncidentType.objects.get(pk=incident_type.pk) if incident_type else IncidentType()
    return _save(row, _kept(row, fields))


@transaction.atomic
def save_task_template(
    *, task_template: TaskTemplate | None, fields: Mapping[str, Any], actor: Actor
) -> TaskTemplate:
    """Incidents that have its task already keep the words that they got."""
    row = TaskTemplate.objects.get(pk=task_template.pk) if task_template else TaskTemplate()
    return _save(row, _kept(row, fields))


@transaction.atomic
def save_audience(
    *, audience: Audience | None, fields: Mapping[str, Any], actor: Actor
) -> Audience:
    """Raises Invalid for an audience that changes sides while words are prepared for it."""
    row = Audience.objects.get(pk=audience.pk) if audience else Audience()
    given = _kept(row, fields)
    if row.pk and given.get("side", row.side) != row.side and row.templates.exists():
        _refuse("side", "Words are prepared for it. Make another audience instead.")
    return _save(row, given)


@transaction.atomic
def archive(*, row: M, actor: Actor, now: datetime) -> None:
    """Take a row out of the choices; what refers to it stays as it is."""
    setattr(row, "archived_at", now)  # noqa: B010 - whichever table it is of
    row.save(update_fields=["archived_at"])


@transaction.atomic
def bring_back(*, row: M, actor: Actor) -> None:
    """Offer an archived row among the choices again."""
    setattr(row, "archived_at", None)  # noqa: B010 - whichever table it is of
    row.save(update_fields=["archived_at"])


def _kept(row: Model, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without the key of a row that has one."""
    fixed = {"key"} if row.pk else set()
    return {name: value for name, value in fields.items() if name not in fixed}


def _save(row: M, given: Mapping[str, Any]) -> M:
    many = {field.name for field in row._meta.get_fields() if isinstance(field, ManyToManyField)}
    for name, value in given.items():
        if name not in many:
            setattr(row, name, value)
    row.full_clean()
    row.save()
    for name in many & set(given):
        getattr(row, name).set(given[name])
    return row


def _refuse(field: str, text: str) -> None:
    raise Invalid(text, fields={field: [text]})
