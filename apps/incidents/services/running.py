"""What an incident starts with: the tasks of its severity and type."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.core.audit import Actor
from apps.incidents.models import Incident, IncidentTask, TaskTemplate
from apps.incidents.services.timeline import record


@transaction.atomic
def make_tasks(*, incident: Incident, actor: Actor, now: datetime) -> list[IncidentTask]:
    """The tasks of the templates that fit, each once for an incident; answers those that are new.

    Called when it is declared, and again when its severity rises or its type becomes known: what
    was asked for then comes on top. A template counts for its severity and worse ones.
    """
    given = incident.tasks.filter(template__isnull=False).values("template_id")
    wanted = (
        TaskTemplate.objects.filter(archived_at=None)
        .filter(Q(severity="") | Q(severity__gte=incident.severity))  # SEV1 sorts before SEV2
        .filter(Q(type=None) | Q(type=incident.type_id))
        .exclude(pk__in=given)
        .order_by("position", "pk")
    )
    start = incident.declared_at or now
    made = [_task(incident, template, start, now) for template in wanted]
    IncidentTask.objects.bulk_create(made)
    if made:
        noun = "task" if len(made) == 1 else "tasks"
        text = f"{len(made)} {noun} from the book: {'; '.join(task.text for task in made)}"
        record(incident=incident, what="tasks", text=text[:2000], actor=actor, now=now)
    return made


def _task(
    incident: Incident, template: TaskTemplate, start: datetime, now: datetime
) -> IncidentTask:
    seconds = template.due_after_seconds
    return IncidentTask(
        incident=incident,
        text=template.text,
        role=template.role,
        template=template,
        position=template.position,
        due_at=start + timedelta(seconds=seconds) if seconds is not None else None,
        created_at=now,
    )
