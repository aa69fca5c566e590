"""Somebody is switched off: their runbooks go to the backup, or somebody is told to find one."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.runbooks.models import Runbook
from apps.runbooks.services import telling


@transaction.atomic
def free_runbooks(*, person_id: int, actor: Actor, now: datetime) -> int:
    """Hand over what somebody held who is not here any more; answers how many runbooks."""
    person = Person.objects.get(pk=person_id)
    held = Runbook.objects.current().filter(Q(owner=person) | Q(backup=person)).order_by("pk")
    rows = list(held.select_related("owner", "backup").select_for_update(of=("self",), no_key=True))
    for runbook in rows:
        was_owner = runbook.owner_id == person.pk
        heir = runbook.backup if was_owner else None
        if heir is not None and not heir.is_active:
            heir = None
        if was_owner:
            runbook.owner = heir
        runbook.backup = None
        runbook.save(update_fields=["owner", "backup"])
        if was_owner:
            readers = [heir] if heir else [one for one, _ in telling.leads(runbook)]
            telling.handed_over(
                runbook=runbook, left=person, readers=readers, is_owner=heir is not None, now=now
            )
    return len(rows)
