"""Somebody is switched off: what they promised goes to whoever answers for their work."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.models import Kind
from apps.followups.models import FollowUp
from apps.followups.services import log, telling
from apps.followups.services.people import heir
from apps.notifications import services as notifications


@transaction.atomic
def hand_over(*, person_id: int, actor: Actor, now: datetime) -> int:
    """Give what is still to be done to the lead of their team, else a manager; answers how many.

    The promised days stay. What is done keeps the name of who did it, until it does not hold.
    Where nobody is left to take it, it stays and is noted.
    """
    person = Person.objects.get(pk=person_id)
    found = FollowUp.objects.active().filter(owner=person).order_by("pk")
    rows = list(
        found.select_related("surface__team__lead").select_for_update(of=("self",), no_key=True)
    )
    heaps: dict[int, tuple[Person, str, list[FollowUp]]] = {}
    for row in rows:
        taken = heir(person, row.surface)
        _give(row, person, taken[0] if taken else None, actor, now)
        if taken and row.kind == Kind.REAL:
            heaps.setdefault(taken[0].pk, (*taken, []))[2].append(row)
    for reader, why, left in heaps.values():
        telling.inherited(person=reader, why=why, left=left, of=person, now=now)
    return len(rows)


def _give(row: FollowUp, person: Person, to: Person | None, actor: Actor, now: datetime) -> None:
    gone = f"as {person.first_name} is no longer active"
    if to is None:
        text = f"Nobody is here to take it over, {gone}."
    else:
        FollowUp.objects.filter(pk=row.pk).update(owner=to, version=F("version") + 1)
        row.owner, row.version = to, row.version + 1
        text = f"Owner: {person.name} → {to.name}, {gone}."
    notifications.cancel(subject=("follow_up", str(row.pk)), now=now)
    log.write(follow_up=row, what="edited", text=text, actor=actor, now=now)
