"""A step was wrong: somebody will mend it, and until then the runbook says so."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.models import Kind
from apps.core.text import clip, one_line
from apps.followups import services as followups
from apps.followups.models import FollowUp
from apps.runbooks.models import Execution, Runbook, RunbookVersion, StepResult
from apps.runbooks.services import running

MEND_WITHIN = timedelta(days=14)
SHORTEST_NOTE = 10


@transaction.atomic
def say_wrong(
    *,
    execution: Execution,
    step_position: int,
    note: str,
    person: Person | None,
    actor: Actor,
    now: datetime,
) -> FollowUp:
    """Say that a step of the runbook is wrong, also after the run: opens a follow-up for the owner
    (else the backup, else whoever says it) and marks the version as suspect.

    While a follow-up about the same step is still to be done, that one is answered.
    """
    run = running.held(execution)
    result = running.result_at(run, step_position)
    said = note.strip()
    if not SHORTEST_NOTE <= len(said) <= 10_000:
        text = f"Say what is wrong with it, in at least {SHORTEST_NOTE} characters."
        raise Invalid(text, fields={"note": [text]})
    if result.was_wrong:
        raise Conflict(
            f"That step {step_position} is wrong was said before; see {result.follow_up_ref}.",
            code="said_already",
        )
    follow_up = _standing(result) or _open(run, result, said, person, actor, now)
    StepResult.objects.filter(pk=result.pk).update(was_wrong=True, follow_up_ref=follow_up.ref)
    _suspect(run.version, result, said, actor, now)
    text = f"{actor.label} said that step {step_position} is wrong: {clip(one_line(said), 300)}"
    running.tell_record(run, "wrong", f"{text} ({follow_up.ref})", actor, now)
    return follow_up


def _standing(result: StepResult) -> FollowUp | None:
    """What is being done about this very step already."""
    others = StepResult.objects.filter(step_id=result.step_id, was_wrong=True)
    refs = others.exclude(follow_up_ref="").values_list("follow_up_ref", flat=True)
    pks = [int(ref.rpartition("-")[2]) for ref in refs]
    found = FollowUp.objects.active().filter(pk__in=pks, is_restricted=False)
    return found.order_by("pk").first()


def _open(
    run: Execution,
    result: StepResult,
    said: str,
    person: Person | None,
    actor: Actor,
    now: datetime,
) -> FollowUp:
    runbook, step = run.version.runbook, result.step
    owner = _owner(runbook, person)
    return followups.open_follow_up(
        title=clip(f"Mend step {step.position} of {runbook.key}: {step.title}", 200),
        details=f"In {run.ref}, {actor.label} said of version {run.version.number}:\n\n{said}",
        acceptance=(
            f"A new version of {runbook.key} with step {step.position} mended is approved, and a "
            "run of it is completed in which nobody says that a step is wrong."
        ),
        aim=FollowUp.Aim.DOCS,
        priority=FollowUp.Priority.P2,
        owner=owner,
        due_on=(now + MEND_WITHIN).astimezone(ZoneInfo(owner.time_zone)).date(),
        source=("runbook", runbook.key, f"/runbooks/{runbook.key}/", runbook.title),
        surface=runbook.surfaces.order_by("key").first(),
        kind=Kind.TEST if run.kind == Kind.TEST else Kind.REAL,
        is_restricted=run.is_restricted,
        actor=actor,
        now=now,
    )


def _owner(runbook: Runbook, person: Person | None) -> Person:
    for one in (runbook.owner, runbook.backup, person):
        if one is not None and one.is_active:
            return one
    raise Invalid(
        f"{runbook.key} has no owner who could mend it. Give it one first.", code="no_owner"
    )


def _suspect(
    version: RunbookVersion, result: StepResult, said: str, actor: Actor, now: datetime
) -> None:
    """The latest doubt stands on the version; those before are in its history."""
    text = f"Step {result.step.position}: {clip(one_line(said), 500)} ({actor.label})"
    if result.execution.is_restricted:
        text = f"Step {result.step.position}: said in a run that not everybody may see."
    RunbookVersion.objects.filter(pk=version.pk).update(suspect_at=now, suspect_note=text)
