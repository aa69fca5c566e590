"""What incidents answer to those below: who is on a restricted one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from apps.accounts.models import Person
from apps.incidents.models import Incident

_REF = re.compile(r"INC-([0-9]{1,18})")
RESTRICTED = Incident.Visibility.RESTRICTED


class IncidentAccess:
    """Follow-ups of a restricted incident are seen by those on it."""

    kind = "incident"

    def refs(self, *, person: Person) -> Iterable[str]:
        rows = Incident.objects.visible_to(person).filter(visibility=RESTRICTED)
        named = Concat(Value("INC-"), Cast("pk", CharField()), output_field=CharField())
        return rows.annotate(named=named).values_list("named", flat=True)

    def is_restricted(self, *, ref: str) -> bool:
        match = _REF.fullmatch(ref)
        rows = Incident.objects.filter(visibility=RESTRICTED)
        return match is not None and rows.filter(pk=int(match[1])).exists()
