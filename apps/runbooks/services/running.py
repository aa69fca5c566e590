"""A runbook is run: one version, step by step, with who, when and what came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction

from apps.accounts.models import Person
from apps.core import events
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.models import Kind
from apps.core.safe_json import scrub_text
from apps.core.text import clip, one_line
from apps.core.transitions import move, settle
from apps.runbooks import guidance
from apps.runbooks.events import ExecutionNoted
from apps.runbooks.guidance import Advice
from apps.runbooks.models import Execution, RunbookStep, RunbookVersion, StepResult
from apps.runbooks.services.contexts import check_context
from apps.runbooks.services.writing import check_intact

Result = StepResult.Status
MOST_OUTPUT = 20_000  # characters
ENDED = (Result.DONE, Result.FAILED, Result.SKIPPED)
_SAID = {
    Result.DONE: "done",
    Result.FAILED: "not as expected",
    Result.SKIPPED: "skipped",
    Result.IN_PROGRESS: "begun",
    Result.PENDING: "put back",
}


@dataclass(frozen=True)
class Recorded:
    """What was kept of a step; `advice` is what the step says to do when it failed; `next` the
    position of the step to do now, None when none is left."""

    result: StepResult
    advice: Advice | None = None
    next: int | None = None


@transaction.atomic
def start(
    *,
    version: RunbookVersion,
    person: Person | None,
    actor: Actor,
    now: datetime,
    context: tuple[str, str, str] = ("", "", ""),
    kind: str = Kind.REAL,
    is_restricted: bool = False,
    watchers: Sequence[Person] = (),
) -> Execution:
    """Begin a run of an approved version; a drill or a test may run a draft.

    `context` is kind, reference and address of what it is for: ("incident", "INC-7",
    "/incidents/INC-7/"). `watchers` see a restricted run beside managers and who began it.
    """
    row = RunbookVersion.objects.select_related("runbook").get(pk=version.pk)
    check_context(context)
    _may_start(row, kind)
    check_intact(row)
    execution = Execution.objects.create(
        version=row,
        kind=kind,
        context_kind=context[0],
        context_ref=context[1],
        context_url=context[2],
        is_restricted=is_restricted,
        started_by=person,
        started_at=now,
    )
    steps = RunbookStep.objects.filter(version=row).order_by("position")
    StepResult.objects.bulk_create([StepResult(execution=execution, step=step) for step in steps])
    if watchers:
        execution.watchers.set(watchers)
    said = f"{actor.label} started the runbook {row.runbook.title}, version {row.number}."
    tell_record(execution, "started", said, actor, now)
    return execution


def _may_start(version: RunbookVersion, kind: str) -> None:
    if kind not in Kind.values:
        raise Invalid("Say what the run is for.", fields={"kind": ["No such kind."]})
    status = version.status
    if status == RunbookVersion.Status.APPROVED:
        return
    drafts = {RunbookVersion.Status.DRAFT, RunbookVersion.Status.IN_REVIEW}
    if kind in {Kind.DRILL, Kind.TEST} and status in drafts and version.steps.exists():
        return
    raise Conflict(
        f"{version} is {version.get_status_display().lower()}. Only an approved version is run; "
        "a drill may run a draft.",
        code="not_approved",
    )


def tell_record(execution: Execution, what: str, text: str, actor: Actor, now: datetime) -> None:
    """Tell whoever keeps the record of the run's context."""
    events.publish(ExecutionNoted(execution.pk, what, text, now, actor))


def held(execution: Execution) -> Execution:
    """The run as it stands, locked: all that happens in it happens one after the other."""
    rows = Execution.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("version__runbook").get(pk=execution.pk)


# -- steps


@transaction.atomic
def record_step(
    *,
    execution: Execution,
    step_position: int,
    status: str,
    output: str = "",
    evidence_url: str = "",
    confirmed: bool = False,
    person: Person | None,
    actor: Actor,
    now: datetime,
    was: str | None = None,
) -> Recorded:
    """Keep what came out of a step: in_progress, done, failed or skipped (with a reason).

    `was` is the state that the reader saw: Conflict `stale` when somebody else was faster. A step
    that cannot be undone is begun or done only when `confirmed`: before that Conflict
    `confirm_needed`. The answer to a failed step says what its author wants done then.
    """
    run = held(execution)
    _goes_on(run)
    result = result_at(run, step_position)
    _not_stale(result, was)
    said, url = _checked(status, output, evidence_url)
    confirmed_at = _confirmed(result, status, confirmed, now)
    # A change of mind replaces what was written; what is only begun or now ended keeps it.
    kept = StepResult() if {result.status, status} <= set(ENDED) else result
    settle(
        result,
        to=status,
        by=person,
        by_label=actor.label[:120],
        at=now,
        output=said or kept.output,
        evidence_url=url or kept.evidence_url,
        confirmed_at=confirmed_at,
    )
    tell_record(run, "step", sentence_of(result, actor), actor, now)
    advice = guidance.advice(_plain(result.step)) if status == Result.FAILED else None
    return Recorded(result, advice, next_position(run, after=step_position, advice=advice))


def _goes_on(run: Execution) -> None:
    if run.status == Execution.Status.PAUSED:
        raise Conflict(f"{run.ref} is paused. Resume it first.", code="paused")
    if run.status != Execution.Status.RUNNING:
        state = run.get_status_display().lower()
        raise Conflict(f"{run.ref} is {state}. Nothing is recorded in it any more.", code="ended")


def result_at(run: Execution, position: int) -> StepResult:
    """The row of the step at a position, counted from 1."""
    rows = StepResult.objects.select_related("step", "by")
    found = rows.filter(execution=run, step__position=position).first()
    if found is None:
        raise NotFound(f"{run.ref} has no step {position}.")
    return found


def _not_stale(result: StepResult, was: str | None) -> None:
    if was is not None and was != result.status:
        state = result.get_status_display().lower()
        raise Conflict(
            f"{result.by_label or 'Somebody'} was faster: step {result.step.position} is {state}. "
            "Look at what they wrote before you change it.",
            code="stale",
        )


def _checked(status: str, output: str, evidence_url: str) -> tuple[str, str]:
    said, url = scrub_text(output).strip(), evidence_url.strip()
    fields: dict[str, list[str]] = {}
    if status not in Result.values or status == Result.PENDING:
        fields["status"] = ["Say whether it is in_progress, done, failed or skipped."]
    if status == Result.SKIPPED and not said:
        fields["output"] = ["Say why it is skipped."]
    if len(said) > MOST_OUTPUT:
        fields["output"] = [f"At most {MOST_OUTPUT:,} characters: link to the rest."]
    if url and not _is_address(url):
        fields["evidence_url"] = ["Use an address that begins with https:// or http://."]
    if fields:
        raise Invalid(" ".join(text for texts in fields.values() for text in texts), fields=fields)
    return said, url


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = url.isprintable() and " " not in url
    return plain and len(url) <= 500 and parts.scheme in {"http", "https"} and bool(parts.netloc)


def _confirmed(result: StepResult, status: str, confirmed: bool, now: datetime) -> datetime | None:
    """When the second yes was given. Beginning again asks again."""
    needs = result.step.is_irreversible and status in {Result.IN_PROGRESS, Result.DONE}
    if not needs:
        return result.confirmed_at
    if confirmed:
        return now
    if status == Result.DONE and result.status == Result.IN_PROGRESS and result.confirmed_at:
        return result.confirmed_at
    raise Conflict(
        f"Step {result.step.position} cannot be undone. Read it once more and say yes again.",
        code="confirm_needed",
    )


def sentence_of(result: StepResult, actor: Actor) -> str:
    """One line for a timeline: `Step 3 done: Turn the flag off. The queue drains. (Ravi Rao)`."""
    step = result.step
    said = one_line(result.output)
    tail = f" {clip(said, 300)}" if said else ""
    head = f"Step {step.position} {_SAID[Result(result.status)]}: {step.title}."
    return f"{head}{tail} ({result.execution.ref}, {actor.label})"


def _plain(step: RunbookStep) -> guidance.Way:
    return guidance.Way(step.position, step.on_fail, step.on_fail_step, step.on_fail_text)


def next_position(run: Execution, *, after: int, advice: Advice | None = None) -> int | None:
    """Where to look now: where a failed step sends one, else the next that is still to be done."""
    if advice is not None and advice.goto is not None:
        return advice.goto
    left = StepResult.objects.filter(execution=run).exclude(status__in=ENDED)
    rows = list(left.order_by("step__position").values_list("step__position", flat=True))
    return next((position for position in rows if position > after), rows[0] if rows else None)


# -- the run as a whole


@transaction.atomic
def pause(*, execution: Execution, actor: Actor, now: datetime, reason: str = "") -> Execution:
    """Stop for a while; nothing in a paused run is recorded until it is resumed."""
    run = held(execution)
    move(run, to=Execution.Status.PAUSED, actor=actor, now=now, note=reason.strip())
    _tell(run, "paused", f"{actor.label} paused {run.ref}.", reason, actor, now)
    return run


@transaction.atomic
def resume(*, execution: Execution, actor: Actor, now: datetime) -> Execution:
    """Go on where it was paused."""
    run = held(execution)
    move(run, to=Execution.Status.RUNNING, actor=actor, now=now)
    _tell(run, "resumed", f"{actor.label} resumed {run.ref}.", "", actor, now)
    return run


@transaction.atomic
def complete(*, execution: Execution, actor: Actor, now: datetime, note: str = "") -> Execution:
    """End a run whose every step is done, failed or skipped; Conflict `steps_left` before."""
    run = held(execution)
    rows = StepResult.objects.filter(execution=run).exclude(status__in=ENDED)
    left = list(rows.order_by("step__position").values_list("step__position", flat=True))
    if left and run.status == Execution.Status.RUNNING:
        which = ", ".join(str(position) for position in left[:10])
        more = f" and {len(left) - 10} more" if len(left) > 10 else ""
        raise Conflict(
            f"Still to be done: {'step' if len(left) == 1 else 'steps'} {which}{more}. Record each "
            "as done, not as expected, or skipped with a reason; or abandon the run.",
            code="steps_left",
        )
    said = note.strip()
    move(
        run, to=Execution.Status.COMPLETED, actor=actor, now=now, note=said,
        ended_at=now, ended_reason=said,
    )  # fmt: skip
    _tell(run, "completed", f"{actor.label} completed {run.ref}.", said, actor, now)
    return run


@transaction.atomic
def abandon(*, execution: Execution, reason: str, actor: Actor, now: datetime) -> Execution:
    """End a run before its end; why stands in the record."""
    run, said = held(execution), reason.strip()
    if not said:
        raise Invalid("Say why it is abandoned.", fields={"reason": ["Say why."]})
    move(
        run, to=Execution.Status.ABANDONED, actor=actor, now=now, note=said,
        ended_at=now, ended_reason=said,
    )  # fmt: skip
    _tell(run, "abandoned", f"{actor.label} abandoned {run.ref}.", said, actor, now)
    return run


def transition(
    *, execution: Execution, to: str, reason: str, actor: Actor, now: datetime
) -> Execution:
    """Pause, resume (`running`), complete or abandon, by the name of the state."""
    match to:
        case Execution.Status.PAUSED:
            return pause(execution=execution, reason=reason, actor=actor, now=now)
        case Execution.Status.RUNNING:
            return resume(execution=execution, actor=actor, now=now)
        case Execution.Status.COMPLETED:
            return complete(execution=execution, note=reason, actor=actor, now=now)
        case Execution.Status.ABANDONED:
            return abandon(execution=execution, reason=reason, actor=actor, now=now)
    raise Invalid("There is no such state of a run.", fields={"to": ["No such state."]})


def _tell(run: Execution, what: str, text: str, more: str, actor: Actor, now: datetime) -> None:
    tail = clip(one_line(more), 300)
    tell_record(run, what, f"{text} {tail}".strip(), actor, now)
