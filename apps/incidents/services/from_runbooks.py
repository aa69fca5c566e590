"""What happens in a run of a runbook stands in the timeline of the incident that it is for."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import transaction

from apps.core.audit import Actor
from apps.incidents.models import Incident, IncidentLink
from apps.incidents.services.links import link
from apps.incidents.services.timeline import record
from apps.runbooks.models import Execution

_REF = re.compile(r"INC-([0-9]{1,18})")
NOTED = 2_000  # characters of what a step came to; the run itself keeps all of it


@transaction.atomic
def execution_noted(
    *, execution_id: int, what: str, text: str, actor: Actor, now: datetime
) -> None:
    """Write it down where the run's context is an incident, and keep the run among its links."""
    run = Execution.objects.select_related("version__runbook").get(pk=execution_id)
    named = _REF.fullmatch(run.context_ref) if run.context_kind == "incident" else None
    incident = Incident.objects.filter(pk=int(named[1])).first() if named else None
    if incident is None:
        return
    url = f"/runbooks/runs/{run.ref}/"
    if not IncidentLink.objects.filter(incident=incident, kind="run", ref=run.ref).exists():
        label = f"{run.version.runbook.title}, version {run.version.number}"
        link(incident, "run", run.ref, url, label, now)
    record(
        incident=incident,
        what=f"run_{what}"[:30],
        text=text[:NOTED],
        actor=actor,
        now=now,
        subject=("run", run.ref, url),
    )
