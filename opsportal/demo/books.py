"""The team's runbooks: one for each kind of incident that the demo tells of, in various health."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from apps.core import audit
from apps.ownership.models import Surface
from apps.runbooks import services as runbooks
from apps.runbooks.models import Execution, Runbook, RunbookReview, RunbookStep, StepResult
from opsportal.demo.stage import Beats, Stage

FOLDER = Path(__file__).parent / "runbooks"


@dataclass(frozen=True)
class Book:
    """Who answers for a runbook, who wrote it, who approved it."""

    key: str
    owner: str
    backup: str
    author: str
    approver: str = "nora"


BOOKS = (
    Book("rb-snowflake-timeouts", "mara", "tomas", "tomas", "mara"),
    Book("rb-deploy-rollback", "jonas", "aiko", "aiko", "jonas"),
    Book("rb-secret-rotation", "jonas", "aiko", "jonas"),
    Book("rb-bigquery-quota", "mara", "tomas", "mara"),
    Book("rb-type-regression", "priya", "mara", "priya"),
)
DRAFT = Book("rb-pack-drift", "dele", "ines", "ines")


def shelve(stage: Stage) -> list[int]:
    """Approved long ago, by somebody else than the author; answers the runbooks' ids."""
    for book in BOOKS:
        _write(book, stage, approve=True)
    _write(DRAFT, stage, approve=False)
    return list(Runbook.objects.values_list("pk", flat=True))


def _write(book: Book, stage: Stage, *, approve: bool) -> None:
    cast, now = stage.cast, stage.now
    author = cast[book.author]
    version = runbooks.bring(
        text=(FOLDER / f"{book.key}.yaml").read_text(encoding="utf-8"),
        author=author,
        surfaces=Surface.objects.current(),
        actor=audit.person(author),
        now=now,
        form="yaml",
    )
    runbook = version.runbook
    runbooks.edit(
        runbook=runbook,
        owner=cast[book.owner],
        backup=cast[book.backup],
        actor=audit.person(author),
        now=now,
    )
    if approve:
        runbooks.submit(version=version, actor=audit.person(author), now=now)
        yes = cast[book.approver]
        runbooks.approve(version=version, person=yes, actor=audit.person(yes), now=now)


def run(stage: Stage, key: str, who: str, incident: str = "") -> Execution:
    """Somebody opens a runbook, for an incident or alone."""
    version = Runbook.objects.get(key=key).versions.get(status="approved")
    context = ("", "", "")
    if incident:
        found = stage.incident(incident)
        context = ("incident", found.ref, f"/incidents/{found.ref}/")
    person = stage.cast[who]
    return runbooks.start(
        version=version,
        person=person,
        actor=audit.person(person),
        now=stage.now,
        context=context,
    )


def step(
    stage: Stage, run: Execution, who: str, position: int, output: str = "", status: str = "done"
) -> None:
    """One step is done, or came out otherwise."""
    person = stage.cast[who]
    irreversible = RunbookStep.objects.get(version=run.version, position=position).is_irreversible
    runbooks.record_step(
        execution=run,
        step_position=position,
        status=status,
        output=output,
        confirmed=irreversible,
        person=person,
        actor=audit.person(person),
        now=stage.now,
    )


def rehearsal(stage: Stage) -> Beats:
    """The rollback is rehearsed alone; billing's is only read."""
    yield stage.day(30, "10:00")
    done = run(stage, "rb-deploy-rollback", "aiko")
    for position in range(1, 8):
        yield stage.day(30, "10:00") + timedelta(minutes=4 * position)
        said = "On the playground." if position == 4 else ""
        if position == 6:
            step(stage, done, "aiko", position, "Going back was safe.", "skipped")
        else:
            step(stage, done, "aiko", position, said)
    runbooks.complete(execution=done, actor=audit.person(stage.cast["aiko"]), now=stage.now)
    yield stage.day(16, "15:00")
    runbooks.review(
        runbook=Runbook.objects.get(key="rb-type-regression"),
        outcome=RunbookReview.Outcome.NEEDS_WORK,
        note="Step 4 does not say who signs the message to customers.",
        actor=audit.person(stage.cast["mara"]),
        now=stage.now,
    )


def finish(stage: Stage, run: Execution, who: str) -> None:
    """The rest of a run is done, and it is over."""
    for row in StepResult.objects.filter(execution=run, status="pending").select_related("step"):
        step(stage, run, who, row.step.position)
    runbooks.complete(execution=run, actor=audit.person(stage.cast[who]), now=stage.now)
