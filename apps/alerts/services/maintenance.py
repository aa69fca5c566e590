"""Announced work: said beforehand, begun and ended on time, and every move of it told.

Whoever follows hears of it through `MaintenanceChanged`; nobody here knows who that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.alerts.events import MaintenanceChanged
from apps.alerts.models import MaintenanceWindow
from apps.core import audit, events
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.text import one_line
from apps.core.transitions import move
from apps.ownership.models import Surface

Status = MaintenanceWindow.Status
LONGEST = timedelta(days=30)
MOST_WORDS = 20_000
CLOCK = audit.system("Maintenance")


@transaction.atomic
def announce_maintenance(
    *,
    title: str,
    surfaces: Sequence[Surface],
    starts_at: datetime,
    ends_at: datetime,
    description: str = "",
    is_public: bool = True,
    actor: Actor,
    now: datetime,
) -> MaintenanceWindow:
    """Announce work from `starts_at` until `ends_at`; a start that has passed begins it at once.

    Raises Invalid, by field.
    """
    _check_times(starts_at, ends_at, now)
    row = MaintenanceWindow.objects.create(
        title=_title(title),
        description=_description(description),
        starts_at=starts_at,
        ends_at=ends_at,
        is_public=is_public,
        created_by_id=actor.person_id,
    )
    row.surfaces.set(_surfaces(surfaces))
    _tell(row, "announced", now)
    return row


@transaction.atomic
def change_maintenance(
    *, window: MaintenanceWindow, fields: Mapping[str, Any], actor: Actor, now: datetime
) -> MaintenanceWindow:
    """Change title, description, surfaces, is_public, starts_at or ends_at; each change of a time
    is told, and so is work that becomes public.

    Raises Conflict once it is over, Invalid by field; what has begun keeps its start.
    """
    row = _locked(window)
    if row.status not in {Status.SCHEDULED, Status.IN_PROGRESS}:
        raise Conflict("This maintenance is over. Announce a new one.")
    was = (row.starts_at, row.ends_at, row.is_public)
    if "title" in fields:
        row.title = _title(fields["title"])
    if "description" in fields:
        row.description = _description(fields["description"])
    row.is_public = bool(fields.get("is_public", row.is_public))
    row.starts_at = fields.get("starts_at", row.starts_at)
    row.ends_at = fields.get("ends_at", row.ends_at)
    moved = (row.starts_at, row.ends_at) != was[:2]
    if row.status == Status.IN_PROGRESS and row.starts_at != was[0]:
        said = "It has begun, so its start stays."
        raise Invalid(said, fields={"starts_at": [said]})
    if moved:
        _check_times(row.starts_at, row.ends_at, now)
    row.save()
    if "surfaces" in fields:
        row.surfaces.set(_surfaces(fields["surfaces"]))
    if row.is_public and not was[2]:
        _tell(row, "announced", now)
    elif moved:
        _tell(row, "moved", now)
    return row


@transaction.atomic
def cancel_maintenance(
    *, window: MaintenanceWindow, actor: Actor, now: datetime
) -> MaintenanceWindow:
    """It does not take place. Raises Conflict once it has begun."""
    row = _locked(window)
    if row.status == Status.IN_PROGRESS:
        raise Conflict("It has begun. End it instead.")
    move(row, to=Status.CANCELED, actor=actor, now=now)
    _tell(row, "canceled", now)
    return row


@transaction.atomic
def end_maintenance(*, window: MaintenanceWindow, actor: Actor, now: datetime) -> MaintenanceWindow:
    """The work is done, earlier than was announced."""
    row = _locked(window)
    move(row, to=Status.COMPLETED, actor=actor, now=now, ended_at=now)
    _tell(row, "completed", now)
    return row


def maintain_due(*, now: datetime) -> int:
    """Begin and complete whatever is due; answers how many windows moved.

    Late it does what is due now: work that began and ended meanwhile is told as over, once.
    """
    due = MaintenanceWindow.objects.filter(status=Status.SCHEDULED, starts_at__lte=now)
    over = MaintenanceWindow.objects.filter(status=Status.IN_PROGRESS, ends_at__lte=now)
    ids = sorted({*due.values_list("pk", flat=True), *over.values_list("pk", flat=True)})
    return sum(_advance(pk, now) for pk in ids)


@transaction.atomic
def _advance(pk: int, now: datetime) -> bool:
    rows = MaintenanceWindow.objects.select_for_update(of=("self",), skip_locked=True)
    row = rows.filter(pk=pk).first()
    if row is None:
        return False
    what = ""
    if row.status == Status.SCHEDULED and row.starts_at <= now:
        move(row, to=Status.IN_PROGRESS, actor=CLOCK, now=now, started_at=row.starts_at)
        what = "begun"
    if row.status == Status.IN_PROGRESS and row.ends_at <= now:
        move(row, to=Status.COMPLETED, actor=CLOCK, now=now, ended_at=row.ends_at)
        what = "completed"
    if what:
        _tell(row, what, now)
    return bool(what)


def _locked(window: MaintenanceWindow) -> MaintenanceWindow:
    return MaintenanceWindow.objects.select_for_update(of=("self",)).get(pk=window.pk)


def _tell(row: MaintenanceWindow, what: str, now: datetime) -> None:
    events.publish(MaintenanceChanged(window_id=row.pk, what=what, at=now))


def _title(text: str) -> str:
    title = one_line(text)
    if not 0 < len(title) <= 160:
        said = "A title has 1 to 160 characters. Customers read it."
        raise Invalid(said, fields={"title": [said]})
    return title


def _description(text: str) -> str:
    if len(text) > MOST_WORDS:
        said = f"At most {MOST_WORDS:,} characters."
        raise Invalid(said, fields={"description": [said]})
    return text.strip()


def _surfaces(surfaces: Sequence[Surface]) -> list[Surface]:
    found = list(surfaces)
    if not found:
        said = "Name at least one surface, so that it is known what is worked on."
        raise Invalid(said, fields={"surfaces": [said]})
    return found


def _check_times(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    said = ""
    if ends_at <= starts_at:
        said = "The end must come after the start."
    elif ends_at <= now:
        said = "It would be over already. Choose a later end."
    elif ends_at - starts_at > LONGEST:
        said = f"At most {LONGEST.days} days. Announce several."
    if said:
        raise Invalid(said, fields={"ends_at": [said]})
