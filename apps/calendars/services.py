"""Changes of business calendars. What a calendar says is a version; every change is a new one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.calendars import zonedata
from apps.calendars.businesstime import DAYS
from apps.calendars.definitions import HOLIDAYS, Exceptions, Says, Weekly, checked
from apps.calendars.events import CalendarChanged
from apps.calendars.models import BusinessCalendar, CalendarVersion
from apps.calendars.selectors import current_version
from apps.core import events
from apps.core.audit import Actor, system
from apps.core.errors import Conflict, DomainError, Invalid
from apps.notifications.services import site

log = structlog.get_logger(__name__)

OFFICE, ALWAYS = "office", "always"


@transaction.atomic
def create_calendar(
    *,
    key: str,
    name: str,
    time_zone: str,
    weekly: Weekly,
    exceptions: Exceptions | None = None,
    regions: Sequence[str] = (),
    is_default: bool = False,
    note: str = "",
    actor: Actor,
    now: datetime,
) -> BusinessCalendar:
    """A calendar with its first version. Raises Invalid and ValidationError with fields."""
    row = BusinessCalendar(key=key, name=name.strip(), created_at=now)
    row.full_clean()
    row.save()
    if is_default:
        _make_default(row)
    says = checked(Says(time_zone, weekly, exceptions or {}, regions), now)
    _add_version(row, 1, says, note, actor, now)
    return row


@transaction.atomic
def edit_calendar(
    *,
    calendar: BusinessCalendar,
    name: str,
    is_default: bool,
    says: Says,
    note: str = "",
    seen: int | None = None,
    actor: Actor,
    now: datetime,
) -> CalendarVersion:
    """All that its page edits: the name, whether it is the default, and what it says."""
    row = _lock(calendar)
    if row.is_default and not is_default:
        raise Invalid(
            "One calendar is the default. Make another one the default instead.",
            fields={"is_default": ["Make another one the default instead."]},
        )
    version = save_version(
        calendar=row, time_zone=says.time_zone, weekly=says.weekly, exceptions=says.exceptions,
        regions=says.regions, note=note, seen=seen, actor=actor, now=now,
    )  # fmt: skip
    if row.name != name.strip():
        row.name = name.strip()
        row.full_clean()
        row.save(update_fields=["name"])
    if is_default and not row.is_default:
        _make_default(row)
    return version


@transaction.atomic
def save_version(
    *,
    calendar: BusinessCalendar,
    time_zone: str,
    weekly: Weekly,
    exceptions: Exceptions,
    regions: Sequence[str],
    note: str = "",
    seen: int | None = None,
    actor: Actor,
    now: datetime,
) -> CalendarVersion:
    """What a calendar says from now on. The newest version comes back if nothing is different.

    `seen` is the number of the version that was edited: a newer one is a Conflict. Raises Invalid
    with the field for what cannot be computed, such as a calendar that never opens.
    """
    row = _lock(calendar)
    newest = current_version(row)
    if seen is not None and seen != newest.number:
        raise Conflict(
            "Somebody else changed this calendar meanwhile. Open the page again to see it.",
            code="stale",
        )
    if row.archived_at is not None:
        raise Conflict("This calendar is archived. Bring it back first.")
    if newest.regions == list(regions):  # holidays that are over stay as they were
        kept = {on: one for on, one in newest.exceptions.items() if one["source"] == HOLIDAYS}
        exceptions = {**kept, **exceptions}
    says = checked(Says(time_zone, weekly, exceptions, regions), now)
    if says == _said_by(newest):
        return newest
    return _succeed(newest, says, note, actor, now)


@transaction.atomic
def seed_holidays(*, calendar: BusinessCalendar, actor: Actor, now: datetime) -> CalendarVersion:
    """Fill in the public holidays of this year and the next two; entries by hand stay.

    Idempotent: the newest version comes back if there is nothing to add.
    """
    return _refresh(calendar, actor=actor, now=now, zone_data=False)


def refresh_all(*, now: datetime) -> int:
    """Daily: new holidays everywhere, and a new version where the zone data is another one, so
    that what runs in a calendar is timed anew. The number of calendars that changed."""
    changed = 0
    for calendar in BusinessCalendar.objects.order_by("pk"):
        before = current_version(calendar).pk
        try:
            version = _refresh(calendar, actor=system("Calendars"), now=now, zone_data=True)
        except DomainError as error:
            log.warning("calendar not refreshed", calendar=calendar.key, reason=error.message)
            continue
        changed += version.pk != before
    return changed


@transaction.atomic
def archive(*, calendar: BusinessCalendar, now: datetime) -> BusinessCalendar:
    """Offer a calendar no longer; what runs in it goes on. Raises Conflict for the default."""
    row = _lock(calendar)
    if row.is_default:
        raise Conflict("This is the default. Make another calendar the default first.")
    if row.archived_at is None:
        row.archived_at = now
        row.save(update_fields=["archived_at"])
    return row


@transaction.atomic
def restore(*, calendar: BusinessCalendar) -> BusinessCalendar:
    """Offer an archived calendar again."""
    row = _lock(calendar)
    row.archived_at = None
    row.save(update_fields=["archived_at"])
    return row


def ensure_defaults(*, now: datetime) -> None:
    """The calendars of a new site, in its zone: office hours (the default) and around the clock.
    One that exists, whatever was made of it, is left alone."""
    zone, actor = site().time_zone, system("Setup")
    office = {day: [[9 * 60, 18 * 60]] for day in DAYS[:5]}
    always = {day: [[0, 24 * 60]] for day in DAYS}
    for key, name, weekly in ((OFFICE, "Office hours", office), (ALWAYS, "Always", always)):
        if BusinessCalendar.objects.filter(key=key).exists():
            continue
        first = not BusinessCalendar.objects.filter(is_default=True).exists()
        try:
            create_calendar(
                key=key, name=name, time_zone=zone, weekly=weekly,
                is_default=first and key == OFFICE, actor=actor, now=now,
            )  # fmt: skip
        except (IntegrityError, ValidationError):
            if not BusinessCalendar.objects.filter(key=key).exists():
                raise
            log.info("calendar is there already", calendar=key)  # set up twice at one moment


# -- versions


def _lock(calendar: BusinessCalendar) -> BusinessCalendar:
    return BusinessCalendar.objects.select_for_update(of=("self",)).get(pk=calendar.pk)


def _make_default(row: BusinessCalendar) -> None:
    if row.archived_at is not None:
        raise Conflict("This calendar is archived. Bring it back first.")
    for other in BusinessCalendar.objects.filter(is_default=True).exclude(pk=row.pk):
        other.is_default = False
        other.save(update_fields=["is_default"])
    row.is_default = True
    row.save(update_fields=["is_default"])


@transaction.atomic
def _refresh(
    calendar: BusinessCalendar, *, actor: Actor, now: datetime, zone_data: bool
) -> CalendarVersion:
    newest = current_version(_lock(calendar))
    said = _said_by(newest)
    says = checked(said, now)
    if zone_data and newest.tzdata != zonedata.release():
        note = f"Time zone data {zonedata.release()}"
    elif says != said:
        note = "Public holidays"
    else:
        return newest
    return _succeed(newest, says, note, actor, now)


def _said_by(version: CalendarVersion) -> Says:
    return Says(version.time_zone, version.weekly, version.exceptions, version.regions)


def _succeed(
    newest: CalendarVersion, says: Says, note: str, actor: Actor, now: datetime
) -> CalendarVersion:
    version = _add_version(newest.calendar, newest.number + 1, says, note, actor, now)
    events.publish(CalendarChanged(newest.calendar_id, newest.pk, version.pk, now))
    return version


def _add_version(
    calendar: BusinessCalendar, number: int, says: Says, note: str, actor: Actor, now: datetime
) -> CalendarVersion:
    version = CalendarVersion(
        calendar=calendar, number=number, time_zone=says.time_zone, weekly=says.weekly,
        exceptions=says.exceptions, regions=says.regions, note=note.strip()[:200],
        tzdata=zonedata.release(), created_at=now, **actor.columns(),
    )  # fmt: skip
    version.full_clean(validate_constraints=False)
    version.save()
    return version
