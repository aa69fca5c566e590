"""The pages of an incident: locked before it, acknowledged and ended with it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.incidents.models import Incident
from apps.paging import services as paging
from apps.paging.models import Page


def page_ids(incident: Incident) -> list[int]:
    """The pages that belong to an incident."""
    return [int(ref) for ref in incident.links.filter(kind="page").values_list("ref", flat=True)]


def lock_pages(incident: Incident) -> list[Page]:
    """Lock the incident's pages before the incident, as everybody does."""
    return paging.lock(page_ids(incident))


def end_duties(incident: Incident, actor: Actor, now: datetime) -> None:
    """Nobody is woken any more for what is over; firing alerts stay the source's to resolve."""
    for page in Page.objects.filter(pk__in=page_ids(incident)).standing():
        paging.resolve(page=page, actor=actor, now=now)


@transaction.atomic
def acknowledge(*, incident: Incident, actor: Actor, person: Person | None, now: datetime) -> int:
    """Acknowledge every waiting page of the incident; answers how many there were."""
    waiting = [page for page in lock_pages(incident) if page.is_waiting]
    for page in waiting:
        paging.acknowledge(page=page, actor=actor, person=person, now=now)
    return len(waiting)
