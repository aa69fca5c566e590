"""What is to do while an incident lasts. What outlives it is a follow-up, not a task."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.text import one_line
from apps.core.transitions import move
from apps.incidents.models import Incident, IncidentTask
from apps.incidents.models.framework import Role
from apps.incidents.services.timeline import record

Status = IncidentTask.Status
MOST: Final = 200  # tasks an incident can have; a longer list is a project
STRANGE: Final = frozenset({Incident.Status.MERGED, Incident.Status.DECLINED})


@transaction.atomic
def add(
    *,
    incident: Incident,
    text: str,
    actor: Actor,
    now: datetime,
    role: str = "",
    assignee: Person | None = None,
    due_at: datetime | None = None,
) -> IncidentTask:
    """A task by hand. Raises Invalid for words that are missing or too long, a role that is not
    known and an assignee who is not active; Conflict once the incident takes no more."""
    locked = _lock(incident)
    words = _words(text)
    _check(role, assignee)
    if locked.tasks.count() >= MOST:
        raise Conflict(f"An incident has at most {MOST} tasks. Open a follow-up for the rest.")
    last = locked.tasks.aggregate(last=Max("position"))["last"] or 0
    task = IncidentTask.objects.create(
        incident=locked,
        text=words,
        role=role,
        assignee=assignee,
        due_at=due_at,
        position=min(last + 1, 32_000),
        created_at=now,
    )
    if assignee is not None:
        locked.participants.add(assignee)
    _say(task, f"Task: {words}{_whose(task)}", actor, now)
    return task


@transaction.atomic
def edit(
    *,
    task: IncidentTask,
    actor: Actor,
    now: datetime,
    text: str | None = None,
    role: str | None = None,
    due_at: datetime | None = None,
    clear_due: bool = False,
) -> IncidentTask:
    """Change what is named; None leaves a thing as it is, `clear_due` takes the date away."""
    task = _lock_task(task)
    words = task.text if text is None else _words(text)
    _check(task.role if role is None else role, None)
    was = task.text
    task.text = words
    task.role = task.role if role is None else role
    task.due_at = None if clear_due else due_at or task.due_at
    task.save(update_fields=["text", "role", "due_at"])
    if was != words:
        _say(task, f"Task reworded: {was} → {words}", actor, now)
    return task


@transaction.atomic
def change(
    *, task: IncidentTask, changes: Mapping[str, Any], actor: Actor, now: datetime
) -> IncidentTask:
    """Change text, role, due_at and assignee, all or none; what is not named stays as it is."""
    who: dict[str, Any] = {"actor": actor, "now": now}
    task = edit(
        task=task,
        text=changes.get("text"),
        role=changes.get("role"),
        due_at=changes.get("due_at"),
        clear_due="due_at" in changes and changes["due_at"] is None,
        **who,
    )
    if "assignee" in changes:
        task = assign(task=task, person=changes["assignee"], **who)
    return task


@transaction.atomic
def assign(
    *, task: IncidentTask, person: Person | None, actor: Actor, now: datetime
) -> IncidentTask:
    """Give a task to somebody, or to nobody. Again to the same person changes nothing."""
    task = _lock_task(task)
    _check("", person)
    if task.assignee_id == (person.pk if person else None):
        return task
    task.assignee = person
    task.save(update_fields=["assignee"])
    if person is not None:
        task.incident.participants.add(person)
    _say(task, f"{person.name if person else 'Nobody'} has the task: {task.text}", actor, now)
    return task


def finish(*, task: IncidentTask, actor: Actor, now: datetime, note: str = "") -> IncidentTask:
    """It is done. Raises IllegalTransition when it was ended already."""
    return _end(task, Status.DONE, "done", note, actor, now)


def drop(*, task: IncidentTask, actor: Actor, now: datetime, note: str = "") -> IncidentTask:
    """It is not needed here."""
    return _end(task, Status.DROPPED, "not needed", note, actor, now)


@transaction.atomic
def reopen(*, task: IncidentTask, actor: Actor, now: datetime, note: str = "") -> IncidentTask:
    """It was not done after all."""
    task = _lock_task(task)
    move(
        task, to=Status.OPEN, actor=actor, now=now, note=one_line(note)[:300], ended_at=None,
        ended_by_label="",
    )  # fmt: skip
    _say(task, _ended(task, "open again", note), actor, now)
    return task


@transaction.atomic
def _end(
    task: IncidentTask, to: str, said: str, note: str, actor: Actor, now: datetime
) -> IncidentTask:
    task = _lock_task(task)
    move(
        task, to=to, actor=actor, now=now, note=one_line(note)[:300], ended_at=now,
        ended_by_label=actor.label[:120],
    )  # fmt: skip
    _say(task, _ended(task, said, note), actor, now)
    return task


def _lock(incident: Incident) -> Incident:
    """The incident's row, locked before its tasks as everywhere."""
    locked = Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
    if locked.status in STRANGE:
        raise Conflict(f"{locked.ref} is {locked.get_status_display().lower()}.")
    return locked


def _lock_task(task: IncidentTask) -> IncidentTask:
    Incident.objects.select_for_update(of=("self",)).get(pk=task.incident_id)
    return IncidentTask.objects.select_related("incident").get(pk=task.pk)


def _words(text: str) -> str:
    words = one_line(text)
    if not 1 <= len(words) <= 300:
        said = "A task has 1 to 300 characters."
        raise Invalid(said, fields={"text": [said]})
    return words


def _check(role: str, assignee: Person | None) -> None:
    if role and role not in Role.values:
        raise Invalid("There is no such role.", fields={"role": ["Unknown."]})
    if assignee is not None and not assignee.is_active:
        raise Invalid(f"{assignee.name} is not active.", fields={"assignee": ["Not active."]})


def _whose(task: IncidentTask) -> str:
    return f" ({task.assignee.name})" if task.assignee else ""


def _ended(task: IncidentTask, said: str, note: str) -> str:
    words = one_line(note)[:300]
    return f"Task {said}: {task.text}" + (f" ({words})" if words else "")


def _say(task: IncidentTask, text: str, actor: Actor, now: datetime) -> None:
    record(
        incident=task.incident, what="task", text=text, actor=actor, now=now,
        subject=("task", str(task.pk), ""),
    )  # fmt: skip
