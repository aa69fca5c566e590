"""Which tickets belong to an incident, and which incidents a ticket belongs to.

The incident's own links are the truth (`IncidentLink` of kind `ticket`); a ticket's link shows it
on the ticket.
"""

from __future__ import annotations

from apps.incidents.models import Incident, IncidentLink
from apps.support.models import Ticket

KIND = "ticket"


def number(ref: str, prefix: str) -> int:
    """7 of TCK-7; 0 of what is no reference."""
    digits = ref.upper().removeprefix(prefix)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0


def tickets_of(incident: Incident) -> list[Ticket]:
    """The tickets of an incident, lowest first; a merged one counts as the one it went into.

    Only those of the incident's own kind: a drill answers nobody's real ticket.
    """
    refs = incident.links.filter(kind=KIND).values_list("ref", flat=True)
    wanted = {number(ref, "TCK-") for ref in refs} - {0}
    found: dict[int, Ticket] = {}
    for _ in range(20):  # a chain of merges; each round follows one step of all of them
        rows = Ticket.objects.filter(pk__in=wanted, kind=incident.kind)
        fresh = list(rows.select_related("queue", "merged_into"))
        going_on = [one for one in fresh if one.status != Ticket.Status.MERGED]
        found |= {one.pk: one for one in going_on}
        wanted = {
            one.merged_into_id for one in fresh if one.merged_into_id is not None
        } - found.keys()
        if not wanted:
            break
    return [found[pk] for pk in sorted(found)]


def incidents_of(ticket: Ticket) -> list[Incident]:
    """The incidents that a ticket belongs to, newest first; of a merged one the one it went into.

    Declined ones are left out.
    """
    went_in = Ticket.objects.filter(merged_into=ticket).values_list("pk", flat=True)
    refs = [f"TCK-{pk}" for pk in (ticket.pk, *went_in)]
    ids = IncidentLink.objects.filter(kind=KIND, ref__in=refs).values_list("incident_id", flat=True)
    found: dict[int, Incident] = {}
    for row in Incident.objects.filter(pk__in=set(ids)).order_by("-detected_at"):
        here = row
        for _ in range(20):
            if here.merged_into is None:
                break
            here = here.merged_into
        if here.status not in {Incident.Status.DECLINED, Incident.Status.MERGED}:
            found.setdefault(here.pk, here)
    return list(found.values())


def is_tied(ticket: Ticket) -> bool:
    """Whether the ticket, or one that went into it, belongs to any incident."""
    went_in = Ticket.objects.filter(merged_into=ticket).values_list("pk", flat=True)
    refs = [f"TCK-{pk}" for pk in (ticket.pk, *went_in)]
    return IncidentLink.objects.filter(kind=KIND, ref__in=refs).exists()
