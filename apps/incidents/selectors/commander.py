"""Who commands an incident when nobody has said who."""

from __future__ import annotations

from datetime import datetime

from apps.accounts.models import Person
from apps.incidents.models import Incident
from apps.ownership import selectors as ownership
from apps.ownership.models import Surface
from apps.rotations import selectors as rotations

Named = Incident.Named
WHY = {
    Named.ON_CALL: "on call for it",
    Named.PRIMARY: "its primary owner",
    Named.BACKUP: "its backup owner",
    Named.LEAD: "lead of its team",
    Named.CHOSEN: "chosen",
}


def commander_for(surface: Surface | None, *, now: datetime) -> tuple[Person | None, str]:
    """(who, how: a value of `Incident.Named`); (None, "") when nobody can be found.

    On call for the surface, else its primary owner, else its backup, else the lead of its team.
    A surface without owners of its own has its parent's.
    """
    if surface is None:
        return None, ""
    schedule = rotations.schedule_of(surface)
    on_call = rotations.on_call(schedule, at=now) if schedule else []
    if on_call:
        return on_call[0], Named.ON_CALL
    line = [surface, surface.parent] if surface.parent else [surface]
    owners = ownership.owners_of(line, at=now)
    for one in line:
        if (primary := owners[one.pk].primary) is not None:
            return primary, Named.PRIMARY
        if (backup := owners[one.pk].backup) is not None:
            return backup, Named.BACKUP
    leads = [one.team.lead for one in line if one.team and one.team.lead]
    lead = next((one for one in leads if one.is_active), None)
    return (lead, Named.LEAD) if lead else (None, "")
